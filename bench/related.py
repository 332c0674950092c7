"""Benchmark of related lists, their cost and their quality: `python -m bench.related`.

For archives of several sizes on both databases: the time to compute a list, to read a stored list, to update the index
after a publication, and to build the index of all articles; and the size of the index on disk. With `--sets`, a folder
with judged sets and their scorer, also the agreement of the lists with human judgments, by `newsapi related evaluate`.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy import func, select

from bench.datasets import load_database, postgresql_server
from bench.query_cost import Counter
from newsapi.changelog import offsets as changelog_offsets
from newsapi.changelog.tables import Facet
from newsapi.content.queries import listing_entries
from newsapi.content.tables.articles import ListingEntry
from newsapi.content.tables.terms import Brand
from newsapi.db.clock import utc_now
from newsapi.db.database import Database, Session
from newsapi.related import index as related_index
from newsapi.related import lists as related_lists
from newsapi.related import maintenance as acts
from newsapi.related import stored_lists, term_statistics
from newsapi.related.rebuild import rebuild_index
from newsapi.related.tables import RelatedProfile

SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
WARM = 40
COST_SAMPLE = 50
"""Lists whose queries are counted."""


class RolledBack(Exception):
    """Rolls back a transaction that is only timed."""


def index(database: Database) -> float | None:
    """Build the index unless it is complete; return the articles indexed per second, or None."""
    with database.read_transaction() as connection:
        indexed = connection.execute(select(func.count()).select_from(RelatedProfile)).scalar() or 0
        total = len(listing_entries.list_public_ids(connection))
    if indexed == total:
        return None
    start = time.perf_counter()
    with click.progressbar(length=total, label="indexing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        rebuild_index(database, now=utc_now, progress=lambda done, _: bar.update(done - bar.pos))
    if not database.is_sqlite:
        with database.connection() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
    return total / (time.perf_counter() - start)


def of_largest_brand(database: Database, count: int) -> list[UUID]:
    """Return the ids of random articles of the brand with most articles."""
    with database.read_transaction() as connection:
        largest = (
            select(Brand.facet_id).join(Facet, Facet.id == Brand.facet_id).order_by(Facet.article_count.desc()).limit(1)
        )
        article_ids = select(ListingEntry.article_id).where(ListingEntry.facet_id == largest.scalar_subquery())
        ids = list(connection.execute(article_ids.limit(300_000)).scalars())
    return random.Random(5).sample(ids, min(count, len(ids)))


def timed(function: Callable[[UUID], Any], ids: list[UUID]) -> tuple[float, float]:
    """Call a function with each id; return median and 99th percentile in milliseconds, without the first calls."""
    for id_ in ids[:WARM]:
        function(id_)
    elapsed = []
    for id_ in ids[WARM:]:
        start = time.perf_counter()
        function(id_)
        elapsed.append((time.perf_counter() - start) * 1e3)
    return statistics.median(elapsed), statistics.quantiles(elapsed, n=100)[98]


def measured(database: Database, lists: int) -> Iterator[tuple[str, float, float]]:
    """Yield the name, the median and the 99th percentile of each operation, in milliseconds."""
    ids = of_largest_brand(database, lists + WARM)

    def compute(id_: UUID) -> None:
        with database.read_transaction() as connection:
            related_lists.get_related(connection, id_, limit=6)

    def read_stored(id_: UUID) -> None:
        with database.read_transaction() as connection:
            related_lists.get_related(
                connection, id_, limit=6, save=lambda related_list: acts.save_list(database, related_list)
            )

    def update_index(id_: UUID) -> None:
        with database.read_transaction() as connection:
            weights = term_statistics.current_weights(connection) or acts.NO_WEIGHTS
            documents = related_index.load_documents(connection, [id_], weights)
        try:
            with database.transaction() as session:
                acts.replace_articles(session, [id_], documents, weights, now=utc_now())
                raise RolledBack
        except RolledBack:
            pass

    follow(database)
    median, p99 = timed(compute, ids)
    yield "computed", median, p99
    for id_ in ids:
        read_stored(id_)
    median, p99 = timed(read_stored, ids)
    yield "stored", median, p99
    median, p99 = timed(update_index, ids)
    yield "index update after a publication", median, p99
    with database.transaction() as session:
        stored_lists.delete_lists(session, ids)


def cost(database: Database, lists: int) -> tuple[float, float]:
    """Return the work and the pages of a computed list on average: rows, or instructions on SQLite, and cold pages."""
    counter = Counter(database)

    def compute(id_: UUID) -> None:
        with database.read_transaction() as connection:
            related_lists.get_related(connection, id_, limit=6)

    reads = [counter.call(partial(compute, id_)) for id_ in of_largest_brand(database, lists)]
    return statistics.mean(read.work for read in reads), statistics.mean(read.pages for read in reads)


def follow(database: Database) -> None:
    """Move the offset of the index consumer to the head of the changelog, as a worker would."""
    with database.transaction() as session:
        _follow(session)


def _follow(session: Session) -> None:
    changelog_offsets.acquire_lease(
        session, related_index.CONSUMER, "bench", utc_now(), timedelta(0), from_the_first=False
    )


def size(database: Database) -> float:
    """Return the size of the index in bytes per article; NaN if SQLite cannot tell."""
    tables = ("related_profile", "related_posting")
    with database.connection() as connection:
        count = connection.execute(select(func.count()).select_from(RelatedProfile)).scalar() or 1
        if database.is_sqlite:
            statement = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'related_p%' OR name LIKE '%related_profile%'"
            try:
                return float(connection.exec_driver_sql(statement).scalar() or 0) / count
            except Exception:  # noqa: BLE001 (this SQLite was built without dbstat)
                return float("nan")
        sizes = [connection.exec_driver_sql(f"SELECT pg_total_relation_size('{name}')").scalar() for name in tables]
        return float(sum(sizes)) / count


def judged(sets: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield the scores of each judged set, and its comparison with each baseline, from the scorer in the folder."""
    for path in sorted(sets.glob("*.ndjson")):
        with tempfile.TemporaryDirectory() as folder:
            ranking = Path(folder) / "ranking.ndjson"
            with ranking.open("wb") as out:
                command = [Path(sys.executable).with_name("newsapi"), "related", "evaluate", path]
                subprocess.run(command, stdout=out, check=True)
            for baseline in sorted((sets / "baselines").glob(f"{path.stem}.*.ndjson")):
                scorer = [sys.executable, sets / "evaluate.py", path, ranking, "--json", "--against", baseline]
                scores = json.loads(subprocess.run(scorer, capture_output=True, check=True).stdout)
                yield f"{path.stem}, {baseline.stem.partition('.')[2]}", scores, scores["against"]


@click.command()
@click.option("--sizes", default="10k,100k,1m", show_default=True)
@click.option("--keep", type=click.Path(path_type=Path), help="Folder with the archives of `make bench`.")
@click.option("--databases", default="sqlite,postgresql", show_default=True)
@click.option("--lists", default=400, show_default=True, help="Number of timed lists.")
@click.option("--sets", type=click.Path(exists=True, path_type=Path), help="Folder with judged sets.")
def main(sizes: str, keep: Path | None, databases: str, lists: int, sets: Path | None) -> None:
    """Measure related lists, and print the figures as tables."""
    with tempfile.TemporaryDirectory() if keep is None else nullcontext(str(keep)) as folder:
        kinds = databases.split(",")
        with postgresql_server(Path(folder), None) if "postgresql" in kinds else nullcontext("") as url:
            click.echo("| database | articles | operation | p50 ms | p99 ms |\n| --- | ---: | --- | ---: | ---: |")
            for kind in kinds:
                for articles in (SIZES.get(name) or int(name) for name in filter(None, sizes.split(","))):
                    database = load_database(kind, articles, Path(folder), url)
                    rate = index(database)
                    for operation, p50, p99 in measured(database, lists):
                        click.echo(f"| {kind} | {articles:,} | {operation} | {p50:.1f} | {p99:.1f} |")
                    work, pages = cost(database, min(lists, COST_SAMPLE))
                    unit = "instructions" if database.is_sqlite else "rows"
                    click.echo(
                        f"| {kind} | {articles:,} | {unit} and pages of a computed list | {work:,.0f} | {pages:,.0f} |"
                    )
                    click.echo(f"| {kind} | {articles:,} | bytes per article | {size(database):,.0f} | |")
                    if rate:
                        click.echo(f"| {kind} | {articles:,} | articles indexed per second | {rate:,.0f} | |")
                    database.dispose()
    if sets:
        click.echo("\n| set, baseline | novel@10 | dup@10 | ndcg@10 gain | p |\n| --- | ---: | ---: | ---: | ---: |")
        for name, scores, against in judged(sets):
            gain = f"{against['difference']:+.3f} | {against['p']:.4f}"
            click.echo(f"| {name} | {scores['novel@10']:.4f} | {scores['dup@10']:.4f} | {gain} |")


if __name__ == "__main__":
    main()
