"""What related lists cost, and how good they are: `python -m bench.related`.

For archives of several sizes on both databases: a list made from nothing, one that is kept, bringing the index up to
date after a publication, making it for all articles at once, and its size on disk. With `--sets` a folder of judged
sets and their scorer, also how well lists agree with people's judgments, through the product's own command.
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
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy import func, select

from bench.loaded import loaded, server
from newsapi.actions import related as acts
from newsapi.api.parts import utc_now
from newsapi.model import Brand, Facet, Listing, RelatedProfile
from newsapi.store import places, profiles, related
from newsapi.store.database import Database, Session

SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
WARM = 40


class RolledBack(Exception):
    """Ends a transaction that was only to be timed."""


def index(database: Database) -> float | None:
    """Index what is not indexed; answer at how many articles a second, None where all was."""
    with database.reading() as connection:
        there = connection.execute(select(func.count()).select_from(RelatedProfile)).scalar() or 0
        wanted = len(profiles.everything(connection))
    if there == wanted:
        return None
    began = time.perf_counter()
    with click.progressbar(length=wanted, label="indexing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        acts.rebuild(database, now=utc_now, progress=lambda done, _: bar.update(done - bar.pos))
    if not database.is_sqlite:
        with database.connection() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
    return wanted / (time.perf_counter() - began)


def of_largest_brand(database: Database, count: int) -> list[UUID]:
    """Some articles of the brand that has most."""
    with database.reading() as connection:
        largest = (
            select(Brand.facet_id).join(Facet, Facet.id == Brand.facet_id).order_by(Facet.articles.desc()).limit(1)
        )
        found = select(Listing.article_id).where(Listing.facet_id == largest.scalar_subquery())
        ids = list(connection.execute(found.limit(300_000)).scalars())
    return random.Random(5).sample(ids, min(count, len(ids)))


def timed(act: Callable[[UUID], Any], ids: list[UUID]) -> tuple[float, float]:
    """Milliseconds of the middle one and of the slowest hundredth, after some that are not counted."""
    for id_ in ids[:WARM]:
        act(id_)
    found = []
    for id_ in ids[WARM:]:
        began = time.perf_counter()
        act(id_)
        found.append((time.perf_counter() - began) * 1e3)
    return statistics.median(found), statistics.quantiles(found, n=100)[98]


def measured(database: Database, lists: int) -> Iterator[tuple[str, float, float]]:
    """What each thing takes, in milliseconds."""
    ids = of_largest_brand(database, lists + WARM)

    def make(id_: UUID) -> None:
        with database.reading() as connection:
            related.of_article(connection, id_, limit=6)

    def keep(id_: UUID) -> None:
        with database.reading() as connection:
            related.of_article(connection, id_, limit=6, keep=lambda made: acts.keep(database, made))

    def publish(id_: UUID) -> None:
        with database.reading() as connection:
            work = acts.prepare(connection, [id_])
        try:
            with database.transaction() as session:
                acts.do(session, work, now=utc_now())
                raise RolledBack
        except RolledBack:
            pass

    follow(database)
    yield "made from nothing", *timed(make, ids)
    for id_ in ids:
        keep(id_)
    yield "kept", *timed(keep, ids)
    yield "index after a publication", *timed(publish, ids)
    with database.transaction() as session:
        related.drop(session, ids)


def follow(database: Database) -> None:
    """Have the listener's place at the head, as a worker would."""
    with database.transaction() as session:
        _follow(session)


def _follow(session: Session) -> None:
    from datetime import timedelta  # noqa: PLC0415

    places.take(session, profiles.LISTENER, "bench", utc_now(), timedelta(0), from_the_first=False)


def size(database: Database) -> float:
    """Bytes of the index for each article."""
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
    """For each set its figures against each of its baselines, by the scorer that lies with them."""
    for path in sorted(sets.glob("*.ndjson")):
        with tempfile.TemporaryDirectory() as folder:
            ranking = Path(folder) / "ranking.ndjson"
            with ranking.open("wb") as out:
                command = [Path(sys.executable).with_name("newsapi"), "related", "evaluate", path]
                subprocess.run(command, stdout=out, check=True)
            for baseline in sorted((sets / "baselines").glob(f"{path.stem}.*.ndjson")):
                scorer = [sys.executable, sets / "evaluate.py", path, ranking, "--json", "--against", baseline]
                found = json.loads(subprocess.run(scorer, capture_output=True, check=True).stdout)
                yield f"{path.stem}, {baseline.stem.partition('.')[2]}", found, found["against"]


@click.command()
@click.option("--sizes", default="10k,100k,1m", show_default=True)
@click.option("--keep", type=click.Path(path_type=Path), help="folder with what `make bench` loaded")
@click.option("--databases", default="sqlite,postgresql", show_default=True)
@click.option("--lists", default=400, show_default=True, help="how many are timed")
@click.option("--sets", type=click.Path(exists=True, path_type=Path), help="folder of judged sets")
def main(sizes: str, keep: Path | None, databases: str, lists: int, sets: Path | None) -> None:
    """Measure, and print tables."""
    with tempfile.TemporaryDirectory() if keep is None else nullcontext(str(keep)) as folder:
        kinds = databases.split(",")
        with server(Path(folder), None) if "postgresql" in kinds else nullcontext("") as url:
            click.echo("| database | articles | what | p50 ms | p99 ms |\n| --- | ---: | --- | ---: | ---: |")
            for kind in kinds:
                for articles in (SIZES[name] for name in filter(None, sizes.split(","))):
                    database = loaded(kind, articles, Path(folder), url)
                    rate = index(database)
                    for what, p50, p99 in measured(database, lists):
                        click.echo(f"| {kind} | {articles:,} | {what} | {p50:.1f} | {p99:.1f} |")
                    click.echo(f"| {kind} | {articles:,} | bytes an article | {size(database):,.0f} | |")
                    if rate:
                        click.echo(f"| {kind} | {articles:,} | indexed a second | {rate:,.0f} | |")
                    database.dispose()
    if sets:
        click.echo("\n| set, against | novel@10 | dup@10 | ndcg@10, more by | p |\n| --- | ---: | ---: | ---: | ---: |")
        for name, found, against in judged(sets):
            more = f"{against['difference']:+.3f} | {against['p']:.4f}"
            click.echo(f"| {name} | {found['novel@10']:.4f} | {found['dup@10']:.4f} | {more} |")


if __name__ == "__main__":
    main()
