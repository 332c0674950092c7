"""Base schemas and field types: strict input, open output, RFC 3339 times, slugs, pagination, problems."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate

from newsapi.errors import FieldError, InvalidBody
from newsapi.text.former_slugs import normalize_former_slug
from newsapi.text.languages import canonicalize_tag
from newsapi.text.slugs import is_slug
from newsapi.web.fast_load import FastLoadingSchema
from newsapi.web.problem_types import PROBLEM_TYPES

EARLIEST, LATEST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)
"""Times between these two have a date in every time zone."""

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029]")
_LINE_BREAK = re.compile(r"[\t\n\r]")
_WHOLE = re.compile(r"0|-?[1-9]\d{0,18}", re.ASCII)


class InputSchema(FastLoadingSchema):
    """Base of request schemas: unknown fields are rejected."""

    class Meta:
        """Reject unknown fields."""

        unknown = RAISE

    error_messages = {"unknown": "is not a known field", "type": "must be an object"}  # noqa: RUF012 (marshmallow's name)


class OutputSchema(Schema):
    """Base of response schemas: clients must ignore fields that they do not know."""

    class Meta:
        """Allow fields that are added later."""

        unknown = EXCLUDE

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Make the class docstring the description of the OpenAPI component."""
        super().__init_subclass__(**kwargs)
        if cls.__doc__:
            described = type("Meta", (cls.Meta,), {"description": " ".join(cls.__doc__.split())})
            cls.Meta = described  # type: ignore[assignment, misc]  # mypy takes the name for a fixed one


def field_errors(messages: object, location: str = "") -> Iterator[FieldError]:
    """Turn `ValidationError.messages` of marshmallow into field errors; `location` is the pointer of the whole value.

    Yields:
        One error per message, with a JSON pointer (RFC 6901) to the value that it is about.
    """
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            step = "" if key == "_schema" else "/" + str(key).replace("~", "~0").replace("/", "~1")
            yield from field_errors(inner, location + step)
    elif isinstance(messages, list):
        for message in messages:
            yield from field_errors(message, location)
    else:
        yield FieldError(location, str(messages))


def parse_instant(text: str) -> datetime:
    """Parse an RFC 3339 date-time.

    Args:
        text: A date-time with an offset. Fractions beyond microseconds are cut off.

    Returns:
        The time in UTC.

    Raises:
        ValueError: The text is malformed, has no offset, or is outside the supported range.
    """
    if not _INSTANT.fullmatch(text):
        message = "must be a date and time with an offset, such as 2026-03-29T01:30:00Z or 2026-03-29T03:30:00+02:00"
        raise ValueError(message)
    head, dot, rest = text.upper().replace(" ", "T").partition(".")
    if dot:
        digits = re.match(r"\d+", rest)[0]  # type: ignore[index]
        head = f"{head}.{digits[:6].ljust(6, '0')}{rest[len(digits) :]}"
    try:
        value = datetime.fromisoformat(head).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = "is not a valid date and time"
        raise ValueError(message) from error
    if not EARLIEST <= value <= LATEST:
        message = "is outside the supported range, 0001-01-03T00:00:00Z to 9999-12-29T00:00:00Z"
        raise ValueError(message)
    return value


def format_instant(value: datetime) -> str:
    """Format a UTC time as in all responses: with Z, and with microseconds unless they are zero."""
    return value.isoformat().removesuffix("+00:00") + "Z"


class Instant(fields.Field[date]):
    """An RFC 3339 date-time: any offset in requests, UTC with Z in responses."""

    def _serialize(self, value: date | None, attr: str | None, obj: object, **kwargs: object) -> str | None:
        return format_instant(value) if isinstance(value, datetime) else None

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> date:
        if not isinstance(value, str):
            raise ValidationError(["must be a string with a date and time"])
        try:
            return parse_instant(value)
        except ValueError as error:
            raise ValidationError([str(error)]) from error


class InstantOrDate(Instant):
    """A date-time, or a plain date that stands for the whole day; loads as `datetime` or `date`."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> date:
        if isinstance(value, str) and _DATE.fullmatch(value):
            try:
                day = date.fromisoformat(value)
            except ValueError as error:
                raise ValidationError(["is not a valid date"]) from error
            if not EARLIEST.date() <= day <= LATEST.date():
                raise ValidationError(["is outside the supported range, 0001-01-03 to 9999-12-29"])
            return day
        return super()._deserialize(value, None, None)


class SingleLineText(fields.String):
    """One line of text: trimmed, not empty, without control characters."""

    allow_line_breaks = False

    def __init__(self, *, max_length: int = 500, **kwargs: Any) -> None:
        """Set the maximum length, in characters."""
        length = validate.Length(max=max_length, error=f"is longer than {max_length} characters")
        super().__init__(validate=length, pre_load=self._prepare, **kwargs)

    def _prepare(self, value: object) -> object:
        """Return null for an empty or blank string where null is allowed."""
        return None if self.allow_none and isinstance(value, str) and not value.strip() else value

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        if not isinstance(value, str):
            raise ValidationError(["must be a string"])
        if _CONTROL.search(value) or (not self.allow_line_breaks and _LINE_BREAK.search(value)):
            raise ValidationError(
                [f"must not contain control characters{'' if self.allow_line_breaks else ' or line breaks'}"]
            )
        trimmed = value.strip()
        if not trimmed:
            raise ValidationError(["must not be empty"])
        return trimmed


class MultilineText(SingleLineText):
    """Text that may contain line breaks."""

    allow_line_breaks = True


class SlugField(fields.String):
    """A slug: lowercase letters and digits joined by single hyphens, at most 200 characters, not in UUID form."""

    def __init__(self, *, metadata: Mapping[str, object] | None = None, **kwargs: Any) -> None:
        """Add the slug's pattern and maximum length to the field's metadata, for OpenAPI."""
        super().__init__(
            metadata={"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 200, **(metadata or {})}, **kwargs
        )

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        if not isinstance(value, str) or not is_slug(value):
            raise ValidationError([NOT_A_SLUG])
        return value


NOT_A_SLUG = (
    "is not a slug: lowercase letters and digits joined by single hyphens, at most 200 characters, not in UUID form"
)


class FormerSlugField(fields.String):
    """A former slug: the last segment of an address in another system, percent-encoded or decoded."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        slug = normalize_former_slug(value) if isinstance(value, str) else None
        if slug is None:
            raise ValidationError([NOT_A_FORMER_SLUG])
        return slug


NOT_A_FORMER_SLUG = (
    "is not a segment of a path: at most 200 characters without slashes, white space and control characters, "
    "not in UUID form"
)


def former_slug_list(max_items: int) -> fields.List[str]:
    """Return a field for a list of distinct former slugs.

    Args:
        max_items: The maximum number of former slugs.

    Returns:
        The marshmallow field.
    """
    length = validate.Length(max=max_items, error=f"must have at most {max_items} items")
    return fields.List(FormerSlugField(), load_default=list, validate=[length, reject_duplicates])


def slug_list(max_items: int, *, default: object = list) -> fields.List[str]:
    """Return a field for a list of distinct slugs.

    Args:
        max_items: The maximum number of slugs.
        default: marshmallow's `load_default`: the value, or a callable that makes it, where the field is omitted.

    Returns:
        The marshmallow field.
    """
    length = validate.Length(max=max_items, error=f"must have at most {max_items} items")
    return fields.List(SlugField(), load_default=default, validate=[length, reject_duplicates])


def reject_duplicates(values: list[str]) -> None:
    """Raise ValidationError if a value occurs twice."""
    if len(set(values)) < len(values):
        raise ValidationError(["must not contain the same value twice"])


class WebAddress(SingleLineText):
    """An absolute http or https URL of at most 2,000 characters."""

    def __init__(self, **kwargs: Any) -> None:
        """Set the maximum length, 2,000 characters."""
        super().__init__(max_length=2_000, **kwargs)

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        text = super()._deserialize(value, attr, None)
        if not _is_web_address(text) or any(character in text for character in " \"'<>\\^`{|}"):
            raise ValidationError(["must be an absolute http or https URL"])
        return text


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port  # raises ValueError if it is no port number
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and (port is None or port > 0)


class LanguageTag(fields.String):
    """A BCP 47 language tag, loaded in canonical case."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        tag = canonicalize_tag(value) if isinstance(value, str) else None
        if tag is None:
            raise ValidationError(["must be a BCP 47 language tag, such as it or en-GB"])
        return tag


class StrictInteger(fields.Integer):
    """An integer in a range, in canonical form: no plus sign, no fraction, no leading zeros."""

    def __init__(self, lowest: int, highest: int, **kwargs: Any) -> None:
        """Set the range; both ends are included."""
        self.span = f"must be a whole number from {lowest} to {highest}"
        super().__init__(validate=validate.Range(min=lowest, max=highest, error=self.span), **kwargs)

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> int:
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise ValidationError([self.span])


class JsonInteger(StrictInteger):
    """An integer in a range, as a JSON number."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> int:
        if isinstance(value, str):
            raise ValidationError([self.span])
        return super()._deserialize(value, None, None)


class PixelLength(JsonInteger):
    """A length in pixels: a JSON number from 1 to 100,000."""

    def __init__(self, **kwargs: Any) -> None:
        """Set the range, 1 to 100,000."""
        super().__init__(1, 100_000, **kwargs)


class StrictBoolean(fields.Boolean):
    """A JSON true or false; marshmallow's other spellings, such as 1 and "true", are rejected."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(["must be true or false"])
        return value


def open_enum(*values: str, **metadata: object) -> dict[str, object]:
    """Return the metadata of a field whose set of values may grow (`x-extensible-enum`)."""
    return {"x-extensible-enum": list(values), **metadata}


class TermRef(OutputSchema):
    """A reference to a brand, author, section or tag."""

    slug = fields.String(required=True, metadata={"example": "land-rover"})
    name = fields.String(required=True, metadata={"example": "Land Rover"})


class PageInfo(OutputSchema):
    """Position of this page in the list."""

    limit = fields.Integer(required=True, metadata={"description": "Maximum number of items per page", "example": 20})
    next = fields.String(
        required=True, allow_none=True, metadata={"description": "Cursor of the next page; null on the last page"}
    )
    prev = fields.String(
        required=True, allow_none=True, metadata={"description": "Cursor of the previous page; null on the first page"}
    )
    total = fields.Integer(
        metadata={"description": "With `total=true`: number of items in the list; exact up to 10,000"}
    )
    total_is_lower_bound = fields.Boolean(
        metadata={"description": "With `total=true`: whether the list has more items than `total`"}
    )


class PageLinks(OutputSchema):
    """URLs of this page and its neighbours, as in the `Link` header (RFC 8288)."""

    self = fields.Url(required=True)
    next = fields.Url(required=True, allow_none=True)
    prev = fields.Url(required=True, allow_none=True)


class FieldErrorSchema(OutputSchema):
    """One error in the request: `pointer` for a body, `parameter` for a query or path."""

    pointer = fields.String(metadata={"description": "JSON pointer (RFC 6901) into the body", "example": "/headline"})
    parameter = fields.String(metadata={"description": "Name of the parameter", "example": "limit"})
    message = fields.String(required=True, metadata={"description": "What is wrong, or what is allowed"})


class Withdrawal(OutputSchema):
    """When and why an article that was public was taken down."""

    at = fields.String(required=True, metadata={"format": "date-time"})
    action = fields.String(required=True, validate=validate.OneOf(("unpublished", "withdrawn")))
    reason = fields.String(required=True, metadata=open_enum("legal", "error", "rights", "duplicate", "other"))
    note = fields.String(required=True, allow_none=True, metadata={"description": "A note for the public"})
    replaced_by = fields.String(
        required=True, allow_none=True, metadata={"description": "Slug of the article that replaces it"}
    )


class Problem(OutputSchema):
    """An error response (RFC 9457)."""

    type = fields.Url(required=True, metadata={"description": "URL of a page that explains this type of problem"})
    code = fields.String(
        required=True,
        allow_none=True,
        metadata=open_enum(*PROBLEM_TYPES, description="Name of the type, the end of its URL; null for `about:blank`"),
    )
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True, metadata={"description": "Path of the request"})
    request_id = fields.String(required=True, metadata={"description": "The response's `X-Request-Id`"})
    errors = fields.List(fields.Nested(FieldErrorSchema))
    gone = fields.Nested(Withdrawal)


def load_body(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request body as loaded by its schema; raise InvalidBody with all field errors."""
    try:
        loaded_values: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        raise InvalidBody(list(field_errors(error.messages))) from error
    return loaded_values
