"""The search consumer: adds imported articles to the search index; writes over HTTP update the index themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import structlog

from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.reader import ChangeRow
from newsapi.db.database import Database, Session
from newsapi.search import index, maintenance
from newsapi.worker.consumer import Consumer
from newsapi.worker.isolation import describe_error, is_outage

log = structlog.get_logger("newsapi.search")


class SearchIndexConsumer(Consumer):
    """Keeps the search index up to date. It starts at the first change, so it also creates the index."""

    name = index.CONSUMER
    from_the_first = True

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        """Store the parts. `now` returns the current time in UTC, timezone-aware."""
        self._database = database
        self._now = now
        self._documents: list[index.DocumentToIndex] = []

    def reset(self) -> None:
        self._documents = []

    def on_log_restored(self) -> None:
        maintenance.rebuild(self._database, now=self._now, on_failed=_log_failure)

    def handle(self, rows: Sequence[ChangeRow]) -> LogPosition | None:
        if not rows:
            return None
        ids = [row.subject_id for row in rows if row.kind == "article"]
        self._merge_segments()
        with self._database.read_transaction() as connection:
            self._documents = index.stale_articles(connection, [*dict.fromkeys(ids)])
        return LogPosition(rows[-1].seq, rows[-1].nonce)

    def _merge_segments(self) -> None:
        """Merge small segments; a failure is a problem of the index and of no change, so indexing goes on."""
        self.problem = None
        try:
            maintenance.merge_segments(self._database, now=self._now)
        except Exception as error:
            if is_outage(error):
                raise
            self.problem = f"segments are not merged: {describe_error(error)}"

    def commit(self, session: Session) -> None:
        maintenance.index_articles(session, self._documents, now=self._now())
        self._documents = []


def _log_failure(id_: UUID, error: str) -> None:
    log.error("article not indexed", consumer=index.CONSUMER, article=str(id_), error=error)
