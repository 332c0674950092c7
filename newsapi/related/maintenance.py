"""Maintenance of the related index: adds and removes articles, and deletes stored lists that are out of date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from newsapi.changelog import writer as changelog_writer
from newsapi.changelog.records import NewChange
from newsapi.db.database import Connection, Database, Session
from newsapi.errors import Unavailable
from newsapi.related import index, stored_lists, term_statistics
from newsapi.related.stored_lists import NewRelatedList
from newsapi.related.term_statistics import NewStatistics
from newsapi.related.vectors import IdfWeights

MAX_INDIVIDUAL_LOOKUPS: Final = 50
"""For up to this many new articles, the lists that each belongs to are looked up; for more, all lists of their
candidate groups are deleted."""

MAX_LISTS_PER_CHANGE: Final = 1_000
"""Related lists named by one change of the changelog."""

NO_WEIGHTS: Final = IdfWeights(0, 0, {})
"""The weights before terms are counted for the first time."""


class IndexUpdate(NamedTuple):
    """An update of the index: articles to replace or remove, and the documents of those that are public.

    Attributes:
        changed_ids: The articles.
        documents: The articles that are public, as they are indexed.
        weights: The weights that the documents were built with.
        base_version: The version of the term statistics when the update was prepared.
        statistics: New term statistics, if they were counted.
    """

    changed_ids: Sequence[UUID]
    documents: Sequence[index.Document]
    weights: IdfWeights
    base_version: int | None
    statistics: NewStatistics | None = None


def prepare_update(connection: Connection, changed_ids: Sequence[UUID]) -> IndexUpdate:
    """Read changed articles and compute their vectors.

    Articles that have not changed since they were indexed are left out. Term statistics are computed again if the
    number of articles has outgrown them.

    Args:
        connection: A connection to the database.
        changed_ids: The articles that changed, including those that are no longer public.

    Returns:
        The update, for `apply_update`.
    """
    base_version = term_statistics.current_version(connection)
    statistics = term_statistics.count_terms(connection) if term_statistics.needs_recount(connection) else None
    weights = statistics.weights if statistics else term_statistics.current_weights(connection) or NO_WEIGHTS
    current_ids = index.list_current_ids(connection, changed_ids)
    outdated_ids = [id_ for id_ in changed_ids if id_ not in current_ids]
    documents = index.load_documents(connection, outdated_ids, weights)
    return IndexUpdate(outdated_ids, documents, weights, base_version, statistics)


def apply_update(session: Session, index_update: IndexUpdate, *, now: datetime) -> None:
    """Apply an update to the index, delete the lists that it changes, and append this to the changelog.

    An update that was prepared before a rebuild began is prepared again: the rebuild may have indexed newer texts.

    Args:
        session: A session of a transaction that has locked the offset of the consumer.
        index_update: The update.
        now: The current time.
    """
    connection = session.connection()
    if term_statistics.current_version(connection) != index_update.base_version:
        index_update = prepare_update(connection, index_update.changed_ids)
    if index_update.statistics:
        term_statistics.save_statistics(session, index_update.statistics, now=now)
    replace_articles(session, index_update.changed_ids, index_update.documents, index_update.weights, now=now)


def replace_articles(
    session: Session,
    removed_ids: Sequence[UUID],
    documents: Sequence[index.Document],
    weights: IdfWeights,
    *,
    now: datetime,
) -> None:
    """Replace articles in the index, delete the lists that this changes, and append the deletions to the changelog."""
    if not removed_ids:
        return
    list_ids = stored_lists.lists_containing(session, removed_ids) | {*removed_ids}
    index.replace_documents(session, removed_ids, documents, version=weights.version)
    if len(documents) > MAX_INDIVIDUAL_LOOKUPS:
        pools = {index.ALL_BRANDS, *(document.pool for document in documents)}
        list_ids |= stored_lists.lists_in_pools(session, pools)
    else:
        for document in documents:
            list_ids |= stored_lists.lists_to_rebuild(session, document, weights)
    _append_changes(session, stored_lists.delete_lists(session, list_ids), removed_ids[0], now=now)


def _append_changes(session: Session, deleted: Sequence[UUID], cause: UUID, *, now: datetime) -> None:
    changes = [
        NewChange(
            kind="related",
            action="upsert",
            reason="updated",
            subject_id=cause,
            slug="",
            article_ids=tuple(map(str, sorted(deleted)[start : start + MAX_LISTS_PER_CHANGE])),
        )
        for start in range(0, len(deleted), MAX_LISTS_PER_CHANGE)
    ]
    if changes:
        changelog_writer.append_changes(session, changes, now=now)


def save_list(database: Database, related_list: NewRelatedList) -> bool:
    """Store a related list that a read has built; return False if the database was busy and it was not stored."""
    try:
        with database.try_transaction() as session:
            return stored_lists.save_list(session, related_list)
    except Unavailable:
        return False
