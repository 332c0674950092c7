"""Several values in one: what belongs to an article comes with its row, and no second statement has to fetch it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from newsapi.model.base import UtcDateTime


class gathered(FunctionElement[Any]):  # noqa: N801 (a function of SQL)
    """A JSON array that has, for each row, an array of these columns; null or empty where there is no row.

    Times in it are as JSON has them: `model.base.moment` reads both databases'.
    """

    type = JSON()
    inherit_cache = True


class newest(FunctionElement[datetime]):  # noqa: N801 (a function of SQL)
    """The latest of several times, of which the first is never null."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(gathered, "sqlite")
def _array_in_sqlite(element: gathered, compiler: Any, **options: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **options)}))"


@compiles(gathered, "postgresql")
def _array_in_postgresql(element: gathered, compiler: Any, **options: Any) -> str:
    return f"json_agg(json_build_array({compiler.process(element.clauses, **options)}))"


@compiles(newest, "sqlite")
def _newest_in_sqlite(element: newest, compiler: Any, **options: Any) -> str:
    times = [compiler.process(time, **options) for time in element.clauses]
    return f"max({times[0]}, {', '.join(f'coalesce({time}, 0)' for time in times[1:])})"


@compiles(newest, "postgresql")
def _newest_in_postgresql(element: newest, compiler: Any, **options: Any) -> str:
    return f"greatest({compiler.process(element.clauses, **options)})"
