"""What the response cache needs of a cache that processes share, and what stands in for it if there is none."""

from __future__ import annotations

from typing import Protocol

from newsapi.cache.cached_response import CachedResponse


class SharedCache(Protocol):
    """A cache that is shared by processes."""

    def get(self, key: str) -> CachedResponse | None:
        """Return the response under a key, valid or not; None if it is missing, damaged or out of reach."""

    def put(self, key: str, response: CachedResponse) -> None:
        """Store a response; do nothing if the cache is unavailable."""

    def claim(self, key: str) -> bool:
        """Take the build lock of a key; return False only if another process is known to hold it."""

    def release(self, key: str) -> None:
        """Release the build lock of a key."""

    failures: int
    """Number of requests that the cache did not answer, or refused."""

    def state(self) -> str:
        """Return the state as text, for `/readyz`."""


class NullCache:
    """Stands in for Redis if there is none: every process uses only its own memory."""

    failures = 0

    def get(self, key: str) -> CachedResponse | None:
        """Return None."""

    def put(self, key: str, response: CachedResponse) -> None:
        """Do nothing."""

    def claim(self, key: str) -> bool:
        """Return True."""
        del key
        return True

    def release(self, key: str) -> None:
        """Do nothing."""

    def state(self) -> str:
        """Return the state as text, for `/readyz`."""
        return "ok (memory of this process)"
