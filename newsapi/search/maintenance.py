"""Maintenance of the search index: indexes bulk writes, merges segments and rebuilds the index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from newsapi.changelog import writer as changelog_writer
from newsapi.changelog.records import NewChange
from newsapi.content.queries.listing_entries import list_public_ids
from newsapi.db.database import Database, Session
from newsapi.search import index
from newsapi.search.index import SEGMENT_SIZE, DocumentToIndex
from newsapi.worker.isolation import process_in_halves

BATCH_SIZE: Final = 1_000
"""Articles that a rebuild indexes in one transaction."""


def index_articles(session: Session, documents: Sequence[DocumentToIndex], *, now: datetime) -> None:
    """Index articles of a bulk write as one segment, and append this to the changelog.

    Pending documents, which were written one by one, become part of the segment. Does nothing if no articles are given
    and there are not enough pending documents for a segment.

    Args:
        session: A transaction, which acquires the write lock.
        documents: The articles to index.
        now: The time of the change.
    """
    if not documents and index.count_pending(session) < SEGMENT_SIZE:
        return
    changelog_writer.acquire_write_lock(session)
    if index.add_segment(session, documents):
        _append_change(session, documents[0].id, now=now)


def _append_change(session: Session, cause: UUID, *, now: datetime) -> None:
    change = NewChange(kind="search", action="upsert", reason="updated", subject_id=cause, slug="")
    changelog_writer.append_changes(session, [change], now=now)


def merge_segments(database: Database, *, now: Callable[[], datetime], first_doc_id: int = 0) -> None:
    """Merge small segments until there are few, in several transactions each, while reads and writes go on.

    Args:
        database: The database.
        now: The clock.
        first_doc_id: Only segments with documents from this id on are merged.
    """
    while True:
        with database.read_transaction() as connection:
            merge = index.choose_merge(connection, first_doc_id)
        if merge is None:
            return
        written = 0
        for part in range(index.MERGE_TRANSACTIONS):
            with database.transaction() as session:
                written += index.write_merge_part(session, merge, part)
        with database.transaction() as session:
            changelog_writer.acquire_write_lock(session)
            if index.finish_merge(session, merge, written) and merge.lost:
                _append_change(session, UUID(int=0), now=now())  # word counts changed: deleted documents were dropped
        _collect_garbage(database)


def _collect_garbage(database: Database) -> None:
    deleted = 1
    while deleted:
        with database.transaction() as session:
            deleted = index.delete_orphan_rows(session)


def rebuild(
    database: Database,
    *,
    now: Callable[[], datetime],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    on_failed: Callable[[UUID, str], None] = lambda _id, _error: None,
) -> int:
    """Rebuild the index in batches while reads and writes go on.

    Args:
        database: The database.
        now: The clock.
        progress: Called after each batch with the number of articles done and their total.
        on_failed: Called with the id of each article that could not be indexed, and the error.

    Returns:
        The number of articles that were indexed.
    """
    with database.read_transaction() as connection:
        public_ids = list_public_ids(connection)
        first_doc_id = index.next_doc_id(connection)
    with database.transaction() as session:
        changelog_writer.acquire_write_lock(session)
        index.reset_word_counts(session)

    def index_batch(ids: Sequence[UUID]) -> None:
        with database.read_transaction() as connection:
            documents = index.load_for_index(connection, ids)
        with database.transaction() as session:
            index_articles(session, documents, now=now())

    failed_count = 0
    for start in range(0, len(public_ids), BATCH_SIZE):
        batch = public_ids[start : start + BATCH_SIZE]
        for id_, error in process_in_halves(batch, index_batch):
            failed_count += 1
            on_failed(id_, error)
        merge_segments(
            database, now=now, first_doc_id=first_doc_id
        )  # older segments are not merged: the rebuild empties them
        progress(start + len(batch), len(public_ids))
    with database.transaction() as session:
        changelog_writer.acquire_write_lock(session)
        index.delete_unused_words(session)
        index.delete_empty_segments(session)
        _append_change(session, UUID(int=0), now=now())
    _collect_garbage(database)
    return len(public_ids) - failed_count
