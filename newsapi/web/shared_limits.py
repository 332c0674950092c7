"""Counts of rate limits that all nodes share in Redis."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import structlog
from limits import RateLimitItem
from limits.storage import RedisClusterStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from newsapi.cache.circuit_breaker import CircuitBreaker
from newsapi.cache.redis_client import REDIS_ERRORS, cluster_options, is_cluster, make_client
from newsapi.web.window_counts import WindowCount, count_request

log = structlog.get_logger("newsapi.limits")

_PREFIX: Final = "newsapi-limits"

_SCHEME: Final = "redis://"
_SCHEME_OF_CLUSTER: Final = "redis+cluster://localhost:6379"
"""URLs that the storages require; the client, or its options, say where Redis is."""


class SharedLimits:
    """Counts requests in Redis, as long as it answers."""

    def __init__(self, url: str) -> None:
        """Store the URL of Redis; no connection is opened yet."""
        self._url = url
        self._circuit = CircuitBreaker()

    def count(self, item: RateLimitItem, *identifiers: str) -> WindowCount | None:
        """Count a request; return None if Redis does not answer, or failed a moment ago."""
        with self._circuit.attempt() as is_allowed:
            if not is_allowed:
                return None
            try:
                counted = count_request(self._strategy, item, *identifiers)
            except REDIS_ERRORS as error:
                self._circuit.open()
                log.warning("rate limits without redis", cause=repr(error)[:300])
                return None
            self._circuit.close()
            return counted

    @cached_property
    def _strategy(self) -> SlidingWindowCounterRateLimiter:
        """The strategy with its client, which connects here if it is that of a cluster."""
        storage: RedisStorage
        if is_cluster(self._url):
            storage = RedisClusterStorage(_SCHEME_OF_CLUSTER, key_prefix=_PREFIX, **cluster_options(self._url))
        else:
            pool = make_client(self._url).connection_pool
            storage = RedisStorage(_SCHEME, connection_pool=pool, key_prefix=_PREFIX)
        return SlidingWindowCounterRateLimiter(storage)
