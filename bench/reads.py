"""Load, ask, count, tell: `python -m bench.reads --sizes 10k,100k,1m --databases sqlite,postgresql`."""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson
from flask import Flask

from bench import report
from bench.cases import CASES, addresses, spread
from bench.counted import Counter, get
from bench.loaded import loaded, server, size_of
from newsapi.app import create_app, set_up_logging
from newsapi.cache.memory import Memory
from newsapi.cache.pages import PageCache
from newsapi.cache.shared import Alone
from newsapi.settings import Settings
from newsapi.store.database import Database

UNITS = {"k": 1_000, "m": 1_000_000}
SETTINGS = {"NEWSAPI_SECRET_KEY": "b" * 40, "NEWSAPI_RATE_LIMITS": "off"}
OFFSET = """
SELECT article_id FROM listing WHERE facet_id = (SELECT id FROM facet WHERE kind = 'all')
ORDER BY published_at DESC, article_id DESC LIMIT 20 OFFSET {}
"""
"""The way not taken, to compare: the same deep page of all articles, along the same index."""


def _sizes(_context: object, _parameter: object, value: str) -> list[int]:
    return [int(word.rstrip("km")) * UNITS.get(word[-1], 1) for word in value.lower().split(",")]


def _kinds(_context: object, _parameter: object, value: str) -> list[str]:
    kinds = value.split(",")
    if unknown := set(kinds) - {"sqlite", "postgresql"}:
        raise click.BadParameter(f"{', '.join(unknown)}: there are sqlite and postgresql")
    return kinds


@click.command()
@click.option("--sizes", default="10k,100k,1m", callback=_sizes, help="Articles in each archive, joined by commas.")
@click.option("--databases", default="sqlite,postgresql", callback=_kinds, help="Which, joined by commas.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Where the archives stay for next time.")
@click.option("--server", "url", help="A PostgreSQL, in place of our own, and a superuser of it.")
@click.option("--requests", default=200, help="How many requests each p50 and p99 is made of.")
@click.option("--places", default=16, help="Places in a list, or articles, over which a count is the mean.")
@click.option("--only", default="", help="Only the cases with this in their name.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file for all figures, as JSON.")
def main(  # noqa: PLR0917 (click hands options over)
    sizes: list[int],
    databases: list[str],
    keep: Path | None,
    url: str | None,
    requests: int,
    places: int,
    only: str,
    out: Path | None,
) -> None:
    """Load archives, read them over the API, and tell what each read costs.

    Exits with 1 where a read that should cost the same in every archive does not.
    """
    set_up_logging("warning")
    figures: dict[str, Any] = {
        "sizes": sizes,
        "requests": requests,
        "places": places,
        "only": only,
        "archives": {},
        "cases": {},
    }
    with ExitStack() as stack:
        kept = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="newsapi-bench-")))
        kept.mkdir(parents=True, exist_ok=True)
        if keep is None:
            kept.chmod(0o755)  # started by root, PostgreSQL runs as somebody else, who must get through to its data
        server_url = stack.enter_context(server(kept, url)) if "postgresql" in databases else None
        for kind in databases:
            for articles in sizes:
                database = loaded(kind, articles, kept, server_url)
                try:
                    _measure(database, kind, articles, requests, figures)
                finally:
                    database.dispose()
    click.echo(report.table(figures))
    if out:
        out.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")
    broken = report.broken(figures)
    for line in report.verdicts(figures):
        click.echo(line)
    sys.exit(1 if broken else 0)


def _measure(database: Database, kind: str, articles: int, requests: int, figures: dict[str, Any]) -> None:
    url = database.url.render_as_string(hide_password=False)
    app = create_app(Settings.from_env(SETTINGS | {"NEWSAPI_DATABASE_URL": url}))
    parts = app.extensions["newsapi"]
    follower = parts.pages.follower
    follower.catch_up()
    follower.known = lambda: follower.stamp  # its look at the log, five times a second at most, is no part of a read
    counter = Counter(app, database)
    counter.forget()
    figures["archives"][f"{kind} {articles}"] = {
        "bytes": size_of(database),
        "version": _version(database),
        "offset_pages": counter.cost(OFFSET.format(articles * 4 // 5))[1],
    }
    with database.connection() as connection:
        articles_spread = spread(connection)
        asked = [
            (case, deep, addresses(app, connection, case, articles_spread, deep=deep, places=figures["places"]))
            for case in CASES
            if figures["only"] in case.name
            for deep in ((False, True) if case.deep is not None else (False,))
        ]
    with click.progressbar(asked, label=f"reading {articles:,} in {kind}", file=sys.stderr, hidden=_hidden()) as bar:
        for case, deep, places in bar:
            app.extensions["newsapi"] = replace(parts, pages=PageCache(Memory(0), Alone(), parts.pages.follower))
            found = _counts(app, counter, places) | _times("miss", app, places, requests)
            app.extensions["newsapi"] = parts
            get(app, places[0])()
            found |= _times("hit", app, places[:1], requests // 2)
            found["hit_statements"] = len(counter.request(places[0]).statements)
            entry = figures["cases"].setdefault(
                report.title(case.name, deep=deep), {"flat": case.flat, "group": case.group}
            )
            entry[f"{kind} {articles}"] = found
    parts.close()


def _counts(app: Flask, counter: Counter, places: Sequence[str]) -> dict[str, Any]:
    for number in range(1 if counter.of_sqlite else 8):  # PostgreSQL plans once and for all after some uses
        get(app, places[number % len(places)])()
    reads = [counter.request(place) for place in places]
    return {
        "statements": max(len(one.statements) for one in reads),
        "work": round(statistics.fmean(one.work for one in reads), 1),
        "pages": round(statistics.fmean(one.pages for one in reads), 1),
        "visits": round(statistics.fmean(one.visits for one in reads), 1),
        "most_work": max(one.work for one in reads),
        "most_pages": max(one.pages for one in reads),
        "most_visits": max(one.visits for one in reads),
    }


def _times(name: str, app: Flask, places: Sequence[str], requests: int) -> dict[str, float]:
    """Milliseconds of requests in a row, the places in turn."""
    ready = [get(app, place) for place in places]
    taken = sorted(ready[number % len(ready)]() * 1000 for number in range(requests))
    return {f"{name}_p50": round(_share(taken, 0.5), 2), f"{name}_p99": round(_share(taken, 0.99), 2)}


def _share(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def _version(database: Database) -> str:
    if database.is_sqlite:
        return sqlite3.sqlite_version
    with database.reading() as connection:
        return str(connection.exec_driver_sql("SHOW server_version").scalar_one())


def _hidden() -> bool:
    return not sys.stderr.isatty()


if __name__ == "__main__":
    main()
