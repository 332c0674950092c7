"""Bulk inserts and conditions on many values, by the fastest method of each database.

Columns and the storage of their values come from the tables; the driver does the rest. SQLAlchemy's own processing of
each row would cost several times as much as the insert.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeVar

import orjson
import psycopg
from sqlalchemy import ARRAY, Column, ColumnElement, Connection, LargeBinary, Text, any_, func, literal, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute, Session

from newsapi.db.types import Base, columns_table

_Value = TypeVar("_Value")


def bulk_insert(session: Session, model: type[Base], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Insert rows, with COPY on PostgreSQL and `executemany` on SQLite.

    Errors are those that an INSERT would raise.

    Args:
        session: The session of the write.
        model: The mapped class of the table.
        columns: The names of the columns; other columns stay null, and defaults of the model are not applied.
        rows: The values of each row, in the order of `columns`.
    """
    insert_stored(session, model, columns, to_stored(session, model, columns, rows))


def to_stored(
    session: Session, model: type[Base], columns: Sequence[str], rows: Iterable[Sequence[object]]
) -> list[tuple[object, ...]]:
    """Convert the values of rows to those of the driver, column by column.

    Args:
        session: The session of the write.
        model: The mapped class of the table.
        columns: The names of the columns of the rows.
        rows: The values of each row, in the order of `columns`.

    Returns:
        The rows. On both databases, converted ids and times sort as the given ones.
    """
    dialect, target = session.connection().dialect, columns_table(model)
    converted = []
    for name, values in zip(columns, zip(*rows, strict=True), strict=False):
        type_ = target.c[name].type
        # Most columns, such as bytes, need no conversion; null is null in all of them.
        is_stored = type(type_) is LargeBinary or values.count(None) == len(values)
        process = None if is_stored else type_.dialect_impl(dialect).bind_processor(dialect)
        converted.append(map(process, values) if process else values)
    return list(zip(*converted, strict=True))


def insert_stored(
    session: Session, model: type[Base], columns: Sequence[str], rows: Sequence[tuple[object, ...]]
) -> None:
    """Insert rows whose values `to_stored` has converted; the arguments are those of `bulk_insert`."""
    if not rows:
        return
    connection, target = session.connection(), columns_table(model)
    quote = connection.dialect.identifier_preparer.quote
    into = f"{quote(target.name)} ({', '.join(map(quote, columns))})"
    if connection.dialect.name == "sqlite":
        placeholders = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {into} VALUES ({placeholders})", rows)  # noqa: S608 (our own names)
    else:
        types = [target.c[name].type.compile(connection.dialect) for name in columns]
        _copy(connection, into, types, rows)


def in_values(
    connection: Connection, column: Column[_Value] | InstrumentedAttribute[_Value], values: Collection[_Value]
) -> ColumnElement[bool]:
    """Return the condition that a column has one of the values, of which there may be thousands.

    PostgreSQL receives one array and SQLite texts as one JSON list, because one parameter for each value takes
    SQLAlchemy and the drivers longer than the database needs for the rows.
    """
    if connection.dialect.name != "sqlite":
        return column == any_(literal(list(values), ARRAY(column.type)))
    if not isinstance(column.type, Text):
        return column.in_(values)
    listed = func.json_each(literal(orjson.dumps(list(values)).decode(), Text)).table_valued("value")
    return column.in_(select(listed.c.value))


def _copy(connection: Connection, into: str, types: Sequence[str], values: Iterable[tuple[object, ...]]) -> None:
    statement = f"COPY {into} FROM STDIN (FORMAT BINARY)"
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([type_.partition(" COLLATE ")[0].lower() for type_ in types])
            for row in values:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(statement, None, error, psycopg.Error, dialect=connection.dialect) from error
