"""The commands `db upgrade`, `db mark-restored` and `check-config`."""

from __future__ import annotations

import sys

import click

from newsapi.changelog import offsets
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


@db.command()
def mark_restored() -> None:
    """Record that the database was restored from a backup, so that other systems forget what came after the backup.

    The worker then purges the whole CDN and notifies the WebSub hub. Run this after a restore, before `newsapi serve`.
    """
    from newsapi.app import unused_consumers  # noqa: PLC0415 (it imports the whole application)
    from newsapi.cdn import CdnPurgeConsumer  # noqa: PLC0415
    from newsapi.feeds.websub import WebSubConsumer  # noqa: PLC0415

    settings = Settings.from_env()
    consumers = {CdnPurgeConsumer.name, WebSubConsumer.name} - unused_consumers(settings).keys()
    with open_database(settings).transaction() as session:
        offsets.mark_restored(session, consumers, utc_now())
    click.echo(f"To be informed of the restore: {', '.join(sorted(consumers)) or 'nothing (no CDN, no WebSub hub)'}")


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
