"""What the order of the log costs writers: transactions a second with turns and without, the disk waited for.

    python -m bench.turns

Six writers on PostgreSQL, fsync on. Each transaction writes what a publication writes: a body of 4 kB, ten rows of
lists, one of the log. With turns its number comes from the counter row, raised first, so that the others wait until it
has committed; without, from a sequence, which nobody waits for, and whose numbers become visible out of order.
SQLite has one writer at a time in any case.
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

from tests import servers

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
TURN: Final = "UPDATE head SET seq = seq + 1 RETURNING seq"
SEQUENCE: Final = "SELECT nextval('numbers')"
WRITE: Final = """
WITH made AS (INSERT INTO body SELECT gen_random_uuid(), repeat(md5(random()::text), 128) RETURNING id),
     placed AS (INSERT INTO place SELECT n, clock_timestamp(), id FROM made, generate_series(1, 10) AS n)
INSERT INTO log SELECT %s, id FROM made
"""


def rate(url: str, number: str, seconds: float) -> float:
    """Transactions a second."""
    done: list[int] = []
    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE log")  # both ways would number it again

    def write() -> None:
        count = 0
        with psycopg.connect(url) as connection:
            while time.monotonic() < end:
                with connection.transaction():
                    row = connection.execute(number).fetchone()
                    connection.execute(WRITE, row)
                count += 1
        done.append(count)

    end = time.monotonic() + seconds
    threads = [threading.Thread(target=write) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


@click.command()
@click.option("--seconds", default=4.0, show_default=True)
@click.option("--rounds", default=5, show_default=True)
def main(seconds: float, rounds: int) -> None:
    """Print both rates of each round, and the median of their ratios."""
    with tempfile.TemporaryDirectory() as folder, servers.kept_in(Path(folder) / "postgresql", SAFE) as server:
        url = server.replace("+psycopg", "", 1)
        with psycopg.connect(url) as connection:
            connection.execute(TABLES)
        ratios = []
        for _ in range(rounds):
            turns, free = rate(url, TURN, seconds), rate(url, SEQUENCE, seconds)
            ratios.append(turns / free)
            click.echo(f"with turns {turns:7.0f}/s, without {free:7.0f}/s, ratio {turns / free:.2f}")
        click.echo(f"median ratio {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
