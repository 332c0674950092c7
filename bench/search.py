"""Benchmark of search: `python -m bench.search`.

For archives of several sizes on both databases: the time and the CPU time of searches for common and rare words and for
phrases, with and without facets, and of suggestions, each over the API without cache; the rate of searches with 16
connections relative to that of lists (needs `wrk`); the speed of indexing; and the size of the index on disk.
"""

from __future__ import annotations

import gc
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import click
import structlog
from sqlalchemy import Engine, event, select

from bench import search_plot
from bench.cache_hits import serve, wrk
from bench.datasets import load_database, postgresql_server
from bench.report import NAMES, short
from newsapi.app import create_app
from newsapi.cache import memory_cache
from newsapi.content.tables.articles import Article
from newsapi.db.database import Database
from newsapi.search import source_articles
from newsapi.search.index_folder import IndexFolder, default_folder
from newsapi.search.index_reader import IndexReader
from newsapi.search.index_schema import WORDS
from newsapi.search.rebuild import rebuild
from newsapi.settings import Settings

SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
WARM = 10
CONNECTIONS = 16
LOAD_SECONDS = 3.0
DEEP_RANK = 2_000
DEEP_WORDS = 10
FACETS = {"facets": "brand,section,author,tag,format"}


def index_folder(database: Database) -> IndexFolder:
    """Return the folder of the index of a database."""
    return IndexFolder(default_folder(database.url.render_as_string(hide_password=False)))


def index(database: Database) -> float | None:
    """Build the index unless it is complete; return the articles indexed per second of CPU time, or None."""
    with database.read_transaction() as connection:
        head = source_articles.get_log_position(connection)
        total = source_articles.count_public(connection)
    opened = IndexReader(index_folder(database)).open()
    if opened is not None and opened.position.article_seq == head.article_seq and opened.position.is_complete:
        return None
    start = time.process_time()
    with click.progressbar(length=total, label="indexing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        rebuild(index_folder(database), database, progress=lambda done, _: bar.update(done - bar.pos))
    return total / (time.process_time() - start)


def list_words(database: Database) -> list[tuple[str, int]]:
    """Return the indexed words with the number of their articles, the most frequent first."""
    opened = IndexReader(index_folder(database)).open()
    assert opened is not None
    terms = opened.searcher.terms_with_prefix(WORDS, "")
    return [(shown or plain, count) for term, count in terms for plain, _, shown in [term.partition("/")]]


def asked(database: Database, count: int) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Yield the kinds of requests: a name, the path, and the parameters of each request."""
    rng = random.Random(5)
    words = list_words(database)
    with database.read_transaction() as connection:
        headlines = (
            connection.execute(select(Article.headline).order_by(Article.id.desc()).limit(2_000)).scalars().all()
        )
    common, rare = [word for word, _ in words[:40]], [word for word, articles in words if 3 <= articles <= 60]
    rare = rare or [word for word, _ in words[-200:]]
    frequent = [word for word, _ in words[: max(40, len(words) // 50)]]
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


class Timing(NamedTuple):
    """Time and CPU time of requests in milliseconds, and statements of a request."""

    p50: float
    p99: float
    cpu_p50: float
    cpu_p99: float
    statements: float


def timed(client: Any, path: str, queries: Sequence[dict[str, Any]]) -> Timing:
    """Return how long requests take, without the first ones."""
    elapsed, cpu, statements = [], [], 0

    def count_statement(*_: object) -> None:
        nonlocal statements
        statements += 1

    for number, query in enumerate(queries):
        if number == WARM:
            event.listen(Engine, "before_cursor_execute", count_statement)
        start, cpu_start = time.perf_counter(), time.thread_time()
        response = client.get(f"{path}?{urlencode(query)}")
        elapsed.append((time.perf_counter() - start) * 1e3)
        cpu.append((time.thread_time() - cpu_start) * 1e3)
        assert response.status_code == 200, response.text
    event.remove(Engine, "before_cursor_execute", count_statement)
    elapsed, cpu = elapsed[WARM:], cpu[WARM:]
    return Timing(
        statistics.median(elapsed),
        statistics.quantiles(elapsed, n=100)[98],
        statistics.median(cpu),
        statistics.quantiles(cpu, n=100)[98],
        statements / len(elapsed),
    )


def measured(database: Database, count: int) -> Iterator[tuple[str, Timing]]:
    """Yield the name and the time of each kind of request."""
    url = database.url.render_as_string(hide_password=False)
    app = create_app(Settings.from_env({"NEWSAPI_DATABASE_URL": url, "NEWSAPI_RATE_LIMITS": "off"}))
    parts = app.extensions["newsapi"]
    parts.response_cache.memory = memory_cache.MemoryCache(0)
    client = app.test_client()
    gc.collect()  # the same settings as in the server
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    yield "a list of 20", timed(client, "/v1/articles", [{"limit": 20}] * (count + WARM))
    for name, path, queries in asked(database, count + WARM):
        yield name, timed(client, path, queries)
    yield (
        f"result {DEEP_RANK:,} of a common word",
        timed(client, "/v1/search", deep_pages(database, client, count + WARM)),
    )
    parts.close()


def deep_pages(database: Database, client: Any, count: int) -> list[dict[str, Any]]:
    """Return requests for the pages of common words that begin after DEEP_RANK results, or the last pages."""
    pages = []
    for word, _ in list_words(database)[:DEEP_WORDS]:
        query = {"q": word, "limit": 100}
        for _ in range(DEEP_RANK // 100):
            cursor = client.get(f"/v1/search?{urlencode(query)}").json["page"]["next"]
            if cursor is None:
                break
            query = {"cursor": cursor, "limit": 100}
        pages.append({**query, "limit": 20})
    return [pages[number % len(pages)] for number in range(count)]


def size(database: Database) -> float:
    """Return the size of the index in bytes per article."""
    opened = IndexReader(index_folder(database)).open()
    assert opened is not None
    return sum(file.stat().st_size for file in opened.generation.iterdir()) / max(opened.searcher.num_docs - 1, 1)


SCRIPT = """
local words = {{ {words} }}
local n = (os.time() * 997) % 86400  -- every URL is requested once, across rounds too
request = function()
  n = n + 1
  return wrk.format("GET", string.format({path}))
end
"""
SEARCH_PATH = '"/v1/search?q=%s%%20-x%d", words[n % #words + 1], n'
LIST_PATH = (
    '"/v1/articles?limit=20&published_from=2001-01-01T%02d:%02d:%02dZ", math.floor(n / 3600) % 24, '
    "math.floor(n / 60) % 60, n % 60"
)


def rates(database: Database, rounds: int) -> tuple[float, float, float]:
    """Return the rates of searches for common words and of lists with 16 connections, and the median of their ratios.

    Both are built for every request: no URL is requested twice.
    """
    words = ", ".join(f'"{quote(word)}"'.replace("%", "%%%%") for word, _ in list_words(database)[:40])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scripts = {}
        for name, path in (("search", SEARCH_PATH), ("list", LIST_PATH)):
            scripts[name] = folder / f"{name}.lua"
            scripts[name].write_text(SCRIPT.format(words=words, path=path))
        server = serve(stack, folder, database.url.render_as_string(hide_password=False), NEWSAPI_CACHE_MB="0")
        loads = [
            [
                wrk(server, "/", LOAD_SECONDS, connections=CONNECTIONS, script=scripts[name]).rate
                for name in ("search", "list")
            ]
            for _ in range(rounds)
        ]
    searches, lists = zip(*loads, strict=True)
    ratio = statistics.median(search / listed for search, listed in loads)
    return statistics.median(searches), statistics.median(lists), ratio


@click.command()
@click.option("--sizes", default="10k,100k,1m", show_default=True, help="Names or numbers of articles.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder with the archives of `make bench`.")
@click.option("--databases", default="sqlite,postgresql", show_default=True)
@click.option("--count", default=200, show_default=True, help="Number of timed requests of each kind.")
@click.option("--rounds", default=5, show_default=True, help="Number of loads with 16 connections.")
@click.option("--plot", type=click.Path(path_type=Path), help="SVG file for a plot of the CPU times.")
def main(*, sizes: str, keep: Path | None, databases: str, count: int, rounds: int, plot: Path | None) -> None:
    """Measure searches, and print the figures as a table."""
    cpu_times: dict[str, dict[str, tuple[float, float]]] = {}
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() if keep is None else nullcontext(str(keep)) as folder:
        kinds = databases.split(",")
        with postgresql_server(Path(folder), None) if "postgresql" in kinds else nullcontext("") as url:
            click.echo("| database | articles | request | p50 ms | p99 ms | CPU p50 ms | CPU p99 ms | statements |")
            click.echo("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |")
            for kind in kinds:
                for articles in (SIZES.get(name) or int(name) for name in filter(None, sizes.split(","))):
                    database = load_database(kind, articles, Path(folder), url)
                    rate = index(database)
                    head = f"| {kind} | {articles:,} |"
                    archive = cpu_times.setdefault(f"{short(articles)} articles, {NAMES[kind]}", {})
                    for name, timing in measured(database, count):
                        times = " | ".join(f"{value:.1f}" for value in timing[:4])
                        click.echo(f"{head} {name} | {times} | {timing.statements:.0f} |")
                        archive[name] = timing.cpu_p50, timing.cpu_p99
                    click.echo(f"{head} bytes per article | {size(database):,.0f} | | | | |")
                    if rate:
                        click.echo(f"{head} articles indexed per second of CPU | {rate:,.0f} | | | | |")
                    if shutil.which("wrk") and rounds:
                        searches, lists, ratio = rates(database, rounds)
                        click.echo(f"{head} searches/s, 16 connections | {searches:,.0f} | | | | |")
                        click.echo(f"{head} lists/s, 16 connections | {lists:,.0f} | | | | |")
                        click.echo(f"{head} searches relative to lists | {ratio:.2f} | | | | |")
                    database.dispose()
    if plot:
        plot.write_text(search_plot.svg(cpu_times))


if __name__ == "__main__":
    main()
