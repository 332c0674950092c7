"""Brings a database to the present tables, and tells whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for the steps in this folder."""
    made = Config(attributes={"connection": connection})
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.set_main_option("path_separator", "os")
    return made


def upgrade(connection: Connection, to: str = "head") -> None:
    """Run the steps that are missing, each in its transaction; none missing is no work."""
    command.upgrade(config(connection), to)
    connection.commit()


def is_current(connection: Connection) -> bool:
    """Tell whether the last step has run here."""
    script = ScriptDirectory.from_config(config())
    return MigrationContext.configure(connection).get_current_heads() == tuple(script.get_heads())
