"""What a request reads, counted by the databases themselves while they serve it, and how long it takes.

PostgreSQL: rows are entries that scans of indexes gave and rows that scans of tables gave; pages are blocks that were
asked for, in memory or not. Both twice: by the counters of the transaction in which the request was served, with the
plans that PostgreSQL keeps for repeated statements, and by EXPLAIN (ANALYZE, BUFFERS) of each statement with its
parameters. The larger figure counts.

SQLite does not count rows: the instructions of its virtual machine stand for them, counted on the very connection that
serves. Pages are what its cache was asked for, hits and misses, when the same statements run once more through apsw:
Python's own module does not show that counter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import apsw
from flask import Flask
from sqlalchemy import Connection, Engine, event
from werkzeug.test import EnvironBuilder, run_wsgi_app

from newsapi.store.database import Database

_SERVED = """
SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(oid)), 0)::int,
       coalesce(sum(pg_stat_get_xact_blocks_fetched(oid)), 0)::int
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
"""


@dataclass(slots=True)
class Reads:
    """What one request did; `rows` on PostgreSQL, `steps` on SQLite."""

    statements: list[tuple[str, Any]] = field(default_factory=list)
    work: int = 0
    pages: int = 0


class Counter:
    """Counts what requests to one application read."""

    def __init__(self, app: Flask, database: Database) -> None:
        """Take the application and its database."""
        self._app, self._database = app, database
        self.of_sqlite = database.is_sqlite
        self._apsw = None
        if database.is_sqlite:
            path = str(database.url.database)
            self._apsw = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
            self._apsw.execute("PRAGMA cache_size = -65536")

    def request(self, address: str) -> Reads:
        """Serve a request and count."""
        reads = Reads()
        watch = self._steps if self._apsw else self._served
        with _statements(reads), watch(reads):
            get(self._app, address)()
        if self._apsw:
            reads.pages = sum(self.pages(*statement) for statement in reads.statements)
        else:
            rows, blocks = map(sum, zip(*(self.explained(*one)[:2] for one in reads.statements), strict=True))
            reads.work, reads.pages = max(reads.work, rows), max(reads.pages, blocks)
        return reads

    def explained(self, statement: str, parameters: Any) -> tuple[int, int, Any]:
        """Answer the rows and blocks that EXPLAIN tells of a statement, and the plan."""
        with self._database.reading() as connection:
            explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
            (answer,) = connection.exec_driver_sql(explain, parameters).scalar_one()
        plan = answer["Plan"]
        rows, nodes = 0.0, [plan]
        while nodes:
            node = nodes.pop()
            nodes += node.get("Plans", [])
            if "Scan" in node["Node Type"] and ("Relation Name" in node or "Index Name" in node):
                removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
                rows += (node["Actual Rows"] + removed) * node["Actual Loops"]
        return round(rows), plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], plan

    def plan(self, statement: str, parameters: Any) -> list[str]:
        """Answer the plan of a statement in lines, for a reader."""
        explain = "EXPLAIN QUERY PLAN" if self._apsw else "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF)"
        with self._database.reading() as connection:
            return [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", parameters)]

    @contextmanager
    def _served(self, reads: Reads) -> Iterator[None]:
        """Ask for the counters of PostgreSQL at both ends of the request's transaction.

        They hold earlier transactions too, until the server has passed those on to its statistics.
        """

        def counters(connection: Connection) -> tuple[int, int]:
            driver: Any = connection.connection.driver_connection
            rows, blocks = driver.execute(_SERVED).fetchone()
            return rows, blocks

        def began(connection: Connection) -> None:
            rows, blocks = counters(connection)
            reads.work, reads.pages = reads.work - rows, reads.pages - blocks

        def ended(connection: Connection) -> None:
            rows, blocks = counters(connection)
            reads.work, reads.pages = reads.work + rows, reads.pages + blocks

        with _listening("begin", began), _listening("rollback", ended):
            yield

    @contextmanager
    def _steps(self, reads: Reads) -> Iterator[None]:
        """Count the instructions of SQLite in the request's transaction."""

        def step() -> int:
            reads.work += 1
            return 0

        def began(connection: Connection) -> None:
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(step, 1)

        def ended(connection: Connection) -> None:
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(None, 1)

        with _listening("begin", began), _listening("rollback", ended):
            yield

    def pages(self, statement: str, parameters: Any = ()) -> int:
        """Answer how many pages a statement asks for: on SQLite when it runs a second time."""
        if not self._apsw:
            return self.explained(statement, parameters)[1]
        before = 0
        for _ in range(2):
            before = self._asked_for()
            self._apsw.execute(statement, parameters).fetchall()
        return self._asked_for() - before

    def _asked_for(self) -> int:
        assert self._apsw
        return sum(self._apsw.status(op)[0] for op in (apsw.SQLITE_DBSTATUS_CACHE_HIT, apsw.SQLITE_DBSTATUS_CACHE_MISS))


def get(app: Flask, address: str) -> Callable[[], float]:
    """A request made ready: call it to have it served, with its answer read, and to learn how many seconds it took.

    The application is called in this process, as a WSGI server would: there is no network in the figure, no client.
    """
    environ = EnvironBuilder(path=address.partition("?")[0], query_string=address.partition("?")[2]).get_environ()

    def serve() -> float:
        start = time.perf_counter()
        body, status, _ = run_wsgi_app(app, dict(environ), buffered=True)
        taken = time.perf_counter() - start
        if status != "200 OK":
            raise ValueError(f"{address}: {status}: {b''.join(body)!r}")
        return taken

    return serve


@contextmanager
def _statements(reads: Reads) -> Iterator[None]:
    def record(_c: Connection, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        reads.statements.append((statement, parameters))

    with _listening("before_cursor_execute", record):
        yield


@contextmanager
def _listening(name: str, heard: Callable[..., None]) -> Iterator[None]:
    event.listen(Engine, name, heard)
    try:
        yield
    finally:
        event.remove(Engine, name, heard)
