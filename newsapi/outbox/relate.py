"""Keeps the index of related articles, and with it every related list, up with the log."""

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
    """The listener that indexes. It begins with the first change there ever was, so that it makes the index too."""

    name = LISTENER
    from_the_first = True

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        """Take where articles are read; `now` answers the time, aware and in UTC."""
        self._database = database
        self._now = now
        self._work: related.Work | None = None

    def forget(self) -> None:
        self._work = None

    def set_back(self) -> None:
        related.rebuild(self._database, now=self._now)

    def take(self, changed: Sequence[Any]) -> Point | None:
        if not changed:
            return None
        ids = [change.subject_id for change in changed if change.kind == "article"]
        with self._database.reading() as connection:
            self._work = related.prepare(connection, [*dict.fromkeys(ids)])
        return Point(changed[-1].seq, changed[-1].mark)

    def write(self, session: Session) -> None:
        if self._work is not None:
            related.do(session, self._work, now=self._now())
        self._work = None
