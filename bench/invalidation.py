"""Benchmark of cache invalidation by publications: `python -m bench.invalidation`.

1. Read a number of URLs until all are cached, publish one article, read all again, and count the misses.
2. Read 1,000 URLs a second, with a Zipf distribution, while one article a second is published.
3. Load one list at the maximum rate, without publications and with one a second. Needs `wrk`.
"""

from __future__ import annotations

import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from itertools import accumulate
from pathlib import Path
from urllib.parse import urlsplit

import click
import orjson

from bench.cache_hits import LIST_PATH, fill, serve, wrk
from bench.corpus import records
from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.imports import loader as import_loader
from newsapi.settings import Settings
from newsapi.write_hooks import WRITE_HOOKS


class Newsroom:
    """Publishes more articles of the synthetic archive, one at a time."""

    def __init__(self, url: str, articles: int, supply: int = 500) -> None:
        """Use a database that has this number of articles; `supply` more can be published."""
        self._database = Database(url)
        self._settings = Settings.from_env({"NEWSAPI_DATABASE_URL": url, "NEWSAPI_RATE_LIMITS": "off"})
        all_articles = (record for record in records(articles + supply) if record["type"] == "article")
        self._next = list(all_articles)[articles:]

    def publish(self) -> None:
        """Publish one article now."""
        record = {**self._next.pop(), "status": "published", "published_at": utc_now().isoformat()}
        record.pop("updated_at", None)
        with tempfile.TemporaryFile() as file:
            file.write(orjson.dumps(record))
            file.seek(0)
            counts = import_loader.import_records(
                self._database, self._settings, file, hooks=WRITE_HOOKS, now=utc_now, reject=print
            )
        assert counts.created + counts.updated == 1

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Publish one article a second until the block is left."""
        stop = threading.Event()

        def publish_until_stopped() -> None:
            while not stop.wait(1):
                self.publish()

        thread = threading.Thread(target=publish_until_stopped)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            self._database.dispose()


def addresses(base: str, count: int) -> list[str]:
    """Return a number of typical paths: lists of each kind, then articles and their related lists."""
    connection = HTTPConnection(urlsplit(base).netloc)

    def list_slugs(path: str) -> list[str]:
        slugs: list[str] = []
        next_url: str | None = f"{path}limit=100"
        while next_url and len(slugs) < count:
            connection.request("GET", next_url)
            page = orjson.loads(connection.getresponse().read())
            slugs += [item["slug"] for item in page["data"]]
            next_url = page["links"]["next"]
        return slugs

    lists = ["/v1/articles", "/v1/brands", "/v1/sections"]
    for kind in ("brand", "section", "author", "tag"):
        for slug in list_slugs(f"/v1/{kind}s?"):
            lists += [f"/v1/articles?{kind}={slug}", f"/v1/{kind}s/{slug}", f"/v1/articles?{kind}={slug}&limit=5"]
    items = [f"/v1/articles/{slug}{suffix}" for slug in list_slugs("/v1/articles?") for suffix in ("", "/related")]
    return [*lists, *items][:count]


def read(base: str, paths: list[str], *, pace: float = 0.0) -> Counter[str]:
    """Read paths one after the other, `pace` a second unless 0; return the counts of each cache status."""
    connection = HTTPConnection(urlsplit(base).netloc)
    statuses: Counter[str] = Counter()
    start = time.monotonic()
    for number, path in enumerate(paths):
        if pace:
            time.sleep(max(0.0, start + number / pace - time.monotonic()))
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        statuses[response.headers["Cache-Status"] or str(response.status)] += 1
    return statuses


@click.command()
@click.option("--articles", default=5_000, show_default=True, help="Number of articles in the archive.")
@click.option("--keys", default=10_000, show_default=True, help="Number of cached URLs.")
@click.option("--seconds", default=20, show_default=True, help="Duration of each load.")
def main(articles: int, keys: int, seconds: int) -> None:
    """Measure the effect of publications on the cache, and print the figures."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder}/news.sqlite3"
        fill(url, articles)
        newsroom = Newsroom(url, articles)
        server = serve(stack, folder, url, NEWSAPI_CACHE_MB="1024")
        base = server.url
        paths = addresses(base, keys)
        click.echo(f"{len(paths):,} URLs", err=True)
        read(base, paths)
        before = read(base, paths)
        newsroom.publish()
        time.sleep(1)
        after = read(base, paths)
        click.echo(f"before the publication: {dict(before)}\nafter one publication: {dict(after)}")
        rng = random.Random(7)
        by_popularity = rng.sample(paths, len(paths))
        weights = list(accumulate(1 / (rank + 1) for rank in range(len(by_popularity))))
        requested = rng.choices(by_popularity, cum_weights=weights, k=1000 * seconds)
        with newsroom.publishing():
            statuses = read(base, requested, pace=1000)
        hit_ratio = statuses["newsapi; hit"] / statuses.total()
        click.echo(f"1,000 reads and 1 publication a second: {hit_ratio:.4f} were hits, {dict(statuses)}")
        without_publications = wrk(server, LIST_PATH, seconds)
        with newsroom.publishing():
            with_publications = wrk(server, LIST_PATH, seconds)
        loads = {"no publications": without_publications, "1 publication a second": with_publications}
        for name, load in loads.items():
            click.echo(f"{name}: {load.rate:,.0f} hits/s, p50 {load.p50:.2f} ms, p99 {load.p99:.2f} ms")
    sys.exit(0)


if __name__ == "__main__":
    main()
