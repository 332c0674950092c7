"""What several commands do first: open the database, check its schema, and tune the garbage collector."""

from __future__ import annotations

import gc
from typing import Final

from sqlalchemy import URL
from sqlalchemy.exc import ArgumentError

from newsapi.db.database import Database
from newsapi.errors import MigrationsPending
from newsapi.migrations.upgrade import is_current, upgrade
from newsapi.settings import SettingError, Settings

GC_THRESHOLD: Final = 10_000
"""Number of new objects after which garbage is collected among them. An import takes as long as with 100,000."""


def create_database(settings: Settings) -> Database:
    """Return the database of the settings; nothing is connected yet.

    Raises:
        SettingError: The URL has a valid scheme but cannot be parsed.
    """
    try:
        return Database.from_settings(settings, long_running=True)
    except (ValueError, ArgumentError) as error:
        raise SettingError("NEWSAPI_DATABASE_URL", "is not a URL with a valid driver, host and port") from error


def require_current_schema(database: Database) -> None:
    """Apply pending migrations to a SQLite file.

    Raises:
        MigrationsPending: The schema of a database server, which others may be using, is not current.
    """
    with database.connection() as connection:
        if not is_current(connection):
            if not database.is_sqlite:
                raise MigrationsPending
            upgrade(connection)
    database.dispose()


def open_database(settings: Settings | None = None) -> Database:
    """Return the database of these settings, or of the environment, after a check of its schema.

    Raises:
        SettingError: A setting is invalid.
        MigrationsPending: The schema of a database server is not current.
    """
    database = create_database(settings or Settings.from_env())
    require_current_schema(database)
    return database


def tune_gc(*thresholds: int) -> None:
    """Leave objects that exist now out of garbage collections, and collect seldom what is older than a moment.

    Objects of this moment are permanent. The youngest are collected each time that GC_THRESHOLD more of them exist:
    this bounds the memory of reference cycles, of which each statement that is built for one execution leaves some.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, *(thresholds or (50, 100)))


def describe_service(settings: Settings, address: str, database_url: URL) -> str:
    """Return where the server listens, on which database and cache, and with which processes; without credentials."""
    host = f"[{address}]" if ":" in address else address
    query = {name: value for name, value in database_url.query.items() if name in {"host", "port"}}
    database = URL.create(
        database_url.drivername, None, None, database_url.host, database_url.port, database_url.database, query
    )
    cache = f"memory and {_without_credentials(settings.redis_url)}" if settings.redis_url else "memory"
    processes = "1 process" if settings.processes == 1 else f"{settings.processes} processes"
    return (
        f"Serving http://{host}:{settings.port} from {database.render_as_string()} in {processes}, with a worker and a"
        f" search indexer; responses are cached in {cache}."
    )


def _without_credentials(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
