"""The memory of one process: answers by key, those longest unread dropped first, bounded in bytes."""

from __future__ import annotations

import threading
from typing import Final

from newsapi.cache.answer import OK, Answer

REFUSALS: Final = 1 << 20
"""Bytes for 308, 404 and 410: in a segment of their own, so that nobody who asks for what is not there can push out
what is."""


class Memory:
    """Answers by key; safe for many threads. Who reads one says so by `touch`, now and then and not every time."""

    def __init__(self, most: int) -> None:
        """Take how many bytes the answers may take; refusals come on top."""
        self._segments = (_Segment(most), _Segment(REFUSALS))

    def get(self, key: str) -> Answer | None:
        """Answer what is kept under a key, true or not."""
        found, refused = self._segments
        return found.kept.get(key) or refused.kept.get(key)

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer in place of any before it."""
        home, other = self._segments if answer.status == OK else self._segments[::-1]
        other.drop(key)
        home.put(key, answer)

    def touch(self, key: str, answer: Answer) -> None:
        """Note that an answer is still being read."""
        self._segments[answer.status != OK].touch(key)

    def state(self) -> tuple[int, int]:
        """Answer how many answers there are, and how many bytes they take."""
        return sum(len(one.kept) for one in self._segments), sum(one.bytes for one in self._segments)


class _Segment:
    def __init__(self, most: int) -> None:
        self.kept: dict[str, Answer] = {}
        self.bytes = 0
        self._sizes: dict[str, int] = {}
        self._most = most
        self._lock = threading.Lock()

    def put(self, key: str, answer: Answer) -> None:
        size = answer.size + len(key)
        with self._lock:
            self._drop(key)
            if size > self._most:
                return
            self.kept[key] = answer
            self._sizes[key] = size
            self.bytes += size
            while self.bytes > self._most:
                self._drop(next(iter(self.kept)))

    def drop(self, key: str) -> None:
        if key in self.kept:
            with self._lock:
                self._drop(key)

    def touch(self, key: str) -> None:
        with self._lock:
            if (answer := self.kept.pop(key, None)) is not None:
                self.kept[key] = answer
                # Codings made since it came count too.
                size = answer.size + len(key)
                self.bytes += size - self._sizes[key]
                self._sizes[key] = size

    def _drop(self, key: str) -> None:
        if self.kept.pop(key, None) is not None:
            self.bytes -= self._sizes.pop(key)
