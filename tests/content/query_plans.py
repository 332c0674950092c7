"""What a read really reads: rows on PostgreSQL, steps of the virtual machine on SQLite, and the plans of both."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from newsapi.db.database import Connection

# Entries that scans of a table's indexes gave and rows that sequential scans gave, in this transaction.
_ROWS = """
SELECT coalesce(i.indrelid, c.oid)::regclass::text, sum(pg_stat_get_xact_tuples_returned(c.oid))::int
FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i') GROUP BY 1
"""


@contextmanager
def rows_read(connection: Connection) -> Iterator[Counter[str]]:
    """Count, by table, the rows that PostgreSQL reads inside."""
    read: Counter[str] = Counter()
    before = Counter(dict(connection.exec_driver_sql(_ROWS).all()))
    yield read
    read.update(Counter(dict(connection.exec_driver_sql(_ROWS).all())) - before)


@contextmanager
def steps_taken(connection: Connection) -> Iterator[Counter[str]]:
    """Count the instructions that SQLite runs inside, as `steps`."""
    read: Counter[str] = Counter(steps=0)
    driver: Any = connection.connection.driver_connection

    def step() -> int:
        read["steps"] += 1
        return 0

    driver.set_progress_handler(step, 1)
    try:
        yield read
    finally:
        driver.set_progress_handler(None, 1)


def statements_of(connection: Connection, read: Callable[[], object]) -> list[tuple[str, Any]]:
    """The statements that `read` runs on this connection, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def record(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        seen.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", record)
    try:
        read()
    finally:
        event.remove(connection, "before_cursor_execute", record)
    return seen


def plan_of(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """The plan of a statement as indented lines; on PostgreSQL of a real run, with the rows that each node gave."""
    if connection.dialect.name == "postgresql":
        explained = f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) {statement}"
        return [line for (line,) in connection.exec_driver_sql(explained, parameters)]
    depths, lines = {0: -1}, []
    for id_, parent, _, detail in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
        depths[id_] = depths[parent] + 1
        lines.append(f"{'  ' * depths[id_]}{detail}")
    return lines


def nodes_of(connection: Connection, statement: str, parameters: Any) -> list[dict[str, Any]]:
    """All nodes of PostgreSQL's plan of a statement that was really run."""
    explained = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
    (answer,) = connection.exec_driver_sql(explained, parameters).scalar_one()
    found, open_nodes = [], [answer["Plan"]]
    while open_nodes:
        node = open_nodes.pop()
        found.append(node)
        open_nodes += node.get("Plans", [])
    return found
