"""What publishing does to a warm cache: `python -m bench.publishing`.

Reads as many addresses as asked for until all are kept, publishes one article, reads all once more and counts what had
to be built anew; then reads a thousand addresses a second, the popular ones most, while one article is published every
second; and at last loads one list as hard as can be, quietly and with a publication every second. Wants `wrk`.
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

from bench.corpus import records
from bench.hits import LIST, fill, serve, wrk
from newsapi.actions import imports
from newsapi.api.parts import utc_now
from newsapi.settings import Settings
from newsapi.store.database import Database


class Newsroom:
    """Publishes articles like those of the archive, one at a time."""

    def __init__(self, url: str, articles: int) -> None:
        """Take the database, and how many articles it has."""
        self._database = Database(url)
        self._settings = Settings.from_env({"NEWSAPI_DATABASE_URL": url, "NEWSAPI_RATE_LIMITS": "off"})
        more = (record for record in records(articles + 500) if record["type"] == "article")
        self._next = list(more)[articles:]

    def publish(self) -> None:
        """Publish one, now."""
        record = {**self._next.pop(), "status": "published", "published_at": utc_now().isoformat()}
        record.pop("updated_at", None)
        with tempfile.TemporaryFile() as file:
            file.write(orjson.dumps(record))
            file.seek(0)
            counts = imports.load(self._database, self._settings, file, now=utc_now, reject=print)
        assert counts.created + counts.updated == 1

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Publish one article a second, until the block is left."""
        stop = threading.Event()

        def go() -> None:
            while not stop.wait(1):
                self.publish()

        thread = threading.Thread(target=go)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def addresses(base: str, wanted: int) -> list[str]:
    """Answer addresses as readers ask for them: lists of each kind, then articles and what is related to them."""
    connection = HTTPConnection(urlsplit(base).netloc)

    def slugs(path: str) -> list[str]:
        found: list[str] = []
        following: str | None = f"{path}limit=100"
        while following and len(found) < wanted:
            connection.request("GET", following)
            page = orjson.loads(connection.getresponse().read())
            found += [item["slug"] for item in page["data"]]
            following = page["links"]["next"]
        return found

    lists = ["/v1/articles", "/v1/brands", "/v1/sections"]
    for kind in ("brand", "section", "author", "tag"):
        for slug in slugs(f"/v1/{kind}s?"):
            lists += [f"/v1/articles?{kind}={slug}", f"/v1/{kind}s/{slug}", f"/v1/articles?{kind}={slug}&limit=5"]
    ones = [f"/v1/articles/{slug}{end}" for slug in slugs("/v1/articles?") for end in ("", "/related")]
    return [*lists, *ones][:wanted]


def read(base: str, paths: list[str], *, pace: float = 0.0) -> Counter[str]:
    """Read addresses one after the other, `pace` a second if given; answer what the cache said of them."""
    connection = HTTPConnection(urlsplit(base).netloc)
    how: Counter[str] = Counter()
    began = time.monotonic()
    for number, path in enumerate(paths):
        if pace:
            time.sleep(max(0.0, began + number / pace - time.monotonic()))
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        how[answer.headers["Cache-Status"] or str(answer.status)] += 1
    return how


@click.command()
@click.option("--articles", default=5_000, show_default=True, help="size of the archive")
@click.option("--keys", default=10_000, show_default=True, help="addresses that are kept")
@click.option("--seconds", default=20, show_default=True, help="of each load")
def main(articles: int, keys: int, seconds: int) -> None:
    """Measure, and print."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder}/news.sqlite3"
        fill(url, articles)
        newsroom = Newsroom(url, articles)
        base = serve(stack, folder, url, NEWSAPI_CACHE_MB="1024")
        paths = addresses(base, keys)
        click.echo(f"{len(paths):,} addresses", err=True)
        read(base, paths)
        kept = read(base, paths)
        newsroom.publish()
        time.sleep(1)
        again = read(base, paths)
        click.echo(f"kept: {dict(kept)}\nafter one publication: {dict(again)}")
        chance = random.Random(7)
        popular = chance.sample(paths, len(paths))
        weights = list(accumulate(1 / (rank + 1) for rank in range(len(popular))))
        asked = chance.choices(popular, cum_weights=weights, k=1000 * seconds)
        with newsroom.publishing():
            how = read(base, asked, pace=1000)
        click.echo(
            f"1,000 reads and 1 publication a second: {how['newsapi; hit'] / how.total():.4f} were hits, {dict(how)}"
        )
        quiet = wrk(base + LIST, seconds)
        with newsroom.publishing():
            busy = wrk(base + LIST, seconds)
        for name, load in (("quiet", quiet), ("1 publication a second", busy)):
            click.echo(f"{name}: {load.rate:,.0f} hits/s, p50 {load.p50:.2f} ms, p99 {load.p99:.2f} ms")
    sys.exit(0)


if __name__ == "__main__":
    main()
