"""Periodic tasks: scheduled publication, term merges and imports, which run at every poll whether or not changes come.

They use leases like every consumer, so that workers do not compete for them. Correctness does not depend on the lease:
each task decides what to do inside its write transaction, from the state of the database.
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
"""Number of changes between commits of the offset: it has no effect on these tasks, and each commit is a write."""


class _Clockwork(Listener):
    """A consumer that runs its task at every poll of the changelog, with or without new changes."""

    def __init__(self, task: Callable[[], int]) -> None:
        """Store the task, which returns how many items it processed."""
        self._work = task
        self._told = 0

    def take(self, rows: Sequence[Any]) -> Point | None:
        if count := self._work():
            log.info("periodic task ran", consumer=self.name, count=count)
        self._told += len(rows)
        if not rows or self._told < SELDOM:
            return None
        self._told = 0
        return Point(rows[-1].seq, rows[-1].mark)

    def forget(self) -> None:
        self._told = 0


class Embargo(_Clockwork):
    """Publishes scheduled articles, and withdraws articles whose display period has ended."""

    name = "embargo"

    def __init__(self, desk: Desk) -> None:
        """Store the write context, whose clock decides what is due."""
        super().__init__(lambda: schedule.come_due(desk))


class Merging(_Clockwork):
    """Continues merges of brands, authors, sections and tags, a batch of articles at a time."""

    name = "merging"

    def __init__(self, desk: Desk) -> None:
        """Store the write context."""
        super().__init__(lambda: merges.go_on(desk))


class Importing(_Clockwork):
    """Runs requested imports a few seconds at a time, so that another worker soon takes over if this one is killed."""

    name = "importing"

    def __init__(self, runs: Runs) -> None:
        """Store the import runs of this worker."""
        super().__init__(runs.go_on)
        self._runs = runs

    def forget(self) -> None:
        super().forget()
        self._runs.forget()
