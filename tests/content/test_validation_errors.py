"""What is wrong on the way in is named by its JSON pointer, all of it at once."""

import pytest
from marshmallow import ValidationError

from newsapi.content.schemas.article_inputs import ArticleImport
from newsapi.content.schemas.terms import AuthorInput, BrandInput
from newsapi.web.wire import field_errors

GOOD = {
    "slug": "velar",
    "headline": "Velar",
    "body_html": "<p>Testo.</p>",
    "status": "published",
    "published_at": "2017-02-22T10:00:00Z",
}
PICTURE = {"url": "https://img.example.com/a.jpg"}


def places(schema, record):
    try:
        schema().load(record)
    except ValidationError as error:
        return sorted({fault.location for fault in field_errors(error.messages)})
    return []


REFUSED = [
    ({"slug": "Velar"}, "/slug"),
    ({"slug": "a" * 201}, "/slug"),
    ({"slug": "018f0000-0000-7000-8000-000000000000"}, "/slug"),
    ({"slug": "velar\n"}, "/slug"),
    ({"slug": None}, "/slug"),
    ({"translation_group": "a" * 201}, "/translation_group"),
    ({"translation_group": "a\nb"}, "/translation_group"),
    ({"translation_group": 7}, "/translation_group"),
    ({"headline": ""}, "/headline"),
    ({"headline": "  "}, "/headline"),
    ({"headline": "a\x00b"}, "/headline"),
    ({"headline": "a\nb"}, "/headline"),
    ({"headline": "a" * 501}, "/headline"),
    ({"headline": ["a"]}, "/headline"),
    ({"headline": 1}, "/headline"),
    ({"standfirst": "a\u2028b"}, "/standfirst"),
    ({"body_html": None}, "/body_html"),
    ({"body_html": "a" * 2_000_001}, "/body_html"),
    ({"language": "italiano-"}, "/language"),
    ({"format": "podcast"}, "/format"),
    ({"status": "live"}, "/status"),
    ({"published_at": None}, "/published_at"),
    ({"published_at": "2017-02-22T10:00:00"}, "/published_at"),
    ({"published_at": "2017-02-30"}, "/published_at"),
    ({"published_at": 1487757600}, "/published_at"),
    ({"published_precision": "minute"}, "/published_precision"),
    ({"updated_at": "2017-02-22"}, "/updated_at"),
    ({"brand": "Land Rover"}, "/brand"),
    ({"tags": ["a", "B"]}, "/tags/1"),
    ({"tags": ["a", "a"]}, "/tags"),
    ({"tags": [f"t-{n}" for n in range(101)]}, "/tags"),
    ({"tags": "a"}, "/tags"),
    ({"authors": [None]}, "/authors/0"),
    ({"image": {"url": "/a.jpg"}}, "/image/url"),
    ({"image": {"url": "javascript:alert(1)"}}, "/image/url"),
    ({"image": {"url": "https://"}}, "/image/url"),
    ({"image": {"url": "https://a b"}}, "/image/url"),
    ({"image": {"url": "https://a:99999/"}}, "/image/url"),
    ({"image": {}}, "/image/url"),
    ({"image": {**PICTURE, "width": 0}}, "/image/width"),
    ({"image": {**PICTURE, "width": "100"}}, "/image/width"),
    ({"image": {**PICTURE, "width": True}}, "/image/width"),
    ({"image": {**PICTURE, "width": 2**63}}, "/image/width"),
    ({"image": {**PICTURE, "focal": {"x": 1.5, "y": 0}}}, "/image/focal/x"),
    ({"image": {**PICTURE, "focal": {"x": float("nan"), "y": 0}}}, "/image/focal/x"),
    ({"image": {**PICTURE, "srcset": "a"}}, "/image/srcset"),
    ({"media": [{"kind": "image"}, {"kind": "film"}]}, "/media/1/kind"),
    ({"media": [{"kind": "video", "sources": [{"url": "a"}]}]}, "/media/0/sources/0/url"),
    ({"media": [{"kind": "video", "duration_seconds": -1}]}, "/media/0/duration_seconds"),
    ({"media": [{"kind": "video", "duration_seconds": float("inf")}]}, "/media/0/duration_seconds"),
    ({"source": {"name": "a", "url": "ftp://a"}}, "/source/url"),
    ({"canonical_url": "//a"}, "/canonical_url"),
    ({"corrections": [{"at": "2017-02-22T10:00:00Z"}]}, "/corrections/0/text"),
    ({"corrections": [{"at": "2017-02-22", "text": "a"}]}, "/corrections/0/at"),
    ({"rights": {"ai": "maybe"}}, "/rights/ai"),
    ({"rights": {"syndicatable": "true"}}, "/rights/syndicatable"),
    ({"rights": {"syndicatable": 1}}, "/rights/syndicatable"),
    ({"seo": []}, "/seo"),
    ({"id": "1"}, "/id"),
    ({"version": 3}, "/version"),
    ({"seq": 3}, "/seq"),
    ({"a/b~c": 3}, "/a~1b~0c"),
]


def test_the_smallest_article_is_taken():
    assert places(ArticleImport, GOOD) == []


@pytest.mark.parametrize(("change", "place"), REFUSED)
def test_what_is_wrong_is_named_by_its_pointer(change, place):
    assert places(ArticleImport, {**GOOD, **change}) == [place]


def test_what_is_missing_is_named_by_its_pointer():
    assert places(ArticleImport, {}) == ["/body_html", "/headline", "/slug", "/status"]


def test_everything_that_is_wrong_is_named_at_once():
    assert places(ArticleImport, {**GOOD, "slug": "A", "tags": ["B"], "rights": {"x": 1}}) == [
        "/rights/x",
        "/slug",
        "/tags/0",
    ]


@pytest.mark.parametrize("record", [[], None, 1, "a"])
def test_what_is_no_object_is_refused_as_a_whole(record):
    assert places(ArticleImport, record) == [""]


@pytest.mark.parametrize("field", ["standfirst", "canonical_url", "published_at"])
def test_an_empty_text_is_null_where_null_is_allowed(field):
    record = {**GOOD, "status": "draft", field: None}
    assert ArticleImport().load(record)[field] is None
    if field != "published_at":
        assert ArticleImport().load({**record, field: " "})[field] is None


def test_an_empty_alt_text_keeps_its_meaning():
    assert ArticleImport().load({**GOOD, "image": {**PICTURE, "alt": ""}})["image"]["alt"] == ""
    assert ArticleImport().load({**GOOD, "image": PICTURE})["image"]["alt"] is None


def test_a_draft_needs_no_time():
    assert places(ArticleImport, {**GOOD, "status": "draft", "published_at": None}) == []


@pytest.mark.parametrize(
    ("schema", "change", "place"),
    [
        (BrandInput, {"aliases": ["a", ""]}, "/aliases/1"),
        (BrandInput, {"parent": "Land Rover"}, "/parent"),
        (BrandInput, {"name": ""}, "/name"),
        (BrandInput, {"article_count": 1}, "/article_count"),
        (AuthorInput, {"email": "a\r\nBcc: b@example.com"}, "/email"),
        (AuthorInput, {"avatar": {"url": "data:image/png;base64,"}}, "/avatar/url"),
    ],
)
def test_terms_are_refused_by_pointer_too(schema, change, place):
    assert places(schema, {"slug": "a", "name": "A", **change}) == [place]
