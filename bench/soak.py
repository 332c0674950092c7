"""Memory and descriptors of all processes under a steady load: `python -m bench.soak --minutes 60`.

100 requests a second in an open loop, four of five for a few cached responses, the others for responses that were not
requested before, while one article is published each second. The anonymous memory of the processes (their share of it,
PSS) and their open file descriptors are sampled; the slope of the second half is reported with its standard error.
Memory that maps files is reported apart: it is page cache of the system, which takes it back when it needs it.

`--edits 10` shows in 15 minutes what publications show in hours: instead of new articles, a fixed set of articles is
edited over HTTP, so that the archive does not grow, a webhook is called for each edit, and the load starts when other
requests have filled the bounded caches.
"""

from __future__ import annotations

import itertools
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click
import orjson
import psutil

from bench import invalidation
from bench.cache_hits import fill, serve
from bench.corpus import BRANDS, TAGS
from bench.datasets import postgresql_server
from bench.edits import Editor
from tests.support import open_loop

RATE = 100.0
SHARE_OF_HITS = 0.8
SAMPLE_SECONDS = 5.0
CACHE_MB = "8"
"""Size of the memory cache, which is full after a minute: until then memory has to grow."""

WARM_CONNECTIONS = 4
"""Connections on which caches are filled, each with one request at a time."""

HOT = ("/v1/articles", "/v1/articles?brand=fiat", "/v1/brands", "/v1/sections", "/v1/articles?limit=100")


class ProcessUse(NamedTuple):
    """What a process uses: its share of anonymous memory and of mapped files in MB, its threads and descriptors."""

    megabytes: float
    file_megabytes: float
    threads: int
    descriptors: int


class Sample(NamedTuple):
    """A moment of the load: seconds since its start, and the use of each process."""

    seconds: float
    processes: dict[str, ProcessUse]

    @property
    def megabytes(self) -> float:
        """Anonymous memory of all processes."""
        return sum(use.megabytes for use in self.processes.values())

    @property
    def descriptors(self) -> int:
        """Open descriptors of all processes."""
        return sum(use.descriptors for use in self.processes.values())


class Soak(NamedTuple):
    """What a soak measured.

    Attributes:
        samples: All samples.
        statuses: Number of responses by status.
    """

    samples: list[Sample]
    statuses: Counter[int]

    def slope(self) -> tuple[float, float]:
        """Return the growth of memory in the second half in MB per hour, and its standard error."""
        return _slope([(sample.seconds / 3600, sample.megabytes) for sample in self._second_half()])

    def process_slope(self, name: str) -> tuple[float, float]:
        """Return the growth of one process in the second half in MB per hour, and its standard error."""
        present = [sample for sample in self._second_half() if name in sample.processes]
        return _slope([(sample.seconds / 3600, sample.processes[name].megabytes) for sample in present])

    def descriptors(self) -> tuple[int, int]:
        """Return the largest number of descriptors in the first and in the second half."""
        half = self._second_half()
        first = self.samples[: -len(half)]
        return max(sample.descriptors for sample in first), max(sample.descriptors for sample in half)

    def _second_half(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.seconds >= self.samples[-1].seconds / 2]


def _slope(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    xs, ys = zip(*points, strict=True)
    fit = statistics.linear_regression(xs, ys)
    residuals = sum((y - fit.slope * x - fit.intercept) ** 2 for x, y in points)
    spread = sum((x - statistics.fmean(xs)) ** 2 for x in xs)
    return fit.slope, (residuals / max(len(points) - 2, 1) / spread) ** 0.5


def new_path(number: int) -> str:
    """Return the path of a list, or of a search, that no other number has."""
    day = f"{1900 + number // 365 % 100}-{1 + number // 28 % 12:02}-{1 + number % 28:02}"
    if number % 10 == 0:
        return f"/v1/search?q={BRANDS[number % len(BRANDS)]}+{TAGS[number % len(TAGS)]}&published_from={day}"
    second = f"T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z"
    return f"/v1/articles?published_from={day}{second}&limit={1 + number % 50}"


def paths(articles: Sequence[str], seed: int = 7) -> Iterator[str]:
    """Yield paths without end: hot ones, articles, and lists that were not requested before."""
    rng = random.Random(seed)
    for number in itertools.count(1_000_000):
        if rng.random() < SHARE_OF_HITS:
            yield rng.choice(HOT)
        elif rng.random() < 0.5:
            yield rng.choice(articles)
        else:
            yield new_path(number)


def sample(process: psutil.Process, began_at: float) -> Sample:
    """Return what a process and its descendants use."""
    processes = {}
    for one in (process, *process.children(recursive=True)):
        try:
            memory = _shares_of_memory(one.pid)
            name = f"{' '.join(one.cmdline())[:24]} {one.pid}"
            processes[name] = ProcessUse(*memory, one.num_threads(), one.num_fds())
        except (psutil.Error, OSError):  # it has just ended
            continue
    return Sample(time.monotonic() - began_at, processes)


def _shares_of_memory(pid: int) -> tuple[float, float]:
    """Return the share of a process of anonymous memory and of mapped files, in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
    return kilobytes["Pss_Anon"] * 1024 / 1e6, kilobytes["Pss_File"] * 1024 / 1e6


def soak(base: str, pid: int, seconds: float) -> Soak:
    """Send the load to a server for some seconds; `pid` is its supervisor."""
    process, began_at, stop = psutil.Process(pid), time.monotonic(), threading.Event()
    samples = [sample(process, began_at)]

    def sample_until_stopped() -> None:
        while not stop.wait(SAMPLE_SECONDS):
            samples.append(sample(process, began_at))

    sampler = threading.Thread(target=sample_until_stopped)
    sampler.start()
    statuses: Counter[int] = Counter()
    slugs = [f"/v1/articles/{slug}" for slug in list_slugs(base)]
    all_paths = paths(slugs)
    try:
        while (left := seconds - (time.monotonic() - began_at)) > 0:  # in pieces, so that responses are not kept
            responses = open_loop.send(base, open_loop.evenly(RATE, min(left, 10.0), all_paths))
            statuses.update(response.status for response in responses)
    finally:
        stop.set()
        sampler.join()
    return Soak(samples, statuses)


def fill_caches(base: str, requests: int) -> None:
    """Send requests that differ from each other and from those of `soak`."""
    parts = [
        [new_path(number) for number in range(first, requests, WARM_CONNECTIONS)] for first in range(WARM_CONNECTIONS)
    ]
    with ThreadPoolExecutor(WARM_CONNECTIONS) as pool:
        for read in [pool.submit(invalidation.read, base, part) for part in parts]:
            read.result()


def list_slugs(base: str) -> list[str]:
    """Return the slugs of the newest articles."""
    [response] = open_loop.send(base, [open_loop.Request(0.0, "/v1/articles?limit=100&fields=slug")])
    return [item["slug"] for item in orjson.loads(response.body)["data"]]


@click.command()
@click.option("--articles", default=2_000, show_default=True, help="Number of articles in the archive.")
@click.option(
    "--minutes", type=click.FloatRange(min=0.5), default=60.0, show_default=True, help="Duration of the load."
)
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
@click.option("--processes", default=2, show_default=True, help="NEWSAPI_PROCESSES.")
@click.option("--edits", default=0.0, help="Edits a second of existing articles, in place of publications.")
@click.option("--warm", default=0, help="Different requests before the load, which fill the caches.")
def main(*, articles: int, minutes: float, database: str, processes: int, edits: float, warm: int) -> None:
    """Measure memory and descriptors under a steady load."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder}/news.sqlite3"
        if database == "postgresql":
            url = stack.enter_context(postgresql_server(folder, None))
        fill(url, articles)
        settings = {"NEWSAPI_PROCESSES": str(processes), "NEWSAPI_CACHE_MB": CACHE_MB}
        settings |= {"NEWSAPI_SEARCH_INDEX": str(folder / "search"), "NEWSAPI_WEBHOOK_PRIVATE": "allow"}
        server = serve(stack, folder, url, **settings)
        fill_caches(server.url, warm)
        editor = Editor(url, server.url, list_slugs(server.url))
        if edits:
            stack.enter_context(editor.editing(edits))
        else:
            stack.enter_context(invalidation.Newsroom(url, articles, supply=int(minutes * 60) + 60).publishing())
        result = soak(server.url, server.pids[0], minutes * 60)
    _report(result, editor.edits if edits else round(minutes * 60))
    if edits:
        click.echo(f"edits: {dict(editor.statuses)}; calls of the webhook: {editor.calls}")


def _report(result: Soak, changes: int) -> None:
    """Print the use of each process, and the growth of all in the second half."""
    samples = result.samples
    times = (samples[0], samples[len(samples) // 2], samples[-1])
    click.echo(f"{dict(result.statuses)}, {changes} changes in {samples[-1].seconds:.0f} s")
    click.echo(
        "| process | MB, start | middle | end | MB/h | error | kB a change | MB of files | threads | descriptors |"
    )
    click.echo("| --- |" + " ---: |" * 9)
    changes_per_hour = changes / samples[-1].seconds * 3600
    for name, use in samples[-1].processes.items():
        sizes = [time_.processes[name].megabytes for time_ in times if name in time_.processes]
        growth, error = result.process_slope(name)
        cells = [*(f"{size:.1f}" for size in sizes), f"{growth:+.1f}", f"{error:.1f}"]
        cells += [f"{growth / changes_per_hour * 1e3:+.2f}", f"{use.file_megabytes:.0f}"]
        click.echo(f"| {name} | {' | '.join(cells)} | {use.threads} | {use.descriptors} |")
    slope, error = result.slope()
    before, after = result.descriptors()
    click.echo(
        f"{samples[-1].megabytes:.0f} MB at the end; in the second half {slope:+.1f} MB/h, standard error {error:.1f}"
    )
    click.echo(f"descriptors: at most {before} in the first half, {after} in the second")


if __name__ == "__main__":
    main()
