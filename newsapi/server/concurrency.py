"""Concurrency limits: threads are shared out among kinds of requests, with a bounded queue in front.

A slow query occupies only the threads of its own kind of request, and others still find free ones. Requests beyond the
capacity are refused while their client still listens.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

DB_THREADS: Final = 8
"""Threads for requests that need a database server: one for each connection, so that none waits for a connection."""

SQLITE_THREADS: Final = 2
"""The same with SQLite, which does its work in this process: more threads would only compete for Python's global
interpreter lock."""

RESERVED_THREADS: Final = 2
"""Number of these threads that one kind of request may not occupy."""

NON_API_THREADS: Final = 2
"""Threads for requests outside /v1, one for each kind: `/readyz` must not delay `/healthz`."""

MAX_QUEUED: Final = 64
"""Maximum number of requests waiting for a thread; half as many of one kind."""

QUEUE_TIMEOUT_SECONDS: Final = 1.0
"""Maximum seconds that a request waits for a thread."""


class Overloaded(Exception):
    """Too many requests are waiting already, or no thread was free in time."""


class ConcurrencyLimiter:
    """Limits the number of requests in threads. For one event loop; not thread-safe."""

    def __init__(self, db_threads: int) -> None:
        """Start with all threads free; `db_threads` is the number of threads for requests that need the database."""
        self.threads = db_threads + NON_API_THREADS
        self._of_a_kind = max(db_threads - RESERVED_THREADS, 2)
        self._readers, self._others = asyncio.Semaphore(db_threads), asyncio.Semaphore(NON_API_THREADS)
        self._kinds: dict[str, asyncio.Semaphore] = {}
        self._present: Counter[str] = Counter()

    @property
    def in_use(self) -> int:
        """Number of requests that hold a thread or wait for one."""
        return self._present.total()

    @asynccontextmanager
    async def slot(self, path: str) -> AsyncIterator[None]:
        """Wait for a thread for a request, and hold it until the block ends.

        Args:
            path: Path of the request; its first segment below /v1 is the kind.

        Yields:
            Nothing.

        Raises:
            Overloaded: Too many requests are waiting, or no thread was free within QUEUE_TIMEOUT_SECONDS.
            TimeoutError: Raised by the block itself.
        """
        _, base, noun, *_ = f"{path}//".split("/", 3)
        if base.startswith("sitemap"):
            base, noun = "v1", "sitemap"  # they read the database, and crawlers must not delay other requests
        if base == "v1":
            kind, all_threads, max_of_kind = noun, self._readers, self._of_a_kind
        else:
            kind, all_threads, max_of_kind = f"/{base}", self._others, 1
        if self.in_use >= self.threads + MAX_QUEUED or self._present[kind] >= max_of_kind + MAX_QUEUED // 2:
            raise Overloaded
        self._present[kind] += 1
        threads_of_kind = self._kinds.setdefault(kind, asyncio.Semaphore(max_of_kind))
        try:
            async with asyncio.timeout(QUEUE_TIMEOUT_SECONDS) as timeout, threads_of_kind, all_threads:
                timeout.reschedule(None)
                yield
        except TimeoutError:
            if not timeout.expired():
                raise
            raise Overloaded from None
        finally:
            self._present[kind] -= 1
            if not self._present[kind]:
                del self._present[kind], self._kinds[kind]
