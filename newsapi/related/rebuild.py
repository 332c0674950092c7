"""Rebuilding the index of related articles while reads, writes and the worker go on.

A rebuild indexes the articles as they are in one snapshot of the database. An article that changed after the snapshot
is left to the worker, which processes that change anyway. At the end the offset of the consumer moves to the snapshot,
so nothing that the rebuild has indexed is indexed again. A rebuild that is killed leaves the offset where it was: the
worker then indexes the articles that are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from newsapi.changelog import failed_changes, offsets, reader
from newsapi.changelog.offsets import LogPosition
from newsapi.content.queries import listing_entries
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article
from newsapi.db.bulk_rows import in_values
from newsapi.db.database import Connection, Database, Session
from newsapi.related import index, maintenance, term_statistics
from newsapi.related.vectors import IdfWeights
from newsapi.worker.isolation import process_in_halves

BATCH_SIZE: Final = 1_000
"""Articles that a rebuild indexes in one transaction."""


def rebuild_index(
    database: Database,
    *,
    now: Callable[[], datetime],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    on_failed: Callable[[UUID, str], None] = lambda _id, _error: None,
) -> int:
    """Rebuild the index in batches.

    Articles that cannot be indexed are set aside for the worker, like changes with which the consumer fails.

    Args:
        database: The database.
        now: The clock.
        progress: Called after each batch with the number of articles done and their total.
        on_failed: Called with the id of each article that could not be indexed, and the error.

    Returns:
        The number of articles that were indexed.
    """
    with database.read_transaction() as connection:
        snapshot = offsets.changelog_head(connection)
        statistics = term_statistics.count_terms(connection)
        indexed_ids = index.all_indexed_ids(connection)
        public_ids = listing_entries.list_public_ids(connection)
    with database.transaction() as session:
        # Saved after the snapshot was read: what the worker prepared before is older than the snapshot and prepared
        # again (`maintenance.apply_update`), so it never replaces what the rebuild has indexed.
        offsets.ensure_offset(session, index.CONSUMER, now(), from_the_first=True)
        offsets.lock_offset(session, index.CONSUMER)
        term_statistics.save_statistics(session, statistics, now=now())
    weights = statistics.weights
    failed: dict[UUID, str] = {}
    for start in range(0, len(public_ids), BATCH_SIZE):
        batch = public_ids[start : start + BATCH_SIZE]
        failed |= process_in_halves(batch, lambda ids: _index_batch(database, ids, weights, snapshot.seq, now=now))
        progress(start + len(batch), len(public_ids))
    with database.transaction() as session:
        offsets.lock_offset(session, index.CONSUMER)
        _remove_withdrawn(session, indexed_ids.difference(public_ids), weights, now=now())
        _set_aside(session, failed, now=now())
        offsets.advance_offset(session, index.CONSUMER, snapshot, now())
    for id_, error in failed.items():
        on_failed(id_, error)
    return len(public_ids) - len(failed)


def _index_batch(
    database: Database, ids: Sequence[UUID], weights: IdfWeights, snapshot_seq: int, *, now: Callable[[], datetime]
) -> None:
    """Index those of these articles that have not changed since the snapshot, unless the worker did it since."""
    with database.read_transaction() as connection:
        seqs = _public_seqs(connection, ids)
        current_ids = index.list_current_ids(connection, ids, version=weights.version)
        outdated_ids = [id_ for id_ in ids if id_ in seqs and seqs[id_] <= snapshot_seq and id_ not in current_ids]
        documents = index.load_documents(connection, outdated_ids, weights)
    with database.transaction() as session:
        offsets.lock_offset(session, index.CONSUMER)
        seqs = _public_seqs(session.connection(), outdated_ids)
        unchanged = [document for document in documents if seqs.get(document.id) == document.seq]
        maintenance.replace_articles(session, [document.id for document in unchanged], unchanged, weights, now=now())
        term_statistics.count_revision(session)


def _remove_withdrawn(session: Session, ids: set[UUID], weights: IdfWeights, *, now: datetime) -> None:
    """Remove articles from the index that were not public in the snapshot and are not public now."""
    withdrawn_ids = ids.difference(_public_seqs(session.connection(), ids))
    maintenance.replace_articles(session, sorted(withdrawn_ids), [], weights, now=now)
    term_statistics.count_revision(session)


def _public_seqs(connection: Connection, ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the last public change of each of these articles that is public."""
    columns = (Article.id, func.coalesce(Article.seq, 0))
    return dict(connection.execute(select(*columns).where(in_values(connection, Article.id, ids), is_visible())).all())


def _set_aside(session: Session, failed: Mapping[UUID, str], *, now: datetime) -> None:
    """Set the changes of articles aside that could not be indexed, because the offset moves past them."""
    connection = session.connection()
    seqs = _public_seqs(connection, failed)
    changes = reader.get_changes(connection, seqs.values())
    for id_, seq in seqs.items():
        if seq in changes:
            position = LogPosition(seq, changes[seq].nonce)
            failed_changes.set_aside(session, index.CONSUMER, [position], failed[id_], now=now)
