"""Thousands of whole numbers as one value of a statement that is kept: JSON for SQLite, an array for PostgreSQL.

A statement with a parameter for each would be another one for every count of them, and dearer than what it reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, ColumnElement, String, any_, bindparam, cast, func, select

DIALECTS: Final = ("sqlite", "postgresql")


def written(dialect: str, values: Iterable[int]) -> str:
    """Answer numbers as the value of such a parameter."""
    joined = ",".join(map(str, values))
    return f"[{joined}]" if dialect == "sqlite" else f"{{{joined}}}"


def one_of(dialect: str, column: Any, name: str) -> ColumnElement[bool]:
    """Answer the condition that a column is one of the numbers in the parameter of this name."""
    if dialect == "sqlite":
        return column.in_(select(rows(dialect, name).c.value))  # type: ignore[no-any-return]
    return column == any_(_array(name))  # type: ignore[no-any-return]


def rows(dialect: str, name: str) -> Any:
    """Answer the numbers in the parameter of this name as rows, the only column of which is `value`."""
    if dialect == "sqlite":
        return func.json_each(bindparam(name, type_=String)).table_valued("value")
    return func.unnest(_array(name)).table_valued("value", name="given").render_derived()


def _array(name: str) -> Any:
    return cast(bindparam(name, type_=String), ARRAY(BigInteger))
