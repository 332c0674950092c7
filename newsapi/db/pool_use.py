"""How many connections to the database this process has open and in use, over all of its pools."""

from __future__ import annotations

from typing import cast
from weakref import WeakSet

from prometheus_client import Gauge
from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

REPORT_INTERVAL_SECONDS = 1.0
"""Seconds between calls of `report` in a process that serves requests or runs consumers."""

_CONNECTIONS = Gauge(
    "newsapi_database_connections",
    "Open connections to the database, by state (in_use, idle)",
    ["state"],
    multiprocess_mode="livesum",
)
_LIMIT = Gauge(
    "newsapi_database_connections_limit",
    "Maximum number of connections that the pools may open",
    multiprocess_mode="livesum",
)

_engines: WeakSet[Engine] = WeakSet()


def watch(engine: Engine) -> None:
    """Count the connections of an engine in this process, until the engine is no longer used."""
    _engines.add(engine)


def report() -> None:
    """Set the gauges of this process."""
    pools = [cast("QueuePool", engine.pool) for engine in list(_engines)]
    _CONNECTIONS.labels("in_use").set(sum(pool.checkedout() for pool in pools))
    _CONNECTIONS.labels("idle").set(sum(pool.checkedin() for pool in pools))
    _LIMIT.set(sum(pool.size() + pool._max_overflow for pool in pools))  # noqa: SLF001 (there is no public accessor)
