"""What is counted: plain numbers in the process that serves, and from there to Prometheus once a second.

A hit takes some 20 microseconds, and a counter that several processes share takes 2: so a hit adds to numbers that only
the event loop touches. `newsapi serve` names a folder for the values of its processes (PROMETHEUS_MULTIPROC_DIR) before
this module is imported, and its supervisor adds them up.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, multiprocess, start_http_server

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

BUCKETS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds."""

QUICK: Final = BUCKETS[0]

CACHE: Final = {"newsapi; hit": "hit", "newsapi; fwd=miss": "miss", "newsapi; hit; detail=stale": "stale"}
"""The words of `Cache-Status`, in short; whatever has none did not ask the cache."""

NONE: Final = "none"

access = structlog.get_logger("newsapi.access")

_REQUESTS = Counter("newsapi_requests", "Requests answered", ["status", "cache"])
_SECONDS = Histogram("newsapi_request_seconds", "Time to the answer, in seconds", ["cache"], buckets=BUCKETS)
_REFUSED = Counter("newsapi_unavailable", "Answers 503, by reason", ["reason"])
_BUSY = Gauge("newsapi_requests_busy", "Requests in a thread or waiting for one", multiprocess_mode="livesum")
_AGE = Gauge("newsapi_log_age_seconds", "Time since the log was last read well", multiprocess_mode="livemax")
_SEQ = Gauge("newsapi_log_seq", "Last change known, of the process that is most behind", multiprocess_mode="livemin")
_ENTRIES = Gauge("newsapi_cache_entries", "Answers kept in memory", multiprocess_mode="livesum")
_BYTES = Gauge("newsapi_cache_bytes", "Bytes they take", multiprocess_mode="livesum")
_REDIS = Counter("newsapi_redis_failures", "Times that Redis did not answer")


class State(NamedTuple):
    """How a process is just now: what gauges show."""

    busy: int
    log_age: float
    log_seq: int
    entries: int
    size: int
    redis_failures: int


class Counts:
    """The numbers of one process since they were last handed on; for one thread."""

    __slots__ = (
        "_buckets",
        "_every",
        "_failed",
        "_hits",
        "_quick",
        "_quick_seconds",
        "_refused",
        "_sent",
        "_sum",
        "_until_logged",
    )

    def __init__(self, log_hits: int = 0) -> None:
        """Take of how many hits one is logged; none for 0."""
        self._every = log_hits
        self._until_logged = log_hits
        self._failed = 0
        self._clear()

    def _clear(self) -> None:
        self._hits: dict[int, int] = defaultdict(int)
        self._sent: dict[tuple[int, str], int] = defaultdict(int)
        self._refused: dict[str, int] = defaultdict(int)
        self._buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
        self._sum: dict[str, float] = defaultdict(float)
        self._quick, self._quick_seconds = 0, 0.0

    def hit(self, scope: Any, status: int, took: float) -> None:
        """Count an answer from memory; `took` is in seconds."""
        self._hits[status] += 1
        if took < QUICK:
            self._quick += 1
            self._quick_seconds += took
        else:
            self._time("hit", took)
        self._until_logged -= 1
        if not self._until_logged:
            self._until_logged = self._every
            named = {"method": scope.method, "path": scope.path[:500], "status": status}
            access.info("hit", **named, ms=round(took * 1000, 3), one_in=self._every)

    def other(self, how: str, status: int, took: float) -> None:
        """Count any other answer; `how` is its `Cache-Status`, or NONE."""
        cache = CACHE.get(how, NONE)
        self._sent[status, cache] += 1
        self._time(cache, took)

    def refused(self, reason: str) -> None:
        """Count why a 503 was one."""
        self._refused[reason] += 1

    def _time(self, cache: str, took: float) -> None:
        self._buckets[cache][bisect_left(BUCKETS, took)] += 1
        self._sum[cache] += took

    def hand_on(self, state: State) -> None:
        """Add the numbers to those that Prometheus is shown, and begin anew."""
        self._buckets["hit"][0] += self._quick
        self._sum["hit"] += self._quick_seconds
        sent = {**self._sent}
        for status, number in self._hits.items():
            sent[status, "hit"] = sent.get((status, "hit"), 0) + number
        for (status, cache), number in sent.items():
            _REQUESTS.labels(f"{status // 100}xx", cache).inc(number)
        for cache, buckets in self._buckets.items():
            _add(_SECONDS.labels(cache), buckets, self._sum[cache])
        for reason, number in self._refused.items():
            _REFUSED.labels(reason).inc(number)
        self._clear()
        _BUSY.set(state.busy)
        _AGE.set(state.log_age)
        _SEQ.set(state.log_seq)
        _ENTRIES.set(state.entries)
        _BYTES.set(state.size)
        _REDIS.inc(state.redis_failures - self._failed)
        self._failed = state.redis_failures


def _add(histogram: Any, buckets: list[int], seconds: float) -> None:
    """Add many observations at once, for which the library has no call."""
    for bucket, number in zip(histogram._buckets, buckets, strict=True):  # noqa: SLF001
        if number:
            bucket.inc(number)
    histogram._sum.inc(seconds)  # noqa: SLF001


@contextmanager
def gathered() -> Iterator[None]:
    """Name a folder for the values of several processes, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="newsapi-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


def show(host: str, port: int) -> None:
    """Serve the numbers over HTTP in a thread: of all processes that share a folder, or else of this one."""
    registry = REGISTRY
    if FOLDER in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    start_http_server(port, host, registry)


def forget(pid: int) -> None:
    """A process has ended: its counters stay in the sums, its gauges do not."""
    if FOLDER in os.environ:
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
