"""The memory cache of one process: responses by key, limited in bytes; the least recently used are evicted first."""

from __future__ import annotations

import threading
from typing import Final

from newsapi.cache.cached_response import OK, CachedResponse

ERROR_CACHE_BYTES: Final = 1 << 20
"""Bytes for 308, 404 and 410 responses. They have a segment of their own, so that requests for names that do not exist
cannot evict other responses."""


class MemoryCache:
    """Responses by key. Thread-safe. Reading does not count as use: call `touch` from time to time."""

    def __init__(self, max_bytes: int) -> None:
        """Create an empty cache of at most `max_bytes`, plus ERROR_CACHE_BYTES for errors."""
        self._segments = (_Segment(max_bytes), _Segment(ERROR_CACHE_BYTES))

    def get(self, key: str) -> CachedResponse | None:
        """Return the response under a key, valid or not; None if there is none."""
        successes, errors = self._segments
        return successes.kept.get(key) or errors.kept.get(key)

    def put(self, key: str, response: CachedResponse) -> None:
        """Store a response in place of any other under the key."""
        successes, errors = self._segments
        segment, other_segment = (successes, errors) if response.status == OK else (errors, successes)
        other_segment.drop(key)
        segment.put(key, response)

    def touch(self, key: str, response: CachedResponse) -> None:
        """Mark a response as recently used."""
        self._segments[response.status != OK].touch(key)

    def state(self) -> tuple[int, int]:
        """Return the number of responses and their total size in bytes."""
        successes, errors = self._segments
        return len(successes.kept) + len(errors.kept), successes.bytes + errors.bytes


class _Segment:
    def __init__(self, max_bytes: int) -> None:
        self.kept: dict[str, CachedResponse] = {}
        self.bytes = 0
        self._sizes: dict[str, int] = {}
        self._most = max_bytes
        self._lock = threading.Lock()

    def put(self, key: str, response: CachedResponse) -> None:
        size = response.size + len(key)
        with self._lock:
            self._drop(key)
            if size > self._most:
                return
            self.kept[key] = response
            self._sizes[key] = size
            self.bytes += size
            while self.bytes > self._most:
                self._drop(next(iter(self.kept)))

    def drop(self, key: str) -> None:
        if key in self.kept:
            with self._lock:
                self._drop(key)

    def touch(self, key: str) -> None:
        """Move an entry to the end of the eviction order, and count content encodings added since it was stored."""
        with self._lock:
            response = self.kept.pop(key, None)
            if response is not None:
                self.kept[key] = response
                size = response.size + len(key)
                self.bytes += size - self._sizes[key]
                self._sizes[key] = size

    def _drop(self, key: str) -> None:
        if self.kept.pop(key, None) is not None:
            self.bytes -= self._sizes.pop(key)
