"""The commands `db upgrade` and `check-config`."""

from __future__ import annotations

import sys

import click

from newsapi.cli.config_check import config_warnings, database_warnings
from newsapi.cli.startup import create_database, open_database
from newsapi.db.clock import utc_now
from newsapi.keys.queries import list_keys
from newsapi.migrations.upgrade import upgrade
from newsapi.settings import Settings


@click.group()
def db() -> None:
    """Database schema."""


@db.command(name="upgrade")
def upgrade_schema() -> None:
    """Apply all migrations to the database."""
    with create_database(Settings.from_env()).connection() as connection:
        upgrade(connection)
    click.echo("The database is up to date.")


@click.command()
def check_config() -> None:
    """Report settings and API keys that are unsafe or have no effect; the exit status is 1 if there are any."""
    settings = Settings.from_env()
    with open_database(settings).read_transaction() as connection:
        warnings = [
            *config_warnings(settings, list_keys(connection), utc_now()),
            *database_warnings(settings, connection),
        ]
    for warning in warnings:
        click.echo(warning)
    if warnings:
        sys.exit(1)
    click.echo("No problems found.")
