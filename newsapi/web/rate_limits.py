"""Rate limits per minute: by API key, and by client IP without a key. Responses from the cache are not counted.

Limits use a sliding window, so that a client cannot send twice the limit around the turn of a minute. The counts are
shared by all nodes in Redis. While Redis is unreachable, or if there is none, each process counts for itself: the
limits protect against overload and must then neither reject nor admit every request.
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

from newsapi.cache.circuit_breaker import CircuitBreaker
from newsapi.errors import RateLimited
from newsapi.setting_parsers import Networks
from newsapi.settings import Settings

log = structlog.get_logger("newsapi.limits")

TIMEOUT: Final = 0.1

_PREFIX: Final = "newsapi-limits"


class RateLimiter:
    """Rate limiter with counts in Redis, and in the memory of this process as a fallback."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; no connection is opened yet."""
        self._usual = settings.rate_limits
        self._boxes = settings.subscription_limits
        self._proxies = settings.trusted_proxies
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = _in_redis(settings.redis_url) if self._usual and settings.redis_url else None
        self._circuit = CircuitBreaker()

    def count(self) -> None:
        """Count the current request, once, and set `g.limit` to the rate-limit headers of its response.

        Raises:
            RateLimited: The key or the client IP has exceeded its limit.
        """
        if self._usual is None or "limit" in g:
            return
        caller = g.get("caller")
        if caller is None:
            policy, subject, limit = "address", ip_group(client_ip(self._proxies)), self._usual[0]
        else:
            policy, subject, limit = "key", caller.prefix, caller.rate or self._usual[1]
        is_allowed, remaining, reset = self._hit(RateLimitItemPerMinute(limit), policy, subject)
        seconds = max(1, round(reset - time.time()))
        g.limit = {
            "RateLimit-Policy": f'"{policy}";q={limit};w=60',
            "RateLimit": f'"{policy}";r={remaining};t={seconds}',
        }
        if not is_allowed:
            raise RateLimited(seconds)

    def count_subscription(self) -> None:
        """Count a subscription request, for its client IP and for all clients together.

        The limits do not depend on the email address, so that no response discloses anything about it.

        Raises:
            RateLimited: One of the two limits is exceeded.
        """
        if self._usual is None:
            return
        for subject, limit in zip((ip_group(client_ip(self._proxies)), "everybody"), self._boxes, strict=True):
            is_allowed, _, reset = self._hit(RateLimitItemPerHour(limit), "box", subject)
            if not is_allowed:
                raise RateLimited(max(1, round(reset - time.time())))

    def _hit(self, item: RateLimitItem, *identifiers: str) -> tuple[bool, int, float]:
        if self._shared is not None:
            with self._circuit.attempt() as is_allowed:
                if is_allowed:
                    try:
                        counted = _counted(self._shared, item, *identifiers)
                    except RedisError as error:
                        self._circuit.open()
                        log.warning("rate limits without redis", cause=repr(error)[:300])
                    else:
                        self._circuit.close()
                        return counted
        return _counted(self._own, item, *identifiers)


def add_headers(response: Response) -> None:
    """Add the rate-limit headers to the response of a request that was counted."""
    response.headers.update(g.get("limit", {}))


def _counted(
    strategy: SlidingWindowCounterRateLimiter, item: RateLimitItem, *identifiers: str
) -> tuple[bool, int, float]:
    """Count a request; return whether it is allowed, how many remain, and the Unix time when the window ends."""
    is_allowed = strategy.hit(item, *identifiers)
    stats = strategy.get_window_stats(item, *identifiers)
    return is_allowed, max(0, stats.remaining), stats.reset_time


def _in_redis(url: str) -> SlidingWindowCounterRateLimiter:
    options: dict[str, Any] = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}
    options |= {"retry": Retry(NoBackoff(), 0), "protocol": 2, "driver_info": None}
    uri = f"redis+{url}" if url.startswith("unix") else url
    return SlidingWindowCounterRateLimiter(RedisStorage(uri, key_prefix=_PREFIX, **options))


def client_ip(proxies: Networks) -> str:
    """Return the IP address of the client.

    The peer of the connection is the client, unless it is a trusted proxy: then `X-Forwarded-For` is read from its end
    up to the first address that is not a trusted proxy.

    Args:
        proxies: Networks of the trusted proxies.
    """
    client = request.remote_addr or ""
    for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        if not _among(client, proxies):
            break
        try:
            ip_address(hop.strip())
        except ValueError:
            break
        client = hop.strip()
    return client


def ip_group(ip_text: str) -> str:
    """Return the group of IP addresses that share a limit.

    Args:
        ip_text: An IP address, possibly with a scope id.

    Returns:
        The address itself for IPv4; the /64 network for IPv6, which is what one customer line gets; the text as it is
        if it is no IP address.
    """
    try:
        ip = ip_address(ip_text.partition("%")[0])
    except ValueError:
        return ip_text
    if ip.version == 4:
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ip_network((ip, 64), strict=False))


def _among(text: str, networks: Networks) -> bool:
    try:
        ip = ip_address(text)
    except ValueError:
        return False
    return any(ip in network for network in networks)
