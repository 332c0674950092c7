"""Threads that run while a block is executed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def running(
    threads: Sequence[threading.Thread], stop: Callable[[], object], join_seconds: float | None = None
) -> Iterator[None]:
    """Run threads until the block is left; then call `stop` and wait for each of them for `join_seconds` at most."""
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop()
        for thread in threads:
            thread.join(join_seconds)
