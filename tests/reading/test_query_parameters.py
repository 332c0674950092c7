"""Every declared query parameter of a read has an effect.

A parameter that nothing reads would answer 200 and filter nothing.
"""

import re

import pytest

from newsapi.content.schemas.params import (
    ArticleListParams,
    ArticleParams,
    FeedParams,
    RelatedParams,
    TermParams,
)
from newsapi.reading import term_views
from newsapi.sync.schemas import ChangeListParams, DigestParams


def list_params(kind):
    """The class of the parameters of a list of terms, which is made from the schema of the terms."""
    [reads] = [reads for reads in term_views.READS if reads.list_cursor.name == kind]
    return type(reads.list_cursor.params)


FILTERED = {
    "brand": "tesla",
    "group": "jaguar-land-rover",
    "mentions": "tesla",
    "about": "tesla",
    "author": "anna-bianchi",
    "section": "anteprime",
    "tag": "batterie",
    "tag_all": "batterie,suv",
    "section_not": "anteprime",
    "exclude": "velar",
    "format": "gallery",
    "language": "en",
    "slug": "velar",
    "id": "018f0000-0000-7000-8000-00000000abcd",
    "published_from": "2017-01-01",
    "published_until": "2017-01-01",
    "updated_from": "2019-01-01",
    "updated_until": "2019-01-01",
    "limit": "1",
}
SHAPED = {"fields": "headline", "include": "brand"}
PARTNER = {name: FILTERED[name] for name in ("brand", "author", "section", "tag", "format", "language", "limit")}

EFFECTS = {
    "/v1/articles": (
        ArticleListParams,
        {**FILTERED, **SHAPED, "q": "fabbrica", "sort": "published_at", "total": "true"},
    ),
    "/v1/feeds/articles.json": (FeedParams, FILTERED),
    "/v1/articles/fabbrica": (ArticleParams, {**SHAPED, "include": "related"}),
    "/v1/articles/fabbrica?include=related": (ArticleParams, {"related_limit": "1", "related_exclude": "velar"}),
    "/v1/articles/fabbrica/related": (RelatedParams, {"limit": "1", "exclude": "velar"}),
    "/v1/brands": (
        list_params("brands"),
        {"limit": "1", "q": "tesla", "sort": "-article_count", "parent": "jaguar-land-rover", "fields": "name"},
    ),
    "/v1/brands/tesla": (TermParams, {"include": "articles"}),
    "/v1/changes": (ChangeListParams, {**PARTNER, "since": "12", "fields": "headline", "types": "brand"}),
    "/v1/digest": (
        DigestParams,
        {**{name: value for name, value in PARTNER.items() if name != "limit"}, "bucket": "1"},
    ),
}
"""By URL: the class of its parameters, and a value of each that changes the response of the sample content."""

ELSEWHERE = {
    "profile": "tests of cards; it cannot be combined with `fields`",
    "cursor": "tests of pages; it comes from a response",
    "min_seq": "tests of consistency; it changes no content",
    "preview": "tests of preview links; it needs a token",
    "status": "tests of drafts; it needs a key",
    "wait": "tests of long polling",
}
"""Parameters that other tests try, and why not here."""
CASES = [(url, name, value) for url, (_, values) in EFFECTS.items() for name, value in values.items()]


def names_of(schema):
    return {field.data_key or name for name, field in schema().declared_fields.items()}


SCHEMAS = sorted({schema for schema, _ in EFFECTS.values()}, key=lambda schema: schema.__name__)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.__name__)
def test_every_parameter_is_tried_or_named(schema):
    tried = {name for one, values in EFFECTS.values() if one is schema for name in values}
    assert names_of(schema) - tried - set(ELSEWHERE) == set()


def content(magazine, url):
    """The body of a response without its own URL and without what names the request."""
    answer = magazine.get(url)
    assert answer.status_code == 200, answer.text
    return {
        name: value for name, value in answer.json.items() if name not in {"links", "cursor", "feed_url", "next_url"}
    }


@pytest.mark.parametrize(("url", "name", "value"), CASES, ids=[f"{url} {name}" for url, name, _ in CASES])
def test_a_parameter_changes_the_response(magazine, url, name, value):
    sign = "&" if re.search(r"\?", url) else "?"
    assert content(magazine, f"{url}{sign}{name}={value}") != content(magazine, url)
