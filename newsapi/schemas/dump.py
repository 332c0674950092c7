"""A fast way to what a schema's own dump gives: compiled once from the schema, so that the definition stays one.

What comes out is ready for orjson, which writes UUIDs and UTC times as our fields do; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

import orjson
from marshmallow import Schema, fields

Dump = Callable[[Mapping[str, Any]], dict[str, Any]]
_Convert = Callable[[Any], Any]
_Tree = dict[str, "_Tree"]

OPTIONS = orjson.OPT_UTC_Z


def json(value: Any) -> bytes:
    """Write a value as JSON; UUIDs and UTC times come out as our fields write them."""
    return orjson.dumps(value, option=OPTIONS)


@lru_cache(maxsize=512)
def compiled(
    schema: type[Schema],
    paths: frozenset[str] = frozenset(),
    instead: frozenset[tuple[str, type[Schema]]] = frozenset(),
) -> Dump:
    """Answer a function from a record to what the schema declares.

    `paths` (dotted inside) narrow it to those fields; `instead` gives some fields another nested schema.
    """
    return _object(schema(), _tree(paths), dict(instead))


def names(schema: type[Schema]) -> frozenset[str]:
    """Every path that `paths` may hold: the fields of the schema and, dotted, those inside them."""
    found = set()
    for name, field in schema().dump_fields.items():
        found.add(name)
        if (inner := _nested(field)) is not None:
            found |= {f"{name}.{path}" for path in names(type(inner))}
    return frozenset(found)


def _tree(paths: Collection[str]) -> _Tree:
    tree: _Tree = {}
    for path in sorted(paths):  # "brand" before "brand.slug": the whole contains the part
        branch = tree
        *above, last = path.split(".")
        for name in above:
            if name in branch and not branch[name]:
                break
            branch = branch.setdefault(name, {})
        else:
            branch[last] = {}
    return tree


def _object(schema: Schema, tree: _Tree, instead: Mapping[str, type[Schema]]) -> Dump:
    wanted = {name: field for name, field in schema.dump_fields.items() if not tree or name in tree}
    parts = [
        (name, _value(field, tree.get(name, {}), instead.get(name)), field.required) for name, field in wanted.items()
    ]
    if not all(required for _, _, required in parts):

        def with_optional(record: Mapping[str, Any]) -> dict[str, Any]:
            present = (part for part in parts if part[2] or part[0] in record)
            return {name: record[name] if convert is None else convert(record[name]) for name, convert, _ in present}

        return with_optional
    plain = [(name, convert) for name, convert, _ in parts]

    def dump(record: Mapping[str, Any]) -> dict[str, Any]:
        return {name: record[name] if convert is None else convert(record[name]) for name, convert in plain}

    return dump


def _nested(field: fields.Field[Any]) -> Schema | None:
    inner = field.inner if isinstance(field, fields.List) else field
    return inner.schema if isinstance(inner, fields.Nested) else None


def _value(field: fields.Field[Any], tree: _Tree, other: type[Schema] | None) -> _Convert | None:
    """How one field is turned; None where its value goes out as it is."""
    schema = _nested(field)
    if schema is None:
        return None
    inner = _object(other() if other else schema, tree, {})
    if isinstance(field, fields.List):
        return lambda values: [inner(value) for value in values]
    return lambda value: None if value is None else inner(value)
