"""The interface of changelog consumers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.reader import ChangeRow
from newsapi.db.database import Session

IDLE_INTERVAL_SECONDS: Final = 1.0
"""Seconds between steps of a consumer that has nothing to do, but looks for work that no change announces."""

QUIET_INTERVAL_SECONDS: Final = 5.0
"""Seconds between steps of a consumer to which changes bring all work, or whose other work may wait. Its lease is
renewed as often."""


class Consumer:
    """Base class of changelog consumers. A consumer receives every change in order, and some again after a failure."""

    name: str
    from_the_first = False
    """Whether a new consumer starts at the first change, and not at the head of the changelog."""
    can_set_aside = True
    """Whether a change with which the consumer keeps failing is set aside, so that it goes on with the next."""
    idle_interval_seconds: float = IDLE_INTERVAL_SECONDS
    """Seconds between steps without changes and work. A consumer is woken as soon as the changelog has new changes."""
    problem: str | None = None
    """What is wrong although the consumer goes on, for operators; None if nothing is."""

    @property
    def is_busy(self) -> bool:
        """Whether work is in progress or waits for a delay to end, so that `handle` is to be called again soon."""
        return False

    def handle(self, rows: Sequence[ChangeRow]) -> LogPosition | None:
        """Handle the next rows of the changelog, and do the work that is due.

        If this raises, it is called again later with the same rows and possibly more, or with fewer after a `reset`.

        Args:
            rows: The next rows, in order; may be empty.

        Returns:
            The position of the last change that is finished; None if there is nothing new.

        Raises:
            NotImplementedError: The subclass does not override this method.
        """
        raise NotImplementedError

    def retry(self, rows: Sequence[ChangeRow]) -> None:
        """Process changes that were set aside earlier, at once and whatever else is unfinished.

        A consumer whose `handle` does not finish all rows in the same call overrides this method.

        Args:
            rows: The changes, in order.
        """
        self.handle(rows)

    def commit(self, session: Session) -> None:
        """Write what belongs to the finished changes, in the transaction that commits the offset."""

    def reset(self) -> None:
        """Discard unfinished work: its changes are delivered again, to this worker or to another."""

    def close(self) -> None:
        """Finish or cancel work in progress and record the results, as the worker is stopping."""

    def on_log_restored(self) -> None:
        """React to a changelog that was restored from a backup and no longer contains the offset.

        The consumer continues at the head of the changelog at that time or, if this moves the offset, from there on.
        """
