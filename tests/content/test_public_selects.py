"""No statement of a public read touches articles without the condition that hides what is not published."""

import re

import pytest

from newsapi.content.queries.visibility import is_visible

ID = "{id}"
READS = [
    *(f"/v1/articles{query}" for query in ("", "?limit=1", "?sort=updated_at", "?total=true", "?fields=body_html")),
    *(
        f"/v1/articles?{name}={value}"
        for name, value in (
            ("brand", "land-rover"),
            ("group", "jaguar-land-rover"),
            ("mentions", "fiat"),
            ("about", "fiat,land-rover"),
            ("author", "anna"),
            ("section", "mercato"),
            ("tag", "suv"),
            ("format", "article"),
            ("language", "it"),
            ("slug", "velar,bozza"),
            ("id", ID),
            ("published_from", "2016-01-01"),
            ("updated_until", "2030-01-01"),
        )
    ),
    "/v1/articles?brand=land-rover&tag=suv&total=true&updated_from=2016-01-01",
    "/v1/articles?include=brand,authors,section&fields=tags,mentions,previous_slugs,body_html",
    *(f"/v1/articles/{which}" for which in ("velar", ID, "vecchia", "bozza", "ritirata", "non-esiste")),
    "/v1/articles/velar?include=related,brand,authors,section",
    "/v1/articles/velar/related",
    *(f"/v1/{kind}" for kind in ("brands", "authors", "sections", "tags", "brands?q=land")),
    *(f"/v1/{one}?include=articles" for one in ("brands/land-rover", "authors/anna", "sections/mercato", "tags/suv")),
    *(f"/v1/changes{query}" for query in ("", "?since=1", "?brand=land-rover", "?tag=suv&author=anna&fields=headline")),
    "/v1/changes?types=article,brand,author,section,tag",
    *(f"/v1/digest{query}" for query in ("", "?brand=land-rover", "?tag=suv&author=anna", "?bucket=1", "?bucket=1.2")),
    "/healthz",
    "/readyz",
]
WORDS = re.compile(r"'[^']*'")
"""What a statement compares with: the word article is no table."""

TABLES = re.compile(r"\b(article|article_content)\b(?!\.)")
"""Links, lists and facets hold what is published only, or are reached from it; these two hold everything."""

MAY = re.compile(
    r"SELECT changelog_head\.seq|SELECT article\.id, article\.slug, article\.status, article\.withdrawal"
    r"|SELECT article\.id, article\.withdrawal \s*FROM article"
    r"|SELECT article\.id, article\.changed_at, article\.section_id, article\.language"
    r", article_content\.translation_group, brand_1\.slug AS brand, article_content\.picks"
)
"""`find` asks for the status itself, since it has to tell what is gone from what never was. What is related to an
article begins at the article, which was found."""


@pytest.fixture
def magazine(make):
    make.brand("jaguar-land-rover")
    make.brand("land-rover", parent="jaguar-land-rover")
    terms = {"brand": "land-rover", "section": "mercato", "authors": ["anna"], "tags": ["suv"], "mentions": ["fiat"]}
    make.articles(2, **terms)
    id_ = make.article("velar", **terms)
    make.old_slug("article", "vecchia", id_)
    make.article("bozza", status="draft", **terms)
    make.hide(make.article("ritirata", **terms))
    return id_


def test_articles_are_read_under_the_condition_alone(client, magazine, statements):
    condition = str(is_visible().compile()).partition(" = ")[0]
    seen = set()
    for url in READS:
        statements.clear()
        answer = client.get(url.replace(ID, str(magazine)))
        assert answer.status_code in {200, 308, 404, 410}, (url, answer.text)
        reading = [text for text in statements if TABLES.search(WORDS.sub("", text))]
        seen.update(reading)
        bare = [text for text in reading if f"{condition} = " not in text and not MAY.match(text)]
        assert not bare, (url, bare)
    assert len(seen) > 10


def test_what_is_hidden_is_in_no_answer(client, magazine, make):
    for url in READS:
        answer = client.get(url.replace(ID, str(magazine)))
        if "bozza" not in url and "ritirata" not in url and "slug=" not in url:
            assert "bozza" not in answer.text, url
            assert "ritirata" not in answer.text or url.startswith("/v1/changes"), url  # which tell that it went
