"""Keeping the index of searches up with what was written in bulk, and its blocks few."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from newsapi.store import log, search_index
from newsapi.store.database import Database, Session
from newsapi.store.profiles import everything
from newsapi.store.search_index import FRESH, Indexed
from newsapi.store.told import Told

BLOCK: Final = 1_000
"""Articles that are indexed in one transaction by a rebuild."""


def index(session: Session, found: Sequence[Indexed], *, now: datetime) -> None:
    """Put articles into the index that came in bulk, and with them those that wait for a block; tell so in the log."""
    if not found and search_index.count_fresh(session) < FRESH:
        return
    log.lock(session)
    if search_index.add_block(session, found):
        _tell(session, found[0].id, now=now)


def _tell(session: Session, cause: UUID, *, now: datetime) -> None:
    told = Told(kind="search", action="upsert", reason="updated", subject_id=cause, slug="")
    log.append(session, [told], now=now)


def tidy(database: Database, *, now: Callable[[], datetime], since: int = 0) -> None:
    """Join blocks where there are many small ones, from a number on, a part at a time, while others read and write."""
    while True:
        with database.reading() as connection:
            joining = search_index.to_join(connection, since)
        if joining is None:
            return
        written = 0
        for part in range(search_index.PARTS):
            with database.transaction() as session:
                written += search_index.join_part(session, joining, part)
        with database.transaction() as session:
            log.lock(session)
            if search_index.end_joining(session, joining, written) and joining.lost:
                _tell(session, UUID(int=0), now=now())  # words are rarer now, by those that were gone
        _sweep(database)


def _sweep(database: Database) -> None:
    dropped = 1
    while dropped:
        with database.transaction() as session:
            dropped = search_index.drop_leftovers(session)


def rebuild(
    database: Database, *, now: Callable[[], datetime], progress: Callable[[int, int], None] = lambda _done, _of: None
) -> int:
    """Make the index from scratch, in blocks, while others read and write; answer how many articles are in it.

    `progress` is told how many are done, of how many.
    """
    with database.reading() as connection:
        todo = everything(connection)
        first = search_index.unused(connection)
    with database.transaction() as session:
        log.lock(session)
        search_index.forget_counts(session)
    for start in range(0, len(todo), BLOCK):
        block = todo[start : start + BLOCK]
        with database.reading() as connection:
            found = search_index.whole(connection, block)
        with database.transaction() as session:
            index(session, found, now=now())
        tidy(database, now=now, since=first)  # what was there before is gone at the end, and joins nothing
        progress(start + len(block), len(todo))
    with database.transaction() as session:
        log.lock(session)
        search_index.drop_uncounted(session)
        search_index.drop_empty(session)
        _tell(session, UUID(int=0), now=now())
    _sweep(database)
    return len(todo)
