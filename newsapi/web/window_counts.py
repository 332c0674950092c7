"""Counts of requests in a sliding window: a client cannot send twice the limit around the turn of a minute."""

from __future__ import annotations

from typing import NamedTuple

from limits import RateLimitItem
from limits.strategies import SlidingWindowCounterRateLimiter


class WindowCount(NamedTuple):
    """Whether a request is allowed, how many more are, and the Unix time in seconds when the window ends."""

    is_allowed: bool
    remaining: int
    reset_at: float


def count_request(strategy: SlidingWindowCounterRateLimiter, item: RateLimitItem, *identifiers: str) -> WindowCount:
    """Count a request against a limit."""
    is_allowed = strategy.hit(item, *identifiers)
    stats = strategy.get_window_stats(item, *identifiers)
    return WindowCount(is_allowed, max(0, stats.remaining), stats.reset_time)
