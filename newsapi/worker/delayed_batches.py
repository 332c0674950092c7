"""Delayed batches: values collected until they are due, sent as one batch, and kept for a retry if sending fails."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from newsapi.changelog.offsets import LogPosition

T = TypeVar("T", bound=Hashable)


@dataclass(slots=True)
class DelayedBatch(Generic[T]):
    """Values to send together, the last change they belong to, and when they are due (monotonic clock, seconds)."""

    payload: set[T]
    end: LogPosition
    due: float


class DelayedBatches(Generic[T]):
    """Batches of values that wait until they are due."""

    def __init__(self, send_batch: Callable[[Collection[T]], None], clock: Callable[[], float]) -> None:
        """Start empty.

        Args:
            send_batch: Sends the values of one batch; may raise.
            clock: Monotonic clock, in seconds.
        """
        self._send_batch = send_batch
        self._clock = clock
        self._waiting: list[DelayedBatch[T]] = []

    @property
    def is_empty(self) -> bool:
        """Whether no batch waits."""
        return not self._waiting

    def forget(self) -> None:
        """Discard all batches."""
        self._waiting.clear()

    def add(self, values: Collection[T], end: LogPosition, delay: float) -> None:
        """Schedule values for sending.

        Args:
            values: The values; may be empty.
            end: The change that is finished when they were sent.
            delay: Seconds until they are due.
        """
        self._waiting.append(DelayedBatch(set(values), end, self._clock() + delay))

    def send_due(self) -> DelayedBatch[T] | None:
        """Send all batches that are due as one. If sending raises, the merged batch is kept for the next call.

        Returns:
            The batch that was sent; None if none was due.
        """
        now = self._clock()
        due = [batch for batch in self._waiting if batch.due <= now]
        if not due:
            return None
        payload = {value for batch in due for value in batch.payload}
        merged = DelayedBatch(payload, due[-1].end, max(batch.due for batch in due))
        self._waiting[: len(due)] = [merged]
        self._send_batch(merged.payload)
        del self._waiting[0]
        return merged
