"""A cache of decoded rows that never change, so that a process reads and decodes each of them once."""

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
        with self._lock:
            if key in self._values:
                value = self._values[key] = self._values.pop(key)  # now the most recently used
                return value
        value = load()
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._max_entries:
                del self._values[next(iter(self._values))]
        return value
