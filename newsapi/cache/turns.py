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
"""Threads for what needs a database server: as many as there are connections to it, so none waits for one."""

EMBEDDED: Final = 2
"""The same where the database is SQLite: its work is done in this process, and more threads would spend their time on
handing Python's lock to each other."""

KEPT_FREE: Final = 2
"""How many of them one kind may not hold."""

OTHERS: Final = 2
"""Threads for all that is not below /v1, one of a kind: whether it is ready must not delay whether it lives."""

WAITING: Final = 64
"""Requests that may wait for a thread, and of one kind half as many."""

PATIENCE: Final = 1.0
"""Seconds for which they wait."""


class NoTurn(Exception):
    """There are too many before this one."""


class Turns:
    """Threads given out, on one event loop."""

    def __init__(self, readers: int) -> None:
        """Begin with all of them free. `readers` is how many there are for what needs the database."""
        self.threads = readers + OTHERS
        self._of_a_kind = max(readers - KEPT_FREE, 2)
        self._readers, self._others = asyncio.Semaphore(readers), asyncio.Semaphore(OTHERS)
        self._kinds: dict[str, asyncio.Semaphore] = {}
        self._present: Counter[str] = Counter()

    @property
    def present(self) -> int:
        """How many have a thread or wait for one."""
        return self._present.total()

    @asynccontextmanager
    async def turn(self, path: str) -> AsyncIterator[None]:
        """Hold a thread for a request with this path, after waiting for it. Raises NoTurn."""
        _, base, noun, *_ = f"{path}//".split("/", 3)
        if base.startswith("sitemap"):
            base, noun = "v1", "sitemap"  # they read, and whoever asks for many of them must not hold up the rest
        kind, room, share = (noun, self._readers, self._of_a_kind) if base == "v1" else (f"/{base}", self._others, 1)
        if self.present >= self.threads + WAITING or self._present[kind] >= share + WAITING // 2:
            raise NoTurn
        self._present[kind] += 1
        own = self._kinds.setdefault(kind, asyncio.Semaphore(share))
        try:
            async with asyncio.timeout(PATIENCE) as patience, own, room:
                patience.reschedule(None)
                yield
        except TimeoutError:
            if not patience.expired():
                raise
            raise NoTurn from None
        finally:
            self._present[kind] -= 1
            if not self._present[kind]:
                del self._present[kind], self._kinds[kind]
