"""The database: engines for reading and for writing, and the two ways to use them."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from newsapi.errors import NoRoom, SchemaMissing, Unavailable
from newsapi.store import bounded

__all__ = ["Connection", "Database", "Session"]

BUSY_MS = 5_000
"""How long a SQLite writer waits for another one, in milliseconds."""

BEGINS_MS = 2
"""How long SQLite itself waits when one begins to write, before we ask again."""
HASTY_MS = 50
"""How long PostgreSQL waits for another writer where nothing is lost by giving up, in milliseconds."""

STATEMENT_MS = 900
"""After how many milliseconds PostgreSQL cuts off a read: before we close its connection (`bounded.READ`)."""

LOOK_UP_COST = 1.1
"""What PostgreSQL takes a look-up by key to cost, compared with reading the next row.

Its own figure, 4, is that of a turning disk: with it a page of a list would rather sort a whole facet than walk it.
"""


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()


class Database:
    """One database, SQLite or PostgreSQL, behind two engines: one that cannot write and one that can."""

    def __init__(self, url: str, *, pool_size: int = 5, patient: bool = False) -> None:
        """Take a SQLAlchemy address; nothing is connected before the first use.

        `patient` is for work that no reader waits for: its reads may take as long as what it writes.
        """
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._patient = patient
        self._reader = self._engine(writes=False, pool_size=pool_size)
        self._writer = self._engine(writes=True, pool_size=pool_size)
        self._hasty = self._engine(writes=True, pool_size=1, hasty=True)

    def _engine(self, *, writes: bool, pool_size: int, hasty: bool = False) -> Engine:
        options: dict[str, Any] = {
            "poolclass": QueuePool,
            "pool_size": pool_size,
            "max_overflow": pool_size,
            "pool_timeout": 1,
            "json_serializer": _dumps,
            "json_deserializer": orjson.loads,
        }
        if self.is_sqlite:
            engine = create_engine(self.url, connect_args={"check_same_thread": False}, **options)
            _prepare_sqlite(engine, writes=writes, hasty=hasty)
            return engine
        snapshot = (
            "-c default_transaction_isolation=repeatable\\ read -c default_transaction_read_only=on"
            f" -c statement_timeout={0 if self._patient else STATEMENT_MS} -c random_page_cost={LOOK_UP_COST}"
        )
        at_once = f"-c lock_timeout={HASTY_MS} -c statement_timeout={HASTY_MS} -c synchronous_commit=off"
        options_ = (at_once if hasty else "") if writes else snapshot
        arguments = {"application_name": "newsapi", "options": options_}
        engine = create_engine(self.url, connect_args=arguments, pool_pre_ping=writes, **options)
        limit = bounded.WRITE if self._patient else bounded.DESK if writes and not hasty else bounded.READ
        bounded.bound(engine, limit, begins=not writes)
        return engine

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot: everything that is read inside is as of one change. Raises Unavailable, SchemaMissing."""
        with _in_our_words(), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction that is committed at the end, or not at all. Raises Unavailable, SchemaMissing."""
        with _in_our_words(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def moment(self) -> Iterator[Session]:
        """One transaction for what may as well be left undone: it waits for no other writer, nor for the disk.

        Raises Unavailable where it would have to, or where another one did the same meanwhile.
        """
        with _in_our_words(), Session(self._hasty, expire_on_commit=False) as session:
            try:
                with session.begin():
                    yield session
            except IntegrityError as error:
                raise Unavailable from error

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A plain connection that may write and take its time, for migrations. Raises Unavailable."""
        with _in_our_words(), self._writer.connect() as connection:
            _unbound(connection)
            yield connection

    def analyze(self) -> None:
        """Let PostgreSQL count its rows anew after many came at once; SQLite needs no counts for our queries."""
        if not self.is_sqlite:
            with self._writer.connect() as connection:
                _unbound(connection)
                connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")

    def dispose(self) -> None:
        """Close every connection that is not in use."""
        self._reader.dispose()
        self._writer.dispose()
        self._hasty.dispose()


def _unbound(connection: Connection) -> None:
    """Let what is asked on a connection take as long as it takes, until it is given back."""
    driver = connection.connection.driver_connection
    if isinstance(driver, bounded.Bounded):
        driver.limit = None


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Turn what a driver says of a database that is away, too slow or without tables into errors of ours."""
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable from error
    except (DBAPIError, *DRIVERS) as error:
        said = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(said, "sqlstate", None) or getattr(said, "sqlite_errorcode", None)
        if code in UNDEFINED or str(said).startswith("no such "):
            raise SchemaMissing from error
        if code in FULL:
            raise NoRoom from error
        if isinstance(said, OPERATIONAL) or getattr(error, "connection_invalidated", False):
            raise Unavailable from error
        raise


DRIVERS = (sqlite3.Error, psycopg.Error)
OPERATIONAL = (sqlite3.OperationalError, psycopg.OperationalError)
"""What the drivers raise, of anything and of what is no fault of the statement."""

UNDEFINED = ("42P01", "42703")
"""What PostgreSQL calls a table and a column that are not there."""

FULL = ("53100", sqlite3.SQLITE_FULL)
"""What both call a disk without room."""


def _prepare_sqlite(engine: Engine, *, writes: bool, hasty: bool) -> None:
    """Set every connection up, and begin transactions ourselves: the driver would begin them too late.

    A writer takes the lock at once (BEGIN IMMEDIATE): a read turned write meets SQLITE_BUSY without any waiting.
    """

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in (
            *(() if hasty else ("journal_mode = WAL",)),  # the file knows; to say it again waits for writers
            f"synchronous = {'NORMAL' if hasty else 'FULL'}",
            "foreign_keys = ON",
            "cache_size = -65536",
            f"busy_timeout = {0 if hasty else BEGINS_MS if writes else BUSY_MS}",
            *(() if writes else ("query_only = ON",)),
        ):
            connection.execute(f"PRAGMA {pragma}")

    if not writes:  # whoever takes one to read is in a transaction from the start

        @event.listens_for(engine, "checkout")
        def begin_reading(connection: Any, _record: object, _fairy: object) -> None:
            connection.execute("BEGIN")

        return

    @event.listens_for(engine, "begin")
    def begin_writing(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None  # noqa: S101 (a connection that begins has a driver)
        _begin_writing(driver, patience=0 if hasty else BUSY_MS / 1000)


def _begin_writing(driver: Any, *, patience: float) -> None:
    """Begin to write, waiting for others that do. Raises sqlite3.OperationalError after `patience` seconds.

    SQLite's own waiting asks ever more seldom, so that among many who write those who came first wait longest, some of
    them for ever. Here all ask equally often.
    """
    end = time.monotonic() + patience
    while True:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            time.sleep(random.uniform(0.001, 0.003))  # noqa: S311 (chance, not secrecy)
        else:
            return
