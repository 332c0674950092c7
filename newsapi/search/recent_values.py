"""A cache in memory of values that never change, the ones that were used last."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class RecentValues(Generic[Key, Value]):
    """Values by key, bounded by their size. Thread-safe.

    When the newer half is full, it becomes the older half, and what was in the older half is dropped unless it was used
    in the meantime.
    """

    def __init__(self, max_bytes: int) -> None:
        """Create an empty cache of at most `max_bytes`, by the sizes that `put` is given."""
        self._half_bytes = max_bytes // 2
        self._newer: dict[Key, tuple[Value, int]] = {}
        self._older: dict[Key, tuple[Value, int]] = {}
        self._bytes = 0

    def get(self, key: Key) -> Value | None:
        """Return the value under a key; None if there is none."""
        entry = self._newer.get(key)
        if entry is None:
            entry = self._older.get(key)
            if entry is None:
                return None
            self.put(key, *entry)
        return entry[0]

    def put(self, key: Key, value: Value, size: int) -> None:
        """Store a value of a size in bytes."""
        self._newer[key] = (value, size)
        self._bytes += size
        if self._bytes > self._half_bytes:
            self._older, self._newer, self._bytes = self._newer, {}, 0
