"""The commands `db upgrade` and `check-config`."""

from __future__ import annotations

import sys

import click

from newsapi.cli.startup import create_database, open_database
from newsapi.db.clock import utc_now
from newsapi.migrations.upgrade import is_current, upgrade
from newsapi.settings import Settings


@click.group()
def db() -> None:
    """Database schema."""


@db.command(name="upgrade")
def upgrade_schema() -> None:
    """Apply all migrations to the database."""
    with create_database(Settings.from_env()).connection() as connection:
        if not is_current(connection):
            upgrade(connection)
    click.echo("The database is up to date.")


@click.command()
def check_config() -> None:
    """Check the settings, the services that they name, and the API keys, before the API goes into production.

    Each line names a setting that is unsafe or has no effect, a service that does not respond or is not as it must be,
    or a key that is unsafe, and what to do. The exit status is 1 if there are any. Nothing is created or changed.
    """
    from newsapi.cli.config_check import setting_warnings  # noqa: PLC0415
    from newsapi.cli.service_checks import database_warnings, service_warnings  # noqa: PLC0415 (they import all clients)

    settings = Settings.from_env()
    warnings = [*setting_warnings(settings), *database_warnings(settings, utc_now()), *service_warnings(settings)]
    for warning in warnings:
        click.echo(warning)
    if warnings:
        sys.exit(1)
    click.echo("No problems found.")
