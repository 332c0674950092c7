"""Request metrics: plain numbers in the server process, added to the Prometheus metrics once a second.

A cache hit takes about 20 microseconds, and incrementing a Prometheus counter that several processes share takes 2. So
a hit only changes numbers that the event loop owns. `newsapi serve` sets PROMETHEUS_MULTIPROC_DIR, the directory for
the values of its processes, before this module is imported; its supervisor serves the sums.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import defaultdict
from typing import Final, NamedTuple

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, multiprocess, start_http_server
from prometheus_client.metrics import MetricWrapperBase

from newsapi.server.metrics_dir import MULTIPROC_DIR_VARIABLE
from newsapi.server.rsgi import RequestHead

BUCKETS_SECONDS: Final = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
)
"""Upper bounds of the histogram buckets, in seconds."""

FIRST_BUCKET: Final = BUCKETS_SECONDS[0]

NO_ROUTE: Final = "none"
"""Label of responses that no route made: refusals of the front, and paths that no route matches."""

CACHE_STATUS_LABELS: Final = {"newsapi; hit": "hit", "newsapi; fwd=miss": "miss", "newsapi; hit; detail=stale": "stale"}
"""Metric label for each value of `Cache-Status`; other responses did not use the cache."""

NO_CACHE_STATUS: Final = "none"

access_logger = structlog.get_logger("newsapi.access")

_REQUESTS_SENT = Counter(
    "newsapi_requests",
    "Responses sent, by route (such as `GET /v1/articles/<slug_or_id>`; none: no route matches, or the front refused),"
    " status and cache result (hit, miss, stale, none)",
    ["route", "status", "cache"],
)
_REQUEST_SECONDS = Histogram(
    "newsapi_request_duration_seconds",
    "Time from request to response in seconds, by cache result",
    ["cache"],
    buckets=BUCKETS_SECONDS,
)
_UNAVAILABLE_RESPONSES = Counter("newsapi_responses_unavailable", "Responses with status 503, by reason", ["reason"])
_IN_FLIGHT = Gauge(
    "newsapi_requests_in_flight", "Requests that hold a thread or wait for one", multiprocess_mode="livesum"
)
_CHANGELOG_AGE = Gauge(
    "newsapi_changelog_age_seconds",
    "Seconds since the changelog was last read successfully",
    multiprocess_mode="livemax",
)
_CHANGELOG_SEQ = Gauge(
    "newsapi_changelog_seq",
    "Last known changelog position, of the server process furthest behind",
    ["role"],  # a metric without labels is 0 in the processes that do not set it, and the minimum would be 0
    multiprocess_mode="livemin",
)
_CACHE_ENTRIES = Gauge("newsapi_cache_entries", "Responses in the memory cache", multiprocess_mode="livesum")
_CACHE_BYTES = Gauge("newsapi_cache_bytes", "Bytes used by the memory cache", multiprocess_mode="livesum")
_REDIS_FAILURES = Counter("newsapi_redis_failures", "Requests to Redis that failed or timed out")


ResponseOutcome = tuple[str, str, int]
"""Route ("" if none), `Cache-Status` (or NO_CACHE_STATUS) and HTTP status of a response that was sent."""


class ProcessGauges(NamedTuple):
    """The current state of one process, as shown by the gauges."""

    in_flight: int
    changelog_age_seconds: float
    changelog_seq: int
    cache_entries: int
    cache_bytes: int
    redis_failures: int


class RequestMetrics:
    """Request counts of one process since the last `flush`. Not thread-safe: only the event loop may use it."""

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
        """Start with all counts at zero.

        Args:
            log_hits: Log one of this many cache hits; 0 logs none.
        """
        self._every = log_hits
        self._until_logged = log_hits
        self._failed = 0
        self._clear()

    def _clear(self) -> None:
        # Nested, because a tuple as the key takes twice the time.
        self._hits: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        self._sent: dict[tuple[str, int, str], int] = defaultdict(int)
        self._refused: dict[str, int] = defaultdict(int)
        self._buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS_SECONDS) + 1))
        self._sum: dict[str, float] = defaultdict(float)
        self._quick, self._quick_seconds = 0, 0.0

    def count_hit(self, scope: RequestHead, route: str, status: int, seconds: float) -> None:
        """Count a response sent from the memory cache after `seconds`, and log every nth one."""
        self._hits[route][status] += 1
        if seconds < FIRST_BUCKET:
            self._quick += 1
            self._quick_seconds += seconds
        else:
            self._time("hit", seconds)
        self._until_logged -= 1
        if not self._until_logged:
            self._until_logged = self._every
            access_logger.info(
                "hit",
                method=scope.method,
                path=scope.path[:500],
                status=status,
                ms=round(seconds * 1000, 3),
                one_in=self._every,
            )

    def count_other(self, outcome: ResponseOutcome, seconds: float) -> None:
        """Count any other response.

        Args:
            outcome: The response that was sent.
            seconds: Time from request to response.
        """
        route, cache_status, status = outcome
        cache = CACHE_STATUS_LABELS.get(cache_status, NO_CACHE_STATUS)
        self._sent[route, status, cache] += 1
        self._time(cache, seconds)

    def count_refusal(self, reason: str) -> None:
        """Count a 503 response by reason."""
        self._refused[reason] += 1

    def _time(self, cache: str, seconds: float) -> None:
        self._buckets[cache][bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self._sum[cache] += seconds

    def flush(self, gauges: ProcessGauges) -> None:
        """Add the counts to the Prometheus metrics, reset them, and set the gauges."""
        self._buckets["hit"][0] += self._quick
        self._sum["hit"] += self._quick_seconds
        responses = {**self._sent}
        for route, hits in self._hits.items():
            for status, count in hits.items():
                responses[route, status, "hit"] = responses.get((route, status, "hit"), 0) + count
        for (route, status, cache), count in responses.items():
            _REQUESTS_SENT.labels(route or NO_ROUTE, status, cache).inc(count)
        for cache, buckets in self._buckets.items():
            _add(_REQUEST_SECONDS.labels(cache), buckets, self._sum[cache])
        for reason, count in self._refused.items():
            _UNAVAILABLE_RESPONSES.labels(reason).inc(count)
        self._clear()
        _IN_FLIGHT.set(gauges.in_flight)
        _CHANGELOG_AGE.set(gauges.changelog_age_seconds)
        _CHANGELOG_SEQ.labels("server").set(gauges.changelog_seq)
        _CACHE_ENTRIES.set(gauges.cache_entries)
        _CACHE_BYTES.set(gauges.cache_bytes)
        _REDIS_FAILURES.inc(gauges.redis_failures - self._failed)
        self._failed = gauges.redis_failures


def _add(histogram: Histogram, buckets: list[int], seconds: float) -> None:
    """Add many observations at once through private attributes, as prometheus_client has no public call for it."""
    for bucket, count in zip(histogram._buckets, buckets, strict=True):  # noqa: SLF001
        if count:
            bucket.inc(count)
    histogram._sum.inc(seconds)  # noqa: SLF001


def metrics_markdown() -> str:
    """Return a Markdown table of the metrics of this package that are defined so far."""
    lines = ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |"]
    collectors = [item for item in REGISTRY._collector_to_names if isinstance(item, MetricWrapperBase)]  # noqa: SLF001
    for collector in collectors:
        [family] = collector.describe()
        if family.name.startswith("newsapi_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = ", ".join(f"`{label}`" for label in collector._labelnames)  # noqa: SLF001
            lines.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |")
    return "\n".join([*lines[:2], *sorted(lines[2:])])


def serve_metrics(host: str, port: int) -> None:
    """Serve the metrics over HTTP in a thread: the sums of all processes that share a directory, or only this one's."""
    registry = REGISTRY
    if MULTIPROC_DIR_VARIABLE in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    start_http_server(port, host, registry)


def drop_process(pid: int) -> None:
    """Remove the gauges of a process that has ended; its counters stay in the sums."""
    if MULTIPROC_DIR_VARIABLE in os.environ:
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
