"""Rate limits per minute: by API key, and by client IP without a key. Responses from the cache are not counted.

Limits use a sliding window, so that a client cannot send twice the limit around the turn of a minute. The counts are
shared by all nodes in Redis. While Redis is unreachable, or if there is none, each process counts for itself: the
limits protect against overload and must then neither reject nor admit every request.
"""

from __future__ import annotations

import time
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from flask import Response, g, request
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from newsapi.errors import RateLimited
from newsapi.setting_parsers import Networks
from newsapi.settings import Settings
from newsapi.web.window_counts import WindowCount, count_request

if TYPE_CHECKING:
    from newsapi.web.shared_limits import SharedLimits


class RateLimiter:
    """Rate limiter with counts in Redis, and in the memory of this process as a fallback."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; no connection is opened yet."""
        self._usual = settings.rate_limits
        self._boxes = settings.subscription_limits
        self._proxies = settings.trusted_proxies
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = _share_limits(settings.redis_url) if self._usual and settings.redis_url else None

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
        is_allowed, remaining, reset = self._count(RateLimitItemPerMinute(limit), policy, subject)
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
            is_allowed, _, reset = self._count(RateLimitItemPerHour(limit), "box", subject)
            if not is_allowed:
                raise RateLimited(max(1, round(reset - time.time())))

    def _count(self, item: RateLimitItem, *identifiers: str) -> WindowCount:
        counted = self._shared.count(item, *identifiers) if self._shared is not None else None
        return counted or count_request(self._own, item, *identifiers)


def _share_limits(redis_url: str) -> SharedLimits:
    from newsapi.web.shared_limits import SharedLimits  # noqa: PLC0415 (it takes 20 MB)

    return SharedLimits(redis_url)


def add_headers(response: Response) -> None:
    """Add the rate-limit headers to the response of a request that was counted."""
    response.headers.update(g.get("limit", {}))


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
