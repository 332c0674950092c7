"""How many requests a minute: of a key, and of an address without one. What memory answers costs nobody anything.

The window slides, so that nobody gets twice the number around the turn of a minute. The counts stand in Redis for all
nodes; while it is away each process counts for itself, as it does where there is none: a limit that guards against
overload must neither refuse everybody then nor let everybody through.
"""

from __future__ import annotations

import time
from ipaddress import ip_address, ip_network
from typing import Any, Final

import structlog
from flask import Response, g, request
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis import RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from newsapi.errors import Limited
from newsapi.settings import Networks, Settings

log = structlog.get_logger("newsapi.limits")

REST: Final = 2.0
"""Seconds for which Redis is left alone after it failed."""

TIMEOUT: Final = 0.1

_PREFIX: Final = "newsapi-limits"


class Limits:
    """The counts of this process, and those that all share."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; nothing is connected yet."""
        self._usual = settings.rate_limits
        self._boxes = settings.subscription_limits
        self._proxies = settings.trusted_proxies
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = _in_redis(settings.redis_url) if self._usual and settings.redis_url else None
        self._rests_until = 0.0

    def count(self) -> None:
        """Count this request once; raises Limited where it is one too many."""
        if self._usual is None or "limit" in g:
            return
        caller = g.get("caller")
        if caller is None:
            name, who, most = "address", group(address(self._proxies)), self._usual[0]
        else:
            name, who, most = "key", caller.prefix, caller.rate or self._usual[1]
        item = RateLimitItemPerMinute(most)
        passed, left, reset = self._hit(item, name, who)
        seconds = max(1, round(reset - time.time()))
        g.limit = {
            "RateLimit-Policy": f'"{name}";q={most};w=60',
            "RateLimit": f'"{name}";r={left};t={seconds}',
        }
        if not passed:
            raise Limited(seconds)

    def count_box(self) -> None:
        """Count an address that was typed into a box; raises Limited for one too many from here, or from everywhere.

        Neither hangs on what was typed in, so that no answer tells of it.
        """
        if self._usual is None:
            return
        for who, most in zip((group(address(self._proxies)), "everybody"), self._boxes, strict=True):
            passed, _, reset = self._hit(RateLimitItemPerHour(most), "box", who)
            if not passed:
                raise Limited(max(1, round(reset - time.time())))

    def _hit(self, item: RateLimitItem, *who: str) -> tuple[bool, int, float]:
        if self._shared is not None and time.monotonic() >= self._rests_until:
            try:
                return _counted(self._shared, item, *who)
            except RedisError as error:
                self._rests_until = time.monotonic() + REST
                log.warning("limits without Redis", cause=repr(error)[:300])
        return _counted(self._own, item, *who)


def tell(response: Response) -> None:
    """Say in the headers how much is left, where it was counted."""
    response.headers.update(g.get("limit", {}))


def _counted(strategy: SlidingWindowCounterRateLimiter, item: RateLimitItem, *who: str) -> tuple[bool, int, float]:
    passed = strategy.hit(item, *who)
    stats = strategy.get_window_stats(item, *who)
    return passed, max(0, stats.remaining), stats.reset_time


def _in_redis(url: str) -> SlidingWindowCounterRateLimiter:
    options: dict[str, Any] = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}
    options |= {"retry": Retry(NoBackoff(), 0), "protocol": 2, "driver_info": None}
    uri = f"redis+{url}" if url.startswith("unix") else url
    return SlidingWindowCounterRateLimiter(RedisStorage(uri, key_prefix=_PREFIX, **options))


def address(proxies: Networks) -> str:
    """Answer whence this request comes: of a trusted proxy, what the last one that is not trusted is said to be."""
    found = request.remote_addr or ""
    for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        if not _among(found, proxies):
            break
        try:
            ip_address(hop.strip())
        except ValueError:
            break
        found = hop.strip()
    return found


def group(text: str) -> str:
    """Answer whom an address stands for: of IPv6 all that one line has, a /64."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ip_network((found, 64), strict=False))


def _among(text: str, networks: Networks) -> bool:
    try:
        found = ip_address(text)
    except ValueError:
        return False
    return any(found in network for network in networks)
