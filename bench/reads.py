"""Benchmark of reads: load archives, measure the cost of every read, and report it.

python -m bench.reads --sizes 10k,100k,1m --databases sqlite,postgresql
"""

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
from bench.datasets import load_database, postgresql_server, size_of
from bench.query_cost import Counter, prepare_request
from bench.workload import CASES, case_urls, sample_articles
from newsapi.app import create_app
from newsapi.cache.memory_cache import MemoryCache
from newsapi.cache.response_cache import ResponseCache
from newsapi.cache.shared_cache import NullCache
from newsapi.db.database import Database
from newsapi.server.logs import configure_logging
from newsapi.settings import Settings

UNITS = {"k": 1_000, "m": 1_000_000}
SETTINGS = {"NEWSAPI_SECRET_KEY": "b" * 40, "NEWSAPI_RATE_LIMITS": "off"}
OFFSET = """
SELECT article_id FROM listing_entry WHERE facet_id = (SELECT id FROM facet WHERE kind = 'all')
ORDER BY published_at DESC, article_id DESC LIMIT 20 OFFSET {}
"""
"""For comparison: the same deep page of all articles by OFFSET, on the same index."""


def _sizes(_context: object, _parameter: object, value: str) -> list[int]:
    return [int(size.rstrip("km")) * UNITS.get(size[-1], 1) for size in value.lower().split(",")]


def _kinds(_context: object, _parameter: object, value: str) -> list[str]:
    kinds = value.split(",")
    if unknown := set(kinds) - {"sqlite", "postgresql"}:
        raise click.BadParameter(f"unknown: {', '.join(unknown)}; allowed are sqlite and postgresql")
    return kinds


@click.command()
@click.option("--sizes", default="10k,100k,1m", callback=_sizes, help="Articles in each archive, comma-separated.")
@click.option("--databases", default="sqlite,postgresql", callback=_kinds, help="Databases, comma-separated.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Folder to keep the archives in.")
@click.option("--server", "url", help="URL of a PostgreSQL server with a superuser, instead of a new server.")
@click.option("--requests", default=200, help="Number of requests for each p50 and p99.")
@click.option("--places", default=16, help="Number of pages, or articles, over which the cost is averaged.")
@click.option("--only", default="", help="Run only the cases whose name contains this text.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File for all figures, as JSON.")
def main(  # noqa: PLR0917 (the options of the command)
    sizes: list[int],
    databases: list[str],
    keep: Path | None,
    url: str | None,
    requests: int,
    places: int,
    only: str,
    out: Path | None,
) -> None:
    """Load archives, read them over the API, and report the cost of each read.

    Exits with 1 if a read that should cost the same in every archive does not.
    """
    configure_logging("warning")
    figures: dict[str, Any] = {
        "sizes": sizes,
        "requests": requests,
        "places": places,
        "only": only,
        "archives": {},
        "cases": {},
    }
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="newsapi-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        if keep is None:
            folder.chmod(0o755)  # if this is root, PostgreSQL runs as another user, who needs access to its data
        server_url = stack.enter_context(postgresql_server(folder, url)) if "postgresql" in databases else None
        for kind in databases:
            for articles in sizes:
                database = load_database(kind, articles, folder, server_url)
                try:
                    _measure(database, kind, articles, requests, figures)
                finally:
                    database.dispose()
    click.echo(report.table(figures))
    if out:
        out.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")
    for line in report.verdicts(figures):
        click.echo(line)
    sys.exit(1 if report.not_flat(figures) else 0)


def _measure(database: Database, kind: str, articles: int, requests: int, figures: dict[str, Any]) -> None:
    url = database.url.render_as_string(hide_password=False)
    app = create_app(Settings.from_env(SETTINGS | {"NEWSAPI_DATABASE_URL": url}))
    parts = app.extensions["newsapi"]
    follower = parts.response_cache.follower
    follower.catch_up()
    follower.latest = lambda: follower.snapshot  # exclude its changelog polls, at most five a second, from the cost
    counter = Counter(database)
    counter.evict_pages()
    figures["archives"][f"{kind} {articles}"] = {
        "bytes": size_of(database),
        "version": _version(database),
        "offset_pages": counter.cost(OFFSET.format(articles * 4 // 5))[1],
    }
    with database.connection() as connection:
        articles_spread = sample_articles(connection)
        reads = [
            (case, deep, case_urls(app, connection, case, articles_spread, deep=deep, places=figures["places"]))
            for case in CASES
            if figures["only"] in case.name
            for deep in ((False, True) if case.deep is not None else (False,))
        ]
    with click.progressbar(reads, label=f"reading {articles:,} in {kind}", file=sys.stderr, hidden=_hidden()) as bar:
        for case, deep, urls in bar:
            app.extensions["newsapi"] = replace(
                parts, response_cache=ResponseCache(MemoryCache(0), NullCache(), parts.response_cache.follower)
            )
            cost = _counts(app, counter, urls) | _times("miss", app, urls, requests)
            app.extensions["newsapi"] = parts
            prepare_request(app, urls[0])()
            cost |= _times("hit", app, urls[:1], requests // 2)
            cost["hit_statements"] = len(counter.request(app, urls[0]).statements)
            entry = figures["cases"].setdefault(
                report.title(case.name, deep=deep), {"flat": case.flat, "group": case.group}
            )
            entry[f"{kind} {articles}"] = cost
    parts.close()


def _counts(app: Flask, counter: Counter, urls: Sequence[str]) -> dict[str, Any]:
    for number in range(1 if counter.of_sqlite else 8):  # after some executions PostgreSQL keeps a generic plan
        prepare_request(app, urls[number % len(urls)])()
    reads = [counter.request(app, url) for url in urls]
    return {
        "statements": max(len(read.statements) for read in reads),
        "work": round(statistics.fmean(read.work for read in reads), 1),
        "pages": round(statistics.fmean(read.pages for read in reads), 1),
        "visits": round(statistics.fmean(read.visits for read in reads), 1),
        "most_work": max(read.work for read in reads),
        "most_pages": max(read.pages for read in reads),
        "most_visits": max(read.visits for read in reads),
    }


def _times(name: str, app: Flask, urls: Sequence[str], requests: int) -> dict[str, float]:
    """Return the median and the 99th percentile, in milliseconds, of sequential requests to the URLs in turn."""
    serve_functions = [prepare_request(app, url) for url in urls]
    elapsed = sorted(serve_functions[number % len(urls)]() * 1000 for number in range(requests))
    return {f"{name}_p50": round(_share(elapsed, 0.5), 2), f"{name}_p99": round(_share(elapsed, 0.99), 2)}


def _share(ordered: Sequence[float], quantile: float) -> float:
    return ordered[min(int(len(ordered) * quantile), len(ordered) - 1)]


def _version(database: Database) -> str:
    if database.is_sqlite:
        return sqlite3.sqlite_version
    with database.read_transaction() as connection:
        return str(connection.exec_driver_sql("SHOW server_version").scalar_one())


def _hidden() -> bool:
    return not sys.stderr.isatty()


if __name__ == "__main__":
    main()
