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

from newsapi.cache.answer import HIT, MISS, OK, STALE, Answer
from newsapi.cache.follower import Follower, Stamp
from newsapi.cache.memory import Memory
from newsapi.cache.shared import Shared
from newsapi.errors import Behind, Unavailable

PATIENCE = 0.3
"""Maximum seconds to wait for a response that another process is building."""

LOOK = 0.01
"""Seconds between checks whether that response has arrived."""


class Given(NamedTuple):
    """A response with its cache key and its `Cache-Status`."""

    key: str
    answer: Answer
    how: str


class PageCache:
    """Responses by key. Thread-safe."""

    def __init__(self, memory: Memory, shared: Shared, follower: Follower) -> None:
        """Connect the parts."""
        self.memory = memory
        self.shared = shared
        self.follower = follower
        self._queues: dict[str, _Queue] = {}
        self._lock = threading.Lock()

    def get(self, key: str, build: Callable[[], Answer], *, min_seq: int = 0) -> Given:
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
        snapshot = self.follower.known()
        if snapshot is None:
            return self._stale(key, min_seq)
        if snapshot.seq < min_seq:
            snapshot = self._reached(min_seq)
        if response := self._remembered(key, snapshot):
            return Given(key, response, HIT)
        with self._turn(key) as flight:
            if flight.waited:
                snapshot = self.follower.known() or snapshot
            if response := self._remembered(key, snapshot) or self._adopted(key, snapshot):
                return Given(key, response, HIT)
            try:
                if flight.failed or self.follower.away:
                    raise Unavailable
                return self._built(key, build, snapshot)
            except Unavailable:
                flight.fail()
                return self._stale(key, min_seq)

    def kept(self, key: str) -> Given | None:
        """Return the response in memory or Redis if it is valid, without building it or waiting for a build."""
        snapshot = self.follower.known()
        if snapshot is None:
            return None
        response = self._remembered(key, snapshot) or self._adopted(key, snapshot)
        return Given(key, response, HIT) if response else None

    def age(self, given: Given) -> int:
        """Return for how many seconds a stale response has not been validated; 0 for other responses."""
        if given.how != STALE or given.answer.proven is None:
            return 0
        return int(self.follower.clock() - given.answer.proven.at)

    def _reached(self, min_seq: int) -> Stamp:
        if not self.follower.catch_up():
            raise Unavailable
        if self.follower.stamp.seq < min_seq:
            raise Behind(min_seq, self.follower.stamp.seq)
        return self.follower.stamp

    def _remembered(self, key: str, snapshot: Stamp) -> Answer | None:
        response = self.memory.get(key)
        if response is None or not self.follower.judge(response, snapshot):
            return None
        self.memory.touch(key, response)
        return response

    def _adopted(self, key: str, snapshot: Stamp) -> Answer | None:
        """Return the response that another process put into Redis, if it is valid; keep it in memory."""
        response = self.shared.get(key)
        if response is None:
            return None
        if response.seq > snapshot.seq and self.follower.catch_up():
            snapshot = self.follower.stamp
        if not self.follower.adopt(response, snapshot):
            return None
        self.memory.put(key, response)
        return response

    def _built(self, key: str, build: Callable[[], Answer], snapshot: Stamp) -> Given:
        """Build and store a response, unless another process is building it and finishes in time."""
        claimed = self.shared.claim(key)
        if not claimed and (foreign_response := self._awaited(key)):
            return Given(key, foreign_response, HIT)
        try:
            response = build()
            response.line = snapshot.line
            if response.keep:
                self.memory.put(key, response)
                if response.status == OK:
                    self.shared.put(key, response)
        finally:
            if claimed:
                self.shared.release(key)
        return Given(key, response, MISS)

    def _awaited(self, key: str) -> Answer | None:
        """Wait for the response that another process is building; return None if it takes too long."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            time.sleep(LOOK)
            snapshot = self.follower.known()
            if snapshot and (response := self._adopted(key, snapshot)):
                return response
        return None

    def _stale(self, key: str, min_seq: int) -> Given:
        """Return the response that was valid when the changelog could last be read, marked as stale."""
        snapshot = self.follower.stamp
        response = self.memory.get(key)
        if response is None or not self.follower.judge(response, snapshot):
            response = self.shared.get(key)
            if response is None or not self.follower.adopt(response, snapshot):
                raise Unavailable
            self.memory.put(key, response)
        if response.true_at < min_seq:
            raise Unavailable
        return Given(key, response, STALE)

    @contextmanager
    def _turn(self, key: str) -> Iterator[_Turn]:
        """Let one thread of this process at a time build the response of a key; the others wait here."""
        with self._lock:
            queue = self._queues.setdefault(key, _Queue())
            queue.wanted += 1
        try:
            failures = queue.failures
            waited = not queue.lock.acquire(blocking=False)
            if waited:
                queue.lock.acquire()
            try:
                yield _Turn(queue, waited, waited and queue.failures != failures)
            finally:
                queue.lock.release()
        finally:
            with self._lock:
                queue.wanted -= 1
                if not queue.wanted:
                    del self._queues[key]


class _Queue:
    """The lock of one key, the number of threads that hold it or wait for it, and the number of failed builds."""

    __slots__ = ("failures", "lock", "wanted")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.wanted = 0
        self.failures = 0


class _Turn(NamedTuple):
    """Permission to build. `failed`: a build failed while this thread waited, so it should not try again."""

    queue: _Queue
    waited: bool
    failed: bool

    def fail(self) -> None:
        if not self.failed:
            self.queue.failures += 1
