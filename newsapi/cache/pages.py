"""The cache of finished answers: memory first, then Redis, then one builder; and nothing that is not proven true.

An answer is sent only if nothing it was made of was touched since, by what the follower read in the database's own log.
So it does not matter what is lost, late or old in the stores: a wrong entry is a miss.
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
"""Seconds for which another process's builder is waited for."""

LOOK = 0.01
"""Seconds between looks whether it is done."""


class Given(NamedTuple):
    """An answer, the key it is kept under, and whence it comes, in the words of `Cache-Status`."""

    key: str
    answer: Answer
    how: str


class PageCache:
    """Answers by key, for many threads of one process."""

    def __init__(self, memory: Memory, shared: Shared, follower: Follower) -> None:
        """Join the parts."""
        self.memory = memory
        self.shared = shared
        self.follower = follower
        self._queues: dict[str, _Queue] = {}
        self._lock = threading.Lock()

    def get(self, key: str, build: Callable[[], Answer], *, min_seq: int = 0) -> Given:
        """Answer what is kept under a key if that is proven, or else what `build` makes.

        Raises Behind where the log has not reached `min_seq`; Unavailable where the log cannot be read and nothing is
        kept that was true when it last could.
        """
        stamp = self.follower.known()
        if stamp is None:
            return self._stale(key, min_seq)
        if stamp.seq < min_seq:
            stamp = self._reached(min_seq)
        if answer := self._remembered(key, stamp):
            return Given(key, answer, HIT)
        with self._turn(key) as turn:
            if turn.waited:
                stamp = self.follower.known() or stamp
            if answer := self._remembered(key, stamp) or self._adopted(key, stamp):
                return Given(key, answer, HIT)
            try:
                if turn.failed or self.follower.away:
                    raise Unavailable
                return self._built(key, build, stamp)
            except Unavailable:
                turn.fail()
                return self._stale(key, min_seq)

    def kept(self, key: str) -> Given | None:
        """Answer what memory or Redis has under a key, if that is proven; builds nothing and waits for nobody."""
        stamp = self.follower.known()
        answer = stamp and (self._remembered(key, stamp) or self._adopted(key, stamp))
        return Given(key, answer, HIT) if answer else None

    def age(self, given: Given) -> int:
        """For how many seconds an answer has not been proven: none, while the log can be read."""
        if given.how != STALE or given.answer.proven is None:
            return 0
        return int(self.follower.clock() - given.answer.proven.at)

    def _reached(self, min_seq: int) -> Stamp:
        if not self.follower.catch_up():
            raise Unavailable
        if self.follower.stamp.seq < min_seq:
            raise Behind(min_seq, self.follower.stamp.seq)
        return self.follower.stamp

    def _remembered(self, key: str, stamp: Stamp) -> Answer | None:
        answer = self.memory.get(key)
        if answer is None or not self.follower.judge(answer, stamp):
            return None
        self.memory.touch(key, answer)
        return answer

    def _adopted(self, key: str, stamp: Stamp) -> Answer | None:
        """What another process built, if it is proven."""
        answer = self.shared.get(key)
        if answer is None:
            return None
        if answer.seq > stamp.seq and self.follower.catch_up():
            stamp = self.follower.stamp
        if not self.follower.adopt(answer, stamp):
            return None
        self.memory.put(key, answer)
        return answer

    def _built(self, key: str, build: Callable[[], Answer], stamp: Stamp) -> Given:
        claimed = self.shared.claim(key)
        if not claimed and (answer := self._awaited(key)):
            return Given(key, answer, HIT)
        try:
            answer = build()
            answer.line = stamp.line
            if answer.keep:
                self.memory.put(key, answer)
                if answer.status == OK:
                    self.shared.put(key, answer)
        finally:
            if claimed:
                self.shared.release(key)
        return Given(key, answer, MISS)

    def _awaited(self, key: str) -> Answer | None:
        """What another process is building just now; None where that takes too long."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            time.sleep(LOOK)
            stamp = self.follower.known()
            if stamp and (answer := self._adopted(key, stamp)):
                return answer
        return None

    def _stale(self, key: str, min_seq: int) -> Given:
        """What was true when the log could last be read: better than nothing, and it says so."""
        stamp = self.follower.stamp
        answer = self.memory.get(key)
        if answer is None or not self.follower.judge(answer, stamp):
            answer = self.shared.get(key)
            if answer is None or not self.follower.adopt(answer, stamp):
                raise Unavailable
            self.memory.put(key, answer)
        if answer.true_at < min_seq:
            raise Unavailable
        return Given(key, answer, STALE)

    @contextmanager
    def _turn(self, key: str) -> Iterator[_Turn]:
        """One builder per key in this process; the others wait here."""
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
    __slots__ = ("failures", "lock", "wanted")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.wanted = 0
        self.failures = 0


class _Turn(NamedTuple):
    """`failed` is whether somebody failed while this one waited: it then does not try after him."""

    queue: _Queue
    waited: bool
    failed: bool

    def fail(self) -> None:
        if not self.failed:
            self.queue.failures += 1
