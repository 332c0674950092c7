"""Document frequencies of terms: counting, saving and loading them as IDF weights."""

from __future__ import annotations

import secrets
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.orm import Session

from newsapi.changelog.tables import Facet
from newsapi.content.queries.listing_entries import ALL_ARTICLES_FACET
from newsapi.content.tables.articles import ListingEntry
from newsapi.db.immutable_cache import ImmutableCache
from newsapi.db.types import columns_table
from newsapi.related.tables import RelatedTermStatistics
from newsapi.related.texts import load_texts
from newsapi.related.vectors import IdfWeights, document_terms
from newsapi.worker.isolation import process_in_halves

SAMPLE_SIZE: Final = 5_000
"""Maximum number of articles, the newest ones, on which document frequencies are counted."""


class NewStatistics(NamedTuple):
    """New document frequencies, counted when there were `corpus_size` articles."""

    weights: IdfWeights
    corpus_size: int
    frequencies: Mapping[int, int]


def current_version(connection: Connection) -> int | None:
    """Return the version of the current statistics, or None before the first count."""
    return connection.execute(select(RelatedTermStatistics.version)).scalar()


def current_weights(connection: Connection) -> IdfWeights | None:
    """Return the current IDF weights, or None before the first count."""
    version = current_version(connection)
    return None if version is None else weights_of_version(connection, version)


def weights_of_version(connection: Connection, version: int) -> IdfWeights:
    """Return the IDF weights of a stored version; each process reads a version once."""

    def load() -> IdfWeights:
        row = connection.execute(
            select(RelatedTermStatistics.documents, RelatedTermStatistics.content).where(
                RelatedTermStatistics.version == version
            )
        ).one()
        half = len(row.content) // 6 * 4
        numbers, counts = array("i", row.content[:half]), array("H", row.content[half:])
        return IdfWeights(version, row.documents, dict(zip(numbers, counts, strict=True)))

    return _WEIGHTS.get_or_load(version, load)


_WEIGHTS: Final = ImmutableCache[int, IdfWeights](max_entries=2)


def needs_recount(connection: Connection) -> bool:
    """Return whether terms were never counted, or there are twice as many articles as at the last count."""
    article_count = _count_articles(connection)
    corpus_size = connection.execute(select(RelatedTermStatistics.corpus_size)).scalar()
    return article_count > 0 if corpus_size is None else article_count >= 2 * max(corpus_size, 1)


def _count_articles(connection: Connection) -> int:
    return connection.execute(select(Facet.article_count).where(Facet.kind == "all")).scalar() or 0


def count_terms(connection: Connection, *, progress: Callable[[int], None] = lambda _: None) -> NewStatistics:
    """Count in how many of the newest articles each term occurs; `progress` is called with 1 for every article.

    An article whose text cannot be processed is not counted: the weights of all others must not depend on it.

    Returns:
        The new statistics, for `save_statistics`.
    """
    newest = (
        select(ListingEntry.article_id)
        .where(ListingEntry.facet_id == ALL_ARTICLES_FACET)
        .order_by(ListingEntry.published_at.desc(), ListingEntry.article_id.desc())
        .limit(SAMPLE_SIZE)
    )
    ids = list(connection.execute(newest).scalars())
    frequencies: Counter[int] = Counter()

    def count_batch(batch: Sequence[UUID]) -> None:
        counted = [document_terms(source.text) for source in load_texts(connection, batch).values()]
        for terms in counted:
            frequencies.update(terms)
            progress(1)

    for start in range(0, len(ids), 500):
        process_in_halves(ids[start : start + 500], count_batch)
    weights = IdfWeights(secrets.randbits(63), len(ids), frequencies)
    return NewStatistics(weights, _count_articles(connection), frequencies)


def save_statistics(session: Session, statistics: NewStatistics, *, now: datetime) -> None:
    """Replace the stored document frequencies by new ones; terms of a single article are not stored."""
    common = sorted((term, count) for term, count in statistics.frequencies.items() if count > 1)
    numbers, counts = array("i", [term for term, _ in common]), array("H", [count for _, count in common])
    session.execute(delete(columns_table(RelatedTermStatistics)))
    row = {
        "revision": 0,
        "version": statistics.weights.version,
        "counted_at": now,
        "documents": statistics.weights.documents,
        "corpus_size": statistics.corpus_size,
        "content": numbers.tobytes() + counts.tobytes(),
    }
    session.execute(insert(columns_table(RelatedTermStatistics)).values(row))


def count_revision(session: Session) -> None:
    """Record that a rebuild has changed the index, so that no list is stored that was built before."""
    columns = columns_table(RelatedTermStatistics).c
    session.execute(update(columns_table(RelatedTermStatistics)).values(revision=columns.revision + 1))
