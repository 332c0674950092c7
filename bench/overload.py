"""What the server still delivers when it is asked for more than it can: `python -m bench.overload`.

Uncached reads arrive at 0.5 to 5 times the capacity, in an open loop (`tests/support/open_loop.py`), and with them
reads of two cached lists, one of which changes once a second because an article is published. The capacity is the rate
of uncached reads that 16 clients get if each waits for its response before it sends the next request. Goodput is the
rate of uncached reads answered with 200 within MAX_USEFUL_SECONDS. After the last load, the server is asked at half its
capacity, and the time until no second of it has more than a few late or refused reads is its recovery.

Generator, server and PostgreSQL share the machine. One server process needs one core at most (the lock of the Python
interpreter). The CPU time of all three is reported.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import click

from bench import goodput_plot
from bench.cache_hits import Server, fill, serve
from bench.cpu_time import cpu_seconds, postmaster_id
from bench.invalidation import Newsroom
from tests.support import open_loop, servers
from tests.support.open_loop import Request, Response, percentile

READS = {
    "large lists": "/v1/articles?limit=100&include=brand,authors,section&fields=body_text&total=true",
    "lists of 20": "/v1/articles?limit=20",
}
"""Uncached reads by name: one that is expensive to build, and the usual one."""

FACTORS = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
CLIENTS = 16
MAX_USEFUL_SECONDS = 2.0
"""Seconds after which a response no longer counts as goodput: a reader has left by then."""

HITS_PER_SECOND = 20.0
HIT_PATHS = ("/v1/articles?brand=land-rover&limit=20", "/v1/articles?limit=20")
"""Lists that are cached; the second has every article that is published."""

RECOVERY_SECONDS = 10.0
RECOVERED_SHARE = 0.95
"""Share of the reads of a second: a shared machine loses one now and then without any overload."""

WARM_UP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What came of one load; rates are per second, times in milliseconds.

    Attributes:
        factor: The offered load as a multiple of the capacity.
        offered: Rate of uncached reads.
        goodput: Rate of uncached reads answered with 200 in time.
        served_p99: 99th percentile of the time of those.
        refused: Rate of 503 and 429.
        refused_p99: 99th percentile of the time of refusals.
        without_retry_after: Number of refusals that lack `Retry-After`.
        failed: Number of other outcomes: other statuses, lost connections, responses that came too late.
        hits: Number of reads of the cached lists.
        lost_hits: Number of those that were not answered with 200.
        hit_p99: 99th percentile of the time of hits.
        cpu: CPU time of the server, PostgreSQL and the generator, each as a share of one core.
    """

    factor: float
    offered: float
    goodput: float
    served_p99: float
    refused: float
    refused_p99: float
    without_retry_after: int
    failed: int
    hits: int
    lost_hits: int
    hit_p99: float
    cpu: tuple[float, float, float]


class Overload:
    """Loads of uncached reads on one server; no path is requested twice."""

    def __init__(self, server: Server, read: str) -> None:
        """Use a server, and the path of the read without a part that makes it unique."""
        self._server, self._read = server, read
        self._numbers = itertools.count()

    def paths(self) -> Iterator[str]:
        """Yield paths that have not been requested before; all have the same response."""
        for number in self._numbers:
            day, second = divmod(number, 86_400)
            moment = f"{2001 + day}-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
            yield f"{self._read}&published_from={moment}"

    def capacity(self, seconds: float) -> float:
        """Return the rate of uncached reads that CLIENTS clients get if each waits for its response."""
        paths, end = self.paths(), time.monotonic() + seconds
        lock, done = threading.Lock(), Counter[int]()

        def read_until_end() -> None:
            connection = HTTPConnection(urlsplit(self._server.url).netloc, timeout=30)
            while time.monotonic() < end:
                with lock:
                    path = next(paths)
                connection.request("GET", path)
                response = connection.getresponse()
                response.read()
                done[response.status] += 1
            connection.close()

        threads = [threading.Thread(target=read_until_end) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if not done[200]:
            raise click.ClickException(f"{CLIENTS} clients are answered with {dict(done)}")
        return done[200] / seconds

    def load(self, factor: float, capacity: float, seconds: float) -> LoadResult:
        """Offer a multiple of the capacity for some seconds."""
        reads = open_loop.evenly(factor * capacity, seconds, self.paths())
        hits = open_loop.evenly(HITS_PER_SECOND, seconds, itertools.cycle(HIT_PATHS))
        before = self._cpu_seconds()
        responses = open_loop.send(self._server.url, [*reads, *hits])
        cpu = [after - earlier for after, earlier in zip(self._cpu_seconds(), before, strict=True)]
        return summarize(factor, responses, seconds, cpu)

    def _cpu_seconds(self) -> list[float]:
        server, postmaster = self._server.pids
        times = os.times()
        return [cpu_seconds((server,)), cpu_seconds((postmaster,)), times.user + times.system]

    def recovery(self, capacity: float) -> float:
        """Return the seconds after an overload until the server answers reads at half its capacity in time.

        That is the end of the last second of which less than RECOVERED_SHARE were answered with 200 in time.
        """
        reads = open_loop.evenly(capacity / 2, RECOVERY_SECONDS, self.paths())
        useful: dict[int, list[bool]] = {}
        for response in open_loop.send(self._server.url, reads):
            useful.setdefault(int(response.request.due), []).append(_is_useful(response))
        return max(
            (second + 1.0 for second, all_of_it in useful.items() if _share(all_of_it) < RECOVERED_SHARE), default=0
        )


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values)


def summarize(factor: float, responses: Sequence[Response], seconds: float, cpu: Sequence[float]) -> LoadResult:
    """Count what came of a load."""
    hits = [one for one in responses if one.request.path in HIT_PATHS]
    reads = [one for one in responses if one.request.path not in HIT_PATHS]
    useful = [one for one in reads if _is_useful(one)]
    refused = [one for one in reads if one.status in {429, 503}]
    return LoadResult(
        factor,
        len(reads) / seconds,
        len(useful) / seconds,
        percentile([one.seconds for one in useful], 99),
        len(refused) / seconds,
        percentile([one.seconds for one in refused], 99),
        sum("retry-after" not in one.headers for one in refused),
        len(reads) - len(useful) - len(refused),
        len(hits),
        sum(one.status != 200 for one in hits),
        percentile([one.seconds for one in hits], 99),
        (cpu[0] / seconds, cpu[1] / seconds, cpu[2] / seconds),
    )


def _is_useful(response: Response) -> bool:
    return response.status == 200 and response.seconds <= MAX_USEFUL_SECONDS


COLUMNS = (
    "load",
    "offered/s",
    "goodput/s",
    "of peak",
    "p99 ms",
    "refused/s",
    "refused p99 ms",
    "failed",
    "hits lost",
    "hit p99 ms",
    "CPU of server, PostgreSQL, generator",
)


def table(results: Sequence[LoadResult]) -> str:
    """Return the results as a Markdown table."""
    lines = [
        f"| {' | '.join(COLUMNS)} |",
        "|" + " ---: |" * len(COLUMNS),
    ]
    peak = max(result.goodput for result in results)
    lines += [
        f"| {one.factor:g} | {one.offered:.0f} | {one.goodput:.0f} | {one.goodput / peak:.0%} | {one.served_p99:.0f}"
        f" | {one.refused:.0f} | {one.refused_p99:.0f} | {one.failed} | {one.lost_hits} of {one.hits}"
        f" | {one.hit_p99:.0f} | {' '.join(f'{share:.2f}' for share in one.cpu)} |"
        for one in results
    ]
    return "\n".join(lines)


def measure(
    server: Server, read: str, seconds: float, factors: Sequence[float] = FACTORS
) -> tuple[list[LoadResult], float]:
    """Return the results of all loads of a read, and the recovery after the last in seconds."""
    overload = Overload(server, read)
    overload.capacity(min(seconds, 3.0))  # compiles statements, fills pools
    capacity = overload.capacity(seconds)
    open_loop.send(server.url, [Request(0.0, path) for path in HIT_PATHS])
    click.echo(f"{CLIENTS} clients get {capacity:.0f} reads/s", err=True)
    results = []
    for factor in factors:
        results.append(overload.load(factor, capacity, seconds))
        click.echo(results[-1], err=True)
    return results, overload.recovery(capacity)


@click.command()
@click.option("--articles", default=5_000, show_default=True, help="Number of articles in the archive.")
@click.option("--seconds", default=20.0, show_default=True, help="Duration of each load.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the goodput into this SVG file.")
@click.option("--warm-up", default=WARM_UP_SECONDS, show_default=True, help="Seconds before the first load.")
def main(articles: int, seconds: float, plot: Path | None, warm_up: float) -> None:
    """Measure goodput below and above the capacity, on PostgreSQL, with one server process."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(servers.postgresql())
        fill(url, articles)
        served = serve(stack, folder, url)
        server = Server(served.url, (*served.pids, postmaster_id(url)))
        time.sleep(warm_up)  # the worker and the indexer have caught up
        stack.enter_context(Newsroom(url, articles).publishing())
        curves = {}
        for name, read in READS.items():
            results, recovery = measure(server, read, seconds)
            peak = max(result.goodput for result in results)
            curves[name] = [(result.factor, result.goodput / peak) for result in results]
            click.echo(f"{name}\n\n{table(results)}\n\nrecovery after {recovery:.1f} s\n")
    if plot is not None:
        plot.write_text(goodput_plot.svg(curves))


if __name__ == "__main__":
    main()
