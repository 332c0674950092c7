"""What searches cost: `python -m bench.search`.

For archives of several sizes on both databases: searches for one common word, two, a rare one, a phrase, with and
without facets, and suggestions, each over the API with nothing kept; how fast the index is made, and its size on disk.
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

from bench.loaded import loaded, server
from newsapi.actions import search
from newsapi.api.parts import utc_now
from newsapi.app import create_app
from newsapi.cache import memory
from newsapi.model import Article, SearchText, SearchWord
from newsapi.settings import Settings
from newsapi.store.database import Database

SIZES = {"10k": 10_000, "100k": 100_000, "1m": 1_000_000}
WARM = 10
FACETS = {"facets": "brand,section,author,tag,format"}


def index(database: Database) -> float | None:
    """Index what is not indexed; answer at how many articles a second, None where all was."""
    with database.reading() as connection:
        there = connection.execute(select(func.count()).select_from(SearchText)).scalar() or 0
        wanted = connection.execute(select(func.count()).where(Article.status == "published")).scalar() or 0
    if there == wanted:
        return None
    began = time.perf_counter()
    with click.progressbar(length=wanted, label="indexing", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        search.rebuild(database, now=utc_now, progress=lambda done, _: bar.update(done - bar.pos))
    taken = time.perf_counter() - began
    if not database.is_sqlite:
        with database.connection() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
    return wanted / taken


def asked(database: Database, count: int) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """What is asked, with its path and the parameters of each request."""
    chance = random.Random(5)
    with database.reading() as connection:
        found = select(SearchWord.shown, SearchWord.times).order_by(SearchWord.times.desc(), SearchWord.word)
        rows = connection.execute(found).all()
        headlines = (
            connection.execute(select(Article.headline).order_by(Article.id.desc()).limit(2_000)).scalars().all()
        )
    common, rare = [row.shown for row in rows[:40]], [row.shown for row in rows if 3 <= row.times <= 60]
    rare = rare or [row.shown for row in rows[-200:]]
    frequent = [row.shown for row in rows[: max(40, len(rows) // 50)]]
    yield "one common word", "/v1/search", [{"q": chance.choice(common)} for _ in range(count)]
    yield "two common words", "/v1/search", [{"q": " ".join(chance.sample(frequent, 2))} for _ in range(count)]
    yield "a rare word", "/v1/search", [{"q": chance.choice(rare)} for _ in range(count)]
    yield "a common and a rare word", "/v1/search", [{"q": _both(chance, rare, common)} for _ in range(count)]
    yield "a phrase", "/v1/search", [{"q": _phrase(chance, headlines)} for _ in range(count)]
    yield "a word and a brand", "/v1/search", [{"q": chance.choice(common), "brand": "fiat"} for _ in range(count)]
    yield "one common word, facets", "/v1/search", [{"q": chance.choice(common), **FACETS} for _ in range(count)]
    yield "a rare word, facets", "/v1/search", [{"q": chance.choice(rare), **FACETS} for _ in range(count)]
    yield "articles, q=", "/v1/articles", [{"q": chance.choice(common)} for _ in range(count)]
    yield "nothing found", "/v1/search", [{"q": _misspelt(chance, rare)} for _ in range(count)]
    worst = [" ".join(chance.sample(frequent, 32))[:200] for _ in range(count)]
    yield "all that 200 characters hold", "/v1/search", [{"q": text} for text in worst]
    yield "the same, facets and brand", "/v1/search", [{"q": text, "brand": "fiat", **FACETS} for text in worst]
    yield "the same, as a phrase", "/v1/search", [{"q": f'"{text[:198]}"'} for text in worst]
    yield "three misspelt words", "/v1/search", [{"q": " ".join(_misspelt(chance, rare) for _ in "abc")} for _ in worst]
    yield "suggest", "/v1/suggest", [{"q": _begun(chance, headlines)} for _ in range(count)]


def _both(chance: random.Random, rare: Sequence[str], common: Sequence[str]) -> str:
    return f"{chance.choice(rare)} {chance.choice(common)}"


def _phrase(chance: random.Random, headlines: Sequence[str]) -> str:
    words = chance.choice(headlines).replace(",", "").split()
    start = chance.randrange(max(1, len(words) - 1))
    return f'"{" ".join(words[start : start + 2])}"'


def _misspelt(chance: random.Random, words: Sequence[str]) -> str:
    word = chance.choice(words)
    place = chance.randrange(1, len(word))
    return word[:place] + "x" + word[place:]


def _begun(chance: random.Random, headlines: Sequence[str]) -> str:
    return chance.choice(headlines)[: chance.randrange(2, 14)].strip()


def timed(client: Any, path: str, queries: Sequence[dict[str, Any]]) -> tuple[float, float, float]:
    """Milliseconds of the middle one and of the slowest hundredth, after some that are not counted; statements each."""
    found, statements = [], 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    for number, query in enumerate(queries):
        if number == WARM:
            event.listen(Engine, "before_cursor_execute", count)
        began = time.perf_counter()
        answer = client.get(f"{path}?{urlencode(query)}")
        found.append((time.perf_counter() - began) * 1e3)
        assert answer.status_code == 200, answer.text
    event.remove(Engine, "before_cursor_execute", count)
    found = found[WARM:]
    return statistics.median(found), statistics.quantiles(found, n=100)[98], statements / len(found)


def measured(database: Database, count: int) -> Iterator[tuple[str, float, float, float]]:
    """What each kind of request takes."""
    url = database.url.render_as_string(hide_password=False)
    app = create_app(Settings.from_env({"NEWSAPI_DATABASE_URL": url, "NEWSAPI_RATE_LIMITS": "off"}))
    parts = app.extensions["newsapi"]
    parts.pages.memory = memory.Memory(0)
    client = app.test_client()
    gc.collect()  # as the server does: what is there stays
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    for what, path, queries in asked(database, count + WARM):
        yield what, *timed(client, path, queries)
    parts.close()


def size(database: Database) -> float:
    """Bytes of the index for each article."""
    tables = ("search_text", "search_sequence", "search_fresh", "search_block", "search_posting", "search_word")
    with database.connection() as connection:
        count = connection.execute(select(func.count()).select_from(SearchText)).scalar() or 1
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
@click.option("--keep", type=click.Path(path_type=Path), help="folder with what `make bench` loaded")
@click.option("--databases", default="sqlite,postgresql", show_default=True)
@click.option("--count", default=200, show_default=True, help="how many of each are timed")
def main(sizes: str, keep: Path | None, databases: str, count: int) -> None:
    """Measure, and print tables."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with tempfile.TemporaryDirectory() if keep is None else nullcontext(str(keep)) as folder:
        kinds = databases.split(",")
        with server(Path(folder), None) if "postgresql" in kinds else nullcontext("") as url:
            click.echo("| database | articles | what | p50 ms | p99 ms | statements |")
            click.echo("| --- | ---: | --- | ---: | ---: | ---: |")
            for kind in kinds:
                for articles in (SIZES[name] for name in filter(None, sizes.split(","))):
                    database = loaded(kind, articles, Path(folder), url)
                    rate = index(database)
                    for what, p50, p99, statements in measured(database, count):
                        click.echo(f"| {kind} | {articles:,} | {what} | {p50:.1f} | {p99:.1f} | {statements:.0f} |")
                    click.echo(f"| {kind} | {articles:,} | bytes an article | {size(database):,.0f} | | |")
                    if rate:
                        click.echo(f"| {kind} | {articles:,} | indexed a second | {rate:,.0f} | | |")
                    database.dispose()


if __name__ == "__main__":
    main()
