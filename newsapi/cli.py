"""The command line: each command is a few lines over an action."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import yaml

from newsapi import __version__
from newsapi.actions import imports
from newsapi.api import demo_pictures
from newsapi.api.parts import utc_now
from newsapi.app import create_app, set_up_logging
from newsapi.demo import content
from newsapi.errors import Fault, NewsError, SchemaMissing
from newsapi.migrations.upgrade import is_current, upgrade
from newsapi.settings import BadSetting, Settings
from newsapi.store.database import Database


class _Clear(click.Group):
    """Errors of ours are one sentence for the person who typed, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (NewsError, BadSetting) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Clear)
@click.version_option(__version__)
def main() -> None:
    """News content as an API. Settings are NEWSAPI_* variables of the environment or of a file .env."""


@main.command()
def serve() -> None:
    """Serve the API on NEWSAPI_HOST and NEWSAPI_PORT."""
    settings = Settings.from_env()
    _ready(Database(settings.database_url))
    _serve(settings)


@main.command()
def demo() -> None:
    """Fill a fresh SQLite file with a motoring magazine, serve it and say what to look at."""
    path = Path("newsapi-demo.sqlite3").absolute()
    for old in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm"))):
        old.unlink(missing_ok=True)
    os.environ["NEWSAPI_DATABASE_URL"] = f"sqlite:///{path}"
    os.environ[content.SWITCH] = "on"
    settings = Settings.from_env()
    database = Database(settings.database_url)
    _ready(database)
    with content.stream(settings.api_url) as stream:
        imports.load(database, settings, stream, now=utc_now, reject=_complain)
    database.dispose()
    click.echo(content.tour(settings.api_url))
    click.echo(f"\nThe database is {path}; the next demo begins afresh. Stop with Ctrl-C.")
    _serve(settings)


@main.command(name="import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(file: Path) -> None:
    """Import the records of FILE (NDJSON). It can be run again: what is there already stays as it is.

    Lines that cannot be taken are named on standard error with the place that is wrong, and the rest is imported; the
    exit status is then 1.
    """
    settings = Settings.from_env()
    database = Database(settings.database_url)
    _ready(database)
    size = file.stat().st_size
    with file.open("rb") as stream, click.progressbar(length=size, label=file.name, file=sys.stderr) as bar:
        counts = imports.load(database, settings, stream, now=utc_now, reject=_complain, progress=_onward(bar.update))
    database.analyze()
    click.echo(
        f"{counts.created} created, {counts.updated} updated, {counts.unchanged} unchanged, {counts.rejected} rejected"
    )
    if counts.rejected:
        sys.exit(1)


@main.group()
def db() -> None:
    """The tables."""


@db.command(name="upgrade")
def db_upgrade() -> None:
    """Bring the database to the present tables."""
    with Database(Settings.from_env().database_url).connection() as connection:
        upgrade(connection)
    click.echo("The database is up to date.")


@main.command()
def openapi() -> None:
    """Print the OpenAPI document of this API."""
    app = create_app(Settings.from_env({}))
    document = app.extensions["newsapi-document"].spec.to_dict()
    click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120), nl=False)


def _ready(database: Database) -> None:
    """See that the tables are there: made at once in a SQLite file, asked for in a server that others may use."""
    with database.connection() as connection:
        if not is_current(connection):
            if not database.is_sqlite:
                raise SchemaMissing
            upgrade(connection)
    database.dispose()


def _serve(settings: Settings) -> None:
    from granian.constants import Interfaces  # noqa: PLC0415 (the server is heavy, and other commands do without)
    from granian.server import Server  # noqa: PLC0415

    set_up_logging(settings.log_level)
    Server(
        "newsapi.cli:application",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        blocking_threads=8,
        log_enabled=True,
        log_level="warning",  # type: ignore[arg-type]
    ).serve()


def application() -> Any:
    """Make the application in a process of the server."""
    settings = Settings.from_env()
    set_up_logging(settings.log_level)
    app = create_app(settings)
    if os.environ.get(content.SWITCH):
        app.register_blueprint(demo_pictures.blueprint())
    return app


def _complain(line: int, fault: Fault) -> None:
    click.echo(f"line {line}: {fault.place or 'the whole record'}: {fault.message}", err=True)


def _onward(update: Callable[[int], None]) -> Callable[[int], None]:
    """Turn bytes done so far into the steps that a progress bar wants."""
    done = 0

    def progress(offset: int) -> None:
        nonlocal done
        update(offset - done)
        done = offset

    return progress
