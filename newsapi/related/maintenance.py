"""Maintenance of the related index: adds and removes articles, and deletes stored lists that are out of date."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from newsapi.changelog import offsets
from newsapi.changelog import writer as changelog_writer
from newsapi.changelog.records import NewChange
from newsapi.content.queries import listing_entries
from newsapi.db.database import Connection, Database, Session
from newsapi.errors import Unavailable
from newsapi.related import index, stored_lists
from newsapi.related.stored_lists import NewRelatedList
from newsapi.related.vectors import ArticleVector, IdfWeights, build_vector
from newsapi.worker.isolation import process_in_halves

BATCH_SIZE: Final = 500
"""Articles that a rebuild indexes in one transaction."""

MAX_INDIVIDUAL_LOOKUPS: Final = 50
"""For up to this many new articles, the lists that each belongs to are looked up; for more, all lists of their
candidate groups are deleted."""

MAX_LISTS_PER_CHANGE: Final = 1_000
"""Related lists named by one change of the changelog."""


class IndexUpdate(NamedTuple):
    """An update of the index: articles to replace or remove, and the vectors of those that are public.

    Each vector comes with its candidate group and article id. `statistics` are new term statistics, if computed.
    """

    changed_ids: Sequence[UUID]
    vectors: Sequence[tuple[int, UUID, ArticleVector]]
    weights: IdfWeights
    statistics: index.NewStatistics | None = None


def prepare_update(connection: Connection, changed_ids: Sequence[UUID]) -> IndexUpdate:
    """Read changed articles and compute their vectors.

    Term statistics are computed again if the number of articles has outgrown them.

    Args:
        connection: A connection to the database.
        changed_ids: The articles that changed, including those that are no longer public.

    Returns:
        The update, for `apply_update`.
    """
    statistics = index.count_terms(connection) if index.needs_recount(connection) else None
    weights = statistics.weights if statistics else index.current_weights(connection) or IdfWeights(0, 0, {})
    return IndexUpdate(changed_ids, _load_vectors(connection, changed_ids, weights), weights, statistics)


def _load_vectors(
    connection: Connection, ids: Collection[UUID], weights: IdfWeights
) -> list[tuple[int, UUID, ArticleVector]]:
    sources = index.load_texts(connection, ids)
    return [(source.pool, id_, build_vector(source.text, weights)) for id_, source in sources.items()]


def apply_update(session: Session, index_update: IndexUpdate, *, now: datetime) -> None:
    """Apply an update to the index, delete the lists that it changes, and append this to the changelog."""
    if index_update.statistics:
        index.save_statistics(session, index_update.statistics, now=now)
    if not index_update.changed_ids:
        return
    list_ids = stored_lists.lists_containing(session, index_update.changed_ids) | {*index_update.changed_ids}
    index.replace_documents(session, index_update.changed_ids, index_update.vectors)
    if len(index_update.vectors) > MAX_INDIVIDUAL_LOOKUPS:
        list_ids |= stored_lists.lists_in_pools(session, {group for group, _, _ in index_update.vectors})
    else:
        for group, id_, vector in index_update.vectors:
            list_ids |= stored_lists.lists_to_rebuild(session, group, id_, vector, index_update.weights)
    _append_changes(session, stored_lists.delete_lists(session, list_ids), index_update.changed_ids[0], now=now)


def _append_changes(session: Session, deleted: Sequence[UUID], cause: UUID, *, now: datetime) -> None:
    changes = [
        NewChange(
            kind="related",
            action="upsert",
            reason="updated",
            subject_id=cause,
            slug="",
            related_list_ids=tuple(map(str, sorted(deleted)[start : start + MAX_LISTS_PER_CHANGE])),
        )
        for start in range(0, len(deleted), MAX_LISTS_PER_CHANGE)
    ]
    if changes:
        changelog_writer.append_changes(session, changes, now=now)


def rebuild_index(
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
        statistics = index.count_terms(connection)
        indexed_ids = index.all_indexed_ids(connection)
        public_ids = listing_entries.list_public_ids(connection)
    with database.transaction() as session:
        offsets.lock_offset(session, index.CONSUMER)
        index.save_statistics(session, statistics, now=now())

    def index_batch(ids: Sequence[UUID]) -> None:
        with database.read_transaction() as connection:
            index_update = IndexUpdate(ids, _load_vectors(connection, ids, statistics.weights), statistics.weights)
        with database.transaction() as session:
            offsets.lock_offset(session, index.CONSUMER)
            apply_update(session, index_update, now=now())

    failed_count = 0
    for start in range(0, len(public_ids), BATCH_SIZE):
        batch = public_ids[start : start + BATCH_SIZE]
        for id_, error in process_in_halves(batch, index_batch):
            failed_count += 1
            on_failed(id_, error)
        progress(start + len(batch), len(public_ids))
    removed_ids = sorted(indexed_ids - {*public_ids})
    with database.transaction() as session:
        offsets.lock_offset(session, index.CONSUMER)
        apply_update(session, IndexUpdate(removed_ids, [], statistics.weights), now=now())
    return len(public_ids) - failed_count


def save_list(database: Database, related_list: NewRelatedList) -> bool:
    """Store a related list that a read has built; return False if the database was busy and it was not stored."""
    try:
        with database.try_transaction() as session:
            return stored_lists.save_list(session, related_list)
    except Unavailable:
        return False
