"""SQL functions that return related rows or the latest of several times as one column, without a second statement."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from newsapi.db.types import UtcDateTime


class json_rows(FunctionElement[Any]):  # noqa: N801 (an SQL function)
    """A JSON array with one array of the given columns for each row; null or empty if there is no row.

    Times are in the JSON encoding of the database; `model.base.decode_instant` decodes those of both databases.
    """

    type = JSON()
    inherit_cache = True


class greatest_time(FunctionElement[datetime]):  # noqa: N801 (an SQL function)
    """The latest of several times; the first one must not be null."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(json_rows, "sqlite")
def _array_in_sqlite(element: json_rows, compiler: SQLCompiler, **options: object) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **options)}))"


@compiles(json_rows, "postgresql")
def _array_in_postgresql(element: json_rows, compiler: SQLCompiler, **options: object) -> str:
    return f"json_agg(json_build_array({compiler.process(element.clauses, **options)}))"


@compiles(greatest_time, "sqlite")
def _newest_in_sqlite(element: greatest_time, compiler: SQLCompiler, **options: object) -> str:
    times = [compiler.process(time, **options) for time in element.clauses]
    return f"max({times[0]}, {', '.join(f'coalesce({time}, 0)' for time in times[1:])})"


@compiles(greatest_time, "postgresql")
def _newest_in_postgresql(element: greatest_time, compiler: SQLCompiler, **options: object) -> str:
    return f"greatest({compiler.process(element.clauses, **options)})"
