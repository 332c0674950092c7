"""Daily request counts of API keys: counted in memory and written at intervals, so that no read has to write."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import date, datetime
from typing import Final
from uuid import UUID

import structlog

from newsapi.db.database import Database
from newsapi.errors import NewsError
from newsapi.keys import queries

log = structlog.get_logger("newsapi.usage")

FLUSH_INTERVAL_SECONDS: Final = 5.0
"""Time after which counts are written. A process that is killed loses the counts of that time."""


class Usage:
    """Counts of this process that are not written yet."""

    def __init__(self, database: Database, *, flush_interval_seconds: float = FLUSH_INTERVAL_SECONDS) -> None:
        """Take the database; no connection is opened yet.

        Args:
            database: The database to write to.
            flush_interval_seconds: Seconds between the first count and the write.
        """
        self._database, self._flush_interval_seconds = database, flush_interval_seconds
        self._counts: Counter[tuple[UUID, date]] = Counter()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def count(self, key_id: UUID, now: datetime) -> None:
        """Count a request of an API key.

        Args:
            key_id: Id of the key.
            now: Time of the request; it counts for the day in UTC.
        """
        with self._lock:
            self._counts[key_id, now.date()] += 1
            if self._timer is None:
                self._timer = threading.Timer(self._flush_interval_seconds, self.write)
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        """Write the counts; if the database does not respond, keep them for the next write."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if not counts:
            return
        try:
            with self._database.try_transaction() as session:
                queries.add_usage(session, counts)
        except NewsError as error:
            log.warning("key usage not written", cause=repr(error.__cause__)[:300])
            with self._lock:
                self._counts.update(counts)
