"""The search consumer: adds imported articles to the search index; writes over HTTP update the index themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.reader import ChangeRow
from newsapi.db.database import Database, Session
from newsapi.search import index, maintenance
from newsapi.worker.consumers import Consumer


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
        maintenance.rebuild(self._database, now=self._now)

    def handle(self, rows: Sequence[ChangeRow]) -> LogPosition | None:
        if not rows:
            return None
        ids = [row.subject_id for row in rows if row.kind == "article"]
        maintenance.merge_segments(self._database, now=self._now)
        with self._database.read_transaction() as connection:
            self._documents = index.stale_articles(connection, [*dict.fromkeys(ids)])
        return LogPosition(rows[-1].seq, rows[-1].nonce)

    def commit(self, session: Session) -> None:
        maintenance.index_articles(session, self._documents, now=self._now())
        self._documents = []
