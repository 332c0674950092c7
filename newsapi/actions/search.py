"""Maintenance of the search index: indexes bulk writes, merges segments and rebuilds the index."""

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
"""Articles that a rebuild indexes in one transaction."""


def index(session: Session, found: Sequence[Indexed], *, now: datetime) -> None:
    """Index articles of a bulk write as one segment, and append this to the changelog.

    Pending documents, which were written one by one, become part of the segment. Does nothing if no articles are given
    and there are not enough pending documents for a segment.

    Args:
        session: A transaction, which acquires the write lock.
        documents: The articles to index.
        now: The time of the change.
    """
    if not found and search_index.count_fresh(session) < FRESH:
        return
    log.lock(session)
    if search_index.add_block(session, found):
        _tell(session, found[0].id, now=now)


def _tell(session: Session, cause: UUID, *, now: datetime) -> None:
    change = Told(kind="search", action="upsert", reason="updated", subject_id=cause, slug="")
    log.append(session, [change], now=now)


def tidy(database: Database, *, now: Callable[[], datetime], since: int = 0) -> None:
    """Merge small segments until there are few, in several transactions each, while reads and writes go on.

    Args:
        database: The database.
        now: The clock.
        first_doc_id: Only segments with documents from this id on are merged.
    """
    while True:
        with database.reading() as connection:
            merge = search_index.to_join(connection, since)
        if merge is None:
            return
        written = 0
        for part in range(search_index.PARTS):
            with database.transaction() as session:
                written += search_index.join_part(session, merge, part)
        with database.transaction() as session:
            log.lock(session)
            if search_index.end_joining(session, merge, written) and merge.lost:
                _tell(session, UUID(int=0), now=now())  # word counts changed: deleted documents were dropped
        _sweep(database)


def _sweep(database: Database) -> None:
    deleted = 1
    while deleted:
        with database.transaction() as session:
            deleted = search_index.drop_leftovers(session)


def rebuild(
    database: Database,
    *,
    now: Callable[[], datetime],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> int:
    """Rebuild the index in batches while reads and writes go on.

    Args:
        database: The database.
        now: The clock.
        progress: Called after each batch with the number of articles done and their total.

    Returns:
        The number of articles in the index.
    """
    with database.reading() as connection:
        public_ids = everything(connection)
        first_doc_id = search_index.unused(connection)
    with database.transaction() as session:
        log.lock(session)
        search_index.forget_counts(session)
    for start in range(0, len(public_ids), BLOCK):
        batch = public_ids[start : start + BLOCK]
        with database.reading() as connection:
            documents = search_index.whole(connection, batch)
        with database.transaction() as session:
            index(session, documents, now=now())
        tidy(database, now=now, since=first_doc_id)  # older segments are not merged: the rebuild empties them
        progress(start + len(batch), len(public_ids))
    with database.transaction() as session:
        log.lock(session)
        search_index.drop_uncounted(session)
        search_index.drop_empty(session)
        _tell(session, UUID(int=0), now=now())
    _sweep(database)
    return len(public_ids)
