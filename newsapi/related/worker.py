"""The consumer of related articles: updates their index, and the related lists that depend on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import structlog

from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.reader import ChangeRow
from newsapi.db.database import Database, Session
from newsapi.related import maintenance
from newsapi.related.index import CONSUMER
from newsapi.related.rebuild import rebuild_index
from newsapi.worker.consumer import QUIET_INTERVAL_SECONDS, Consumer

log = structlog.get_logger("newsapi.related")


class RelatedIndexConsumer(Consumer):
    """Keeps the index of related articles up to date. It starts at the first change, so it also creates the index."""

    name = CONSUMER
    from_the_first = True
    idle_interval_seconds = QUIET_INTERVAL_SECONDS

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        """Store the parts. `now` returns the current time in UTC, timezone-aware."""
        self._database = database
        self._now = now
        self._work: maintenance.IndexUpdate | None = None

    def reset(self) -> None:
        self._work = None

    def on_log_restored(self) -> None:
        rebuild_index(self._database, now=self._now, on_failed=_log_failure)

    def handle(self, rows: Sequence[ChangeRow]) -> LogPosition | None:
        if not rows:
            return None
        ids = [row.subject_id for row in rows if row.kind == "article"]
        with self._database.read_transaction() as connection:
            self._work = maintenance.prepare_update(connection, [*dict.fromkeys(ids)])
        return LogPosition(rows[-1].seq, rows[-1].nonce)

    def commit(self, session: Session) -> None:
        if self._work is not None:
            maintenance.apply_update(session, self._work, now=self._now())
        self._work = None


def _log_failure(id_: UUID, error: str) -> None:
    log.error("article not indexed", consumer=CONSUMER, article=str(id_), error=error)
