"""Query parameters that all reads share: parameter types, `min_seq`, pagination, and messages about invalid values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Mapping
from datetime import date
from functools import cache, cached_property
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, missing, validates_schema
from webargs.fields import DelimitedList

from newsapi.server.ignored_params import is_ignored
from newsapi.text.characters import compose
from newsapi.text.slugs import is_slug
from newsapi.web.wire import InputSchema, InstantOrDate, StrictInteger

MAX_VALUES = 100
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ufffd\ufffe\uffff\ud800-\udfff]")


class DelimitedValues(DelimitedList):
    """Comma-separated values; an item matches if it has any of them."""

    def __init__(
        self, parse: Callable[[str], Hashable], description: str, *, max_values: int = MAX_VALUES, **item_schema: object
    ) -> None:
        """Define the parameter; `parse` converts one value and raises ValueError with the message for the client."""
        inner = fields.String(metadata=item_schema)
        super().__init__(inner, metadata={"description": description, "minItems": 1, "maxItems": max_values})
        self._parse, self._max_values = parse, max_values

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> tuple[Hashable, ...]:  # type: ignore[override]
        texts = str(value).split(",", self._max_values + 1)
        if len(texts) > self._max_values:
            raise ValidationError([f"must have at most {self._max_values} values"])
        try:
            return tuple(dict.fromkeys(self._parse(text) for text in texts))
        except ValueError as error:
            raise ValidationError([str(error)]) from error


def _parse_slug(text: str) -> str:
    if not is_slug(text):
        message = "must be comma-separated slugs: lowercase letters and digits joined by single hyphens"
        raise ValueError(message)
    return text


def one_of(choices: Collection[str]) -> Callable[[str], str]:
    """Return a parser that accepts the choices only."""

    def parse(text: str) -> str:
        if text not in choices:
            message = f"must only contain {', '.join(sorted(choices))}"
            raise ValueError(message)
        return text

    return parse


class Flag(fields.Field[bool]):
    """`true` or `false`."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> bool:
        if value not in {"true", "false"}:
            raise ValidationError(["must be true or false"])
        return bool(value == "true")


class InstantOrDateParam(InstantOrDate):
    """A date-time with an offset, or a plain date: the start of that day in the time zone of the newsroom."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> date:
        try:
            return super()._deserialize(value, attr, data)
        except ValidationError as error:
            hint = ", or a date such as 2026-03-29; in a URL, write the + of an offset as %2B"
            messages = [f"{text}{hint}" if str(text).startswith("must be") else str(text) for text in error.messages]
            raise ValidationError(messages) from error


class SearchText(fields.String):
    """Search text: 1 to 200 printable characters."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        text = compose(str(value).strip())
        if not 1 <= len(text) <= 200 or _UNPRINTABLE.search(text):
            raise ValidationError(["must be 1 to 200 printable characters"])
        return text


class Cursor(fields.String):
    """An opaque pagination cursor; its signature is checked by the view."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        text = str(value)
        if not text:
            raise ValidationError(["must be a cursor from an earlier response"])
        return text


MAX_SEQ = 2**63 - 1

CROSS_FIELD_PARAMS = frozenset({"cursor", "profile", "since"})
"""Parameters whose validity depends on other parameters."""


class ReadParams(InputSchema):
    """Parameters of every read.

    Attributes:
        editor_only: Parameters that error messages do not reveal to clients without a key.
        ignores_unknown: Whether unknown parameters are ignored instead of rejected.
    """

    editor_only: ClassVar[frozenset[str]] = frozenset()
    ignores_unknown: ClassVar[bool] = False

    min_seq = StrictInteger(
        0, MAX_SEQ, load_default=0, metadata={"description": "Never return data older than this `seq`"}
    )

    def ignores(self, name: str) -> bool:
        """Return whether the read ignores the parameter with this name."""
        return is_ignored(name) or (self.ignores_unknown and name not in self.load_fields)

    def load(self, data: Any, **kwargs: Any) -> Any:
        """Deserialize a query like marshmallow, but visit only the fields that are present."""
        # marshmallow visits every field of the schema, 22 for the list of articles. It is used only where a value is
        # invalid, to report all errors at once, and for parameters with cross-field rules.
        values = self._read(data)
        return super().load(data, **kwargs) if values is None else values

    def _read(self, data: Mapping[str, str]) -> dict[str, object] | None:
        """Return the deserialized query; None if marshmallow has to load it."""
        if not self._required <= data.keys():
            return None
        values = {**self._defaults}
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
    def _defaults(self) -> Mapping[str, object]:
        """The default of each parameter that has one."""
        return defaults_of(type(self))

    @cached_property
    def _required(self) -> set[str]:
        """The required parameters."""
        return {name for name, field in self.load_fields.items() if field.required}


class PageParams(ReadParams):
    """Parameters of every list."""

    limit = StrictInteger(1, 100, load_default=20, metadata={"description": "Maximum number of items per page"})
    cursor = Cursor(
        metadata={"description": "`page.next` or `page.prev` of a response; contains filters and sort", "minLength": 1}
    )

    @validates_schema(pass_original=True)
    def _cursor_stands_alone(self, data: dict[str, object], original: dict[str, object], **_: object) -> None:
        """Reject filters and sort beside a cursor, which contains them."""
        del data
        reject_params_beside_cursor(original, ALLOWED_WITH_CURSOR)


def reject_params_beside_cursor(parameters: Collection[str], allowed_with_cursor: Collection[str]) -> None:
    """Raise ValidationError for each parameter that is given beside `cursor` but is not allowed with it."""
    if "cursor" in parameters and (others := sorted(set(parameters) - set(allowed_with_cursor))):
        message = "is part of the cursor; omit it when cursor is given"
        raise ValidationError({name: [message] for name in others})


ALLOWED_WITH_CURSOR = frozenset(
    {"cursor", "limit", "fields", "include", "profile", "facets", "total", "min_seq", "preview"}
)
"""Parameters that may change from page to page."""


WORDS_PATTERN = (
    r"^[^\x00-\x1f\x7f-\x9f\ufffd-\uffff]*[^\s\x00-\x1f\x7f-\x9f\ufffd-\uffff][^\x00-\x1f\x7f-\x9f\ufffd-\uffff]*$"
)
SLUG_PATTERN = "^[a-z0-9]+(-[a-z0-9]+)*$"


SLUG_OR_ID_SCHEMA = {"type": "string", "pattern": SLUG_PATTERN, "maxLength": 200}
"""The JSON Schema of a path parameter that takes a slug or an id; an id matches the same pattern."""


def slug_param(kind: str) -> dict[str, object]:
    """Return the path parameter `slug` of a kind of term; it takes an id too, where the view does."""
    return {"in": "path", "name": "slug", "description": f"Slug of the {kind}", "schema": SLUG_OR_ID_SCHEMA}


def id_param(thing: str, name: str = "id") -> dict[str, object]:
    """Return a path parameter that takes the id of a thing, such as a webhook."""
    return {
        "in": "path",
        "name": name,
        "description": f"Id of the {thing}",
        "schema": {"type": "string", "format": "uuid"},
    }


def slug_values(description: str) -> DelimitedValues:
    """Return a parameter that takes comma-separated slugs."""
    return DelimitedValues(_parse_slug, description, pattern=SLUG_PATTERN, maxLength=200)


def instant_or_date(description: str) -> InstantOrDateParam:
    """Return a parameter that takes a date-time or a date."""
    either = [{"type": "string", "format": kind} for kind in ("date-time", "date")]
    return InstantOrDateParam(metadata={"description": f"{description}: a date-time or a date", "anyOf": either})


def choice_list(choices: Collection[str], description: str) -> DelimitedValues:
    """Return a parameter that takes any of the choices, comma-separated."""
    return DelimitedValues(one_of(choices), description, max_values=len(choices), enum=sorted(choices))


def parameter_names(schema: type[Schema]) -> list[str]:
    """Return the parameter names of a query schema, for the message about an unknown parameter."""
    hidden = schema.editor_only if issubclass(schema, ReadParams) else frozenset[str]()
    return sorted(field.data_key or name for name, field in schema().load_fields.items() if name not in hidden)


@cache
def defaults_of(schema: type[Schema]) -> Mapping[str, object]:
    """Return the default of each parameter of a query schema that has one."""
    return {
        name: field.load_default() if callable(field.load_default) else field.load_default
        for name, field in schema().load_fields.items()
        if field.load_default is not missing
    }
