"""Recency: a factor of scores that halves with every twenty years of age.

It follows from the time of publication alone. So the index has it as a column, the engine orders by text score times
recency in one search, and a new article leaves the order of all others as it is.
"""

from __future__ import annotations

from typing import Final

HALF_LIFE_HOURS: Final = 20 * 8_766
"""Hours in which the recency halves: twenty years of 365.25 days."""

FIRST_HOUR: Final = -20 * 8_766
"""Hours since 1970 from which recency grows: it is the same for all articles before 1950."""

MAX_HALF_LIVES: Final = 6.9
"""Half-lives up to which it grows, until 2087: the engine computes in single precision up to 2**128."""

UNIT: Final = 1 << 20
"""The recency of an article before 1950, as a whole number."""

_MICROSECONDS_PER_HOUR: Final = 3_600_000_000


def recency(published: int) -> int:
    """Return the recency of an article as a whole number, which is equal on all machines.

    Args:
        published: Time of publication in microseconds since 1970; each hour has one recency.
    """
    hours = max(0, published // _MICROSECONDS_PER_HOUR - FIRST_HOUR)
    return round(UNIT * 2 ** min(hours / HALF_LIFE_HOURS, MAX_HALF_LIVES))


def engine_value(published: int) -> float:
    """Return what the index has of the recency: the engine multiplies a score by log2(2 + value)."""
    return 2 ** (recency(published) / UNIT) - 2
