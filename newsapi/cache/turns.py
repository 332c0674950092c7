"""Who may take a thread: of one kind of request not all of them, and nobody who waited too long for it.

One slow query holds only the requests of its kind up: the others find threads, and what comes on top of those that can
be worked on is told so while its client still listens.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

READERS: Final = 8
"""Threads for what needs the database: as many as there are connections to it, so none waits for one."""

OF_A_KIND: Final = 6
"""How many of these one kind may hold."""

OTHERS: Final = 2
"""Threads for all that is not below /v1: whether it runs, its document."""

THREADS: Final = READERS + OTHERS

WAITING: Final = 64
"""Requests that may wait for a thread, and of one kind half as many."""

PATIENCE: Final = 0.5
"""Seconds for which they wait."""


class NoTurn(Exception):
    """There are too many before this one."""


class Turns:
    """Threads given out, on one event loop."""

    def __init__(self) -> None:
        """Begin with all of them free."""
        self._readers = asyncio.Semaphore(READERS)
        self._kinds: dict[str, asyncio.Semaphore] = {}
        self._present: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, path: str) -> AsyncIterator[None]:
        """Hold a thread for a request with this path, after waiting for it. Raises NoTurn."""
        kind = _kind(path)
        if self._present.total() >= THREADS + WAITING or self._present[kind] >= OF_A_KIND + WAITING // 2:
            raise NoTurn
        self._present[kind] += 1
        try:
            own = self._kinds.setdefault(kind, asyncio.Semaphore(OF_A_KIND if kind else OTHERS))
            try:
                async with asyncio.timeout(PATIENCE) as patience, own:
                    if not kind:
                        patience.reschedule(None)
                        yield
                        return
                    async with self._readers:
                        patience.reschedule(None)
                        yield
            except TimeoutError:
                if patience.expired():
                    raise NoTurn from None
                raise
        finally:
            self._present[kind] -= 1
            if not self._present[kind]:
                del self._present[kind], self._kinds[kind]


def _kind(path: str) -> str:
    """The noun that a request is about; empty for what is not news."""
    _, base, noun, *_ = f"{path}//".split("/", 3)
    return noun if base == "v1" else ""
