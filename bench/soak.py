"""Memory and descriptors of all processes under a steady load: `python -m bench.soak --minutes 60`.

100 requests a second in an open loop, four of five for a few cached responses, the others for responses that were not
requested before, while one article is published each second. The resident memory that is private to the processes
(USS) and their open file descriptors are sampled; the slope of the second half is reported with its standard error.
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
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import click
import orjson
import psutil

from bench.cache_hits import fill, serve
from bench.datasets import postgresql_server
from bench.invalidation import Newsroom
from tests.support import open_loop

RATE = 100.0
SHARE_OF_HITS = 0.8
SAMPLE_SECONDS = 2.0
CACHE_MB = "8"
"""Size of the memory cache, which is full after a minute: until then memory has to grow."""

HOT = ("/v1/articles", "/v1/articles?brand=fiat", "/v1/brands", "/v1/sections", "/v1/articles?limit=100")


class Sample(NamedTuple):
    """A moment of the load: seconds since its start, private memory in MB by process, descriptors of all processes."""

    seconds: float
    memory: dict[str, float]
    descriptors: int

    @property
    def megabytes(self) -> float:
        """Private memory of all processes."""
        return sum(self.memory.values())


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


def paths(articles: Sequence[str], seed: int = 7) -> Iterator[str]:
    """Yield paths without end: hot ones, articles, and lists that were not requested before."""
    rng = random.Random(seed)
    for number in itertools.count():
        if rng.random() < SHARE_OF_HITS:
            yield rng.choice(HOT)
        elif rng.random() < 0.5:
            yield rng.choice(articles)
        else:
            day = f"{1900 + number // 365 % 100}-{1 + number // 28 % 12:02}-{1 + number % 28:02}"
            yield f"/v1/articles?published_from={day}&limit={1 + number % 50}"


def sample(process: psutil.Process, began_at: float) -> Sample:
    """Return the private memory and the descriptors of a process and its descendants."""
    memory, descriptors = {}, 0
    for one in (process, *process.children(recursive=True)):
        try:
            memory[f"{' '.join(one.cmdline())[:24]} {one.pid}"] = one.memory_full_info().uss / 1e6
            descriptors += one.num_fds()
        except psutil.Error:  # it has just ended
            continue
    return Sample(time.monotonic() - began_at, memory, descriptors)


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
    slugs = [f"/v1/articles/{slug}" for slug in _slugs(base)]
    all_paths = paths(slugs)
    try:
        while (left := seconds - (time.monotonic() - began_at)) > 0:  # in pieces, so that responses are not kept
            responses = open_loop.send(base, open_loop.evenly(RATE, min(left, 10.0), all_paths))
            statuses.update(response.status for response in responses)
    finally:
        stop.set()
        sampler.join()
    return Soak(samples, statuses)


def _slugs(base: str) -> list[str]:
    [response] = open_loop.send(base, [open_loop.Request(0.0, "/v1/articles?limit=100&fields=slug")])
    return [item["slug"] for item in orjson.loads(response.body)["data"]]


@click.command()
@click.option("--articles", default=2_000, show_default=True, help="Number of articles in the archive.")
@click.option("--minutes", default=60.0, show_default=True, help="Duration of the load.")
@click.option("--database", type=click.Choice(["sqlite", "postgresql"]), default="sqlite", show_default=True)
def main(articles: int, minutes: float, database: str) -> None:
    """Measure memory and descriptors under a steady load."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder}/news.sqlite3"
        if database == "postgresql":
            url = stack.enter_context(postgresql_server(folder, None))
        fill(url, articles)
        server = serve(stack, folder, url, NEWSAPI_PROCESSES="2", NEWSAPI_CACHE_MB=CACHE_MB)
        stack.enter_context(Newsroom(url, articles, supply=int(minutes * 60) + 60).publishing())
        result = soak(server.url, server.pids[0], minutes * 60)
    slope, error = result.slope()
    before, after = result.descriptors()
    last = result.samples[-1]
    click.echo(f"{dict(result.statuses)}\n{last.megabytes:.0f} MB at the end")
    click.echo(f"growth in the second half: {slope:+.1f} MB/h, standard error {error:.1f}")
    middle = result.samples[len(result.samples) // 2]
    for name, megabytes in last.memory.items():
        click.echo(f"{name}: {middle.memory.get(name, 0):.0f} MB in the middle, {megabytes:.0f} MB at the end")
    click.echo(f"descriptors: at most {before} in the first half, {after} in the second")


if __name__ == "__main__":
    main()
