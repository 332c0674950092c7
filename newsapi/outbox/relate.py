"""The consumer of related articles: updates their index, and the related lists that depend on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from newsapi.actions import related
from newsapi.outbox.worker import Listener
from newsapi.store.database import Database, Session
from newsapi.store.places import Point
from newsapi.store.profiles import LISTENER


class Relate(Listener):
    """Keeps the index of related articles up to date. It starts at the first change, so it also creates the index."""

    name = LISTENER
    from_the_first = True

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        """Store the parts. `now` returns the current time in UTC, timezone-aware."""
        self._database = database
        self._now = now
        self._work: related.Work | None = None

    def forget(self) -> None:
        self._work = None

    def set_back(self) -> None:
        related.rebuild(self._database, now=self._now)

    def take(self, rows: Sequence[Any]) -> Point | None:
        if not rows:
            return None
        ids = [row.subject_id for row in rows if row.kind == "article"]
        with self._database.reading() as connection:
            self._work = related.prepare(connection, [*dict.fromkeys(ids)])
        return Point(rows[-1].seq, rows[-1].mark)

    def write(self, session: Session) -> None:
        if self._work is not None:
            related.do(session, self._work, now=self._now())
        self._work = None
