"""A cache of values that follow from their keys for ever, so that a process reads or computes each of them once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class ImmutableCache(Generic[_Key, _Value]):
    """Values by key; the least recently used is evicted first. Thread-safe."""

    def __init__(self, max_entries: int) -> None:
        """Create an empty cache."""
        self._max_entries = max_entries
        self._values: dict[_Key, _Value] = {}
        self._lock = threading.Lock()

    def get_or_load(self, key: _Key, load: Callable[[], _Value]) -> _Value:
        """Return the value of a key, from `load` if it is not cached; threads may load the same key at once.

        Args:
            key: Identifies the row for ever.
            load: Reads and decodes the row.

        Returns:
            The value.
        """
        value = self.find(key)
        if value is None:
            value = load()
            self.store(key, value)
        return value

    def find(self, key: _Key) -> _Value | None:
        """Return the value of a key; None if it is not cached."""
        with self._lock:
            value = self._values.pop(key, None)
            if value is not None:
                self._values[key] = value  # now the most recently used
            return value

    def store(self, key: _Key, value: _Value) -> None:
        """Cache the value of a key; None is not cached."""
        with self._lock:
            if value is not None:
                self._values[key] = value
            while len(self._values) > self._max_entries:
                del self._values[next(iter(self._values))]
