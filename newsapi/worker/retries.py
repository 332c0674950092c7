"""Retries of the changes that a consumer has set aside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from prometheus_client import Gauge

from newsapi.changelog import failed_changes, reader
from newsapi.changelog.failed_changes import FailedChangeRow
from newsapi.changelog.offsets import LogPosition
from newsapi.db.database import Database, Session
from newsapi.worker.consumer import Consumer
from newsapi.worker.isolation import describe_error, is_outage

log = structlog.get_logger("newsapi.worker")

CHECK_INTERVAL: Final = timedelta(seconds=10)
"""Time between looks for changes that are due."""

MAX_CHANGES_PER_RETRY: Final = 1_000
"""Maximum number of changes that are tried together; they are tried in halves after a failure."""

_FAILED_CHANGES = Gauge(
    "newsapi_consumer_failed_changes",
    "Changes that a consumer could not process and has set aside",
    ["consumer"],
    multiprocess_mode="livemostrecent",
)


class FailedChangeRetries:
    """Tries the changes that one consumer has set aside again when they are due."""

    def __init__(self, database: Database, consumer: Consumer, *, now: Callable[[], datetime]) -> None:
        """Store the parts. `now` returns the current time in UTC."""
        self._database = database
        self._consumer = consumer
        self._now = now
        self._limit = MAX_CHANGES_PER_RETRY
        self._checked_at: datetime | None = None

    def check_soon(self) -> None:
        """Look for due changes at the next call of `retry_due`."""
        self._checked_at = None

    def retry_due(self, hold_lease: Callable[[Session], bool]) -> bool:
        """Try the changes that are due again; look for them only once in CHECK_INTERVAL.

        Args:
            hold_lease: Locks the offset of the consumer in a transaction; returns False if another worker has the
                lease.

        Returns:
            False if the consumer failed and may hold unfinished work, which is to be discarded.

        Raises:
            Exception: The database or another service does not respond.
        """
        now = self._now()
        if self._checked_at is not None and timedelta() <= now - self._checked_at < CHECK_INTERVAL:
            return True
        with self._database.read_transaction() as connection:
            count = failed_changes.count_by_consumer(connection).get(self._consumer.name, 0)
            rows = failed_changes.list_due(connection, self._consumer.name, now, self._limit) if count else []
            changes = reader.read_changes(connection, [row.seq for row in rows]) if rows else []
        _FAILED_CHANGES.labels(self._consumer.name).set(count)
        self._checked_at = None if rows else now
        return not rows or self._retry(rows, changes, hold_lease)

    def _retry(
        self,
        rows: Sequence[FailedChangeRow],
        changes: Sequence[reader.ChangeRow],
        hold_lease: Callable[[Session], bool],
    ) -> bool:
        """Process changes; a row whose change is gone, after a restore, is deleted."""
        positions = {LogPosition(row.seq, row.nonce) for row in rows}
        current = [change for change in changes if LogPosition(change.seq, change.nonce) in positions]
        try:
            if current:
                self._consumer.retry(current)
            with self._database.transaction() as session:
                if hold_lease(session):
                    if current:
                        self._consumer.commit(session)
                    failed_changes.delete_processed(session, rows)
        except Exception as error:
            if is_outage(error):
                raise
            self._on_failure(rows, error)
            return False
        self._limit = min(MAX_CHANGES_PER_RETRY, 2 * self._limit)
        log.warning("changes processed that were set aside", consumer=self._consumer.name, changes=len(current))
        return True

    def _on_failure(self, rows: Sequence[FailedChangeRow], error: Exception) -> None:
        """Try fewer changes the next time; if one failed alone, try it again only after a longer delay."""
        self._limit = max(1, len(rows) // 2)
        if len(rows) > 1:
            return
        with self._database.transaction() as session:
            failed_changes.set_aside(
                session,
                self._consumer.name,
                [LogPosition(rows[0].seq, rows[0].nonce)],
                describe_error(error),
                now=self._now(),
            )
        log.warning("change failed again", consumer=self._consumer.name, seq=rows[0].seq, error=describe_error(error))
