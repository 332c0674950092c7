"""Puts into the index of searches what was imported; what is written over HTTP is there already."""

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
    """The listener that indexes. It begins with the first change there ever was, so that it makes the index too."""

    name = search_index.LISTENER
    from_the_first = True

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        """Take where articles are read; `now` answers the time, aware and in UTC."""
        self._database = database
        self._now = now
        self._found: list[search_index.Indexed] = []

    def forget(self) -> None:
        self._found = []

    def set_back(self) -> None:
        search.rebuild(self._database, now=self._now)

    def take(self, changed: Sequence[Any]) -> Point | None:
        if not changed:
            return None
        ids = [change.subject_id for change in changed if change.kind == "article"]
        search.tidy(self._database, now=self._now)
        with self._database.reading() as connection:
            self._found = search_index.outdated(connection, [*dict.fromkeys(ids)])
        return Point(changed[-1].seq, changed[-1].mark)

    def write(self, session: Session) -> None:
        search.index(session, self._found, now=self._now())
        self._found = []
