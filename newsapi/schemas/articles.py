"""The article: the summary of every list, the full one, and what an import brings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, missing, validate, validates_schema

from newsapi.schemas.blocks import Block
from newsapi.schemas.pictures import Media, MediaIn, Picture, PictureIn
from newsapi.schemas.taxonomy import Author, Brand, Section
from newsapi.schemas.wire import (
    In,
    Instant,
    LanguageTag,
    Line,
    Moment,
    Out,
    PageInfo,
    PageLinks,
    Prose,
    Ref,
    SlugField,
    WebAddress,
    YesNo,
    open_enum,
    slug_list,
)

FORMATS = ("article", "gallery", "video")
STATUSES = ("draft", "scheduled", "published", "withdrawn")
PRECISIONS = ("second", "day")


def _one_of(values: tuple[str, ...]) -> validate.OneOf:
    return validate.OneOf(values, error=f"must be one of {', '.join(values)}")


class SummaryLinks(Out):
    """Where to go from a summary."""

    self = fields.Url(required=True)
    related = fields.Url(required=True)


class ArticleLinks(SummaryLinks):
    """Where to go from an article."""

    jsonld = fields.Url(required=True)
    brand = fields.Url(required=True, allow_none=True)
    subscriptions = fields.Url(
        required=True, allow_none=True, metadata={"description": "Where the box of its brand sends an address (POST)"}
    )


class ArticleSummary(Out):
    """An article as every list shows it."""

    id = fields.UUID(required=True, metadata={"description": "UUID version 7, for ever"})
    slug = fields.String(required=True, metadata={"example": "range-rover-velar-in-arrivo-il-nuovo-suv-coupe"})
    url = fields.Url(required=True, metadata={"description": "Its page on the site"})
    headline = fields.String(required=True, metadata={"example": "Range Rover Velar: in arrivo il nuovo SUV-Coupé"})
    standfirst = fields.String(required=True, allow_none=True)
    format = fields.String(required=True, metadata=open_enum(*FORMATS))
    language = fields.String(required=True, metadata={"description": "BCP 47", "example": "it"})
    section = fields.Nested(Ref, required=True, allow_none=True)
    brand = fields.Nested(Ref, required=True, allow_none=True)
    authors = fields.List(fields.Nested(Ref), required=True)
    image = fields.Nested(Picture, required=True, allow_none=True)
    published_at = Instant(required=True)
    published_on = fields.Date(required=True, metadata={"description": "Day of publication in the newsroom's zone"})
    published_precision = fields.String(required=True, validate=_one_of(PRECISIONS))
    updated_at = Instant(required=True)
    materially_updated_at = Instant(required=True)
    links = fields.Nested(SummaryLinks, required=True)


class NewsSource(Out):
    """Where a story was taken from."""

    name = fields.String(required=True, allow_none=True)
    url = fields.Url(required=True, allow_none=True)


class Correction(Out):
    """What was put right, and when."""

    at = fields.String(required=True, metadata={"format": "date-time"})
    text = fields.String(required=True)


class Rights(Out):
    """Who owns the story and what others may do with it."""

    holder = fields.String(required=True, allow_none=True)
    terms = fields.String(required=True, allow_none=True)
    license_url = fields.Url(required=True, allow_none=True)
    syndicatable = fields.Boolean(required=True, allow_none=True)
    expires_at = fields.String(required=True, allow_none=True, metadata={"format": "date-time"})
    ai = fields.String(required=True, allow_none=True, metadata=open_enum("allowed", "denied"))


class Seo(Out):
    """What the newsroom set for search engines; null where the article's own words serve."""

    title = fields.String(required=True, allow_none=True)
    description = fields.String(required=True, allow_none=True)
    robots = fields.String(required=True, allow_none=True)


class Translation(Out):
    """The same story in another language."""

    language = fields.String(required=True)
    slug = fields.String(required=True)
    url = fields.Url(required=True)


class Article(ArticleSummary):
    """An article in full."""

    body_html = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Clean HTML, addresses absolute; a link to an article of ours bears its data-article-id."
            " Null where bodies are not for who asks"
        },
    )
    body_text = fields.String(required=True, allow_none=True, metadata={"description": "The words of the body"})
    mentions = fields.List(fields.Nested(Ref), required=True, metadata={"description": "Other brands it names"})
    tags = fields.List(fields.Nested(Ref), required=True)
    byline = fields.String(
        required=True, allow_none=True, metadata={"example": "di Francesco Donnici | 26 luglio 2016"}
    )
    word_count = fields.Integer(required=True)
    reading_minutes = fields.Integer(required=True)
    media = fields.List(fields.Nested(Media), required=True)
    canonical_url = fields.Url(required=True)
    source = fields.Nested(NewsSource, required=True, allow_none=True)
    corrections = fields.List(fields.Nested(Correction), required=True)
    rights = fields.Nested(Rights, required=True)
    seo = fields.Nested(Seo, required=True)
    translations = fields.List(fields.Nested(Translation), required=True)
    previous_slugs = fields.List(fields.String(), required=True)
    status = fields.String(required=True, validate=_one_of(STATUSES))
    version = fields.Integer(required=True)
    seq = fields.Integer(required=True, metadata={"description": "The change that last moved it"})
    links = fields.Nested(ArticleLinks, required=True)


FULL = {"brand": Brand, "authors": Author, "section": Section}
"""What `include=` puts in the place of the short form."""


class Reason(Out):
    """Why an article stands on a related list."""

    kind = fields.String(required=True, metadata=open_enum("text", "tags", "mentions", "fresh", "pick"))
    weight = fields.Float(required=True)
    terms = fields.List(fields.String(), required=True)


class Relation(Out):
    """How an article is related to the one asked for."""

    score = fields.Float(required=True, metadata={"description": "0 to 1"})
    level = fields.String(required=True, metadata=open_enum("pick", "related", "section", "recent", "group"))
    reasons = fields.List(fields.Nested(Reason), required=True)


class RelatedArticle(ArticleSummary):
    """An article on a related list."""

    relation = fields.Nested(Relation, required=True)


class ArticleWithRelated(Article):
    """An article in full, with its related list where `include=related` asks for it."""

    related = fields.List(fields.Nested(RelatedArticle), metadata={"description": "With `include=related`"})
    blocks = fields.List(fields.Nested(Block), metadata={"description": "With `include=blocks`: the body in blocks"})
    jsonld = fields.Dict(metadata={"description": "With `include=jsonld`: a NewsArticle of schema.org"})


class ArticleList(Out):
    """A page of articles; `fields=` narrows or widens each item to any fields of the full article."""

    data = fields.List(fields.Nested(ArticleSummary), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class ArticleOne(Out):
    """One article."""

    data = fields.Nested(ArticleWithRelated, required=True)


class RelatedLinks(PageLinks):
    """The address of this list, which is one page, and that of the article."""

    article = fields.Url(required=True)


class RelatedList(Out):
    """What to read next, best first."""

    data = fields.List(fields.Nested(RelatedArticle), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(RelatedLinks, required=True)


class DeskArticle(Article):
    """An article as its editors see it: what is not published may have no time yet, and no change of the log."""

    published_at = Instant(required=True, allow_none=True)
    published_on = fields.Date(required=True, allow_none=True)
    materially_updated_at = Instant(required=True, allow_none=True)
    seq = fields.Integer(required=True, allow_none=True)


class DeskArticleOne(Out):
    """An article after a write."""

    data = fields.Nested(DeskArticle, required=True)


class NewsSourceIn(In):
    """Where a story was taken from."""

    name = Line(allow_none=True, load_default=None)
    url = WebAddress(allow_none=True, load_default=None)


class CorrectionIn(In):
    """What was put right, and when."""

    at = Instant(required=True)
    text = Prose(max_length=5_000, required=True)


class RightsIn(In):
    """Who owns the story and what others may do with it."""

    holder = Line(allow_none=True, load_default=None)
    terms = Prose(max_length=5_000, allow_none=True, load_default=None)
    license_url = WebAddress(allow_none=True, load_default=None)
    syndicatable = YesNo(allow_none=True, load_default=None)
    expires_at = Instant(allow_none=True, load_default=None)
    ai = fields.String(allow_none=True, load_default=None, validate=_one_of(("allowed", "denied")))


class SeoIn(In):
    """What the newsroom sets for search engines."""

    title = Line(allow_none=True, load_default=None)
    description = Line(max_length=2_000, allow_none=True, load_default=None)
    robots = Line(max_length=200, allow_none=True, load_default=None)


MAX_BODY = 2_000_000


class BodyHtml(fields.String):
    """The body as HTML; it is sanitised after it is read."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(["must be a text"])
        if len(value) > MAX_BODY:
            raise ValidationError([f"is longer than {MAX_BODY} characters"])
        return value


class ArticleIn(In):
    """An article as an import brings it; references are slugs."""

    id = fields.UUID(allow_none=True, load_default=None)
    slug = SlugField(required=True)
    headline = Line(required=True)
    standfirst = Prose(max_length=5_000, allow_none=True, load_default=None)
    body_html = BodyHtml(required=True)
    language = LanguageTag(load_default="it")
    format = fields.String(load_default="article", validate=_one_of(FORMATS))
    brand = SlugField(allow_none=True, load_default=None)
    mentions = slug_list(100)
    section = SlugField(allow_none=True, load_default=None)
    authors = slug_list(50)
    tags = slug_list(100)
    image = fields.Nested(PictureIn, allow_none=True, load_default=None)
    media = fields.List(fields.Nested(MediaIn), load_default=list, validate=validate.Length(max=500))
    status = fields.String(required=True, validate=_one_of(STATUSES))
    published_at = Moment(allow_none=True, load_default=None)
    published_precision = fields.String(allow_none=True, load_default=None, validate=_one_of(PRECISIONS))
    updated_at = Instant(allow_none=True, load_default=None)
    materially_updated_at = Instant(allow_none=True, load_default=None)
    source = fields.Nested(NewsSourceIn, allow_none=True, load_default=None)
    canonical_url = WebAddress(allow_none=True, load_default=None)
    rights = fields.Nested(RightsIn, allow_none=True, load_default=None)
    seo = fields.Nested(SeoIn, allow_none=True, load_default=None)
    translation_group = Line(
        max_length=200,
        allow_none=True,
        load_default=None,
        metadata={"description": "The same text for a story in each of its languages: they name one another"},
    )
    previous_slugs = slug_list(100)
    corrections = fields.List(fields.Nested(CorrectionIn), load_default=list, validate=validate.Length(max=200))
    picks = slug_list(20)
    bans = slug_list(100, default=missing)

    @validates_schema
    def _has_a_time(self, data: Mapping[str, Any], **_: object) -> None:
        """A publication has a time."""
        if data["status"] in {"published", "scheduled"} and data.get("published_at") is None:
            message = f"must be given where the status is {data['status']}"
            raise ValidationError({"published_at": [message]})


class ArticleNew(ArticleIn):
    """An article as the desk sends it; a patch may hold any of these fields, and what it leaves out stays."""

    class Meta(In.Meta):
        """What the desk does not set: it follows from what it does."""

        exclude = ("id", "updated_at", "materially_updated_at", "previous_slugs", "corrections", "picks", "bans")

    slug = SlugField(load_default=None, metadata={"description": "Made from the headline if left out"})
    body_html = BodyHtml(load_default="")
    status = fields.String(load_default="draft", validate=_one_of(STATUSES))

    @validates_schema
    def _has_a_time(self, data: Mapping[str, Any], **_: object) -> None:
        """What is scheduled has a time; what is published at once gets one."""
        if data.get("status") == "scheduled" and "published_at" in data and data["published_at"] is None:
            raise ValidationError({"published_at": ["must be given where the status is scheduled"]})


class Update(In):
    """How a change is to be taken."""

    update_type = fields.String(load_default="minor", validate=_one_of(("minor", "major", "correction")))
    correction = Prose(max_length=5_000, allow_none=True, load_default=None)

    @validates_schema
    def _has_a_text(self, data: Mapping[str, Any], **_: object) -> None:
        """A correction says what was put right, and nothing else does."""
        if (data["update_type"] == "correction") != (data["correction"] is not None):
            message = "must be given with the update_type correction, and only there"
            raise ValidationError({"correction": [message]})


class ArticlePatch(ArticleNew, Update):
    """Changes to an article (RFC 7396): null takes away, objects are merged, what is left out stays."""


class PicksIn(In):
    """The editors' related list: what comes first, and what never comes."""

    slugs = slug_list(20)
    ban = slug_list(100)
