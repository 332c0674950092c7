"""Query parameters of reads of articles and terms: their schemas, and the messages for invalid values."""

from __future__ import annotations

import re
from typing import ClassVar
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from newsapi.content.schemas import articles
from newsapi.text.languages import canonicalize_tag
from newsapi.text.slugs import is_slug, is_uuid
from newsapi.web.fast_dump import field_paths
from newsapi.web.params import (
    SLUG_OR_ID_SCHEMA,
    SLUG_PATTERN,
    WORDS_PATTERN,
    DelimitedValues,
    Flag,
    PageParams,
    ReadParams,
    SearchText,
    choice_list,
    instant_or_date,
    one_of,
    slug_values,
)
from newsapi.web.wire import InputSchema, StrictInteger

SORTS = ("-published_at", "published_at", "-updated_at", "updated_at")
PROFILES = ("card",)
"""Fixed selections of fields."""

INCLUDES = ("authors", "brand", "section")
EXTRA_INCLUDES = ("adjacent", "blocks", "jsonld", "related")
"""Values of `include` that add something to a single article."""
_FORMAT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)

FACETS = ("brand", "section", "author", "tag", "format")
"""Facets of a search."""


def _id(text: str) -> UUID:
    if not is_uuid(text):
        message = "must be comma-separated ids (UUIDs)"
        raise ValueError(message)
    return UUID(text)


def _slug_or_id(text: str) -> str:
    """Return a slug, or an id in its canonical form."""
    if is_uuid(text):
        return str(UUID(text))
    if not is_slug(text):
        message = "must be comma-separated slugs or ids of articles"
        raise ValueError(message)
    return text


def _format(text: str) -> str:
    if not _FORMAT.fullmatch(text) or len(text) > 40:
        message = f"must be comma-separated formats, such as {', '.join(articles.FORMATS)}"
        raise ValueError(message)
    return text


def _language(text: str) -> str:
    tag = canonicalize_tag(text)
    if tag is None:
        message = "must be comma-separated BCP 47 language tags, such as it or en-GB"
        raise ValueError(message)
    return tag


PREVIEW = {"description": "Token of a preview link", "minLength": 1, "maxLength": 100}


class PreviewParams(ReadParams):
    """Parameters of reads that accept a preview link."""

    preview = fields.String(
        validate=validate.Length(1, 100, error="must be the token of a preview link"), metadata=PREVIEW
    )


ARTICLE_FIELDS = field_paths(articles.ArticleSchema)
_ARTICLE_FIELD = one_of(ARTICLE_FIELDS)


def _field(text: str) -> str:
    try:
        return _ARTICLE_FIELD(text)
    except ValueError:
        name = text.partition(".")[0]
        if name in EXTRA_INCLUDES:
            message = f"{name} is not a field: request a single article with include={name}"
            raise ValueError(message) from None
        top_level = ", ".join(sorted(path for path in ARTICLE_FIELDS if "." not in path))
        message = f"must only contain {top_level}, and dotted paths to the fields inside them"
        raise ValueError(message) from None


UUID_PATTERN = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
LANGUAGE_PATTERN = (
    "^([A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?"
    "(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*(-[Xx](-[A-Za-z0-9]{1,8})+)?$"
)


class FieldsParam(InputSchema):
    """The parameter that selects fields of articles."""

    fields = DelimitedValues(
        _field,
        "Fields of the article to return; dotted paths select inside objects. `id` is always included",
        max_values=200,
        enum=sorted(ARTICLE_FIELDS),
    )  # type: ignore[assignment]


TOTAL_METADATA = {"type": "boolean", "description": "Whether to return `page.total`, which is exact up to 10,000"}
SEARCH_TEXT_METADATA = {
    "minLength": 1,
    "maxLength": 200,
    "pattern": WORDS_PATTERN,
    "description": 'Words that must all occur; "quotes" search for a phrase, a leading - excludes a word',
}


class IncludeParam(FieldsParam):
    """The parameters that select what is returned of each article."""

    include = choice_list(INCLUDES, f"References to expand to full objects: {', '.join(INCLUDES)}")


class PartnerFilters(InputSchema):
    """Filters that lists and sync share: an article must match every filter, and any one of the values of each."""

    brand = slug_values("Brands that the article is about")
    author = slug_values("Authors of the article")
    section = slug_values("Sections that the article is in")
    tag = slug_values("Tags of the article")
    format = DelimitedValues(
        _format, f"Formats, such as {', '.join(articles.FORMATS)}", pattern=SLUG_PATTERN, maxLength=40
    )
    language = DelimitedValues(_language, "BCP 47 language tags", pattern=LANGUAGE_PATTERN, maxLength=35)


class ListFilters(PageParams, PartnerFilters):
    """Filters of lists of articles."""

    tag_all = slug_values("Tags that the article must all have")
    section_not = slug_values("Sections that the article must not be in")
    exclude = DelimitedValues(
        _slug_or_id,
        "Slugs or ids of articles to leave out",
        **SLUG_OR_ID_SCHEMA,  # type: ignore[arg-type]
    )  # type: ignore[assignment]
    group = slug_values("Brands: articles about the brand itself or about one of its child brands")
    mentions = slug_values("Brands that the article mentions beside its own")
    about = slug_values("Brands that the article is about or mentions")
    slug = slug_values("Slugs of articles")
    id = DelimitedValues(_id, "Ids of articles; they are returned in this order", pattern=UUID_PATTERN)
    published_from = instant_or_date("Published at this time or later")
    published_until = instant_or_date("Published before this time")
    updated_from = instant_or_date("Updated at this time or later")
    updated_until = instant_or_date("Updated before this time")


class ArticleFilters(ListFilters, PreviewParams):
    """Filters of lists of articles that accept a preview link."""


class ArticleListParams(ArticleFilters, IncludeParam):
    """Parameters of `GET /v1/articles`."""

    editor_only: ClassVar[frozenset[str]] = frozenset({"status"})

    q = SearchText(metadata=SEARCH_TEXT_METADATA)
    sort = fields.String(
        # A callable keeps the default out of OpenAPI, or generated clients would send it beside a cursor.
        load_default=lambda: SORTS[0],
        validate=validate.OneOf(SORTS, error=f"must be one of {', '.join(SORTS)}"),
        metadata={
            "description": "Sort by time of publication or of the last update; - is descending. Default: -published_at",
            "x-enum-varnames": ["NEWEST", "OLDEST", "LATEST_UPDATED", "EARLIEST_UPDATED"],
        },
    )
    status = choice_list(articles.STATUSES, "Statuses; needs a key with `drafts:read`, and is unknown without one")
    total = Flag(load_default=False, metadata=TOTAL_METADATA)
    profile = fields.String(
        validate=validate.OneOf(PROFILES, error=f"must be {', '.join(PROFILES)}"),
        metadata={
            "description": "`card`: only what a card of a list shows. Cannot be combined with `fields` and `include`"
        },
    )

    @validates_schema(pass_original=True)
    def _profile_stands_alone(self, data: dict[str, object], original: dict[str, object], **_: object) -> None:
        """Reject `fields` and `include` beside a profile, which selects the fields."""
        del data
        if "profile" in original and (others := sorted({"fields", "include"} & original.keys())):
            raise ValidationError({name: ["cannot be combined with profile"] for name in others})


class FeedParams(ArticleFilters):
    """Parameters of the feeds, which are sorted by `materially_updated_at`."""

    ignores_unknown = True


FACET_FILTERS = (
    *("brand", "group", "mentions", "about", "author", "section", "tag", "tag_all", "section_not"),
    *("format", "language"),
)
FILTERS = (
    *(*FACET_FILTERS, "exclude", "slug", "id"),
    *("published_from", "published_until", "updated_from", "updated_until"),
)


class ArticleParams(PreviewParams, IncludeParam):
    """Parameters of `GET /v1/articles/{slug or id}`."""

    include = choice_list(
        INCLUDES + EXTRA_INCLUDES,
        f"Parts to add: {', '.join(EXTRA_INCLUDES)}; and references to expand to full objects: {', '.join(INCLUDES)}",
    )
    related_limit = StrictInteger(
        1, 20, load_default=6, metadata={"description": "With `include=related`: maximum number"}
    )
    related_exclude = slug_values("With `include=related`: slugs of articles to leave out, such as those already read")


class RelatedParams(PreviewParams):
    """Parameters of `GET /v1/articles/{slug or id}/related`."""

    limit = StrictInteger(1, 20, load_default=6, metadata={"description": "Maximum number of related articles"})
    exclude = slug_values("Slugs of articles to leave out, such as those already read")  # type: ignore[assignment]


TERM_SORTS = ("name", "-article_count")


class TermListParams(PageParams):
    """Parameters of `GET /v1/brands`, `/v1/authors`, `/v1/sections` and `/v1/tags`."""

    sort = fields.String(
        load_default=lambda: TERM_SORTS[0],
        validate=validate.OneOf(TERM_SORTS, error=f"must be one of {', '.join(TERM_SORTS)}"),
        metadata={
            "description": "Sort by name, or with the most published articles first. Default: name",
            "x-enum-varnames": ["NAME", "MOST_ARTICLES"],
        },
    )

    q = SearchText(
        metadata={
            "description": "Beginning of a name, or of a word in it; accents and case are ignored",
            "minLength": 1,
            "maxLength": 200,
            "pattern": WORDS_PATTERN,
        }
    )


class BrandListParams(TermListParams):
    """Parameters of `GET /v1/brands`."""

    parent = slug_values("Groups that the brand belongs to")


class TermParams(ReadParams):
    """Parameters of `GET /v1/brands/{slug}` and its like for authors, sections and tags."""

    include = choice_list(("articles",), "`articles` adds the 20 newest articles, the first page of their list")


def term_fields(schema: type[Schema]) -> DelimitedValues:
    """Return the parameter that selects fields of terms with a schema."""
    return DelimitedValues(
        one_of(field_paths(schema)),
        "Fields to return; dotted paths select inside objects. `slug` is always included",
        max_values=100,
        enum=sorted(field_paths(schema)),
    )
