"""What a request reads, counted by the databases themselves while they serve it, and how long it takes.

Three figures, the same on both as far as they go:

- work: on PostgreSQL the rows that scans gave, filtered out or not; SQLite does not count rows, so the instructions of
  its virtual machine stand for them, counted on the very connection that serves;
- pages: how many different pages a request needs, that is what it reads when nothing is in memory;
- visits: how often it looks at a page, in memory or not. A look-up by key visits one page for each level of a tree.

PostgreSQL tells rows and visits twice: by the counters of the transaction in which the request was served, with the
plans that it keeps for repeated statements, and by EXPLAIN (ANALYZE, BUFFERS) of each statement with its parameters.
The larger figure counts. Pages are the blocks that EXPLAIN reads after all were put out of memory (pg_buffercache).
SQLite's pages and visits are misses and uses of an empty cache when the same statements run once more through apsw:
Python's own module does not show these counters.
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
from sqlalchemy.pool import Pool
from werkzeug.test import EnvironBuilder, run_wsgi_app

from newsapi.store.database import Database

_SERVED = """
SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(oid)), 0)::int,
       coalesce(sum(pg_stat_get_xact_blocks_fetched(oid)), 0)::int
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
"""


@dataclass(slots=True)
class Reads:
    """What one request did."""

    statements: list[tuple[str, Any]] = field(default_factory=list)
    work: int = 0
    pages: int = 0
    visits: int = 0


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
        self.forget()
        told = [self.cost(*statement) for statement in reads.statements]
        reads.work = max(reads.work, sum(rows for rows, _, _ in told))
        reads.pages = sum(pages for _, pages, _ in told)
        reads.visits = max(reads.visits, sum(visits for _, _, visits in told))
        return reads

    def cost(self, statement: str, parameters: Any = ()) -> tuple[int, int, int]:
        """Answer rows (0 on SQLite), pages that were not in memory, and visits to pages of one statement."""
        if self._apsw:
            missed, before = self._misses(), self._visits()
            self._apsw.execute(statement, parameters).fetchall()
            return 0, self._misses() - missed, self._visits() - before
        with self._database.reading() as connection:
            explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
            (answer,) = connection.exec_driver_sql(explain, parameters or None).scalar_one()
        plan = answer["Plan"]
        rows, nodes = 0.0, [plan]
        while nodes:
            node = nodes.pop()
            nodes += node.get("Plans", [])
            if "Scan" in node["Node Type"] and ("Relation Name" in node or "Index Name" in node):
                removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
                rows += (node["Actual Rows"] + removed) * node["Actual Loops"]
        read = plan["Shared Read Blocks"]
        return round(rows), read, plan["Shared Hit Blocks"] + read

    def forget(self) -> None:
        """Put every page out of the database's memory."""
        if self._apsw:
            self._apsw.release_memory()
        else:
            with self._database.connection() as connection:
                connection.exec_driver_sql("SELECT pg_buffercache_evict_all()")

    @contextmanager
    def _served(self, reads: Reads) -> Iterator[None]:
        """Ask for the counters of PostgreSQL at both ends of the request's transaction.

        They hold earlier transactions too, until the server has passed those on to its statistics.
        """

        def counters(driver: Any) -> tuple[int, int]:
            rows, blocks = driver.execute(_SERVED).fetchone()
            return rows, blocks

        def began(driver: Any, *_: object) -> None:
            rows, blocks = counters(driver)
            reads.work, reads.visits = reads.work - rows, reads.visits - blocks

        def ended(driver: Any, *_: object) -> None:
            rows, blocks = counters(driver)
            reads.work, reads.visits = reads.work + rows, reads.visits + blocks

        with _listening(Pool, "checkout", began), _listening(Pool, "reset", ended):
            yield

    @contextmanager
    def _steps(self, reads: Reads) -> Iterator[None]:
        """Count the instructions of SQLite in the request's transaction."""

        def step() -> int:
            reads.work += 1
            return 0

        def began(driver: Any, *_: object) -> None:
            driver.set_progress_handler(step, 1)

        def ended(driver: Any, *_: object) -> None:
            driver.set_progress_handler(None, 1)

        with _listening(Pool, "checkout", began), _listening(Pool, "reset", ended):
            yield

    def _misses(self) -> int:
        assert self._apsw
        return int(self._apsw.status(apsw.SQLITE_DBSTATUS_CACHE_MISS)[0])

    def _visits(self) -> int:
        assert self._apsw
        return self._misses() + int(self._apsw.status(apsw.SQLITE_DBSTATUS_CACHE_HIT)[0])


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

    with _listening(Engine, "before_cursor_execute", record):
        yield


@contextmanager
def _listening(where: type[Engine | Pool], name: str, heard: Callable[..., None]) -> Iterator[None]:
    event.listen(where, name, heard)
    try:
        yield
    finally:
        event.remove(where, name, heard)
