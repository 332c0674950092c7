"""The response cache: memory first, then Redis, then one build per key; only validated responses are returned.

A response is returned only if no dependency of it changed since it was built, as far as the follower has read the
changelog. Therefore it does not matter if an entry is lost, late or outdated: an invalid entry is a miss.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from newsapi.cache.cached_response import HIT, MISS, OK, STALE, CachedResponse
from newsapi.cache.changelog_snapshot import ChangelogSnapshot
from newsapi.cache.log_follower import ChangelogFollower
from newsapi.cache.memory_cache import MemoryCache
from newsapi.cache.shared_cache import SharedCache
from newsapi.errors import ReplicaBehind, Unavailable

FOREIGN_BUILD_WAIT_SECONDS = 0.3
"""Maximum seconds to wait for a response that another process is building."""

FOREIGN_BUILD_POLL_SECONDS = 0.01
"""Seconds between checks whether that response has arrived."""


class CacheResult(NamedTuple):
    """A response with its cache key and its `Cache-Status`."""

    key: str
    response: CachedResponse
    cache_status: str


class ResponseCache:
    """Responses by key. Thread-safe."""

    def __init__(self, memory: MemoryCache, shared: SharedCache, follower: ChangelogFollower) -> None:
        """Connect the parts."""
        self.memory = memory
        self.shared = shared
        self.follower = follower
        self._queues: dict[str, _FlightQueue] = {}
        self._lock = threading.Lock()

    def get(self, key: str, build: Callable[[], CachedResponse], *, min_seq: int = 0) -> CacheResult:
        """Return a valid response: the cached one if there is one, or else a new one from `build`.

        Args:
            key: The cache key.
            build: Builds the response; may raise Unavailable.
            min_seq: Changelog position that the response must include.

        Returns:
            The response. With `cache_status` STALE it was valid when the changelog could last be read.

        Raises:
            Behind: The changelog has not reached `min_seq`.
            Unavailable: The changelog cannot be read, or the build failed, and no stale response is usable.
        """
        snapshot = self.follower.latest()
        if snapshot is None:
            return self._stale(key, min_seq, Unavailable())
        if snapshot.seq < min_seq:
            snapshot = self._reached(min_seq)
        if response := self._remembered(key, snapshot):
            return CacheResult(key, response, HIT)
        with self._single_flight(key) as flight:
            if flight.waited:
                snapshot = self.follower.latest() or snapshot
            if response := self._remembered(key, snapshot) or self._from_redis(key, snapshot):
                return CacheResult(key, response, HIT)
            try:
                if flight.failed or self.follower.is_unavailable:
                    raise Unavailable
                return self._built(key, build, snapshot)
            except Unavailable as error:
                flight.fail()
                return self._stale(key, min_seq, error)

    def get_if_valid(self, key: str) -> CacheResult | None:
        """Return the response in memory or Redis if it is valid, without building it or waiting for a build."""
        snapshot = self.follower.latest()
        if snapshot is None:
            return None
        response = self._remembered(key, snapshot) or self._from_redis(key, snapshot)
        return CacheResult(key, response, HIT) if response else None

    def unproven_seconds(self, result: CacheResult) -> int:
        """Return for how many seconds a stale response has not been validated; 0 for other responses."""
        if result.cache_status != STALE or result.response.validated_by is None:
            return 0
        return int(self.follower.clock() - result.response.validated_by.began_at)

    def _reached(self, min_seq: int) -> ChangelogSnapshot:
        if not self.follower.catch_up():
            raise Unavailable
        if self.follower.snapshot.seq < min_seq:
            raise ReplicaBehind(min_seq, self.follower.snapshot.seq)
        return self.follower.snapshot

    def _remembered(self, key: str, snapshot: ChangelogSnapshot) -> CachedResponse | None:
        response = self.memory.get(key)
        if response is None or not self.follower.is_valid(response, snapshot):
            return None
        self.memory.touch(key, response)
        return response

    def _from_redis(self, key: str, snapshot: ChangelogSnapshot) -> CachedResponse | None:
        """Return the response that another process put into Redis, if it is valid; keep it in memory."""
        response = self.shared.get(key)
        if response is None:
            return None
        if response.seq > snapshot.seq and self.follower.catch_up():
            snapshot = self.follower.snapshot
        if not self.follower.validate_foreign(response, snapshot):
            return None
        self.memory.put(key, response)
        return response

    def _built(self, key: str, build: Callable[[], CachedResponse], snapshot: ChangelogSnapshot) -> CacheResult:
        """Build and store a response, unless another process is building it and finishes in time."""
        claimed = self.shared.claim(key)
        if not claimed and (foreign_response := self._await_foreign_build(key)):
            return CacheResult(key, foreign_response, HIT)
        try:
            response = build()
            response.log_epoch = snapshot.epoch
            if response.is_shareable:
                self.memory.put(key, response)
                if response.status == OK:
                    self.shared.put(key, response)
        finally:
            if claimed:
                self.shared.release(key)
        return CacheResult(key, response, MISS)

    def _await_foreign_build(self, key: str) -> CachedResponse | None:
        """Wait for the response that another process is building; return None if it takes too long."""
        deadline = time.monotonic() + FOREIGN_BUILD_WAIT_SECONDS
        while time.monotonic() < deadline:
            time.sleep(FOREIGN_BUILD_POLL_SECONDS)
            snapshot = self.follower.latest()
            if snapshot and (response := self._from_redis(key, snapshot)):
                return response
        return None

    def _stale(self, key: str, min_seq: int, cause: Unavailable) -> CacheResult:
        """Return the response that was valid when the changelog could last be read; raise `cause` if there is none."""
        snapshot = self.follower.snapshot
        response = self.memory.get(key)
        if response is None or not self.follower.is_valid(response, snapshot):
            response = self.shared.get(key)
            if response is None or not self.follower.validate_foreign(response, snapshot):
                raise cause
            self.memory.put(key, response)
        if response.valid_as_of_seq < min_seq:
            raise cause
        return CacheResult(key, response, STALE)

    @contextmanager
    def _single_flight(self, key: str) -> Iterator[_Flight]:
        """Let one thread of this process at a time build the response of a key; the others wait here."""
        with self._lock:
            queue = self._queues.setdefault(key, _FlightQueue())
            queue.wanted += 1
        try:
            failures = queue.failures
            waited = not queue.lock.acquire(blocking=False)
            if waited:
                queue.lock.acquire()
            try:
                yield _Flight(queue, waited, waited and queue.failures != failures)
            finally:
                queue.lock.release()
        finally:
            with self._lock:
                queue.wanted -= 1
                if not queue.wanted:
                    del self._queues[key]


class _FlightQueue:
    """The lock of one key, the number of threads that hold it or wait for it, and the number of failed builds."""

    __slots__ = ("failures", "lock", "wanted")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.wanted = 0
        self.failures = 0


class _Flight(NamedTuple):
    """Permission to build. `failed`: a build failed while this thread waited, so it should not try again."""

    queue: _FlightQueue
    waited: bool
    failed: bool

    def fail(self) -> None:
        if not self.failed:
            self.queue.failures += 1
