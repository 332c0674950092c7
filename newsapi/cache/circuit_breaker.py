"""A circuit breaker: after a failure a service is not used for a while, then one thread tries whether it is back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

OPEN_SECONDS: Final = 2.0
"""Seconds for which a service is not used after a failure. Then one thread tries it; the others still go without."""


class CircuitBreaker:
    """The state of the use of one service; a new breaker is closed, which means that the service is used."""

    def __init__(self) -> None:
        """Start closed."""
        self.is_open = False
        self._retry_at = 0.0
        self._probe_lock = threading.Lock()

    @contextmanager
    def attempt(self) -> Iterator[bool]:
        """Yield whether the caller may use the service now; report the result by `open` or `close`."""
        if not self.is_open:
            yield True
        elif time.monotonic() < self._retry_at or not self._probe_lock.acquire(blocking=False):
            yield False
        else:
            try:
                yield True
            finally:
                self._probe_lock.release()

    def open(self, seconds: float | None = None) -> bool:
        """Stop the use of the service for OPEN_SECONDS or another time, and return whether it was in use before."""
        self._retry_at = time.monotonic() + (OPEN_SECONDS if seconds is None else seconds)
        was_closed, self.is_open = not self.is_open, True
        return was_closed

    def close(self) -> bool:
        """Resume the use of the service, and return whether it was stopped before."""
        was_open, self.is_open = self.is_open, False
        return was_open
