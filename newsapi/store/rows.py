"""Many rows at once, by the fastest way each database has.

The tables say which columns there are and how a value of each is stored; the driver does the rest. SQLAlchemy's own
handling of each row would cost several times as much as the row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import psycopg
from sqlalchemy import ARRAY, ColumnElement, Connection, Dialect, LargeBinary, Table, any_, literal
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from newsapi.model.base import Base, table


def insert(session: Session, model: type[Base], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of these columns: with COPY on PostgreSQL, with the driver's own loop on SQLite.

    Columns that are not named stay null: defaults of the model are not asked. Raises what an INSERT would raise.
    """
    connection = session.connection()
    target = table(model)
    stored = _stored(connection.dialect, target, columns, rows)
    if not stored:
        return
    quote = connection.dialect.identifier_preparer.quote
    into = f"{quote(target.name)} ({', '.join(map(quote, columns))})"
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"INSERT INTO {into} VALUES ({', '.join('?' * len(columns))})", stored)  # noqa: S608 (names of ours)
    else:
        types = [target.c[name].type.compile(connection.dialect) for name in columns]
        _copy(connection, into, types, stored)


def among(connection: Connection, column: Any, values: Collection[Any]) -> ColumnElement[bool]:
    """Answer the condition that a column has one of these values, few or thousands.

    PostgreSQL is sent one array: its driver would take longer over thousands of parameters than it over the rows.
    """
    if connection.dialect.name == "sqlite":
        found: ColumnElement[bool] = column.in_(values)
    else:
        found = column == any_(literal(list(values), ARRAY(column.type)))
    return found


def _stored(
    dialect: Dialect, target: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> list[tuple[Any, ...]]:
    """Turn values into what the driver takes, column by column: most need nothing, and bytes are bytes."""
    turned = []
    for name, values in zip(columns, zip(*rows, strict=True), strict=False):
        kept = target.c[name].type
        process = None if type(kept) is LargeBinary else kept.dialect_impl(dialect).bind_processor(dialect)
        turned.append(map(process, values) if process else values)
    return list(zip(*turned, strict=True))


def _copy(connection: Connection, into: str, types: Sequence[str], stored: Iterable[tuple[Any, ...]]) -> None:
    statement = f"COPY {into} FROM STDIN (FORMAT BINARY)"
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([type_.partition(" COLLATE ")[0].lower() for type_ in types])
            for row in stored:
                copy.write_row(row)
    except psycopg.Error as error:
        raise DBAPIError.instance(statement, None, error, psycopg.Error, dialect=connection.dialect) from error
