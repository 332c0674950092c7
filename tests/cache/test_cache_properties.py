"""Whatever changes in whatever order: what is kept says the same as what is built anew, at every address."""

import json
import random
from io import BytesIO

import pytest

from newsapi.app import WRITE_HOOKS
from newsapi.cache import dependencies, memory_cache
from newsapi.content.presentation import listed_articles
from newsapi.imports import loader as import_loader
from newsapi.web.feed_formats import FEED_FORMATS
from tests.support.import_records import IDS, arbitrary, lines

QUERIES = [
    "",
    "limit=3",
    "brand=b0",
    "brand=b0,b9",
    "brand=b1&section=t0",
    "group=b0",
    "group=b1&sort=updated_at",
    "mentions=b1",
    "about=b2&total=true",
    "author=t0",
    "author=t0&include=authors",
    "section=t1",
    "tag=t3",
    "tag=t1&brand=b2&fields=slug,tags.name",
    "tag=t8",
    "format=gallery",
    "language=en",
    "language=de",
    "include=brand",
    "include=section&limit=2",
    "slug=a1,a2,a3",
    "slug=a1,a2,a3&fields=body_html",
    f"id={','.join(IDS)}",
    f"id={IDS[0]}&brand=b1",
    "published_from=2016-12-31&sort=published_at",
    "updated_until=2018-01-01",
    "q=due",
    "q=testo&brand=b1&sort=updated_at",
]
SEARCHES = [
    "q=due",
    "q=testo&limit=3&total=true",
    "q=un",
    "q=testo&brand=b0&facets=brand,section,author,tag,format",
    "q=testo -due&group=b0",
    "q=xqz",
]
ONES = [*(f"a{number}" for number in range(8)), *(f"v{number}" for number in range(4)), *IDS]
ENDINGS = ["", "/related", "/jsonld", "?include=related,brand,authors", "?fields=headline,mentions"]
ADDRESSES = [
    *(f"/v1/articles?{query}" for query in QUERIES),
    *(f"/v1/articles/{one}{ending}" for one in ONES for ending in ENDINGS),
    *(f"/v1/{kind}s" for kind in ("brand", "author", "section", "tag")),
    *(f"/v1/search?{query}" for query in SEARCHES),
    "/v1/suggest?q=t",
    "/v1/suggest?q=due",
    "/v1/brands?q=due&limit=2",
    "/v1/tags?limit=2",
    *(f"/v1/brands/b{number}" for number in range(5)),
    *(f"/v1/{kind}s/t{number}" for kind in ("author", "section", "tag") for number in range(3)),
    "/v1/brands/b1?include=articles",
    "/v1/authors/t0?include=articles",
    *(feed_format.path for feed_format in FEED_FORMATS),
    "/v1/feeds/articles.atom?brand=b0&limit=3",
    "/v1/feeds/articles.ninjs?tag=t1&section=t0",
    "/v1/feeds/articles.rss?group=b1,b9&language=it",
    "/v1/feeds/articles.json?author=t0",
    "/sitemap.xml",
    "/sitemap-1.xml",
    "/sitemap-2.xml",
]


@pytest.fixture
def pair(app, build, settings, monkeypatch):
    """Two clients on one database: of an application that keeps answers and items, and of one that keeps none."""
    monkeypatch.setattr(memory_cache, "ERROR_CACHE_BYTES", 0)
    monkeypatch.setattr(listed_articles, "MAX_ITEMS", 0)
    keeps_none = build(settings)
    keeps_none.extensions["newsapi"].response_cache.memory = memory_cache.MemoryCache(0)
    return app.test_client(), keeps_none.test_client()


def differences(pair, database, settings, clock, *, seed, rounds):
    """Change things at random, read everything after each change, and yield what was kept and not true."""
    keeping, anew = pair
    chance = random.Random(seed)
    hits = 0
    for _ in range(rounds):
        records = [arbitrary(chance) for _ in range(chance.choice([1, 1, 1, 2, 12]))]
        import_loader.import_records(
            database, settings, BytesIO(lines(*records)), hooks=WRITE_HOOKS, now=clock, reject=lambda *_: None
        )
        clock.forward(seconds=7)
        for address in ADDRESSES:
            kept, built = keeping.get(address), anew.get(address)
            hits += kept.headers["Cache-Status"] == "newsapi; hit"
            assert built.headers["Cache-Status"] == "newsapi; fwd=miss"
            if said(kept) != said(built):
                yield address, said(kept), said(built)
    assert hits > len(ADDRESSES)


def said(answer):
    """All that a client can tell; the id of a request apart."""
    names = ("ETag", "Content-Seq", "Link", "Location", "Content-Language", "Surrogate-Key")
    is_object = answer.data.startswith(b"{")
    body = (
        {name: value for name, value in json.loads(answer.data).items() if name != "request_id"}
        if is_object
        else answer.text
    )
    return answer.status_code, body, [answer.headers.get(name) for name in names]


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 12))])
def test_what_is_kept_says_what_is_built_anew(pair, database, settings, clock, seed):
    assert [*differences(pair, database, settings, clock, seed=seed, rounds=12)] == []


@pytest.mark.parametrize(
    "forgotten",
    [
        ("name_dependencies", lambda _records: ()),
        ("list_dependencies", lambda *_: ()),
        ("article_dependency", lambda _id: "article:none"),
        ("slug_dependency", lambda _slug: "slug:none"),
        ("named_article", lambda _text: "slug:none"),
    ],
    ids=lambda one: one[0],
)
@pytest.mark.timeout(240)  # it goes on until the fault is found
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_check_finds_what_a_word_too_few_does(pair, database, settings, clock, monkeypatch, forgotten):
    monkeypatch.setattr(dependencies, *forgotten)
    if forgotten[0] not in {
        "name_dependencies",
        "list_dependencies",
    }:  # whoever tells of a change must go on using the true words
        monkeypatch.setattr(dependencies, "dependencies_of_change", told_truly)
    assert next(differences(pair, database, settings, clock, seed=1, rounds=60), None)


def told_truly(change):
    yield from change.facets_before
    yield from change.facets_after
    yield f"{change.kind}:{change.slug}"
    if change.kind == "article":
        yield f"article:{change.subject_id}"
        yield from (f"slug:{text}" for text in (change.slug, change.previous_slug, *(change.additional_slugs or ())))
