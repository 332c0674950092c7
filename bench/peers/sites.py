"""What all compared servers have in common: address, requests, processes, and the corpus they serve."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import click
import orjson

from bench.corpus import records

PAGE_SIZE = 20
LIST, ARTICLE, DEEP, SEARCH = "list", "article", "deep", "search"
LOADS = (LIST, ARTICLE, DEEP, SEARCH)
START_SECONDS = 300


@dataclass(frozen=True)
class Corpus:
    """The archive that every server has to serve."""

    size: int

    @cached_property
    def records(self) -> Sequence[dict[str, Any]]:
        """The import records, with articles from the oldest to the newest."""
        return list(records(self.size))

    def of_type(self, name: str) -> list[dict[str, Any]]:
        """Return the records of one type."""
        return [record for record in self.records if record["type"] == name]

    @cached_property
    def newest_first(self) -> Sequence[str]:
        """The slugs of all articles, from the newest to the oldest."""
        return [article["slug"] for article in reversed(self.of_type("article"))]

    @property
    def deep_page(self) -> int:
        """The number of the page that lies 80 % down: 400 of 500 for 10,000 articles."""
        return max(1, self.size // PAGE_SIZE * 4 // 5)

    @property
    def word(self) -> str:
        """A word of two syllables that the newest article contains; about a sixth of all articles do."""
        words = self.of_type("article")[-1]["standfirst"].rstrip(".").split()
        return str(min(words[1:], key=len))

    def expected(self, load: str) -> list[str] | None:
        """Return the slugs that a response has to show in their order, or None for a search."""
        start = {LIST: 0, ARTICLE: 0, DEEP: (self.deep_page - 1) * PAGE_SIZE, SEARCH: None}[load]
        return None if start is None else list(self.newest_first[start : start + (1 if load == ARTICLE else PAGE_SIZE)])


@dataclass(frozen=True)
class Site:
    """A running server that has the corpus.

    Attributes:
        url: Scheme, host and port.
        version: The versions of the server and of its database.
        paths: Path and query of each load.
        read_slugs: Returns the slugs of a JSON response in their order.
        process_ids: The processes that were started, databases included; their descendants count too.
    """

    url: str
    version: str
    paths: Mapping[str, str]
    read_slugs: Callable[[Any], Sequence[str]]
    process_ids: Sequence[int]

    def get(self, path: str) -> bytes:
        """Return the body of a response; raise HTTPError unless it succeeded."""
        return request(self.url + path)

    def check(self, corpus: Corpus) -> None:
        """Raise ClickException unless the site serves the articles of the corpus in the right order."""
        for load, path in self.paths.items():
            shown = list(self.read_slugs(orjson.loads(self.get(path))))
            expected = corpus.expected(load)
            if expected is None:
                known = set(corpus.newest_first)
                if not shown or not known.issuperset(shown):
                    raise click.ClickException(f"{self.url}{path} finds {len(shown)} articles: {shown[:3]}")
            elif shown != expected:
                raise click.ClickException(f"{self.url}{path} shows {shown[:3]}…, not {expected[:3]}…")


def memory_mb(process_ids: Sequence[int]) -> float:
    """Return the resident memory of processes and their descendants; a page that several share is counted once."""
    total, remaining = 0.0, [*process_ids]
    while remaining:
        process_id = remaining.pop()
        total += _proportional_memory(process_id)
        for children in Path(f"/proc/{process_id}/task").glob("*/children"):
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                remaining += map(int, children.read_text().split())
    return total


def _proportional_memory(process_id: int) -> float:
    try:
        lines = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def request(url: str, data: bytes | None = None, headers: Sequence[str] = (), method: str | None = None) -> bytes:
    """Send a request, as POST if there is data; return the body, or raise HTTPError."""
    pairs = dict(header.split(": ", 1) for header in headers)
    with urlopen(Request(url, data, pairs, method=method), timeout=600) as response:  # noqa: S310 (loopback)
        return bytes(response.read())


def show_progress(server: str, stored: int, articles: int) -> None:
    """Write to the standard error how many of the articles a server has stored."""
    click.echo(f"{server}: {stored:,} of {articles:,} articles", err=True)


@contextmanager
def running(
    command: Sequence[object], folder: Path, environment: Mapping[str, str], *, ready: Callable[[], object]
) -> Iterator[int]:
    """Run a server until the block is left.

    Yields:
        Its process id, once `ready` raises no OSError.

    Raises:
        ClickException: The server ended or was not ready in time; its output is in the file `log` of the folder.
    """
    with (folder / "log").open("ab") as log:
        server = subprocess.Popen(
            list(map(str, command)), cwd=folder, env=os.environ | environment, stdout=log, stderr=log
        )
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                ready()
                break
            except OSError as error:
                if server.poll() is not None or time.monotonic() > until:
                    raise click.ClickException(
                        f"{command[0]} does not start ({error}); see {folder / 'log'}"
                    ) from error
                time.sleep(0.2)
        yield server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def connect(port: int) -> Callable[[], None]:
    """Return a function that raises OSError while nothing listens on a port of the loopback interface."""
    return lambda: socket.create_connection(("127.0.0.1", port), timeout=1).close()
