"""Every query string: what may be asked, in which words, and what is said of a word that is not known."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, missing, validate, validates_schema
from webargs.fields import DelimitedList

from newsapi.schemas import articles
from newsapi.schemas.dump import names
from newsapi.schemas.wire import In, Moment, Whole
from newsapi.text.languages import language_tag
from newsapi.text.slugs import is_slug, is_uuid

MOST_VALUES = 100
SORTS = ("-published_at", "published_at", "-updated_at", "updated_at")
INCLUDES = ("authors", "brand", "section")
ASIDE = ("blocks", "jsonld", "related")
"""What a single article can bring beside its own fields."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd\ufffe\uffff\ud800-\udfff]")


FACETS = ("brand", "section", "author", "tag", "format")
"""Over what the articles that were found can be counted."""


class Values(DelimitedList):
    """Values joined by commas, any of which may hold: each is checked by `read`, which raises ValueError."""

    def __init__(self, read: Callable[[str], Any], text: str, *, most: int = MOST_VALUES, **one: object) -> None:
        """Take the reader of one value, what the parameter means, how many there may be and the JSON Schema of one."""
        inner = fields.String(metadata=one)
        super().__init__(inner, metadata={"description": text, "minItems": 1, "maxItems": most})
        self._read, self._most = read, most

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        texts = str(value).split(",", self._most + 1)
        if len(texts) > self._most:
            raise ValidationError([f"holds more than {self._most} values"])
        try:
            return tuple(dict.fromkeys(self._read(text) for text in texts))
        except ValueError as error:
            raise ValidationError([str(error)]) from error


def _slug(text: str) -> str:
    if not is_slug(text):
        message = "must be slugs joined by commas: small letters and digits joined by single hyphens"
        raise ValueError(message)
    return text


def _id(text: str) -> UUID:
    if not is_uuid(text):
        message = "must be ids (UUIDs) joined by commas"
        raise ValueError(message)
    return UUID(text)


def _format(text: str) -> str:
    if not _NAME.fullmatch(text) or len(text) > 40:
        message = f"must be names of formats, such as {', '.join(articles.FORMATS)}"
        raise ValueError(message)
    return text


def _language(text: str) -> str:
    tag = language_tag(text)
    if tag is None:
        message = "must be language tags of BCP 47, such as it or en-GB"
        raise ValueError(message)
    return tag


def _among(allowed: Collection[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            message = f"may hold {', '.join(sorted(allowed))}"
            raise ValueError(message)
        return text

    return read


class Flag(fields.Field[bool]):
    """`true` or `false`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value not in {"true", "false"}:
            raise ValidationError(["must be true or false"])
        return bool(value == "true")


class Moments(Moment):
    """A time with its offset, or a plain date: the start of that day in the newsroom's zone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return super()._deserialize(value, attr, data, **kwargs)
        except ValidationError as error:
            hint = ", or a date such as 2026-03-29; write the + of an offset as %2B in an address"
            told = [f"{text}{hint}" if str(text).startswith("must be") else str(text) for text in error.messages]
            raise ValidationError(told) from error


class Words(fields.String):
    """Words to look for."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(value).strip()
        if not 1 <= len(text) <= 200 or _UNPRINTABLE.search(text):
            raise ValidationError(["must be 1 to 200 printable characters"])
        return text


class Cursor(fields.String):
    """A cursor, as an answer gave it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = str(value)
        if not text:
            raise ValidationError(["must be a cursor, as an answer gave it"])
        return text


MIN_SEQ = 2**63 - 1

TOGETHER = frozenset({"cursor", "since"})
"""Parameters that mean something for others beside them."""


class Read(In):
    """What any read takes."""

    min_seq = Whole(0, MIN_SEQ, load_default=0, metadata={"description": "Never answer as of an older change"})

    def load(self, data: Any, **kwargs: Any) -> Any:
        """Read a query as marshmallow does, asking only the fields that are given.

        It would ask all twenty-two. What is wrong goes its way, for all the faults at once, and so does what has rules
        for several fields together.
        """
        found = self._read(data)
        return super().load(data, **kwargs) if found is None else found

    def _read(self, data: dict[str, str]) -> dict[str, Any] | None:
        if not self._needed <= data.keys():
            return None
        found = {**self._left_out}
        for name, text in data.items():
            field = self.load_fields.get(name)
            if field is None or name in TOGETHER:
                return None
            try:
                found[name] = field.deserialize(text, name, data)
            except ValidationError:
                return None
        return found

    @cached_property
    def _left_out(self) -> dict[str, Any]:
        return {
            name: field.load_default() if callable(field.load_default) else field.load_default
            for name, field in self.load_fields.items()
            if field.load_default is not missing
        }

    @cached_property
    def _needed(self) -> set[str]:
        return {name for name, field in self.load_fields.items() if field.required}


class Paged(Read):
    """What any list takes."""

    limit = Whole(1, 100, load_default=20, metadata={"description": "Items on a page"})
    cursor = Cursor(
        metadata={"description": "`page.next` or `page.prev` of an answer; it holds filters and sort", "minLength": 1}
    )

    @validates_schema(pass_original=True)
    def _cursor_stands_alone(self, data: dict[str, Any], original: dict[str, Any], **_: object) -> None:
        """A cursor holds its filters and sort."""
        del data
        stands_alone(original, BESIDE_CURSOR)


def stands_alone(query: Collection[str], beside: Collection[str]) -> None:
    """Raise ValidationError where a query names beside its cursor what that holds; `beside` are the others."""
    if "cursor" in query and (others := sorted(set(query) - set(beside))):
        message = "is in the cursor already; leave it out beside one"
        raise ValidationError({name: [message] for name in others})


BESIDE_CURSOR = frozenset({"cursor", "limit", "fields", "include", "facets", "total", "min_seq", "preview"})
"""What may change from page to page."""


PREVIEW = {"description": "The token of a preview link", "minLength": 1, "maxLength": 100}


class Previewed(Read):
    """What the holder of a preview link can read."""

    preview = fields.String(
        validate=validate.Length(1, 100, error="must be the token of a preview link"), metadata=PREVIEW
    )


ARTICLE_FIELDS = names(articles.Article)
_ARTICLE_FIELD = _among(ARTICLE_FIELDS)


def _field(text: str) -> str:
    try:
        return _ARTICLE_FIELD(text)
    except ValueError:
        plain = ", ".join(sorted(name for name in ARTICLE_FIELDS if "." not in name))
        message = f"may hold {plain}, and the fields inside them, dotted"
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


ONE_NAME = {"type": "string", "pattern": SLUG_PATTERN, "maxLength": 200}
"""The JSON Schema of a slug; an id looks like one."""


def _slugs(text: str) -> Values:
    return Values(_slug, text, pattern=SLUG_PATTERN, maxLength=200)


def _moments(text: str) -> Moments:
    either = [{"type": "string", "format": kind} for kind in ("date-time", "date")]
    return Moments(metadata={"description": f"{text}: a time with its offset, or a day", "anyOf": either})


def one_of(choice: Collection[str], text: str) -> Values:
    """Values from a choice, each with its name."""
    return Values(_among(choice), text, most=len(choice), enum=sorted(choice))


class Narrowed(In):
    """How much of articles is shown."""

    fields = Values(
        _field, "Fields of the article to answer, dotted inside; `id` stays", most=200, enum=sorted(ARTICLE_FIELDS)
    )  # type: ignore[assignment]


_COUNTED = {"type": "boolean", "description": "Count them, exactly up to 10,000"}
_TYPED = {
    "minLength": 1,
    "maxLength": 200,
    "pattern": WORDS_PATTERN,
    "description": 'Words that must all be there, "phrases", -words that must not',
}


class Shape(Narrowed):
    """How articles are shown."""

    include = one_of(INCLUDES, f"Full objects in place of the short ones: {', '.join(INCLUDES)}")


class Filtered(In):
    """What articles partners can be sent, as lists can show: commas mean any of; different filters must all hold."""

    brand = _slugs("The brand it is about")
    author = _slugs("Who signs it")
    section = _slugs("The section it stands in")
    tag = _slugs("Keywords")
    format = Values(_format, f"Such as {', '.join(articles.FORMATS)}", pattern=SLUG_PATTERN, maxLength=40)
    language = Values(_language, "Language tags of BCP 47", pattern=LANGUAGE_PATTERN, maxLength=35)


class Listed(Paged, Filtered):
    """What articles that are found can be narrowed to."""

    group = _slugs("A brand or one of its children")
    mentions = _slugs("Brands it names beside its own")
    about = _slugs("Its brand, or one that it names")
    slug = _slugs("Slugs of single articles")
    id = Values(_id, "Ids of single articles; they are answered in this order", pattern=UUID_PATTERN)
    published_from = _moments("Published then or later")
    published_until = _moments("Published before")
    updated_from = _moments("Updated then or later")
    updated_until = _moments("Updated before")


class ArticleFilters(Listed, Previewed):
    """What any list of articles can be asked for."""


class ArticleQuery(ArticleFilters, Shape):
    """`GET /v1/articles`."""

    q = Words(metadata=_TYPED)
    sort = fields.String(
        load_default=lambda: SORTS[0],  # called, it stays out of the document: clients would send it beside a cursor
        validate=validate.OneOf(SORTS, error=f"must be one of {', '.join(SORTS)}"),
        metadata={
            "description": "By time of publication or of the last update, newest first with -; else -published_at",
            "x-enum-varnames": ["NEWEST", "OLDEST", "LATEST_UPDATED", "EARLIEST_UPDATED"],
        },
    )
    status = one_of(articles.STATUSES, "Of which status; takes a key with drafts:read, and is unknown without")
    total = Flag(load_default=False, metadata=_COUNTED)


class FeedQuery(ArticleFilters):
    """`GET /v1/feeds/articles.rss` and its sisters: the order is always that of the last change that matters."""


FACET_FILTERS = ("brand", "group", "mentions", "about", "author", "section", "tag", "format", "language")
FILTERS = (*FACET_FILTERS, "slug", "id", "published_from", "published_until", "updated_from", "updated_until")


class SearchQuery(Listed):
    """`GET /v1/search`."""

    q = Words(metadata={**_TYPED, "description": f"{_TYPED['description']}; left out only beside a cursor"})
    total = Flag(load_default=False, metadata=_COUNTED)
    facets = one_of(FACETS, f"How what is found spreads: {', '.join(FACETS)}")


class SuggestQuery(Read):
    """`GET /v1/suggest`."""

    q = Words(required=True, metadata={**_TYPED, "description": "How a name, or a word in it, begins"})
    limit = Whole(1, 20, load_default=10, metadata={"description": "How many"})


class OneArticleQuery(Previewed, Shape):
    """`GET /v1/articles/{slug or id}`."""

    include = one_of(
        (*INCLUDES, *ASIDE),
        f"What to add: {', '.join(ASIDE)}; and full objects in place of the short: {', '.join(INCLUDES)}",
    )
    related_limit = Whole(1, 20, load_default=6, metadata={"description": "With include=related: how many"})
    related_exclude = _slugs("With include=related: slugs that the reader has seen")


class RelatedQuery(Previewed):
    """`GET /v1/articles/{slug or id}/related`."""

    limit = Whole(1, 20, load_default=6, metadata={"description": "How many"})
    exclude = _slugs("Slugs that the reader has seen")  # type: ignore[assignment]


class TermsQuery(Paged):
    """`GET /v1/brands` and its sisters."""

    q = Words(
        metadata={
            "description": "How a name, or a word in it, starts; accents and case do not matter",
            "minLength": 1,
            "maxLength": 200,
            "pattern": WORDS_PATTERN,
        }
    )


class TermQuery(Read):
    """`GET /v1/brands/{slug}` and its sisters."""

    include = one_of(("articles",), "`articles` adds its newest ones, a first page of 20")


def allowed(schema: type[Schema]) -> list[str]:
    """The names of the parameters that a query takes, for the answer to one that is not known."""
    return sorted(field.data_key or name for name, field in schema().load_fields.items() if name not in FOR_THE_DESK)


FOR_THE_DESK = frozenset({"status"})
"""Parameters that nobody else is told of."""
