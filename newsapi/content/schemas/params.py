"""Query parameters of all endpoints: their schemas, and the messages for invalid values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, missing, validate, validates_schema
from webargs.fields import DelimitedList

from newsapi.content.schemas import articles
from newsapi.text.languages import canonicalize_tag
from newsapi.text.slugs import is_slug, is_uuid
from newsapi.web.fast_dump import field_paths
from newsapi.web.wire import InputSchema, InstantOrDate, StrictInteger

MAX_VALUES = 100
SORTS = ("-published_at", "published_at", "-updated_at", "updated_at")
INCLUDES = ("authors", "brand", "section")
EXTRA_INCLUDES = ("blocks", "jsonld", "related")
"""Values of `include` that add something to a single article."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd\ufffe\uffff\ud800-\udfff]")

FACETS = ("brand", "section", "author", "tag", "format")
"""Facets of a search."""


class DelimitedValues(DelimitedList):
    """Comma-separated values; an item matches if it has any of them."""

    def __init__(
        self, parse: Callable[[str], Any], description: str, *, max_values: int = MAX_VALUES, **item_schema: object
    ) -> None:
        """Define the parameter; `parse` converts one value and raises ValueError with the message for the client."""
        inner = fields.String(metadata=item_schema)
        super().__init__(inner, metadata={"description": description, "minItems": 1, "maxItems": max_values})
        self._read, self._most = parse, max_values

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        texts = str(value).split(",", self._most + 1)
        if len(texts) > self._most:
            raise ValidationError([f"must have at most {self._most} values"])
        try:
            return tuple(dict.fromkeys(self._read(text) for text in texts))
        except ValueError as error:
            raise ValidationError([str(error)]) from error


def _slug(text: str) -> str:
    if not is_slug(text):
        message = "must be comma-separated slugs: lowercase letters and digits joined by single hyphens"
        raise ValueError(message)
    return text


def _id(text: str) -> UUID:
    if not is_uuid(text):
        message = "must be comma-separated ids (UUIDs)"
        raise ValueError(message)
    return UUID(text)


def _format(text: str) -> str:
    if not _NAME.fullmatch(text) or len(text) > 40:
        message = f"must be comma-separated formats, such as {', '.join(articles.FORMATS)}"
        raise ValueError(message)
    return text


def _language(text: str) -> str:
    tag = canonicalize_tag(text)
    if tag is None:
        message = "must be comma-separated BCP 47 language tags, such as it or en-GB"
        raise ValueError(message)
    return tag


def _among(choices: Collection[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            message = f"must only contain {', '.join(sorted(choices))}"
            raise ValueError(message)
        return text

    return parse


class Flag(fields.Field[bool]):
    """`true` or `false`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value not in {"true", "false"}:
            raise ValidationError(["must be true or false"])
        return bool(value == "true")


class InstantOrDateParam(InstantOrDate):
    """A date-time with an offset, or a plain date: the start of that day in the time zone of the newsroom."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **kwargs)
        except ValidationError as error:
            hint = ", or a date such as 2026-03-29; in a URL, write the + of an offset as %2B"
            messages = [f"{text}{hint}" if str(text).startswith("must be") else str(text) for text in error.messages]
            raise ValidationError(messages) from error


class SearchText(fields.String):
    """Search text: 1 to 200 printable characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(value).strip()
        if not 1 <= len(text) <= 200 or _UNPRINTABLE.search(text):
            raise ValidationError(["must be 1 to 200 printable characters"])
        return text


class Cursor(fields.String):
    """An opaque pagination cursor; its signature is checked by the view."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(value)
        if not text:
            raise ValidationError(["must be a cursor from an earlier response"])
        return text


MAX_SEQ = 2**63 - 1

CROSS_FIELD_PARAMS = frozenset({"cursor", "since"})
"""Parameters whose validity depends on other parameters."""


class ReadParams(InputSchema):
    """Parameters of every read."""

    min_seq = StrictInteger(
        0, MAX_SEQ, load_default=0, metadata={"description": "Never return data older than this `seq`"}
    )

    def load(self, data: Any, **kwargs: Any) -> Any:
        """Deserialize a query like marshmallow, but visit only the fields that are present."""
        # marshmallow visits every field of the schema, 22 for the list of articles. It is used only where a value is
        # invalid, to report all errors at once, and for parameters with cross-field rules.
        values = self._read(data)
        return super().load(data, **kwargs) if values is None else values

    def _read(self, data: dict[str, str]) -> dict[str, Any] | None:
        """Return the deserialized query; None if marshmallow has to load it."""
        if not self._needed <= data.keys():
            return None
        values = {**self._left_out}
        for name, text in data.items():
            field = self.load_fields.get(name)
            if field is None or name in CROSS_FIELD_PARAMS:
                return None
            try:
                values[name] = field.deserialize(text, name, data)
            except ValidationError:
                return None
        return values

    @cached_property
    def _left_out(self) -> dict[str, Any]:
        """The default of each parameter that has one."""
        return {
            name: field.load_default() if callable(field.load_default) else field.load_default
            for name, field in self.load_fields.items()
            if field.load_default is not missing
        }

    @cached_property
    def _needed(self) -> set[str]:
        """The required parameters."""
        return {name for name, field in self.load_fields.items() if field.required}


class PageParams(ReadParams):
    """Parameters of every list."""

    limit = StrictInteger(1, 100, load_default=20, metadata={"description": "Maximum number of items per page"})
    cursor = Cursor(
        metadata={"description": "`page.next` or `page.prev` of a response; contains filters and sort", "minLength": 1}
    )

    @validates_schema(pass_original=True)
    def _cursor_stands_alone(self, data: dict[str, Any], original: dict[str, Any], **_: object) -> None:
        """Reject filters and sort beside a cursor, which contains them."""
        del data
        reject_params_beside_cursor(original, ALLOWED_WITH_CURSOR)


def reject_params_beside_cursor(parameters: Collection[str], allowed_with_cursor: Collection[str]) -> None:
    """Raise ValidationError for each parameter that is given beside `cursor` but is not allowed with it."""
    if "cursor" in parameters and (others := sorted(set(parameters) - set(allowed_with_cursor))):
        message = "is part of the cursor; omit it when cursor is given"
        raise ValidationError({name: [message] for name in others})


ALLOWED_WITH_CURSOR = frozenset({"cursor", "limit", "fields", "include", "facets", "total", "min_seq", "preview"})
"""Parameters that may change from page to page."""


PREVIEW = {"description": "Token of a preview link", "minLength": 1, "maxLength": 100}


class PreviewParams(ReadParams):
    """Parameters of reads that accept a preview link."""

    preview = fields.String(
        validate=validate.Length(1, 100, error="must be the token of a preview link"), metadata=PREVIEW
    )


ARTICLE_FIELDS = field_paths(articles.ArticleSchema)
_ARTICLE_FIELD = _among(ARTICLE_FIELDS)


def _field(text: str) -> str:
    try:
        return _ARTICLE_FIELD(text)
    except ValueError:
        top_level = ", ".join(sorted(path for path in ARTICLE_FIELDS if "." not in path))
        message = f"must only contain {top_level}, and dotted paths to the fields inside them"
        raise ValueError(message) from None


UUID_PATTERN = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
LANGUAGE_PATTERN = (
    "^([A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?"
    "(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*(-[0-9A-WY-Za-wy-z](-[A-Za-z0-9]{2,8})+)*(-[Xx](-[A-Za-z0-9]{1,8})+)?$"
)
WORDS_PATTERN = (
    r"^[^\x00-\x1f\x7f-\x9f\ufffd-\uffff]*[^\s\x00-\x1f\x7f-\x9f\ufffd-\uffff][^\x00-\x1f\x7f-\x9f\ufffd-\uffff]*$"
)
SLUG_PATTERN = "^[a-z0-9]+(-[a-z0-9]+)*$"


SLUG_OR_ID_SCHEMA = {"type": "string", "pattern": SLUG_PATTERN, "maxLength": 200}
"""The JSON Schema of a path parameter that takes a slug or an id; an id matches the same pattern."""


def _slugs(description: str) -> DelimitedValues:
    return DelimitedValues(_slug, description, pattern=SLUG_PATTERN, maxLength=200)


def _moments(description: str) -> InstantOrDateParam:
    either = [{"type": "string", "format": kind} for kind in ("date-time", "date")]
    return InstantOrDateParam(metadata={"description": f"{description}: a date-time or a date", "anyOf": either})


def choice_list(choices: Collection[str], description: str) -> DelimitedValues:
    """Return a parameter that takes any of the choices, comma-separated."""
    return DelimitedValues(_among(choices), description, max_values=len(choices), enum=sorted(choices))


class FieldsParam(InputSchema):
    """The parameter that selects fields of articles."""

    fields = DelimitedValues(
        _field,
        "Fields of the article to return; dotted paths select inside objects. `id` is always included",
        max_values=200,
        enum=sorted(ARTICLE_FIELDS),
    )  # type: ignore[assignment]


_COUNTED = {"type": "boolean", "description": "Whether to return `page.total`, which is exact up to 10,000"}
_TYPED = {
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

    brand = _slugs("Brands that the article is about")
    author = _slugs("Authors of the article")
    section = _slugs("Sections that the article is in")
    tag = _slugs("Tags of the article")
    format = DelimitedValues(
        _format, f"Formats, such as {', '.join(articles.FORMATS)}", pattern=SLUG_PATTERN, maxLength=40
    )
    language = DelimitedValues(_language, "BCP 47 language tags", pattern=LANGUAGE_PATTERN, maxLength=35)


class ListFilters(PageParams, PartnerFilters):
    """Filters of lists of articles."""

    group = _slugs("Brands: articles about the brand itself or about one of its child brands")
    mentions = _slugs("Brands that the article mentions beside its own")
    about = _slugs("Brands that the article is about or mentions")
    slug = _slugs("Slugs of articles")
    id = DelimitedValues(_id, "Ids of articles; they are returned in this order", pattern=UUID_PATTERN)
    published_from = _moments("Published at this time or later")
    published_until = _moments("Published before this time")
    updated_from = _moments("Updated at this time or later")
    updated_until = _moments("Updated before this time")


class ArticleFilters(ListFilters, PreviewParams):
    """Filters of lists of articles that accept a preview link."""


class ArticleListParams(ArticleFilters, IncludeParam):
    """Parameters of `GET /v1/articles`."""

    q = SearchText(metadata=_TYPED)
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
    total = Flag(load_default=False, metadata=_COUNTED)


class FeedParams(ArticleFilters):
    """Parameters of the feeds, which are sorted by `materially_updated_at`."""


FACET_FILTERS = ("brand", "group", "mentions", "about", "author", "section", "tag", "format", "language")
FILTERS = (*FACET_FILTERS, "slug", "id", "published_from", "published_until", "updated_from", "updated_until")


class SearchParams(ListFilters):
    """Parameters of `GET /v1/search`."""

    q = SearchText(metadata={**_TYPED, "description": f"{_TYPED['description']}. Required unless `cursor` is given"})
    total = Flag(load_default=False, metadata=_COUNTED)
    facets = choice_list(FACETS, f"Facets to count the results by: {', '.join(FACETS)}")


class SuggestParams(ReadParams):
    """Parameters of `GET /v1/suggest`."""

    q = SearchText(required=True, metadata={**_TYPED, "description": "Beginning of a name, or of a word in it"})
    limit = StrictInteger(1, 20, load_default=10, metadata={"description": "Maximum number of suggestions"})


class ArticleParams(PreviewParams, IncludeParam):
    """Parameters of `GET /v1/articles/{slug or id}`."""

    include = choice_list(
        INCLUDES + EXTRA_INCLUDES,
        f"Parts to add: {', '.join(EXTRA_INCLUDES)}; and references to expand to full objects: {', '.join(INCLUDES)}",
    )
    related_limit = StrictInteger(
        1, 20, load_default=6, metadata={"description": "With `include=related`: maximum number"}
    )
    related_exclude = _slugs("With `include=related`: slugs of articles to leave out, such as those already read")


class RelatedParams(PreviewParams):
    """Parameters of `GET /v1/articles/{slug or id}/related`."""

    limit = StrictInteger(1, 20, load_default=6, metadata={"description": "Maximum number of related articles"})
    exclude = _slugs("Slugs of articles to leave out, such as those already read")  # type: ignore[assignment]


class TermListParams(PageParams):
    """Parameters of `GET /v1/brands`, `/v1/authors`, `/v1/sections` and `/v1/tags`."""

    q = SearchText(
        metadata={
            "description": "Beginning of a name, or of a word in it; accents and case are ignored",
            "minLength": 1,
            "maxLength": 200,
            "pattern": WORDS_PATTERN,
        }
    )


class TermParams(ReadParams):
    """Parameters of `GET /v1/brands/{slug}` and its like for authors, sections and tags."""

    include = choice_list(("articles",), "`articles` adds the 20 newest articles, the first page of their list")


def parameter_names(schema: type[Schema]) -> list[str]:
    """Return the parameter names of a query schema, for the message about an unknown parameter."""
    return sorted(
        field.data_key or name for name, field in schema().load_fields.items() if name not in EDITOR_ONLY_PARAMS
    )


EDITOR_ONLY_PARAMS = frozenset({"status"})
"""Parameters that error messages do not reveal to clients without a key."""
