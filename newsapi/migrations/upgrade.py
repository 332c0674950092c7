"""Brings a database to the present schema, and checks whether it has it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).parent


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for the migrations in this folder, which run on the connection."""
    from alembic.config import Config  # noqa: PLC0415 (as long to import as SQLAlchemy, and rarely needed)

    alembic_config = Config(attributes={"connection": connection})
    alembic_config.set_main_option("script_location", str(_FOLDER))
    alembic_config.set_main_option("path_separator", "os")
    return alembic_config


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run the migrations that are missing, each in its transaction."""
    from alembic import command  # noqa: PLC0415 (as above)

    command.upgrade(config(connection), to)
    connection.commit()


def is_current(connection: Connection) -> bool:
    """Return whether the last migration has run on this database."""
    if not inspect(connection).has_table("alembic_version"):
        return False
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [_last_revision()]


@cache
def _last_revision() -> str:
    """Return the revision of the last migration: files are named by their number, which is their revision."""
    return max(path.name.partition("_")[0] for path in _FOLDER.glob("versions/[0-9]*.py"))
