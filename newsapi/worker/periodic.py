"""Periodic tasks, which run about once a second whether or not changes come.

They use leases like every consumer, so that workers do not compete for them. Correctness does not depend on the lease:
each task decides what to do inside its write transaction, from the state of the database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import structlog

from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.reader import ChangeRow
from newsapi.worker.consumer import Consumer

log = structlog.get_logger("newsapi.worker")

OFFSET_COMMIT_INTERVAL: Final = 100
"""Number of changes between commits of the offset: it has no effect on these tasks, and each commit is a write."""

IDLE_POLLS: Final = 3
"""Number of polls in a row without changes after which the offset is committed: the lag of an idle task is 0."""


class PeriodicTask(Consumer):
    """A consumer that runs its task about once a second, with or without new changes."""

    can_set_aside = False  # the task does not depend on the changes

    def __init__(self, task: Callable[[], int]) -> None:
        """Store the task, which returns how many items it processed."""
        self._task = task
        self._uncommitted = self._idle_polls = 0
        self._last_read: LogPosition | None = None
        self._last_count = 0

    @property
    def is_busy(self) -> bool:
        """Whether the last run found something to do: there may be more."""
        return self._last_count > 0

    def handle(self, rows: Sequence[ChangeRow]) -> LogPosition | None:
        self._last_count = self._task()
        if self._last_count:
            log.info("periodic task ran", consumer=self.name, count=self._last_count)
        self._uncommitted += len(rows)
        self._idle_polls += 1
        if rows:
            self._last_read, self._idle_polls = LogPosition(rows[-1].seq, rows[-1].nonce), 0
        if not self._uncommitted or (self._uncommitted < OFFSET_COMMIT_INTERVAL and self._idle_polls < IDLE_POLLS):
            return None
        self._uncommitted = 0
        return self._last_read

    def reset(self) -> None:
        self._uncommitted = self._idle_polls = 0
        self._last_read = None
