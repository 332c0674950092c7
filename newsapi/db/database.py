"""The database: separate engines for reads and writes, and context managers for snapshots and transactions."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from newsapi.db import deadlines, pool_use
from newsapi.db.deadlines import DeadlineConnection
from newsapi.db.failures import server_name, translate_driver_errors
from newsapi.db.read_connections import BEGIN_READING, ReadConnection, ReplicaConnection
from newsapi.errors import Unavailable
from newsapi.settings import Settings

__all__ = ["Connection", "Database", "Session"]

SQLITE_BUSY_TIMEOUT_MS = 5_000
"""How long a SQLite writer waits for the write lock, in milliseconds."""

SQLITE_BEGIN_TIMEOUT_MS = 2
"""How long SQLite itself waits for the write lock before `_begin_writing` tries again, in milliseconds."""

SQLITE_CHECKPOINT_TIMEOUT_SECONDS = 0.2
"""How long `Database.truncate_write_ahead_log` waits for a moment without readers and writers, in seconds."""

TRY_LOCK_TIMEOUT_MS = 50
"""Lock and statement timeout of optional writes (`Database.try_transaction`) on PostgreSQL, in milliseconds."""

NOWAIT_SETTINGS = (
    f"SELECT set_config('lock_timeout', '{TRY_LOCK_TIMEOUT_MS}', true),"
    f" set_config('statement_timeout', '{TRY_LOCK_TIMEOUT_MS}', true), set_config('synchronous_commit', 'off', true)"
)
"""The settings of the transaction of an optional write on PostgreSQL."""

READ_STATEMENT_TIMEOUT_MS = 900
"""Statement timeout of reads on PostgreSQL, in milliseconds.

It is shorter than `deadlines.READ_TIMEOUT_SECONDS`, after which the connection is closed.
"""

SQLITE_INSTRUCTIONS_PER_CHECK = 100_000
"""Number of instructions of SQLite's virtual machine between two checks of a read: one millisecond, roughly."""

SQLITE_MAX_READ_CHECKS = 500
"""Number of checks after which a read transaction is interrupted: 50 million instructions, about a second.

Instructions are counted and not seconds, so that a busy machine interrupts nothing that is cheap.
"""

PREPARE_THRESHOLD = 5
"""A connection to PostgreSQL prepares a statement by name after this number of executions."""

RANDOM_PAGE_COST = 1.1
"""PostgreSQL's `random_page_cost`: the cost of a random page read relative to a sequential one.

The default of 4 suits rotating disks; with it, the planner prefers sorting a whole facet to an index scan for a page.
"""


def _dumps(value: object) -> str:
    return orjson.dumps(value).decode()


class Database:
    """One SQLite or PostgreSQL database, with separate engines for reads, writes and optional writes."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 5,
        long_running: bool = False,
        prepared_statements: bool = True,
        is_replica: bool = False,
    ) -> None:
        """Initialize the engines; they connect on first use.

        Args:
            url: SQLAlchemy database URL.
            pool_size: Maximum number of connections for reads; half as many for writes, and one for optional writes.
            long_running: Whether statements get the time limit of background writes, for work that no client waits for.
            prepared_statements: Whether frequent statements are prepared by name on PostgreSQL.
            is_replica: Whether it is a read replica, which need not be on the timeline of the primary.
        """
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._long_running = long_running
        self._is_replica = is_replica
        self._prepare_threshold = PREPARE_THRESHOLD if prepared_statements else None
        self._reader = self._engine(writes=False, pool_size=pool_size)
        self._writer = self._engine(writes=True, pool_size=max(1, pool_size // 2))
        self._nowait_writer = self._engine(writes=True, pool_size=1, nowait=True)
        for engine in (self._reader, self._writer, self._nowait_writer):
            pool_use.watch(engine)

    @classmethod
    def from_settings(
        cls, settings: Settings, *, url: str | None = None, pool_size: int = 5, long_running: bool = False
    ) -> Database:
        """Return the database of the settings, or a replica of it at another URL.

        The other arguments are those of the constructor.
        """
        return cls(
            url or settings.database_url,
            pool_size=pool_size,
            long_running=long_running,
            prepared_statements=settings.prepared_statements == "on",
            is_replica=url is not None,
        )

    def _engine(self, *, writes: bool, pool_size: int, nowait: bool = False) -> Engine:
        limit = self._time_limit(writes=writes, nowait=nowait)
        pool_options: dict[str, Any] = {
            "poolclass": QueuePool,
            "pool_size": pool_size,
            "max_overflow": 0,
            "pool_timeout": limit,
            "json_serializer": _dumps,
            "json_deserializer": orjson.loads,
        }
        if self.is_sqlite:
            engine = create_engine(self.url, connect_args={"check_same_thread": False}, **pool_options)
            _prepare_sqlite(engine, writes=writes, nowait=nowait)
            if not writes and not self._long_running:
                _limit_sqlite_reads(engine)
            return engine
        # A pooler in transaction mode passes neither `options` nor SET on to the session of the next transaction: each
        # transaction has to set what it needs.
        arguments = {"application_name": "newsapi", "prepare_threshold": self._prepare_threshold}
        engine = create_engine(
            self.url,
            connect_args=deadlines.CONNECTION_OPTIONS | arguments,
            pool_pre_ping=writes,
            execution_options={deadlines.LIMIT_OPTION: limit},
            **pool_options,
        )
        read_type = ReplicaConnection if self._is_replica else ReadConnection
        connection_type = DeadlineConnection if writes else read_type
        deadlines.apply_deadlines(engine, limit, connection_type, autocommit=not writes)
        if nowait:
            event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(NOWAIT_SETTINGS))
        elif not writes:
            event.listen(engine, "connect", partial(_set_begin_statement, self._begin_statement()))
        return engine

    def _begin_statement(self) -> str:
        """Return the SQL that begins a read transaction on PostgreSQL."""
        statement_timeout_ms = 0 if self._long_running else READ_STATEMENT_TIMEOUT_MS
        return (
            f"{BEGIN_READING}; SET LOCAL statement_timeout = {statement_timeout_ms};"
            f" SET LOCAL random_page_cost = {RANDOM_PAGE_COST}"
        )

    @property
    def server_name(self) -> str:
        """The host and port of the server, for log lines."""
        return server_name(self.url)

    def _time_limit(self, *, writes: bool, nowait: bool) -> float:
        """Return the time limit of one statement on PostgreSQL, in seconds."""
        if self._long_running:
            return deadlines.BULK_WRITE_TIMEOUT_SECONDS
        return deadlines.EDITOR_WRITE_TIMEOUT_SECONDS if writes and not nowait else deadlines.READ_TIMEOUT_SECONDS

    @contextmanager
    def read_transaction(self) -> Iterator[Connection]:
        """Open a read transaction: all reads inside see one snapshot.

        Yields:
            A connection that cannot write.

        Raises:
            Unavailable: The database cannot be reached or did not reply in time.
            MigrationsPending: A table or column is missing.
        """
        with translate_driver_errors(self.url), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Open a write transaction, committed at the end and rolled back on any exception.

        Yields:
            The session of the transaction.

        Raises:
            Unavailable: The database cannot be reached or did not reply in time.
            MigrationsPending: A table or column is missing.
            DiskFull: The disk of the database is full.
        """
        with (
            translate_driver_errors(self.url),
            Session(self._writer, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def try_transaction(self) -> Iterator[Session]:
        """Open a transaction for an optional write, which waits neither for other writers nor for the disk.

        Yields:
            The session of the transaction.

        Raises:
            Unavailable: The transaction would have to wait, or a concurrent one wrote the same rows.
        """
        with translate_driver_errors(self.url), Session(self._nowait_writer, expire_on_commit=False) as session:
            try:
                with session.begin():
                    yield session
            except IntegrityError as error:
                raise Unavailable from error

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Open a writable connection without time limit, for migrations.

        Yields:
            The connection; the caller controls its transactions.

        Raises:
            Unavailable: The database cannot be reached.
        """
        with translate_driver_errors(self.url), self._writer.connect() as connection:
            _lift_deadline(connection)
            yield connection

    def analyze(self) -> None:
        """Update the planner statistics of PostgreSQL after a bulk write; our queries on SQLite do not need them."""
        if not self.is_sqlite:
            with translate_driver_errors(self.url), self._writer.connect() as connection:
                _lift_deadline(connection)
                connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")

    def truncate_write_ahead_log(self) -> bool:
        """Empty SQLite's write-ahead log, which contains rows as they were before they were deleted.

        Returns:
            False if it could not be emptied now, such as because another connection reads; True otherwise, and on
            PostgreSQL, which recycles its log by itself.
        """
        if not self.is_sqlite:
            return True
        try:
            with translate_driver_errors(self.url), self._nowait_writer.connect() as connection:
                driver = connection.connection.driver_connection
                assert driver is not None  # noqa: S101 (a connection from the pool has a driver connection)
                return _truncate_log(driver)
        except Unavailable:  # what was to be deleted is deleted, and only its traces are left
            return False

    def dispose(self) -> None:
        """Close all idle connections."""
        self._reader.dispose()
        self._writer.dispose()
        self._nowait_writer.dispose()


def is_read_only(connection: Connection) -> bool:
    """Return whether the server refuses writes: it is a replica, or its default for transactions is read-only."""
    if connection.dialect.name == "sqlite":
        return False
    return bool(connection.exec_driver_sql(_IS_READ_ONLY).scalar())


_IS_READ_ONLY = "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean"


def _set_begin_statement(statement: str, connection: ReadConnection, _record: object) -> None:
    connection.begin_statement = statement


def _lift_deadline(connection: Connection) -> None:
    """Remove the time limit of a connection until it is returned to the pool."""
    driver = connection.connection.driver_connection
    if isinstance(driver, DeadlineConnection):
        driver.limit = None


def _prepare_sqlite(engine: Engine, *, writes: bool, nowait: bool) -> None:
    """Set the pragmas of each connection, and begin transactions explicitly; the driver would begin them too late.

    A write transaction takes the write lock at its start (BEGIN IMMEDIATE). A transaction that starts with a read and
    then writes would fail with SQLITE_BUSY at once, without waiting.
    """
    pragmas = _sqlite_pragmas(writes=writes, nowait=nowait)

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    if not writes:
        # A connection for reads is in a transaction from its checkout on.
        @event.listens_for(engine, "checkout")
        def begin_reading(connection: sqlite3.Connection, _record: object, _fairy: object) -> None:
            connection.execute("BEGIN")

        return

    @event.listens_for(engine, "begin")
    def begin_writing(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None  # noqa: S101 (a connection that begins has a driver connection)
        _begin_writing(driver, timeout_seconds=0 if nowait else SQLITE_BUSY_TIMEOUT_MS / 1000)


def _limit_sqlite_reads(engine: Engine) -> None:
    """Interrupt the statement with which a read transaction exceeds its number of instructions."""

    @event.listens_for(engine, "connect")
    def count_checks(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        info = record.info

        def check() -> bool:
            info["checks"] += 1
            return bool(info["checks"] > SQLITE_MAX_READ_CHECKS)

        connection.set_progress_handler(check, SQLITE_INSTRUCTIONS_PER_CHECK)

    @event.listens_for(engine, "checkout")
    def begin_count(_connection: sqlite3.Connection, record: ConnectionPoolEntry, _fairy: object) -> None:
        record.info["checks"] = 0


def _sqlite_pragmas(*, writes: bool, nowait: bool) -> list[str]:
    """Return the pragmas of a connection, in the order in which they are set."""
    pragmas = []
    if not nowait:  # the journal mode is stored in the file, and setting it again would wait for writers
        pragmas.append("journal_mode = WAL")
    busy_timeout = SQLITE_BEGIN_TIMEOUT_MS if writes else SQLITE_BUSY_TIMEOUT_MS
    pragmas += [
        f"synchronous = {'NORMAL' if nowait else 'FULL'}",
        "secure_delete = ON",  # deleted rows are overwritten: addresses of subscribers do not stay in the file
        "foreign_keys = ON",
        "cache_size = -65536",
        f"busy_timeout = {0 if nowait else busy_timeout}",
    ]
    if not writes:
        pragmas.append("query_only = ON")
    return pragmas


def _truncate_log(driver: sqlite3.Connection) -> bool:
    """Empty the write-ahead log at the first moment without readers and writers; return False if there was none."""
    deadline = time.monotonic() + SQLITE_CHECKPOINT_TIMEOUT_SECONDS
    while True:
        (is_busy, _, _) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not is_busy or time.monotonic() >= deadline:
            return not is_busy
        time.sleep(0.005)


def _begin_writing(driver: sqlite3.Connection, *, timeout_seconds: float) -> None:
    """Begin a write transaction, waiting for the write lock for up to `timeout_seconds` seconds.

    The busy handler of SQLite polls less and less often, so that among many writers the first to come wait longest and
    may starve. Here all writers poll at the same rate.

    Raises:
        sqlite3.OperationalError: Another writer held the lock for the whole time.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(random.uniform(0.001, 0.003))  # noqa: S311 (not used for security)
        else:
            return
