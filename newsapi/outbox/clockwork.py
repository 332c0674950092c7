"""What is done when its time has come, and what is done bit by bit: the listeners that do not wait for changes.

They are held by one worker at a time like every listener, so that workers do not wait for each other; but that what
they do is done once does not hang on it. It is decided in the turn to write, by what is there then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from newsapi.actions import merges, schedule
from newsapi.actions.import_jobs import Runs
from newsapi.actions.writing import Desk
from newsapi.outbox.worker import Listener
from newsapi.store.places import Point

log = structlog.get_logger("newsapi.worker")

SELDOM: Final = 100
"""Changes after which the place is moved: nothing hangs on it here, and every move is a write."""


class _Clockwork(Listener):
    """Does its work at every look at the log, whether there is something new in it or not."""

    def __init__(self, work: Callable[[], int]) -> None:
        """Take the work, which answers how much it did."""
        self._work = work
        self._told = 0

    def take(self, changed: Sequence[Any]) -> Point | None:
        if done := self._work():
            log.info("done by the clock", listener=self.name, count=done)
        self._told += len(changed)
        if not changed or self._told < SELDOM:
            return None
        self._told = 0
        return Point(changed[-1].seq, changed[-1].mark)

    def forget(self) -> None:
        self._told = 0


class Embargo(_Clockwork):
    """The hour that comes: publishes what is scheduled, withdraws what may be shown no longer."""

    name = "embargo"

    def __init__(self, desk: Desk) -> None:
        """Take the desk, whose clock decides."""
        super().__init__(lambda: schedule.come_due(desk))


class Merging(_Clockwork):
    """Brands, authors, sections and tags that go into another: some articles at a time."""

    name = "merging"

    def __init__(self, desk: Desk) -> None:
        """Take the desk."""
        super().__init__(lambda: merges.go_on(desk))


class Importing(_Clockwork):
    """Imports that were asked for: some seconds of them at a time, so that a worker that was killed is soon missed."""

    name = "importing"

    def __init__(self, runs: Runs) -> None:
        """Take the imports of this worker."""
        super().__init__(runs.go_on)
        self._runs = runs

    def forget(self) -> None:
        super().forget()
        self._runs.forget()
