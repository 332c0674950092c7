"""The cost of the queries of a request, counted by the database while it serves the request, and the time it takes.

Three figures, as comparable between the databases as possible:

- work: on PostgreSQL the rows that scans return, before filters; SQLite does not count rows, so the instructions of its
  virtual machine are counted instead, on the connection that serves the request;
- pages: the number of different pages a request needs, which is what it reads from disk if no page is cached;
- visits: the number of page accesses, cached or not. A lookup by key visits one page for each level of a tree.

On PostgreSQL rows and visits are measured twice: by the counters of the transaction that serves the request, with the
cached plans of repeated statements, and by EXPLAIN (ANALYZE, BUFFERS) of each statement with its parameters. The larger
figure counts. Pages are the blocks that EXPLAIN reads after all buffers were evicted (pg_buffercache). On SQLite pages
and visits are the misses and accesses of an empty cache when the statements are run again through apsw, because the
standard library does not expose these counters.
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

from newsapi.db.database import Database

_SERVED = """
SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(oid)), 0)::int,
       coalesce(sum(pg_stat_get_xact_blocks_fetched(oid)), 0)::int
FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
"""


@dataclass(slots=True)
class QueryCost:
    """The statements of a request and their cost."""

    statements: list[tuple[str, Any]] = field(default_factory=list)
    work: int = 0
    pages: int = 0
    visits: int = 0


class Counter:
    """Counts the cost of the queries of requests and functions."""

    def __init__(self, database: Database) -> None:
        """Count queries of this database."""
        self._database = database
        self.of_sqlite = database.is_sqlite
        self._apsw = None
        if database.is_sqlite:
            path = str(database.url.database)
            self._apsw = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
            self._apsw.execute("PRAGMA cache_size = -65536")

    def request(self, app: Flask, url: str) -> QueryCost:
        """Let an application that uses the database serve a request, and return its cost."""
        return self.call(prepare_request(app, url))

    def call(self, function: Callable[[], object]) -> QueryCost:
        """Call a function and return the cost of its queries."""
        reads = QueryCost()
        measure = self._steps if self._apsw else self._served
        with _statements(reads), measure(reads):
            function()
        self.evict_pages()
        costs = [self.cost(statement, parameters) for statement, parameters in reads.statements]
        reads.work = max(reads.work, sum(rows for rows, _, _ in costs))
        reads.pages = sum(pages for _, pages, _ in costs)
        reads.visits = max(reads.visits, sum(visits for _, _, visits in costs))
        return reads

    def cost(self, statement: str, parameters: Any = ()) -> tuple[int, int, int]:
        """Return the rows (0 on SQLite), the pages that were not cached, and the page visits of a statement."""
        if self._apsw:
            misses_before, visits_before = self._misses(), self._visits()
            self._apsw.execute(statement, parameters).fetchall()
            return 0, self._misses() - misses_before, self._visits() - visits_before
        with self._database.read_transaction() as connection:
            explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
            (explained,) = connection.exec_driver_sql(explain, parameters or None).scalar_one()
        plan = explained["Plan"]
        rows, nodes = 0.0, [plan]
        while nodes:
            node = nodes.pop()
            nodes += node.get("Plans", [])
            if "Scan" in node["Node Type"] and ("Relation Name" in node or "Index Name" in node):
                removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
                rows += (node["Actual Rows"] + removed) * node["Actual Loops"]
        read = plan["Shared Read Blocks"]
        return round(rows), read, plan["Shared Hit Blocks"] + read

    def evict_pages(self) -> None:
        """Evict all pages from the cache of the database."""
        if self._apsw:
            self._apsw.release_memory()
        else:
            with self._database.connection() as connection:
                connection.exec_driver_sql("SELECT pg_buffercache_evict_all()")

    @contextmanager
    def _served(self, reads: QueryCost) -> Iterator[None]:
        """Add the difference of PostgreSQL's counters between the end and the start of the request's transaction.

        A difference is needed because the counters may include earlier transactions of the connection.
        """

        def read_counters(connection: Any) -> tuple[int, int]:
            rows, blocks = connection.execute(_SERVED).fetchone()
            return rows, blocks

        def on_checkout(connection: Any, *_: object) -> None:
            rows, blocks = read_counters(connection)
            reads.work, reads.visits = reads.work - rows, reads.visits - blocks

        def on_reset(connection: Any, *_: object) -> None:
            rows, blocks = read_counters(connection)
            reads.work, reads.visits = reads.work + rows, reads.visits + blocks

        with _listening(Pool, "checkout", on_checkout), _listening(Pool, "reset", on_reset):
            yield

    @contextmanager
    def _steps(self, reads: QueryCost) -> Iterator[None]:
        """Count the virtual machine instructions of SQLite in the request's transaction."""

        def count_instruction() -> int:
            reads.work += 1
            return 0

        def on_checkout(connection: Any, *_: object) -> None:
            connection.set_progress_handler(count_instruction, 1)

        def on_reset(connection: Any, *_: object) -> None:
            connection.set_progress_handler(None, 1)

        with _listening(Pool, "checkout", on_checkout), _listening(Pool, "reset", on_reset):
            yield

    def _misses(self) -> int:
        assert self._apsw
        return int(self._apsw.status(apsw.SQLITE_DBSTATUS_CACHE_MISS)[0])

    def _visits(self) -> int:
        assert self._apsw
        return self._misses() + int(self._apsw.status(apsw.SQLITE_DBSTATUS_CACHE_HIT)[0])


def prepare_request(app: Flask, url: str) -> Callable[[], float]:
    """Return a function that serves a request, reads the response, and returns the seconds this took."""
    # The application is called in this process, as a WSGI server would, so that no network and no client are measured.
    environ = EnvironBuilder(path=url.partition("?")[0], query_string=url.partition("?")[2]).get_environ()

    def serve() -> float:
        start = time.perf_counter()
        body, status, _ = run_wsgi_app(app, dict(environ), buffered=True)
        elapsed = time.perf_counter() - start
        if status != "200 OK":
            raise ValueError(f"{url}: {status}: {b''.join(body)!r}")
        return elapsed

    return serve


@contextmanager
def _statements(reads: QueryCost) -> Iterator[None]:
    def record(_c: Connection, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        reads.statements.append((statement, parameters))

    with _listening(Engine, "before_cursor_execute", record):
        yield


@contextmanager
def _listening(target: type[Engine | Pool], name: str, handler: Callable[..., None]) -> Iterator[None]:
    event.listen(target, name, handler)
    try:
        yield
    finally:
        event.remove(target, name, handler)
