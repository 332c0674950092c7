"""One store of compiled statements for all databases that the tests of a process open.

SQLAlchemy keeps the compiled form of a statement for each engine, and `newsapi.db.compiled_queries` for each dialect
object. A server opens its database once. Every test opens databases of its own, so that compiling the same statements
again took half of the CPU time of a test that writes.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.util import LRUCache

SIZE = 2000
"""Statements that are kept; a server keeps 500 for each engine."""


def share_compiled_statements() -> None:
    """Let all engines of this process use what one of them compiled for the same kind of database."""
    compiled: LRUCache[Any, Any] = LRUCache(SIZE)

    def is_same_kind(dialect: Dialect, other: object) -> bool:
        return type(dialect) is type(other)

    def hash_of_kind(dialect: Dialect) -> int:
        return hash(type(dialect))

    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        kind.__eq__ = is_same_kind  # type: ignore[method-assign, assignment]
        kind.__hash__ = hash_of_kind  # type: ignore[method-assign, assignment]

    @event.listens_for(Engine, "engine_connect")
    def use_shared(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)
