"""Brings a database to the present schema, and checks whether it has it."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.exc import OperationalError

if TYPE_CHECKING:
    from alembic.config import Config

log = structlog.get_logger("newsapi.migrations")

LOCK_TIMEOUT_MS: Final = 200
"""How long a migration waits for the lock of a table on PostgreSQL, in milliseconds.

While it waits behind a long read, such as an export, all later reads of the table wait behind it. They have 900 ms.
"""

LOCK_RETRY_SECONDS: Final = 2.0
"""Seconds before a migration that did not get a lock runs again."""

MAX_LOCK_ATTEMPTS: Final = 300
"""Number of times that a migration runs before it fails for want of a lock: for ten minutes or more."""

LOCK_NOT_AVAILABLE: Final = "55P03"
"""SQLSTATE of PostgreSQL for a lock that was not granted in time."""

_FOLDER = Path(__file__).parent


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for the migrations in this folder, which run on the connection."""
    from alembic.config import Config  # noqa: PLC0415 (as long to import as SQLAlchemy, and rarely needed)

    alembic_config = Config(attributes={"connection": connection})
    alembic_config.set_main_option("script_location", str(_FOLDER))
    alembic_config.set_main_option("path_separator", "os")
    return alembic_config


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run the migrations that are missing, each in a transaction of its own.

    On PostgreSQL, a migration that does not get the lock of a table soon is rolled back and run again, so that it never
    holds up the reads of a running service for long.

    Raises:
        OperationalError: A migration did not get a lock in many attempts, or the database failed.
    """
    from alembic import command  # noqa: PLC0415 (as above)

    if connection.dialect.name == "postgresql":
        event.listen(connection, "begin", _limit_lock_waits)
    for attempt in range(MAX_LOCK_ATTEMPTS):
        connection.rollback()  # Alembic commits only transactions that it began
        try:
            command.upgrade(config(connection), to)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE or attempt == MAX_LOCK_ATTEMPTS - 1:
                raise
            log.warning("migration waits for a lock", retry_in=LOCK_RETRY_SECONDS)
            time.sleep(LOCK_RETRY_SECONDS)
        else:
            break
    connection.commit()


def _limit_lock_waits(connection: Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")


def is_current(connection: Connection) -> bool:
    """Return whether all migrations of this release have run.

    Those of a later release may have run too: a migration leaves what the release before it uses, so that its processes
    go on during an upgrade.
    """
    if not inspect(connection).has_table("alembic_version"):
        return False
    revisions = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    return len(revisions) == 1 and revisions[0].isdecimal() and revisions[0] >= _last_revision()


@cache
def _last_revision() -> str:
    """Return the revision of the last migration: files are named by their number, which is their revision."""
    return max(path.name.partition("_")[0] for path in _FOLDER.glob("versions/[0-9]*.py"))
