"""The search consumer: adds imported articles to the search index; writes over HTTP update the index themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from newsapi.actions import search
from newsapi.outbox.worker import Listener
from newsapi.store import search_index
from newsapi.store.database import Database, Session
from newsapi.store.places import Point


class Index(Listener):
    """Keeps the search index up to date. It starts at the first change, so it also creates the index."""

    name = search_index.LISTENER
    from_the_first = True

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        """Store the parts. `now` returns the current time in UTC, timezone-aware."""
        self._database = database
        self._now = now
        self._found: list[search_index.Indexed] = []

    def forget(self) -> None:
        self._found = []

    def set_back(self) -> None:
        search.rebuild(self._database, now=self._now)

    def take(self, rows: Sequence[Any]) -> Point | None:
        if not rows:
            return None
        ids = [row.subject_id for row in rows if row.kind == "article"]
        search.tidy(self._database, now=self._now)
        with self._database.reading() as connection:
            self._found = search_index.outdated(connection, [*dict.fromkeys(ids)])
        return Point(rows[-1].seq, rows[-1].mark)

    def write(self, session: Session) -> None:
        search.index(session, self._found, now=self._now())
        self._found = []
