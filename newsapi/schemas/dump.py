"""A fast way to what a schema's own dump gives: written out once from the schema, so that the definition stays one.

What comes out is ready for orjson, which writes UUIDs and UTC times as our fields do; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from itertools import count
from typing import Any

import orjson
from marshmallow import Schema, fields

Dump = Callable[[Mapping[str, Any]], dict[str, Any]]
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
    names = (f"r{number}" for number in count())
    record = next(names)
    made: Dump = eval(  # noqa: S307 (made of the names of our own fields)
        f"lambda {record}: {_object(schema(), _tree(paths), dict(instead), record, names)}", {}
    )
    return made


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


def _nested(field: fields.Field[Any]) -> Schema | None:
    inner = field.inner if isinstance(field, fields.List) else field
    return inner.schema if isinstance(inner, fields.Nested) else None


def _object(schema: Schema, tree: _Tree, instead: Mapping[str, type[Schema]], record: str, names: Iterator[str]) -> str:
    """The source of a dict with the fields of a schema; `record` is the name of what they are taken from."""
    parts = []
    for name, field in schema.dump_fields.items():
        if tree and name not in tree:
            continue
        value = _value(field, tree.get(name, {}), instead.get(name), f"{record}[{name!r}]", names)
        part = f"{name!r}: {value}"
        parts.append(part if field.required else f"**({{{part}}} if {name!r} in {record} else {{}})")
    return f"{{{', '.join(parts)}}}"


def _value(field: fields.Field[Any], tree: _Tree, other: type[Schema] | None, value: str, names: Iterator[str]) -> str:
    """The source of how one field is turned; where it holds no other schema, its value goes out as it is."""
    schema = _nested(field)
    if schema is None:
        return value
    inner = next(names)
    made = _object(other() if other else schema, tree, {}, inner, names)
    if isinstance(field, fields.List):
        return f"[{made} for {inner} in {value}]"
    return f"None if ({inner} := {value}) is None else {made}"
