"""Schemas of articles as responses show them: the summary in lists and the full article."""

from __future__ import annotations

from marshmallow import fields, validate

from newsapi.content.schemas.blocks import Block
from newsapi.content.schemas.images import Image, Media
from newsapi.content.schemas.removals import WriteMeta
from newsapi.content.schemas.terms import AuthorSchema, BrandSchema, SectionSchema
from newsapi.web.wire import (
    Instant,
    OutputSchema,
    PageInfo,
    PageLinks,
    TermRef,
    open_enum,
)

FORMATS = ("article", "gallery", "video")
STATUSES = ("draft", "scheduled", "published", "withdrawn")
PRECISIONS = ("second", "day")


def one_of(values: tuple[str, ...]) -> validate.OneOf:
    """Return the validator of a closed list of values."""
    return validate.OneOf(values, error=f"must be one of {', '.join(values)}")


class SummaryLinks(OutputSchema):
    """URLs of an article and its related list."""

    self = fields.Url(required=True)
    related = fields.Url(required=True)


class ArticleLinks(SummaryLinks):
    """URLs of an article and of what belongs to it."""

    jsonld = fields.Url(required=True, metadata={"description": "The article as schema.org NewsArticle"})
    brand = fields.Url(required=True, allow_none=True, metadata={"description": "Null if the article has no brand"})
    subscriptions = fields.Url(
        required=True,
        allow_none=True,
        metadata={"description": "Where to POST an email subscription to the article's brand; null if it has none"},
    )


class ArticleSummary(OutputSchema):
    """An article as in lists."""

    id = fields.UUID(required=True, metadata={"description": "UUID version 7; never changes"})
    slug = fields.String(required=True, metadata={"example": "range-rover-velar-in-arrivo-il-nuovo-suv-coupe"})
    url = fields.Url(required=True, metadata={"description": "URL of the article's page on the site"})
    headline = fields.String(required=True, metadata={"example": "Range Rover Velar: in arrivo il nuovo SUV-Coupé"})
    standfirst = fields.String(required=True, allow_none=True)
    format = fields.String(required=True, metadata=open_enum(*FORMATS))
    language = fields.String(required=True, metadata={"description": "BCP 47 language tag", "example": "it"})
    section = fields.Nested(TermRef, required=True, allow_none=True)
    brand = fields.Nested(TermRef, required=True, allow_none=True)
    authors = fields.List(fields.Nested(TermRef), required=True)
    image = fields.Nested(Image, required=True, allow_none=True)
    published_at = Instant(required=True)
    published_on = fields.Date(
        required=True, metadata={"description": "Date of publication in the time zone of the newsroom"}
    )
    published_precision = fields.String(
        required=True, validate=one_of(PRECISIONS), metadata={"description": "`day`: the time of day is unknown"}
    )
    updated_at = Instant(required=True, metadata={"description": "Time of the last update of any kind"})
    materially_updated_at = Instant(
        required=True, metadata={"description": "Time of publication, or of the last major update or correction"}
    )
    links = fields.Nested(SummaryLinks, required=True)


class NewsSource(OutputSchema):
    """The source that an article was taken from."""

    name = fields.String(required=True, allow_none=True)
    url = fields.Url(required=True, allow_none=True)


class Correction(OutputSchema):
    """A correction of the article: its text and time."""

    at = fields.String(required=True, metadata={"format": "date-time"})
    text = fields.String(required=True)


class Rights(OutputSchema):
    """Rights in the article, and what others may do with it."""

    holder = fields.String(required=True, allow_none=True)
    terms = fields.String(required=True, allow_none=True)
    license_url = fields.Url(required=True, allow_none=True)
    syndicatable = fields.Boolean(
        required=True, allow_none=True, metadata={"description": "Whether others may republish the article"}
    )
    expires_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "When the right to show the article ends", "format": "date-time"},
    )
    ai = fields.String(
        required=True,
        allow_none=True,
        metadata=open_enum("allowed", "denied", description="Whether AI systems may use the article"),
    )


class Seo(OutputSchema):
    """Settings for search engines; null where the article's own texts are used."""

    title = fields.String(required=True, allow_none=True)
    description = fields.String(required=True, allow_none=True)
    robots = fields.String(
        required=True, allow_none=True, metadata={"description": "Content of the `robots` meta element"}
    )


class Translation(OutputSchema):
    """The same article in another language."""

    language = fields.String(required=True)
    slug = fields.String(required=True)
    url = fields.Url(required=True)


class ArticleSchema(ArticleSummary):
    """An article in full."""

    body_html = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Sanitized HTML with absolute URLs; a link to an article of this API has its "
            "`data-article-id`. Null if the caller may not read the body"
        },
    )
    body_text = fields.String(required=True, allow_none=True, metadata={"description": "The body as plain text"})
    mentions = fields.List(
        fields.Nested(TermRef),
        required=True,
        metadata={"description": "Brands that the article mentions beside its own"},
    )
    tags = fields.List(fields.Nested(TermRef), required=True)
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
    previous_slugs = fields.List(
        fields.String(), required=True, metadata={"description": "Slugs that redirect to this article"}
    )
    status = fields.String(required=True, validate=one_of(STATUSES))
    version = fields.Integer(required=True, metadata={"description": "Number of the current revision"})
    seq = fields.Integer(required=True, metadata={"description": "`seq` of the last public change of the article"})
    links = fields.Nested(ArticleLinks, required=True)


EXPANDABLE_REFS = {"brand": BrandSchema, "authors": AuthorSchema, "section": SectionSchema}
"""The schemas that `include=` puts in place of references."""


class Reason(OutputSchema):
    """Why an article is on a related list."""

    kind = fields.String(required=True, metadata=open_enum("text", "tags", "mentions", "fresh", "pick"))
    weight = fields.Float(required=True, metadata={"description": "Share of this reason in the score, 0 to 1"})
    terms = fields.List(
        fields.String(), required=True, metadata={"description": "The words, tags or mentions in common"}
    )


class Relation(OutputSchema):
    """How an article is related to the requested one."""

    score = fields.Float(required=True, metadata={"description": "Relatedness, 0 to 1"})
    level = fields.String(
        required=True,
        metadata=open_enum(
            "pick",
            "related",
            "section",
            "recent",
            "group",
            "topic",
            description="Picked, ranked (`related`), of another brand and about the same (`topic`), or filled up",
        ),
    )
    reasons = fields.List(fields.Nested(Reason), required=True)


class RelatedArticle(ArticleSummary):
    """An article on a related list."""

    relation = fields.Nested(Relation, required=True)


class Neighbours(OutputSchema):
    """The articles before and after an article in a list, by time of publication."""

    previous = fields.Nested(
        ArticleSummary, required=True, allow_none=True, metadata={"description": "The next older article"}
    )
    next = fields.Nested(
        ArticleSummary, required=True, allow_none=True, metadata={"description": "The next newer article"}
    )


class Adjacent(OutputSchema):
    """The neighbours of an article in the list of its brand and in that of its section."""

    brand = fields.Nested(
        Neighbours, required=True, allow_none=True, metadata={"description": "Null if the article has no brand"}
    )
    section = fields.Nested(
        Neighbours, required=True, allow_none=True, metadata={"description": "Null if the article has no section"}
    )


class ArticleWithRelated(ArticleSchema):
    """An article in full, with the parts that `include=` adds."""

    adjacent = fields.Nested(Adjacent, metadata={"description": "With `include=adjacent`: previous and next article"})
    related = fields.List(fields.Nested(RelatedArticle), metadata={"description": "With `include=related`"})
    blocks = fields.List(fields.Nested(Block), metadata={"description": "With `include=blocks`: the body as blocks"})
    jsonld = fields.Dict(metadata={"description": "With `include=jsonld`: the article as schema.org NewsArticle"})


class ArticleList(OutputSchema):
    """A page of articles. With `fields=`, each item has the selected fields of the full article instead."""

    data = fields.List(fields.Nested(ArticleSummary), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class ArticleResponse(OutputSchema):
    """A single article."""

    data = fields.Nested(ArticleWithRelated, required=True)


class RelatedLinks(PageLinks):
    """URLs of the related list, which is a single page, and of its article."""

    article = fields.Url(required=True)


class RelatedListSchema(OutputSchema):
    """Related articles, the best first."""

    data = fields.List(fields.Nested(RelatedArticle), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(RelatedLinks, required=True)


class EditorArticle(ArticleSchema):
    """An article for editors: unpublished articles may have no publication time and no public change."""

    published_at = Instant(required=True, allow_none=True)
    published_on = fields.Date(required=True, allow_none=True)
    materially_updated_at = Instant(required=True, allow_none=True)
    seq = fields.Integer(required=True, allow_none=True)


class EditorArticleResponse(OutputSchema):
    """An article after a write."""

    data = fields.Nested(EditorArticle, required=True)
    meta = fields.Nested(WriteMeta, metadata={"description": "Only if something was removed from `body_html`"})


ALL_FIELDS = frozenset(ArticleSchema().dump_fields)
