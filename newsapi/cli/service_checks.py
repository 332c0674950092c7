"""Checks of the services that the settings name: each is used as `newsapi serve` uses it, and nothing is changed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from newsapi.cache.redis_cache import RedisResponseCache
from newsapi.cdn import PROBE_KEY, make_cdn
from newsapi.cli.config_check import key_warnings
from newsapi.cli.startup import create_database
from newsapi.db.clock import database_now, utc_now
from newsapi.db.database import Connection, Database, is_read_only
from newsapi.db.poolers import loses_prepared_statements
from newsapi.errors import Unavailable, describe_cause
from newsapi.keys.queries import list_keys
from newsapi.migrations.upgrade import is_current
from newsapi.search.index_folder import IndexFolder
from newsapi.settings import Settings
from newsapi.subscriptions.mail_transport import ServerUnavailable, SmtpTransport

MAX_CLOCK_DIFFERENCE: Final = timedelta(seconds=2)
"""Difference between the clocks of this machine and of the database server that is not reported. Publication follows
the clock of the database; limits of keys, leases and tokens follow that of the machine."""


def database_warnings(settings: Settings, now: datetime) -> Iterator[str]:
    """Check the database, its replicas, and the API keys in it.

    Args:
        settings: The settings.
        now: The time at which a key must be valid to be checked.

    Yields:
        A sentence for each fault, with what to do.
    """
    database = create_database(settings)
    if database.is_sqlite and not Path(database.url.database or "").is_file():
        yield (
            f"NEWSAPI_DATABASE_URL: the file {database.url.database} does not exist: correct the path, or run"
            " `newsapi db upgrade`, which creates it."
        )
        return
    try:
        yield from _primary_warnings(settings, database, now)
        if database.is_sqlite:
            with database.transaction() as session:
                session.connection()  # takes the write lock
    except Unavailable as error:
        yield f"NEWSAPI_DATABASE_URL: the database cannot be used: {describe_cause(error)}"
    finally:
        database.dispose()
    if not database.is_sqlite:
        for url in settings.database_replica_urls:
            yield from _replica_warnings(Database.from_settings(settings, url=url, pool_size=1))


def service_warnings(settings: Settings) -> Iterator[str]:
    """Check Redis, the CDN, the mail server and the folder of the search index.

    Args:
        settings: The settings.

    Yields:
        A sentence for each service that does not respond or refuses what is needed.
    """
    if settings.redis_url:
        state = RedisResponseCache(settings.redis_url, "check-config").state()
        if not state.startswith("ok"):
            yield f"NEWSAPI_REDIS_URL: {state}. Check the address, the password and that the server takes writes."
    if settings.purge_url and (settings.purge_key or not settings.purge_url.startswith("fastly+")):
        try:
            make_cdn(settings.purge_url, settings.purge_key).purge_keys([PROBE_KEY])
        except OSError as error:
            yield f"NEWSAPI_PURGE_URL: the CDN does not confirm a purge ({error}). Check the address and the token."
    if settings.smtp_url and urlsplit(settings.smtp_url).scheme != "file":
        try:
            SmtpTransport(settings.smtp_url).check()
        except ServerUnavailable as error:
            yield f"NEWSAPI_SMTP_URL: the mail server cannot be used ({error}). Check the address and the password."
    folder = IndexFolder.of(settings).path
    try:
        with tempfile.TemporaryFile(dir=_nearest_folder(folder)):
            pass
    except OSError as error:
        yield f"NEWSAPI_SEARCH_INDEX: no files can be written to {folder} ({error.strerror}). Change its permissions."


def _primary_warnings(settings: Settings, database: Database, now: datetime) -> Iterator[str]:
    with database.read_transaction() as connection:
        if is_read_only(connection):
            yield (
                "NEWSAPI_DATABASE_URL leads to a server that refuses writes, as it is a replica, or read-only: set the"
                " URL of the primary, or of all servers with target_session_attrs=read-write."
            )
        if settings.prepared_statements == "on" and loses_prepared_statements(connection):
            yield (
                "NEWSAPI_DATABASE_URL leads to a pooler that does not keep track of prepared statements, and"
                " NEWSAPI_PREPARED_STATEMENTS is on, so that writes fail in transaction mode: set it to off, or use"
                " PgBouncer 1.21 or later with max_prepared_statements above 0."
            )
        yield from _clock_warnings(connection)
        if is_current(connection):
            yield from key_warnings(settings, list_keys(connection), now)
        else:
            yield "NEWSAPI_DATABASE_URL: the tables are missing or not up to date: run `newsapi db upgrade`."


def _clock_warnings(connection: Connection) -> Iterator[str]:
    asked_at = utc_now()
    difference = database_now(connection) - asked_at - (utc_now() - asked_at) / 2
    if abs(difference) > MAX_CLOCK_DIFFERENCE:
        yield (
            f"NEWSAPI_DATABASE_URL: the clock of the server is {abs(difference).total_seconds():.0f} seconds"
            f" {'ahead of' if difference > timedelta() else 'behind'} that of this machine: synchronize both (NTP)."
        )


def _replica_warnings(replica: Database) -> Iterator[str]:
    try:
        with replica.read_transaction() as connection:
            if not is_current(connection):
                yield (
                    f"NEWSAPI_DATABASE_REPLICA_URLS: {replica.server_name} lacks tables of the database: check that it"
                    " replicates it."
                )
    except Unavailable as error:
        yield f"NEWSAPI_DATABASE_REPLICA_URLS: a replica cannot be used: {describe_cause(error)}"
    finally:
        replica.dispose()


def _nearest_folder(path: Path) -> Path:
    """Return a folder, or the nearest one above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())
