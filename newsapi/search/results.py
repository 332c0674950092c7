"""Results of a search: pages by rank or by time, counts, facet counts, and the articles of document ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypedDict
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, Select, literal, select

from newsapi.changelog.tables import ChangelogHead, Facet
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries.listings import MAX_EXACT_COUNT, Position, SortKey
from newsapi.content.queries.listings import ListQuery as ListQuestion
from newsapi.content.tables.articles import Article
from newsapi.content.tables.terms import Author, Brand, Section, Tag
from newsapi.db import compiled_queries, integer_lists
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import EPOCH, MICROSECOND, latest_time
from newsapi.search.index import to_microseconds
from newsapi.search.planner import SearchPlan
from newsapi.search.ranking import SCORE_SCALE, LoadedSegment, SegmentHits
from newsapi.search.segments import Array
from newsapi.search.tables import SearchDocument, SearchTokenSequence

MAX_CANDIDATES: Final = 2_000
"""Candidates that are checked for phrases, or for one page."""

MAX_FACET_VALUES: Final = 10
"""Values listed of a facet."""

FACET_KINDS: Final[dict[str, Any]] = {"brand": Brand, "section": Section, "author": Author, "tag": Tag, "format": Facet}

_BITS = 32
_SPARE = 8


class Hit(NamedTuple):
    """A matching article and its score from 0 to 1."""

    id: UUID
    score: float


class ResultPage(NamedTuple):
    """A page of ranked results, and the sort keys at which the next and the previous page start, None for no page."""

    hits: list[Hit]
    next: int | None
    prev: int | None


def ranked_page(
    connection: Connection, plan: SearchPlan, *, limit: int, after: int | None, backward: bool
) -> ResultPage:
    """Return a page of at most `limit` results, best first.

    The page starts after the sort key `after`, which is a score combined with a document id, or is the first page. With
    `backward` it is the page before this key. So a page costs the same at any depth.
    """
    keys = _keys(plan.results())
    if after is not None:
        keys = keys[keys > after] if backward else keys[keys < after]
    hits: list[tuple[int, UUID]] = []
    last: int | None = None
    for batch in _in_order(keys if backward else -keys, limit + 1 + _SPARE, MAX_CANDIDATES):
        hits += _present(connection, keys[batch], plan)
        last = int(keys[batch[-1]])
        if len(hits) > limit:
            break
    has_more = len(hits) > limit
    hits = hits[:limit]
    onward, homeward = None, None
    if has_more:
        onward = hits[-1][0]
    elif last is not None and _cut(keys, last, back=backward):
        onward = last
    if after is not None:
        homeward = hits[0][0] if hits else after
    if backward:
        hits = hits[::-1]
        onward, homeward = homeward, onward
    return ResultPage([Hit(id_, round((key >> _BITS) / SCORE_SCALE, 4)) for key, id_ in hits], onward, homeward)


def _cut(keys: Array, last: int, *, back: bool) -> bool:
    """Return whether there are keys beyond the last one that was read."""
    return bool(np.any(keys > last) if back else np.any(keys < last))


def _keys(hits: Sequence[SegmentHits]) -> Array:
    """Return a sort key for each match: the score in the upper 32 bits, the document id in the lower ones."""
    keys = [
        np.maximum(segment_hits.scores, 1).astype(np.int64) << _BITS
        | (segment_hits.offsets.astype(np.int64) + segment_hits.segment.first)
        for segment_hits in hits
    ]
    return np.concatenate(keys) if keys else np.empty(0, np.int64)


def _in_order(values: Array, size: int, limit: int) -> Iterator[Array]:
    """Iterate over indexes of values in ascending order of the values, in growing batches, up to `limit` or some more.

    Equal values are always in the same batch.

    Yields:
        Arrays of indexes.
    """
    remaining, yielded = np.arange(len(values)), 0
    while len(remaining) and yielded < limit:
        unread = values[remaining]
        if len(unread) > size:
            is_next = unread <= np.partition(unread, size - 1)[size - 1]
        else:
            is_next = np.ones(len(unread), bool)
        batch = remaining[np.flatnonzero(is_next)]
        yield batch[np.argsort(values[batch], kind="stable")]
        remaining = remaining[~is_next]
        yielded += len(batch)
        size *= 4


def _present(connection: Connection, keys: Array, plan: SearchPlan) -> list[tuple[int, UUID]]:
    """Return key and article id of the keys whose articles exist and match the phrases, in order."""
    mask = (1 << _BITS) - 1
    by_doc_id = {int(key) & mask: int(key) for key in keys}
    return [(by_doc_id[ref.number], ref.id) for ref in list_existing(connection, [*by_doc_id], plan)]


# --- sorted by time ---------------------------------------------------------------------------------------------------


def time_sorted_page(
    connection: Connection, plan: SearchPlan, query: ListQuestion, *, limit: int, wanted: Collection[str] = ()
) -> article_queries.ArticlePage:
    """Return a page of results sorted by time like a list; `wanted` are fields in addition to those of a summary."""
    sign = -1 if query.descending is not query.backward else 1
    doc_ids, times = _timed(plan.results(), query.key)
    if query.page_start is not None:
        is_ahead = sign * times >= sign * to_microseconds(query.page_start.position.sort_time)
        doc_ids, times = doc_ids[is_ahead], times[is_ahead]
    positions: list[Position] = []
    read_count, last_time = 0, 0
    for batch in _in_order(sign * times, limit + 1 + _SPARE, MAX_CANDIDATES):
        ids = [ref.id for ref in list_existing(connection, doc_ids[batch].tolist(), plan)]
        positions += _placed(connection, query, ids, backward=sign < 0)
        read_count, last_time = read_count + len(batch), int(times[batch[-1]])
        if len(positions) > limit:
            break
    end = positions[limit - 1] if len(positions) > limit else None
    if end is None and read_count < len(doc_ids):
        boundary_id = UUID(int=0 if sign < 0 else (1 << 128) - 1)
        end = Position(EPOCH + last_time * MICROSECOND, boundary_id)
    positions = positions[:limit]
    if query.backward:
        positions = positions[::-1]
    listed = article_queries.get_many(connection, [position.id for position in positions], wanted)
    onward, homeward = article_queries.adjacent_pages(query.page_start, positions, end)
    changed_at = latest_time({listed.changed_at, changelog_time(connection)})
    return listed._replace(changed_at=changed_at, next=onward, prev=homeward)


def _timed(hits: Sequence[SegmentHits], key: SortKey) -> tuple[Array, Array]:
    """Return the document ids of all matches, and their times in microseconds since 1970."""
    doc_ids = [segment_hits.offsets.astype(np.int64) + segment_hits.segment.first for segment_hits in hits]
    column = "published" if key == "published_at" else "updated"
    times = [getattr(segment_hits.segment.times(), column)[segment_hits.offsets] for segment_hits in hits]
    empty = np.empty(0, np.int64)
    return np.concatenate([empty, *doc_ids]), np.concatenate([empty, *times])


def _placed(connection: Connection, query: ListQuestion, ids: Sequence[UUID], *, backward: bool) -> list[Position]:
    """Return the sort positions of these articles in order, without those before the start of the page."""
    time = Article.published_at if query.key == "published_at" else Article.updated_at
    rows = connection.execute(select(time, Article.id).where(in_values(connection, Article.id, ids)))
    positions = sorted((Position(sort_time, id_) for sort_time, id_ in rows if sort_time is not None), reverse=backward)
    start = query.page_start
    if start is not None:
        is_ahead = start.position.__gt__ if backward else start.position.__lt__
        positions = [
            position for position in positions if is_ahead(position) or (start.inclusive and position == start.position)
        ]
    return positions


# --- counting ---------------------------------------------------------------------------------------------------------


def count_results(connection: Connection, plan: SearchPlan) -> int:
    """Return the number of results, counted up to MAX_EXACT_COUNT + 1."""
    hits = plan.results()
    if plan.is_text_only and sum(len(segment_hits.offsets) for segment_hits in hits) > 2 * MAX_EXACT_COUNT:
        return MAX_EXACT_COUNT + 1
    doc_ids, _ = _timed(hits, "published_at")
    batches = (doc_ids[start : start + MAX_EXACT_COUNT] for start in range(0, len(doc_ids), MAX_EXACT_COUNT))
    return len(_present_of(connection, plan, batches))


def _present_of(connection: Connection, plan: SearchPlan, batches: Iterable[Array]) -> Array:
    """Return the document ids whose articles exist and match, at most the first MAX_EXACT_COUNT + 1."""
    existing = np.empty(0, np.int64)
    for batch in batches:
        if plan.is_text_only:
            ids = batch[~np.isin(batch, deleted_numbers(connection, batch.tolist()))]
        else:
            ids = np.array([ref.number for ref in list_existing(connection, batch.tolist(), plan)], np.int64)
        existing = np.concatenate([existing, ids])[: MAX_EXACT_COUNT + 1]
        if len(existing) > MAX_EXACT_COUNT:
            break
    return existing


class FacetValue(TypedDict):
    """A value of a facet, and the number of results that have it."""

    slug: str
    name: str
    count: int


class FacetCounts(NamedTuple):
    """Counts of results by facet, largest first; not `exact` if only the newest results were counted."""

    facets: dict[str, list[FacetValue]]
    exact: bool


def facet_counts(connection: Connection, plan: SearchPlan, kinds: Collection[str]) -> FacetCounts:
    """Count the results by the facets of these kinds; the counts of a kind ignore the filter of the same kind.

    Returns:
        At most MAX_FACET_VALUES values of each kind with slug, name and count.
    """
    kinds_by_filter: dict[str | None, list[str]] = {}
    for kind in kinds:
        kinds_by_filter.setdefault(kind if kind in plan.question.filters else None, []).append(kind)
    values: dict[str, list[FacetValue]] = {}
    is_exact = True
    for without, filter_kinds in kinds_by_filter.items():
        counts, is_complete = _counted(connection, plan, plan.results(without=without))
        is_exact = is_exact and is_complete
        labels = facet_labels(connection, counts, filter_kinds)
        for kind, rows in labels.items():
            ordered = sorted(rows, key=lambda row: (-counts[row[0]], row[1]))[:MAX_FACET_VALUES]
            values[kind] = [{"slug": slug, "name": name, "count": counts[id_]} for id_, slug, name in ordered]
    return FacetCounts({kind: values[kind] for kind in kinds}, is_exact)


def _counted(connection: Connection, plan: SearchPlan, hits: Sequence[SegmentHits]) -> tuple[Counter[int], bool]:
    """Count the newest MAX_EXACT_COUNT results by facet, and return whether these are all results."""
    doc_ids, times = _timed(hits, "published_at")
    newest = _in_order(-times, MAX_EXACT_COUNT + 1 + _SPARE, len(times))
    existing = _present_of(connection, plan, (doc_ids[batch] for batch in newest))
    counted = existing[:MAX_EXACT_COUNT]
    counts: Counter[int] = Counter()
    for segment_hits in hits:
        segment = segment_hits.segment
        is_inside = (counted >= segment.first) & (counted < segment.first + segment.span)
        offsets = counted[is_inside] - segment.first
        if len(offsets):
            ids, numbers = np.unique(_facet_ids(segment, offsets), return_counts=True)
            for id_, number in zip(ids, numbers, strict=True):
                counts[int(id_)] += int(number)
    return counts, len(existing) <= MAX_EXACT_COUNT


def _facet_ids(segment: LoadedSegment, offsets: Array) -> Array:
    """Return the facet ids of all articles at these offsets of a segment, one after the other."""
    starts, ids = segment.facets()
    lengths = starts[offsets + 1].astype(np.int64) - starts[offsets]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    facet_ids: Array = ids[np.repeat(starts[offsets].astype(np.int64), lengths) + within]
    return facet_ids


# --- articles of document ids -----------------------------------------------------------------------------------------


class ResultRef(NamedTuple):
    """The document id and the id of an article in the results."""

    number: int
    id: UUID


@lru_cache(maxsize=8)
def _numbered(dialect: str, *, with_sequence: bool, exact: bool) -> Select[*tuple[Any, ...]]:
    """Build the statement that reads the articles of document ids; with `exact`, only those indexed as they are now."""
    columns: list[Any] = [SearchDocument.number, SearchDocument.article_id]
    if with_sequence:
        columns.append(SearchTokenSequence.content)
    statement: Select[*tuple[Any, ...]] = select(*columns)
    statement = statement.where(integer_lists.in_list(dialect, SearchDocument.number, "numbers"))
    if with_sequence:
        statement = statement.join(SearchTokenSequence, SearchTokenSequence.number == SearchDocument.number)
    if exact:
        is_current = (Article.id == SearchDocument.article_id) & (Article.version == SearchDocument.version)
        statement = statement.join(Article, is_current)
    return statement


def list_existing(connection: Connection, doc_ids: Sequence[int], plan: SearchPlan) -> list[ResultRef]:
    """Return the articles of those of these document ids that exist and match the phrases, in the given order."""
    if not doc_ids:
        return []
    phrase_filter, dialect = plan.phrase_filter, connection.dialect.name
    statement = _numbered(dialect, with_sequence=phrase_filter is not None, exact=plan.exact)
    parameters = {"numbers": integer_lists.bind_value(dialect, doc_ids)}
    rows = {row[0]: row for row in compiled_queries.fetch_rows(connection, statement, parameters)}
    return [
        ResultRef(number, rows[number][1])
        for number in doc_ids
        if number in rows and (phrase_filter is None or phrase_filter(rows[number][2]))
    ]


@lru_cache(maxsize=2)
def _missing(dialect: str) -> Select[int]:
    given = integer_lists.unnest(dialect, "numbers")
    # A scalar subquery, because PostgreSQL would turn EXISTS into a join and might read the whole table.
    existing = select(literal(1)).where(SearchDocument.number == given.c.value).limit(1).scalar_subquery()
    return select(given.c.value).where(existing.is_(None))


def deleted_numbers(connection: Connection, doc_ids: Sequence[int]) -> list[int]:
    """Return those of these document ids that no article has; the result is mostly empty, so this is fast."""
    dialect = connection.dialect.name
    parameters = {"numbers": integer_lists.bind_value(dialect, doc_ids)}
    return [number for (number,) in compiled_queries.fetch_rows(connection, _missing(dialect), parameters)]


@lru_cache(maxsize=16)
def _labels(dialect: str, kind: str) -> Select[*tuple[Any, ...]]:
    model = FACET_KINDS[kind]
    if model is Facet:
        statement = select(Facet.id, Facet.name, Facet.name).where(Facet.kind == kind)
        return statement.where(integer_lists.in_list(dialect, Facet.id, "ids"))
    return select(model.facet_id, model.slug, model.name).where(integer_lists.in_list(dialect, model.facet_id, "ids"))


def facet_labels(
    connection: Connection, ids: Collection[int], kinds: Iterable[str]
) -> dict[str, list[tuple[int, str, str]]]:
    """Return (id, slug, name) of those of these facets that are of each kind."""
    dialect = connection.dialect.name
    parameters = {"ids": integer_lists.bind_value(dialect, ids)}
    return {kind: compiled_queries.fetch_rows(connection, _labels(dialect, kind), parameters) for kind in kinds}


_LAST = select(ChangelogHead.committed_at)


def changelog_time(connection: Connection) -> datetime:
    """Return the time of the last change, since any change may add an article to a search or remove one."""
    [(changed_at,)] = compiled_queries.fetch_rows(connection, _LAST, {})
    return changed_at
