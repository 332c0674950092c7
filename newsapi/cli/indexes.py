"""The commands `related rebuild`, `related evaluate` and `search rebuild`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol
from uuid import UUID

import click
import orjson

from newsapi.cli import evaluation
from newsapi.cli.startup import open_database, require_current_schema, tune_gc
from newsapi.cli.terminal import progress_bar
from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.errors import NewsError
from newsapi.related.rebuild import rebuild_index as rebuild_related_index
from newsapi.search.index_folder import IndexFolder
from newsapi.search.rebuild import rebuild as rebuild_search_index
from newsapi.settings import SettingError, Settings
from newsapi.worker.isolation import describe_error


class RebuildIndex(Protocol):
    """Rebuilds an index of a database, and returns the number of articles that were indexed."""

    def __call__(
        self, database: Database, /, *, progress: Callable[[int, int], None], on_failed: Callable[[UUID, str], None]
    ) -> int: ...


@click.group()
def related() -> None:
    """Related articles."""


@related.command(name="rebuild")
def rebuild_related() -> None:
    """Rebuild the index of related articles while reads and writes go on.

    The worker keeps the index up to date; a rebuild is needed only after the way articles are indexed has changed.
    """
    _rebuild(partial(rebuild_related_index, now=utc_now))


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
    """Rebuild the search index of this machine while searches and writes go on.

    The index follows every change by itself, and is rebuilt by itself if it is missing, damaged or of another release.
    """
    _rebuild(partial(rebuild_search_index, IndexFolder.of(Settings.from_env())))


def _rebuild(rebuild_index: RebuildIndex) -> None:
    """Rebuild an index; name the articles that could not be indexed, and end with status 1 if there are any."""
    database = open_database()
    tune_gc()
    failed: list[tuple[UUID, str]] = []
    try:
        with progress_bar("Indexing") as progress:
            count = rebuild_index(database, progress=progress, on_failed=lambda *failure: failed.append(failure))
    except (NewsError, SettingError):
        raise
    except Exception as error:
        raise click.ClickException(f"The index was not rebuilt: {describe_error(error)}") from error
    click.echo(f"{count} articles indexed")
    for id_, message in failed:
        click.echo(f"article {id_} was not indexed: {message}", err=True)
    if failed:
        sys.exit(1)
