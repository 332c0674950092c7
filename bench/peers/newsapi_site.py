"""newsapi with and without its cache, and a bare application that returns the bytes of its responses."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import orjson

from bench.cache_hits import fill, free_port
from bench.peers.postgres import postgresql
from bench.peers.sites import ARTICLE, DEEP, LIST, PAGE_SIZE, SEARCH, Corpus, Site, connect, request, running
from newsapi import __version__

PROGRAM = Path(sys.executable).with_name("newsapi")
CACHED, BARE = "newsapi, cached", "bare application"
NO_CACHE = {"NEWSAPI_CACHE_MB": "0"}
CONNECTION_HEADERS = {"server", "date", "content-length", "connection"}


@contextmanager
def newsapi(folder: Path, corpus: Corpus) -> Iterator[dict[str, Site]]:
    """Run newsapi with its default settings on SQLite and, without a cache, on both databases."""
    data = folder / f"data-{corpus.size}"
    with postgresql(data) as database, ExitStack() as stack:
        sqlite = f"sqlite:///{data / 'news.sqlite3'}"
        for url in (sqlite, database.url):
            _load(url, data, corpus)
        database.analyze()
        sites = {}
        for name, url, settings in (
            (CACHED, sqlite, {}),
            ("newsapi, shared builds, SQLite", sqlite, NO_CACHE),
            ("newsapi, shared builds, PostgreSQL", database.url, NO_CACHE),
        ):
            address, process_id = stack.enter_context(_instance(url, data, settings))
            on_sqlite = url is sqlite
            version = f"newsapi {__version__}, {'SQLite' if on_sqlite else database.version}"
            process_ids = [process_id] if on_sqlite else [process_id, database.process_id]
            sites[name] = Site(address, version, _paths(address, corpus), _slugs, process_ids)
        yield sites


@contextmanager
def bare_application(folder: Path, model: Site) -> Iterator[Site]:
    """Run granian with as many processes as newsapi and an application that returns the responses of a site."""
    folder.mkdir(parents=True, exist_ok=True)
    responses = {}
    for path in model.paths.values():
        with urlopen(model.url + path) as response:  # noqa: S310 (loopback)
            headers = [pair for pair in response.headers.items() if pair[0].lower() not in CONNECTION_HEADERS]
            responses[path] = [headers, response.read().decode()]
    (folder / "responses.json").write_bytes(orjson.dumps(responses))
    port = free_port()
    command = [sys.executable, Path(__file__).with_name("bare.py"), port]
    with running(command, folder, {}, ready=connect(port)) as process_id:
        yield Site(f"http://127.0.0.1:{port}", "granian", model.paths, model.read_slugs, [process_id])


def _load(url: str, data: Path, corpus: Corpus) -> None:
    loaded = data / f"loaded-{url.partition(':')[0]}"
    if not loaded.exists():
        fill(url, corpus.size)
        environment = os.environ | {"NEWSAPI_DATABASE_URL": url}
        subprocess.run([PROGRAM, "search", "rebuild"], env=environment, cwd=data, check=True, stdout=subprocess.DEVNULL)
        loaded.touch()


@contextmanager
def _instance(database_url: str, data: Path, settings: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "NEWSAPI_DATABASE_URL": database_url,
        "NEWSAPI_PORT": str(port),
        "NEWSAPI_LOG_LEVEL": "error",
        "NEWSAPI_RATE_LIMITS": "off",
        **settings,
    }
    ready = partial(request, f"{url}/readyz")
    with running([PROGRAM, "serve"], data, environment, ready=ready) as process_id:
        yield url, process_id


def _paths(url: str, corpus: Corpus) -> Mapping[str, str]:
    return {
        LIST: f"/v1/articles?limit={PAGE_SIZE}",
        ARTICLE: f"/v1/articles/{corpus.newest_first[0]}",
        DEEP: _deep_path(url, (corpus.deep_page - 1) * PAGE_SIZE),
        SEARCH: f"/v1/search?{urlencode({'q': corpus.word, 'limit': PAGE_SIZE})}",
    }


def _deep_path(url: str, skipped: int) -> str:
    """Return the path of the page behind a number of articles, by following the cursors of longer pages."""
    parameters: dict[str, object] = {}
    while skipped:
        limit = min(100, skipped)
        body = orjson.loads(request(f"{url}/v1/articles?{urlencode(parameters | {'limit': limit})}"))
        parameters = {"cursor": body["page"]["next"]}
        skipped -= limit
    return f"/v1/articles?{urlencode(parameters | {'limit': PAGE_SIZE})}"


def _slugs(body: Any) -> list[str]:
    return [article["slug"] for article in (body["data"] if isinstance(body["data"], list) else [body["data"]])]
