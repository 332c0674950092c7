"""Fast loading: a function per schema that returns what `Schema.load` returns for valid input.

What: `compile_load` turns the fields of a schema into a list of steps. The schema stays the only definition: each step
calls the field's own conversion and validators. Invalid input raises an error without details; `FastLoadingSchema` then
loads it again in marshmallow's way, which collects all errors. `tests/web/test_fast_load.py` compares both ways.

Why: `Schema.load` makes several calls and objects for each field, also for those that a record does not have. Measured
for an article of an import: 38 µs instead of 98 µs.

How to debug: delete `FastLoadingSchema._deserialize`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import Any, Final, TypeAlias

from marshmallow import RAISE, Schema, ValidationError, fields, missing

LoadFunction: TypeAlias = Callable[[dict[str, object]], dict[str, object]]
_FieldLoader: TypeAlias = Callable[[object, str | None, Mapping[str, object] | None], object]

_INVALID: Final = "is invalid"


class FastLoadingSchema(Schema):
    """A schema that loads valid records in the fast way; it rejects unknown fields."""

    @cached_property
    def _load_fields(self) -> LoadFunction:
        return compile_load(self)

    def _deserialize(self, data: Any, *, many: bool = False, partial: Any = None, **options: Any) -> Any:
        """Load the fields in the fast way; in marshmallow's way if that fails, or if it does not apply."""
        if not many and not partial and options.get("unknown") == RAISE and type(data) is dict:
            with suppress(ValidationError):
                return self._load_fields(data)
        return super()._deserialize(data, many=many, partial=partial, **options)


def compile_load(schema: Schema) -> LoadFunction:
    """Return a function that loads the fields of a valid record, without the hooks of the schema.

    Args:
        schema: The schema; it rejects unknown fields.

    Returns:
        The function. It takes the record and returns the loaded values, and raises ValidationError if the record is
        invalid.
    """
    steps = [
        (field.data_key or name, field.attribute or name, _field_loader(field), _default(field))
        for name, field in schema.load_fields.items()
    ]
    known_keys = frozenset(key for key, _, _, _ in steps)

    def load(record: dict[str, object]) -> dict[str, object]:
        if not record.keys() <= known_keys:
            raise ValidationError(_INVALID)
        values = {}
        for key, name, load_field, default in steps:
            value = load_field(record[key], key, record) if key in record else default()
            if value is not missing:
                values[name] = value
        return values

    return load


def _default(field: fields.Field[object]) -> Callable[[], object]:
    """Return the function that makes the value of a field that is omitted."""
    if field.required:
        return _raise_invalid
    default = field.load_default
    return default if callable(default) else lambda: default


def _raise_invalid() -> None:
    raise ValidationError(_INVALID)


def _field_loader(field: fields.Field[object]) -> _FieldLoader:
    """Return a function that does what `Field.deserialize` does for a value that is given."""
    if type(field).deserialize is not fields.Field.deserialize:
        return field.deserialize
    convert = _converter(field)
    validators, preparations, completions = tuple(field.validators), tuple(field.pre_load), tuple(field.post_load)

    def load(value: object, attribute: str | None, data: Mapping[str, object] | None) -> object:
        for prepare in preparations:
            value = prepare(value)
        if value is None:
            if field.allow_none:
                return None
            raise ValidationError(_INVALID)
        value = convert(value, attribute, data)
        for validate in validators:
            validate(value)
        for complete in completions:
            value = complete(value)
        return value

    return load


def _converter(field: fields.Field[object]) -> _FieldLoader:
    """Return a function that does what `_deserialize` of a field does."""
    if type(field) is not fields.List:
        return field._deserialize  # noqa: SLF001 (the method that fields define)
    load_item = _field_loader(field.inner)

    def load_list(value: object, _attribute: str | None, _data: Mapping[str, object] | None) -> list[object]:
        if type(value) is not list:
            raise ValidationError(_INVALID)
        return [load_item(item, None, None) for item in value]

    return load_list
