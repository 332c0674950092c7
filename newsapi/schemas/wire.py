"""What every schema shares: strict input, open output, times with Z, slugs, pages, problems."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate

from newsapi.errors import Fault
from newsapi.text.languages import language_tag
from newsapi.text.slugs import is_slug

EARLIEST, LATEST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)
"""Times that have a day in every zone."""

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029]")
_LINE_BREAK = re.compile(r"[\t\n\r]")
_WHOLE = re.compile(r"0|-?[1-9]\d{0,18}", re.ASCII)


class In(Schema):
    """Something that is sent to us: what it does not know it refuses."""

    class Meta:
        """Refuse unknown fields."""

        unknown = RAISE

    error_messages = {"unknown": "is not a field here", "type": "must be an object"}  # noqa: RUF012 (marshmallow's name)


class Out(Schema):
    """Something that we send: clients must expect more fields than they know."""

    class Meta:
        """Leave the door open for additions."""

        unknown = EXCLUDE

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Tell the document what the docstring tells."""
        super().__init_subclass__(**kwargs)
        if cls.__doc__:
            described = type("Meta", (cls.Meta,), {"description": " ".join(cls.__doc__.split())})
            cls.Meta = described  # type: ignore[assignment, misc]  # mypy takes the name for a fixed one


def faults(messages: object, place: str = "") -> Iterator[Fault]:
    """Turn marshmallow's nested messages into faults with JSON pointers (RFC 6901)."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            step = "" if key == "_schema" else "/" + str(key).replace("~", "~0").replace("/", "~1")
            yield from faults(inner, place + step)
    elif isinstance(messages, list):
        for message in messages:
            yield from faults(message, place)
    else:
        yield Fault(place, str(messages))


def instant(text: str) -> datetime:
    """Read a time of RFC 3339, which has an offset; raises ValueError that says what is wrong."""
    if not _INSTANT.fullmatch(text):
        message = "must be a time with its offset such as 2026-03-29T01:30:00Z or 2026-03-29T03:30:00+02:00"
        raise ValueError(message)
    head, dot, rest = text.upper().replace(" ", "T").partition(".")
    if dot:  # nanoseconds are cut to the microseconds that are kept
        digits = re.match(r"\d+", rest)[0]  # type: ignore[index]
        head = f"{head}.{digits[:6].ljust(6, '0')}{rest[len(digits) :]}"
    try:
        found = datetime.fromisoformat(head).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = "is not a time of the calendar"
        raise ValueError(message) from error
    if not EARLIEST <= found <= LATEST:
        message = "is too far from today to have a date in every time zone"
        raise ValueError(message)
    return found


def written(value: datetime) -> str:
    """Write a time in UTC as all our answers do: with Z, and with microseconds where there are any."""
    return value.isoformat().removesuffix("+00:00") + "Z"


class Instant(fields.Field[datetime]):
    """A time of RFC 3339: any offset in, UTC with Z out."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else written(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        if not isinstance(value, str):
            raise ValidationError(["must be a text with a time"])
        try:
            return instant(value)
        except ValueError as error:
            raise ValidationError([str(error)]) from error


class Moment(Instant):
    """A time, or a plain date that stands for a day: answers a datetime or a date."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str) and _DATE.fullmatch(value):
            try:
                found = date.fromisoformat(value)
            except ValueError as error:
                raise ValidationError(["is not a date of the calendar"]) from error
            if not EARLIEST.date() <= found <= LATEST.date():
                raise ValidationError(["is too far from today"])
            return found
        return super()._deserialize(value, None, None)


class Line(fields.String):
    """One line of text: trimmed, without control characters, never empty."""

    breaks = False

    def __init__(self, *, longest: int = 500, **kwargs: Any) -> None:
        """Take the greatest length in characters."""
        super().__init__(validate=validate.Length(max=longest, error=f"is longer than {longest} characters"), **kwargs)

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Take an empty text for null where null is allowed."""
        if self.allow_none and isinstance(value, str) and not value.strip():
            value = None
        return super().deserialize(value, attr, data, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(["must be a text"])
        if _CONTROL.search(value) or (not self.breaks and _LINE_BREAK.search(value)):
            raise ValidationError(["has a control character in it"])
        if not (trimmed := value.strip()):
            raise ValidationError(["must not be empty"])
        return trimmed


class Prose(Line):
    """Text that may have line breaks."""

    breaks = True


class SlugField(fields.String):
    """A slug: small letters and digits joined by single hyphens, at most 200, not in the shape of a UUID."""

    def __init__(self, *, metadata: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        """Take what a field takes; the document tells its shape."""
        super().__init__(
            metadata={"pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 200, **(metadata or {})}, **kwargs
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not is_slug(value):
            raise ValidationError([NOT_A_SLUG])
        return value


NOT_A_SLUG = "is not a slug: small letters and digits joined by single hyphens, at most 200 characters, no UUID"


def slug_list(most: int, *, left_out: Any = list) -> fields.List[str]:
    """Answer a field of slugs, `most` at most and each once; `left_out` is what it is then, none if not said."""
    too_many = validate.Length(max=most, error=f"holds more than {most}")
    return fields.List(SlugField(), load_default=left_out, validate=[too_many, no_repeats])


def no_repeats(values: list[str]) -> None:
    """Raise ValidationError where a list names a thing twice."""
    if len(set(values)) < len(values):
        raise ValidationError(["names the same thing twice"])


class WebAddress(Line):
    """An absolute http or https address."""

    def __init__(self, **kwargs: Any) -> None:
        """Take no length: 2,000 characters are the limit."""
        super().__init__(longest=2_000, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            parts = urlsplit(text)
            good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            good = False
        if not good or any(character in text for character in " \"'<>\\^`{|}"):
            raise ValidationError(["must be an absolute http or https address"])
        return text


class LanguageTag(fields.String):
    """A language tag of BCP 47, answered in its canonical case."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        tag = language_tag(value) if isinstance(value, str) else None
        if tag is None:
            raise ValidationError(["is not a language tag of BCP 47, such as it or en-GB"])
        return tag


class Whole(fields.Integer):
    """A whole number, written as one: no sign but minus, no fraction, no zeros before it."""

    def __init__(self, lowest: int, highest: int, **kwargs: Any) -> None:
        """Take both ends of the range."""
        span = validate.Range(min=lowest, max=highest, error=f"must be a whole number from {lowest} to {highest}")
        super().__init__(validate=span, **kwargs)
        self.span = f"must be a whole number from {lowest} to {highest}"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise ValidationError([self.span])


class Size(Whole):
    """A length in pixels, as a JSON number."""

    def __init__(self, **kwargs: Any) -> None:
        """Take no range: 1 to 100,000."""
        super().__init__(1, 100_000, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str):
            raise ValidationError([self.span])
        return super()._deserialize(value, None, None)


class YesNo(fields.Boolean):
    """A JSON true or false, and nothing that equals one."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(["must be true or false"])
        return value


def open_enum(*values: str, **metadata: object) -> dict[str, object]:
    """Metadata of a field that may get more values than the ones known today."""
    return {"x-extensible-enum": list(values), **metadata}


class Ref(Out):
    """A brand, author, section or tag in short."""

    slug = fields.String(required=True, metadata={"example": "land-rover"})
    name = fields.String(required=True, metadata={"example": "Land Rover"})


class PageInfo(Out):
    """Where in the list this page is."""

    limit = fields.Integer(required=True, metadata={"example": 20})
    next = fields.String(required=True, allow_none=True, metadata={"description": "Cursor of the next page"})
    prev = fields.String(required=True, allow_none=True, metadata={"description": "Cursor of the page before"})
    total = fields.Integer(metadata={"description": "With `total=true`: how many there are; exact up to 10,000"})
    total_is_lower_bound = fields.Boolean(metadata={"description": "With `total=true`: whether there are more"})


class PageLinks(Out):
    """The addresses of this page and of the ones beside it, as in the `Link` header (RFC 8288)."""

    self = fields.Url(required=True)
    next = fields.Url(required=True, allow_none=True)
    prev = fields.Url(required=True, allow_none=True)


class WrongPlace(Out):
    """One wrong place: `pointer` in a body, `parameter` in a query or path."""

    pointer = fields.String(metadata={"description": "JSON pointer (RFC 6901) into the body", "example": "/headline"})
    parameter = fields.String(metadata={"description": "Name of the parameter", "example": "limit"})
    message = fields.String(required=True)


class Gone(Out):
    """Why an article that was public is no more."""

    at = fields.String(required=True, metadata={"format": "date-time"})
    action = fields.String(required=True, validate=validate.OneOf(("unpublished", "withdrawn")))
    reason = fields.String(required=True, metadata=open_enum("legal", "error", "rights", "duplicate", "other"))
    note = fields.String(required=True, allow_none=True)
    replaced_by = fields.String(required=True, allow_none=True)


class Problem(Out):
    """An error, as in RFC 9457."""

    type = fields.Url(required=True, metadata={"description": "Address of a page that explains this kind of problem"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True, metadata={"description": "Path that was asked for"})
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(WrongPlace))
    gone = fields.Nested(Gone)
