"""Filling up a related list that has too few articles.

The newest articles of the brand and of its group come first. A list of an article without a brand, and one that would
be empty, then gets articles of other brands about the same topic, then the newest of the section and of all articles.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, and_, bindparam, literal, select, union_all

from newsapi.content.article_types import ArticleRow
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article, ListingEntry
from newsapi.related import index, term_statistics
from newsapi.related.near_duplicates import NearDuplicateFilter, Shingles
from newsapi.related.ranking import MIN_TOPIC_SIMILARITY, RankingReason, SimilarityScorer, rank_by_language
from newsapi.related.source import SourceArticle
from newsapi.related.stored_lists import RelatedItem
from newsapi.related.texts import load_texts
from newsapi.related.vectors import IdfWeights, term_labels
from newsapi.text.stemming import shingle_hashes

TOPIC_CANDIDATES: Final = 60
"""Articles of all brands that are compared with the source."""

REASON_NEW: Final[RankingReason] = {"kind": "fresh", "weight": 1.0, "terms": []}

EXTRA_CANDIDATES: Final = 4
"""Articles that are read beyond those needed, in place of some that are not public any more."""


class Filling(NamedTuple):
    """Articles to append to a list, when they and their facets changed, and the facets on which they depend."""

    records: list[ArticleRow]
    changed_at: set[datetime | None]
    facets: set[int]


def fill_list(
    connection: Connection,
    source: SourceArticle,
    shown: Sequence[ArticleRow],
    *,
    excluded_ids: Collection[UUID],
    excluded_slugs: Collection[str],
    limit: int,
) -> Filling:
    """Return the articles that fill a list up to `limit`.

    Args:
        connection: A read transaction.
        source: The article to which the list belongs.
        shown: The articles that are on the list already.
        excluded_ids: Articles that must not be appended.
        excluded_slugs: Slugs of articles that must not be appended.
        limit: Number of articles of the whole list.
    """
    filler = _Filler(
        connection,
        source,
        shown,
        excluded_ids={*excluded_ids, source.id},
        excluded_slugs=excluded_slugs,
        limit=limit,
    )
    if source.brand is not None:
        filler.append_newest_of_brand()
    if source.brand is None or not (shown or filler.records):
        filler.append_same_topic()
        filler.append_newest_of_section()
    return Filling(filler.records, filler.changed_at, filler.facets)


def make_duplicate_filter(connection: Connection) -> NearDuplicateFilter:
    """Return a filter that reads the texts of articles where their sketches do not decide."""

    def read_shingles(id_: UUID) -> Shingles:
        sources = load_texts(connection, [id_])
        return frozenset(shingle_hashes(sources[id_].text.whole)) if sources else frozenset()

    return NearDuplicateFilter(read_shingles)


def with_relation(record: ArticleRow, item: RelatedItem) -> ArticleRow:
    """Return the record of an article with its `relation`."""
    return {**record, "relation": {"score": item.score, "level": item.level, "reasons": item.reasons}}


class _Filler:
    """Appends articles to a list until it has `limit`, without near-duplicates of what is on it."""

    def __init__(
        self,
        connection: Connection,
        source: SourceArticle,
        shown: Sequence[ArticleRow],
        *,
        excluded_ids: set[UUID],
        excluded_slugs: Collection[str],
        limit: int,
    ) -> None:
        self.records: list[ArticleRow] = []
        self.changed_at: set[datetime | None] = set()
        self.facets: set[int] = set()
        self._connection, self._source = connection, source
        self._excluded_ids, self._excluded_slugs = excluded_ids, excluded_slugs
        self._room = limit - len(shown)
        self._weights = term_statistics.current_weights(connection) or IdfWeights(0, 0, {})
        self._duplicates = make_duplicate_filter(connection)
        listed_ids = [source.id, *(record["id"] for record in shown)]
        vectors = index.load_vectors(connection, listed_ids, self._weights)
        self._vector = vectors[source.id]
        for id_ in listed_ids:
            self._duplicates.add(id_, vectors[id_])

    def append_newest_of_brand(self) -> None:
        """Append the newest articles of the brand, those of the same section first, then those of its group."""
        source = self._source
        group = source.group or source.pool
        self.facets |= {source.pool, group}
        self.changed_at |= {source.pool_changed_at, source.group_changed_at}
        self._append_newest(source.pool, group, second_level="group")

    def append_same_topic(self) -> None:
        """Append the articles of other brands that are most similar to the source."""
        if not self._has_room():
            return
        self._follow_all_articles()
        scorer = SimilarityScorer(self._vector, self._weights)
        candidates = [
            candidate
            for candidate in index.find_candidates(
                self._connection, index.ALL_BRANDS, self._vector, self._weights, TOPIC_CANDIDATES
            )
            if candidate.id not in self._excluded_ids and scorer.similarity(candidate.profile) >= MIN_TOPIC_SIMILARITY
        ]
        if not candidates:
            return
        own, others = rank_by_language(
            self._vector,
            candidates,
            self._weights,
            labels=term_labels(load_texts(self._connection, [self._source.id])[self._source.id].text),
            duplicates=self._duplicates,
            limit=self._number_to_read(),
        )
        items = {one.id: RelatedItem(str(one.id), "topic", one.score, one.reasons) for one in (*own, *others)}
        self._append(self._read([*items]), items)

    def append_newest_of_section(self) -> None:
        """Append the newest articles of the section, of any brand, then the newest of all articles."""
        if not self._has_room():
            return
        source = self._source
        self._follow_all_articles()
        self._append_newest(source.section or source.all_articles, source.all_articles, second_level="recent")

    def _follow_all_articles(self) -> None:
        """Let the list depend on all articles: any of them may be listed."""
        self.facets.add(self._source.all_articles)
        self.changed_at.add(self._source.articles_changed_at)

    def _has_room(self) -> bool:
        return len(self.records) < self._room

    def _number_to_read(self) -> int:
        return self._room - len(self.records) + len(self._excluded_slugs) + EXTRA_CANDIDATES

    def _append_newest(self, facet: int, second_facet: int, *, second_level: str) -> None:
        """Append the newest articles of two facets: by language, by level, by time."""
        parameters = {"first": facet, "second": second_facet}
        parameters["rows"] = self._number_to_read() + len(self._excluded_ids)
        source, levels, others = self._source, dict[UUID, str](), set[UUID]()
        for id_, is_second, section, language in self._connection.execute(_NEWEST, parameters):
            is_same_section = section is not None and section == source.section_id
            level = second_level if is_second else "section" if is_same_section else "recent"
            if id_ not in self._excluded_ids:
                levels.setdefault(id_, level)
            if not _is_same_language(language, source.language):
                others.add(id_)
        ids = sorted(levels, key=lambda id_: (id_ in others, _LEVEL_ORDER[levels[id_]]))
        records = self._read(ids[: self._number_to_read()])
        vectors = index.load_vectors(self._connection, [record["id"] for record in records], self._weights)
        self._append(
            (record for record in records if self._duplicates.add(record["id"], vectors[record["id"]])),
            {id_: RelatedItem(str(id_), level, 0.0, [REASON_NEW]) for id_, level in levels.items()},
        )

    def _read(self, ids: Sequence[UUID]) -> list[ArticleRow]:
        """Return those of these articles that are public and may be appended."""
        page = article_queries.get_many(self._connection, ids)
        self.changed_at.add(page.changed_at)
        return [record for record in page.records if record["slug"] not in self._excluded_slugs]

    def _append(self, records: Iterable[ArticleRow], items: Mapping[UUID, RelatedItem]) -> None:
        for record in itertools.islice(records, self._room - len(self.records)):
            self.records.append(with_relation(record, items[record["id"]]))
            self._excluded_ids.add(record["id"])


def _is_same_language(language: str, other: str) -> bool:
    """Return whether two language tags name the same language, in any region or script."""
    return language.partition("-")[0] == other.partition("-")[0]


def _newest(facet: str, rank: int) -> Select[int, UUID, datetime]:
    newest = (
        select(ListingEntry.article_id, ListingEntry.published_at)
        .where(ListingEntry.facet_id == bindparam(facet))
        .order_by(ListingEntry.published_at.desc(), ListingEntry.article_id.desc())
        .limit(bindparam("rows"))
        .subquery(facet)
    )
    return select(literal(rank).label("rank"), *newest.c)


_EITHER = union_all(_newest("first", 0), _newest("second", 1)).subquery("either")
_NEWEST = (
    select(_EITHER.c.article_id, _EITHER.c.rank, Article.section_id, Article.language)
    .join(Article, and_(Article.id == _EITHER.c.article_id, is_visible()))
    .order_by(_EITHER.c.rank, _EITHER.c.published_at.desc(), _EITHER.c.article_id.desc())
)
_LEVEL_ORDER: Final = {"section": 0, "recent": 1, "group": 2}
