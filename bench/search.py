"""Benchmark of search: `python -m bench.search`.

For archives of several sizes on both databases: the time of searches for common and rare words and for phrases, with
and without facets, and of suggestions, each over the API without cache; the speed of indexing; and the size of the
index on disk.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click
import structlog
from sqlalchemy import Engine, event, func, select

from bench.datasets import load_database, postgresql_server
from newsapi.app import create_app
from newsapi.cache import memory_cache
from newsapi.content.tables.articles import Article
from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.search import maintenance as search_maintenance
from newsapi.search.tables import SearchDocument, SearchVocabularyEntry
from newsapi.settings import Settings

SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
WARM = 10
FACETS = {"facets": "brand,section,author,tag,format"}


def index(database: Database) -> float | None:
    """Build the index unless it is complete; return the articles indexed per second, or None."""
    with database.read_transaction() as connection:
        indexed = connection.execute(select(func.count()).select_from(SearchDocument)).scalar() or 0
        total = connection.execute(select(func.count()).where(Article.status == "published")).scalar() or 0
    if indexed == total:
        return None
    start = time.perf_counter()
    with click.progressbar(length=total, label="indexing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        search_maintenance.rebuild(database, now=utc_now, progress=lambda done, _: bar.update(done - bar.pos))
    elapsed = time.perf_counter() - start
    if not database.is_sqlite:
        with database.connection() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
    return total / elapsed


def asked(database: Database, count: int) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Yield the kinds of requests: a name, the path, and the parameters of each request."""
    rng = random.Random(5)
    with database.read_transaction() as connection:
        vocabulary = select(SearchVocabularyEntry.shown, SearchVocabularyEntry.times).order_by(
            SearchVocabularyEntry.times.desc(), SearchVocabularyEntry.word
        )
        rows = connection.execute(vocabulary).all()
        headlines = (
            connection.execute(select(Article.headline).order_by(Article.id.desc()).limit(2_000)).scalars().all()
        )
    common, rare = [row.shown for row in rows[:40]], [row.shown for row in rows if 3 <= row.times <= 60]
    rare = rare or [row.shown for row in rows[-200:]]
    frequent = [row.shown for row in rows[: max(40, len(rows) // 50)]]
    yield "one common word", "/v1/search", [{"q": rng.choice(common)} for _ in range(count)]
    yield "two common words", "/v1/search", [{"q": " ".join(rng.sample(frequent, 2))} for _ in range(count)]
    yield "a rare word", "/v1/search", [{"q": rng.choice(rare)} for _ in range(count)]
    yield "a common and a rare word", "/v1/search", [{"q": _both(rng, rare, common)} for _ in range(count)]
    yield "a phrase", "/v1/search", [{"q": _phrase(rng, headlines)} for _ in range(count)]
    yield "a word and a brand", "/v1/search", [{"q": rng.choice(common), "brand": "fiat"} for _ in range(count)]
    yield "one common word, facets", "/v1/search", [{"q": rng.choice(common), **FACETS} for _ in range(count)]
    yield "a rare word, facets", "/v1/search", [{"q": rng.choice(rare), **FACETS} for _ in range(count)]
    yield "articles, q=", "/v1/articles", [{"q": rng.choice(common)} for _ in range(count)]
    yield "nothing found", "/v1/search", [{"q": _misspelt(rng, rare)} for _ in range(count)]
    worst = [" ".join(rng.sample(frequent, 32))[:200] for _ in range(count)]
    yield "200 characters of words", "/v1/search", [{"q": text} for text in worst]
    yield "200 characters, facets and brand", "/v1/search", [{"q": text, "brand": "fiat", **FACETS} for text in worst]
    yield "200 characters, as a phrase", "/v1/search", [{"q": f'"{text[:198]}"'} for text in worst]
    yield "three misspelt words", "/v1/search", [{"q": " ".join(_misspelt(rng, rare) for _ in "abc")} for _ in worst]
    yield "suggest", "/v1/suggest", [{"q": _begun(rng, headlines)} for _ in range(count)]


def _both(rng: random.Random, rare: Sequence[str], common: Sequence[str]) -> str:
    return f"{rng.choice(rare)} {rng.choice(common)}"


def _phrase(rng: random.Random, headlines: Sequence[str]) -> str:
    words = rng.choice(headlines).replace(",", "").split()
    start = rng.randrange(max(1, len(words) - 1))
    return f'"{" ".join(words[start : start + 2])}"'


def _misspelt(rng: random.Random, words: Sequence[str]) -> str:
    word = rng.choice(words)
    position = rng.randrange(1, len(word))
    return word[:position] + "x" + word[position:]


def _begun(rng: random.Random, headlines: Sequence[str]) -> str:
    return rng.choice(headlines)[: rng.randrange(2, 14)].strip()


def timed(client: Any, path: str, queries: Sequence[dict[str, Any]]) -> tuple[float, float, float]:
    """Return median and 99th percentile in milliseconds, without the first requests, and statements per request."""
    elapsed, statements = [], 0

    def count_statement(*_: object) -> None:
        nonlocal statements
        statements += 1

    for number, query in enumerate(queries):
        if number == WARM:
            event.listen(Engine, "before_cursor_execute", count_statement)
        start = time.perf_counter()
        response = client.get(f"{path}?{urlencode(query)}")
        elapsed.append((time.perf_counter() - start) * 1e3)
        assert response.status_code == 200, response.text
    event.remove(Engine, "before_cursor_execute", count_statement)
    elapsed = elapsed[WARM:]
    return statistics.median(elapsed), statistics.quantiles(elapsed, n=100)[98], statements / len(elapsed)


def measured(database: Database, count: int) -> Iterator[tuple[str, float, float, float]]:
    """Yield the name, median, 99th percentile and statements of each kind of request."""
    url = database.url.render_as_string(hide_password=False)
    app = create_app(Settings.from_env({"NEWSAPI_DATABASE_URL": url, "NEWSAPI_RATE_LIMITS": "off"}))
    parts = app.extensions["newsapi"]
    parts.response_cache.memory = memory_cache.MemoryCache(0)
    client = app.test_client()
    gc.collect()  # the same settings as in the server
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    for name, path, queries in asked(database, count + WARM):
        median, p99, statements = timed(client, path, queries)
        yield name, median, p99, statements
    parts.close()


def size(database: Database) -> float:
    """Return the size of the index in bytes per article; NaN if SQLite cannot tell."""
    tables = (
        "search_document",
        "search_token_sequence",
        "search_pending_document",
        "search_segment",
        "search_posting",
        "search_vocabulary",
    )
    with database.connection() as connection:
        count = connection.execute(select(func.count()).select_from(SearchDocument)).scalar() or 1
        if database.is_sqlite:
            statement = "SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'search_%' OR name LIKE '%autoindex_search_%'"
            try:
                return float(connection.exec_driver_sql(statement).scalar() or 0) / count
            except Exception:  # noqa: BLE001 (this SQLite was built without dbstat)
                return float("nan")
        sizes = [connection.exec_driver_sql(f"SELECT pg_total_relation_size('{name}')").scalar() for name in tables]
        return float(sum(sizes)) / count


@click.command()
@click.option("--sizes", default="10k,100k,1m", show_default=True)
@click.option("--keep", type=click.Path(path_type=Path), help="Folder with the archives of `make bench`.")
@click.option("--databases", default="sqlite,postgresql", show_default=True)
@click.option("--count", default=200, show_default=True, help="Number of timed requests of each kind.")
def main(sizes: str, keep: Path | None, databases: str, count: int) -> None:
    """Measure searches, and print the figures as a table."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() if keep is None else nullcontext(str(keep)) as folder:
        kinds = databases.split(",")
        with postgresql_server(Path(folder), None) if "postgresql" in kinds else nullcontext("") as url:
            click.echo("| database | articles | request | p50 ms | p99 ms | statements |")
            click.echo("| --- | ---: | --- | ---: | ---: | ---: |")
            for kind in kinds:
                for articles in (SIZES[name] for name in filter(None, sizes.split(","))):
                    database = load_database(kind, articles, Path(folder), url)
                    rate = index(database)
                    for name, p50, p99, statements in measured(database, count):
                        click.echo(f"| {kind} | {articles:,} | {name} | {p50:.1f} | {p99:.1f} | {statements:.0f} |")
                    click.echo(f"| {kind} | {articles:,} | bytes per article | {size(database):,.0f} | | |")
                    if rate:
                        click.echo(f"| {kind} | {articles:,} | articles indexed per second | {rate:,.0f} | | |")
                    database.dispose()


if __name__ == "__main__":
    main()
