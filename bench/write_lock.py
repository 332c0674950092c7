"""Benchmark of the write lock: transactions a second with a gapless, ordered changelog and without.

    python -m bench.write_lock

Six writers on PostgreSQL with fsync. Each transaction writes as much as a publication: a body of 4 kB, ten list entries
and one change. With the lock, the number of the change comes from a counter row that is updated first, so that other
writers wait until the transaction has committed. Without it, the number comes from a sequence: no writer waits, but the
numbers become visible out of order. SQLite has one writer at a time in any case.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import click
import psycopg

from tests.support import servers

WRITERS: Final = 6
SAFE: Final = {"dynamic_shared_memory_type": "mmap", "listen_addresses": ""}
TABLES: Final = """
CREATE TABLE head (seq bigint);
INSERT INTO head VALUES (0);
CREATE SEQUENCE numbers;
CREATE TABLE body (id uuid PRIMARY KEY, content text);
CREATE TABLE place (facet int, at timestamptz, id uuid, PRIMARY KEY (facet, at, id));
CREATE TABLE log (seq bigint PRIMARY KEY, id uuid);
"""
COUNTER: Final = "UPDATE head SET seq = seq + 1 RETURNING seq"
SEQUENCE: Final = "SELECT nextval('numbers')"
WRITE: Final = """
WITH made AS (INSERT INTO body SELECT gen_random_uuid(), repeat(md5(random()::text), 128) RETURNING id),
     placed AS (INSERT INTO place SELECT n, clock_timestamp(), id FROM made, generate_series(1, 10) AS n)
INSERT INTO log SELECT %s, id FROM made
"""


def measure_rate(url: str, number: str, seconds: float) -> float:
    """Return the transactions a second of all writers; `number` is the statement that returns the next number."""
    counts: list[int] = []
    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE log")  # the counter and the sequence return the same numbers

    def write() -> None:
        count = 0
        with psycopg.connect(url) as connection:
            while time.monotonic() < end:
                with connection.transaction():
                    row = connection.execute(number).fetchone()
                    connection.execute(WRITE, row)
                count += 1
        counts.append(count)

    end = time.monotonic() + seconds
    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


@click.command()
@click.option("--seconds", default=4.0, show_default=True)
@click.option("--rounds", default=5, show_default=True)
def main(seconds: float, rounds: int) -> None:
    """Print the two rates of each round, and the median of their ratios."""
    with tempfile.TemporaryDirectory() as folder, servers.kept_in(Path(folder) / "postgresql", SAFE) as server:
        url = server.replace("+psycopg", "", 1)
        with psycopg.connect(url) as connection:
            connection.execute(TABLES)
        ratios = []
        for _ in range(rounds):
            locked, unlocked = measure_rate(url, COUNTER, seconds), measure_rate(url, SEQUENCE, seconds)
            ratios.append(locked / unlocked)
            click.echo(f"with the lock {locked:7.0f}/s, without {unlocked:7.0f}/s, ratio {locked / unlocked:.2f}")
        click.echo(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
