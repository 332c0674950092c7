"""Databases with synthetic archives, loaded once and kept: one SQLite file each, and one PostgreSQL server for all."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import psycopg
from sqlalchemy.engine import make_url

from bench.corpus import Stream
from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.errors import FieldError
from newsapi.imports import loader as import_loader
from newsapi.migrations.upgrade import upgrade
from newsapi.settings import Settings
from newsapi.write_hooks import WRITE_HOOKS
from tests.support import servers

COMPLETE_TABLE = "bench_loaded"
"""A table that marks a complete load; without it the load was interrupted and is continued."""

FAST_LOADING = {"fsync": "off", "max_wal_size": "4GB", "dynamic_shared_memory_type": "mmap", "listen_addresses": ""}
"""PostgreSQL settings: loading is not durable; everything that affects reads has its default."""


@contextmanager
def postgresql_server(kept: Path, url: str | None) -> Iterator[str]:
    """Yield the URL of a PostgreSQL server: the given one, or that of a new server with its data in a folder."""
    if url is not None:
        yield url
        return
    with servers.kept_in(kept / "postgresql", FAST_LOADING) as server_url:
        yield server_url


def load_database(kind: str, articles: int, kept: Path, server_url: str | None) -> Database:
    """Return a database with a number of articles; load it unless this was done before."""
    url = f"sqlite:///{kept / f'articles-{articles}.sqlite3'}" if kind == "sqlite" else _created(server_url, articles)
    database = Database(url, long_running=True)
    with database.connection() as connection:
        upgrade(connection)
        if connection.dialect.has_table(connection, COMPLETE_TABLE):
            return database
    _import(database, kind, articles)
    database.analyze()
    with database.connection() as connection:
        if not database.is_sqlite:
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_buffercache")  # it can evict buffers
            connection.commit()
            # Autovacuum would do this a minute or so after the load.
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
        connection.exec_driver_sql(f"CREATE TABLE {COMPLETE_TABLE} (articles integer)")
        connection.commit()
    database.dispose()
    return database


def _created(server_url: str | None, articles: int) -> str:
    assert server_url
    name = f"newsapi_bench_{articles}"
    with psycopg.connect(server_url.replace("+psycopg", "", 1), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(f"CREATE DATABASE {name}")
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def _import(database: Database, kind: str, articles: int) -> None:
    """Run the regular import; a rejected record is an error of the corpus."""
    settings = Settings.from_env({"NEWSAPI_DATABASE_URL": database.url.render_as_string(hide_password=False)})
    label = f"loading {articles:,} into {kind}"
    with click.progressbar(length=articles, label=label, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def on_progress(records: int) -> None:
            bar.update(max(min(records, articles) - bar.pos, 0))

        def on_reject(line: int, error: FieldError) -> None:
            raise ValueError(f"line {line} of the corpus: {error.location}: {error.message}")

        stream = io.BufferedReader(Stream(articles, on_progress), 1 << 20)
        import_loader.import_records(database, settings, stream, hooks=WRITE_HOOKS, now=utc_now, reject=on_reject)


def size_of(database: Database) -> int:
    """Return the size of the database on disk in bytes."""
    if database.is_sqlite:
        return Path(str(database.url.database)).stat().st_size
    with database.read_transaction() as connection:
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
