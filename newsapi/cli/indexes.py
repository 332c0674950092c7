"""The commands `related rebuild`, `related evaluate` and `search rebuild`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import click
import orjson

from newsapi.cli import evaluation
from newsapi.cli.startup import open_database, require_current_schema, tune_gc
from newsapi.cli.terminal import progress_bar
from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.errors import NewsError
from newsapi.related.rebuild import rebuild_index
from newsapi.search import maintenance as search_maintenance
from newsapi.settings import SettingError, Settings
from newsapi.worker.isolation import describe_error


@click.group()
def related() -> None:
    """Related articles."""


@related.command(name="rebuild")
def rebuild_related() -> None:
    """Rebuild the index of related articles while reads and writes go on.

    The worker keeps the index up to date; a rebuild is needed only after the way articles are indexed has changed.
    """
    _rebuild(rebuild_index)


@related.command()
@click.argument("judgments", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="SET")
def evaluate(judgments: Path) -> None:
    """Import SET, a set of relevance judgments, into a temporary database and print each ranking as a line of JSON."""
    settings = Settings.from_env({})
    with tempfile.TemporaryDirectory() as folder, judgments.open("rb") as lines, progress_bar("Ranking") as progress:
        database = Database(f"sqlite:///{folder}/judgments.sqlite3", long_running=True)
        require_current_schema(database)
        for ranking in evaluation.iter_rankings(database, settings, lines, now=utc_now, progress=progress):
            click.echo(orjson.dumps(ranking))
        database.dispose()


@click.group()
def search() -> None:
    """Full-text search."""


@search.command(name="rebuild")
def rebuild_search() -> None:
    """Rebuild the search index while reads and writes go on.

    Writes and the worker keep the index up to date; a rebuild is needed only after a change of the way it is built.
    """
    _rebuild(search_maintenance.rebuild)


def _rebuild(rebuild: Callable[..., int]) -> None:
    """Rebuild an index; name the articles that could not be indexed, and end with status 1 if there are any."""
    database = open_database()
    tune_gc()
    failed: list[tuple[UUID, str]] = []
    try:
        with progress_bar("Indexing") as progress:
            count = rebuild(database, now=utc_now, progress=progress, on_failed=lambda *failure: failed.append(failure))
    except (NewsError, SettingError):
        raise
    except Exception as error:
        raise click.ClickException(f"The index was not rebuilt: {describe_error(error)}") from error
    click.echo(f"{count} articles indexed")
    for id_, message in failed:
        click.echo(f"article {id_} was not indexed: {message}", err=True)
    if failed:
        sys.exit(1)
