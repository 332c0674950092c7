"""Stored related lists: saving, deleting, and finding those that a change of the index affects."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from newsapi.changelog.tables import ConsumerOffset
from newsapi.db import bulk_rows
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import columns_table
from newsapi.related import index
from newsapi.related.ranking import MIN_TOPIC_SIMILARITY, RankingReason, SimilarityScorer
from newsapi.related.tables import RelatedList, RelatedListMember, RelatedTermStatistics
from newsapi.related.vectors import IdfWeights

NEIGHBOURHOOD_SIZE: Final = 200
"""Nearest articles of a new article whose lists are checked for it."""

REBUILD_MARGIN: Final = 0.9
"""A list is rebuilt for an article with this part of its minimum similarity, because reranking can raise its score."""


class RelatedItem(NamedTuple):
    """An item of a related list.

    Attributes:
        id: The id of the article, as text.
        level: How it came to the list: `pick` or `related`.
        score: Its score, from 0 to 1.
        reasons: Why it is on the list.
    """

    id: str
    level: str
    score: float
    reasons: list[RankingReason]


@dataclass(frozen=True, slots=True)
class NewRelatedList:
    """A list that was built, with the versions that it was built from: it is saved only if these are still current.

    Attributes:
        article: The article to which the list belongs.
        pool: The facet whose articles are candidates; ALL_BRANDS if articles of any brand may be appended.
        version: The version of the term statistics.
        revision: The number of batches that rebuilds have written.
        log_position: The offset of the index in the changelog.
        pool_changed_at: The last change of the candidate pool.
        min_similarity: The similarity of the last article of a full list, 0 for a list that has room for more.
        max_items: The number of items after which the list was cut off.
        items: The items, best first.
    """

    article: UUID
    pool: int
    version: int
    revision: int | None
    log_position: int | None
    pool_changed_at: datetime | None
    min_similarity: float
    max_items: int
    items: list[RelatedItem]


def save_list(session: Session, new_list: NewRelatedList) -> bool:
    """Save a list, unless the index has changed since the list was built; return whether it was saved."""
    log_position = (
        select(ConsumerOffset.seq).where(ConsumerOffset.consumer == index.CONSUMER).with_for_update(read=True)
    )
    if new_list.log_position is None or session.execute(log_position).scalar() != new_list.log_position:
        return False
    statistics = session.execute(select(RelatedTermStatistics.version, RelatedTermStatistics.revision)).one_or_none()
    if statistics is None or tuple(statistics) != (new_list.version, new_list.revision):
        return False
    delete_lists(session, [new_list.article])
    row = {
        "article_id": new_list.article,
        "pool": new_list.pool,
        "version": new_list.version,
        "built_at": new_list.pool_changed_at,
        "min_similarity": new_list.min_similarity,
        "max_items": new_list.max_items,
        "entries": [list(item) for item in new_list.items],
    }
    session.execute(insert(columns_table(RelatedList)).values(row))
    entries = [(UUID(item.id), new_list.article) for item in new_list.items]
    bulk_rows.bulk_insert(session, RelatedListMember, ("listed_article_id", "article_id"), entries)
    return True


def delete_lists(session: Session, article_ids: Collection[UUID]) -> list[UUID]:
    """Delete the lists of these articles; return the ids of those articles that had one."""
    connection = session.connection()
    statement = select(RelatedList.article_id, RelatedList.entries).where(
        in_values(connection, RelatedList.article_id, article_ids)
    )
    lists = connection.execute(statement).all()
    entries = [{"other": UUID(item[0]), "article": id_} for id_, items in lists for item in items]
    if entries:
        connection.execute(_DELETE_MEMBER, entries)
    if lists:
        connection.execute(
            delete(columns_table(RelatedList)).where(in_values(connection, RelatedList.article_id, article_ids))
        )
    return [id_ for id_, _ in lists]


_MEMBER = columns_table(RelatedListMember).c
_DELETE_MEMBER = delete(columns_table(RelatedListMember)).where(
    _MEMBER.listed_article_id == bindparam("other", type_=_MEMBER.listed_article_id.type),
    _MEMBER.article_id == bindparam("article", type_=_MEMBER.article_id.type),
)


def lists_containing(session: Session, ids: Collection[UUID]) -> set[UUID]:
    """Return the articles whose lists contain any of these articles."""
    if not ids:
        return set()
    connection = session.connection()
    statement = select(RelatedListMember.article_id).where(
        in_values(connection, RelatedListMember.listed_article_id, ids)
    )
    return {*connection.execute(statement).scalars()}


def lists_in_pools(session: Session, pools: Collection[int]) -> set[UUID]:
    """Return the articles whose lists are stored for these pools."""
    connection = session.connection()
    statement = select(RelatedList.article_id).where(in_values(connection, RelatedList.pool, pools))
    return {*connection.execute(statement).scalars()}


def lists_to_rebuild(session: Session, document: index.Document, weights: IdfWeights) -> set[UUID]:
    """Return the articles whose lists have to be rebuilt for an article that was just added to the index."""
    connection, vector = session.connection(), document.vector
    scorer = SimilarityScorer(vector, weights)
    neighbours = index.find_listed_neighbours(connection, document.pool, vector, weights, NEIGHBOURHOOD_SIZE)
    if connection.execute(_IS_ANY_OPEN).scalar():
        of_all_brands = index.find_listed_neighbours(connection, index.ALL_BRANDS, vector, weights, NEIGHBOURHOOD_SIZE)
        neighbours += [(neighbour, max(minimum, MIN_TOPIC_SIMILARITY)) for neighbour, minimum in of_all_brands]
    return {
        neighbour.id
        for neighbour, min_similarity in neighbours
        if neighbour.id != document.id and scorer.similarity(neighbour.profile) >= REBUILD_MARGIN * min_similarity
    }


_IS_ANY_OPEN = select(RelatedList.article_id).where(RelatedList.pool == index.ALL_BRANDS).limit(1)
"""An article with a list to which articles of other brands are appended, if there is any."""
