"""Delayed batches: values collected until they are due, sent as one batch, and kept for a retry if sending fails."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from newsapi.changelog.offsets import LogPosition

TIMEOUT_SECONDS: Final = 3.0
"""Seconds that another server may take to connect, and to respond."""


class _NoRedirectHandler(urllib.request.HTTPRedirectHandler):
    """Does not follow redirects: urllib would turn the request into a GET and pass on the token."""

    def redirect_request(self, *_args: object) -> None:
        """Return None, so that the redirect status is raised as an error."""


_OPENER: Final = urllib.request.build_opener(_NoRedirectHandler)


def send_request(method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> None:
    """Send one request to a server that the settings name.

    Args:
        method: The HTTP method.
        url: An `http` or `https` URL.
        headers: The request headers.
        body: The request body, if any.

    Raises:
        OSError: The server did not respond with a status of 2xx.
    """
    request = urllib.request.Request(url, method=method, headers=headers, data=body)  # noqa: S310 (Settings accepts only http and https)
    _OPENER.open(request, timeout=TIMEOUT_SECONDS).close()


@dataclass(slots=True)
class DelayedBatch:
    """Values to send together, the last change they belong to, and when they are due (monotonic clock, seconds)."""

    payload: set[str]
    end: LogPosition
    due: float


class DelayedBatches:
    """Batches of strings that wait until they are due."""

    def __init__(self, send_batch: Callable[[Collection[str]], None], clock: Callable[[], float]) -> None:
        """Start empty.

        Args:
            send_batch: Sends the values of one batch; may raise.
            clock: Monotonic clock, in seconds.
        """
        self._send_batch = send_batch
        self._clock = clock
        self._waiting: list[DelayedBatch] = []

    def forget(self) -> None:
        """Discard all batches."""
        self._waiting.clear()

    def add(self, values: Collection[str], end: LogPosition, delay: float) -> None:
        """Schedule values for sending.

        Args:
            values: The values; may be empty.
            end: The change that is finished when they were sent.
            delay: Seconds until they are due.
        """
        self._waiting.append(DelayedBatch(set(values), end, self._clock() + delay))

    def send_due(self) -> DelayedBatch | None:
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
