"""Schemas of the bodies of writes and imports of articles."""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import ValidationError, fields, missing, validate, validates_schema

from newsapi.content.schemas.articles import FORMATS, PRECISIONS, STATUSES, one_of
from newsapi.content.schemas.body_html import BodyHtml
from newsapi.content.schemas.images import ImageInput, MediaInput
from newsapi.web.patch_schemas import patch_schema
from newsapi.web.wire import (
    InputSchema,
    Instant,
    InstantOrDate,
    LanguageTag,
    MultilineText,
    SingleLineText,
    SlugField,
    StrictBoolean,
    WebAddress,
    former_slug_list,
    slug_list,
)


class NewsSourceInput(InputSchema):
    """The source that an article was taken from."""

    name = SingleLineText(allow_none=True, load_default=None)
    url = WebAddress(allow_none=True, load_default=None)


class CorrectionInput(InputSchema):
    """A correction of the article: its text and time."""

    at = Instant(required=True)
    text = MultilineText(max_length=5_000, required=True)


class RightsInput(InputSchema):
    """Rights in the article, and what others may do with it."""

    holder = SingleLineText(allow_none=True, load_default=None)
    terms = MultilineText(max_length=5_000, allow_none=True, load_default=None)
    license_url = WebAddress(allow_none=True, load_default=None)
    syndicatable = StrictBoolean(allow_none=True, load_default=None)
    expires_at = Instant(allow_none=True, load_default=None)
    ai = fields.String(allow_none=True, load_default=None, validate=one_of(("allowed", "denied")))


class SeoInput(InputSchema):
    """Settings for search engines."""

    title = SingleLineText(allow_none=True, load_default=None)
    description = SingleLineText(max_length=2_000, allow_none=True, load_default=None)
    robots = SingleLineText(max_length=200, allow_none=True, load_default=None)


class ArticleImport(InputSchema):
    """An article as imported; references to terms are slugs."""

    id = fields.UUID(allow_none=True, load_default=None)
    source_id = SingleLineText(allow_none=True, load_default=None)
    base_url = WebAddress(allow_none=True, load_default=None)
    slug = SlugField(required=True)
    headline = SingleLineText(required=True)
    standfirst = MultilineText(max_length=5_000, allow_none=True, load_default=None)
    body_html = BodyHtml(required=True)
    language = LanguageTag(load_default="it")
    format = fields.String(load_default="article", validate=one_of(FORMATS))
    brand = SlugField(allow_none=True, load_default=None)
    mentions = slug_list(100)
    section = SlugField(allow_none=True, load_default=None)
    authors = slug_list(50)
    tags = slug_list(100)
    image = fields.Nested(ImageInput, allow_none=True, load_default=None)
    media = fields.List(fields.Nested(MediaInput), load_default=list, validate=validate.Length(max=500))
    status = fields.String(required=True, validate=one_of(STATUSES))
    published_at = InstantOrDate(allow_none=True, load_default=None)
    published_precision = fields.String(allow_none=True, load_default=None, validate=one_of(PRECISIONS))
    updated_at = Instant(allow_none=True, load_default=None)
    materially_updated_at = Instant(allow_none=True, load_default=None)
    source = fields.Nested(NewsSourceInput, allow_none=True, load_default=None)
    canonical_url = WebAddress(allow_none=True, load_default=None)
    rights = fields.Nested(RightsInput, allow_none=True, load_default=None)
    seo = fields.Nested(SeoInput, allow_none=True, load_default=None)
    translation_group = SingleLineText(
        max_length=200,
        allow_none=True,
        load_default=None,
        metadata={"description": "Articles with the same value are translations of each other"},
    )
    previous_slugs = former_slug_list(100)
    corrections = fields.List(fields.Nested(CorrectionInput), load_default=list, validate=validate.Length(max=200))
    picks = slug_list(20)
    bans = slug_list(100, default=missing)

    @validates_schema
    def _has_a_time(self, data: Mapping[str, object], **_: object) -> None:
        """Require a publication time for published and scheduled articles."""
        if data["status"] in {"published", "scheduled"} and data.get("published_at") is None:
            message = f"is required when status is {data['status']}"
            raise ValidationError({"published_at": [message]})


class ArticleCreate(ArticleImport):
    """An article as editors create it."""

    class Meta(InputSchema.Meta):
        """Exclude the fields that follow from other writes."""

        exclude = tuple(
            "id source_id base_url updated_at materially_updated_at previous_slugs corrections picks bans".split()
        )

    slug = SlugField(load_default=None, metadata={"description": "Made from the headline if omitted"})
    body_html = BodyHtml(load_default="")
    status = fields.String(load_default="draft", validate=one_of(STATUSES))

    @validates_schema
    def _has_a_time(self, data: Mapping[str, object], **_: object) -> None:
        """Require a publication time for scheduled articles; publication sets it otherwise."""
        if data.get("status") == "scheduled" and "published_at" in data and data["published_at"] is None:
            raise ValidationError({"published_at": ["is required when status is scheduled"]})


class UpdateOptions(InputSchema):
    """How an update is treated."""

    update_type = fields.String(load_default="minor", validate=one_of(("minor", "major", "correction")))
    correction = MultilineText(max_length=5_000, allow_none=True, load_default=None)

    @validates_schema
    def _has_a_text(self, data: Mapping[str, object], **_: object) -> None:
        """Require the correction's text for corrections, and reject it for other updates."""
        if (data["update_type"] == "correction") != (data["correction"] is not None):
            message = "is required when update_type is correction, and not allowed otherwise"
            raise ValidationError({"correction": [message]})


class ArticlePatch(patch_schema(ArticleCreate, "ArticleFields"), UpdateOptions):  # type: ignore[misc]
    """Changes to an article (RFC 7396): null removes a value, objects are merged, omitted fields stay unchanged."""


class RelatedPicksUpdate(InputSchema):
    """The editors' part of a related list: articles that always come first, and articles that are never listed."""

    slugs = slug_list(20)
    ban = slug_list(100)
