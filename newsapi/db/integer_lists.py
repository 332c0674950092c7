"""Lists of integers as one parameter of a statement that is kept: JSON on SQLite, an array on PostgreSQL.

One parameter for each integer would make a different statement for each count, which costs more than what it reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Cast,
    Column,
    ColumnElement,
    String,
    TableValuedAlias,
    any_,
    bindparam,
    cast,
    func,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute

DIALECTS: Final = ("sqlite", "postgresql")


def bind_value(dialect: str, values: Iterable[int]) -> str:
    """Return integers as the value of such a parameter."""
    joined = ",".join(map(str, values))
    return f"[{joined}]" if dialect == "sqlite" else f"{{{joined}}}"


def in_list(dialect: str, column: Column[int] | InstrumentedAttribute[int], name: str) -> ColumnElement[bool]:
    """Return the condition that a column is one of the integers in the parameter `name`."""
    if dialect == "sqlite":
        return column.in_(select(unnest(dialect, name).c.value))
    return column == any_(_array(name))


def unnest(dialect: str, name: str) -> TableValuedAlias:
    """Return a table of the integers in the parameter `name`, with the single column `value`."""
    if dialect == "sqlite":
        return func.json_each(bindparam(name, type_=String)).table_valued("value")
    return func.unnest(_array(name)).table_valued("value", name="given").render_derived()


def _array(name: str) -> Cast[Sequence[int]]:
    return cast(bindparam(name, type_=String), ARRAY(BigInteger))
