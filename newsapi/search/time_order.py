"""Results in the order of a list: by a time, and by id where times are equal."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection
from tantivy import DocAddress, Order, Query, Searcher

from newsapi.content.article_types import ArticleRow
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries.articles import ArticlePage
from newsapi.content.queries.listings import ListQuery, PageStart, Position
from newsapi.db.types import EPOCH, MICROSECOND
from newsapi.search.freshness import IndexView
from newsapi.search.index_queries import IndexQuery, range_condition
from newsapi.search.index_schema import PUBLISHED, UPDATED, read_ids, to_microseconds

_SPARE: Final = 8
_GROWTH: Final = 8


def time_sorted_page(
    connection: Connection,
    view: IndexView,
    query: IndexQuery,
    list_query: ListQuery,
    *,
    limit: int,
    wanted: Collection[str] = (),
) -> ArticlePage:
    """Return a page of results in the order of a list.

    Args:
        connection: A read transaction.
        view: The index.
        query: The search.
        list_query: The order of the list, and where the page starts.
        limit: Number of articles on the page.
        wanted: Fields in addition to those of a summary.
    """
    page = positions_page(view.searcher, query, list_query, limit=limit)
    positions = page.positions
    listed = article_queries.get_many(connection, [position.id for position in positions], wanted)
    indexed_times = {position.id: position.sort_time for position in positions}
    records = [
        record
        for record in listed.records
        if is_current(record, list_query) and record[list_query.key] == indexed_times[record["id"]]
    ]
    return ArticlePage(records, listed.changed_at, page.next, page.prev)


class PositionsPage(NamedTuple):
    """The positions of a page of results, and where the pages on either side start; None for no page."""

    positions: list[Position]
    next: PageStart | None
    prev: PageStart | None


def positions_page(searcher: Searcher, query: IndexQuery, list_query: ListQuery, *, limit: int) -> PositionsPage:
    """Return the positions of a page of results in the order of a list."""
    positions = _positions(searcher, query, list_query, limit + 1)
    end = positions[limit - 1] if len(positions) > limit else None
    positions = positions[:limit]
    if list_query.backward:
        positions = positions[::-1]
    return PositionsPage(positions, *article_queries.adjacent_pages(list_query.page_start, positions, end))


def is_current(record: ArticleRow, list_query: ListQuery) -> bool:
    """Return whether the times of an article are in the ranges of a list.

    While an import is indexed, the index has former times of articles that it changed.
    """
    published, updated = record["published_at"], record["updated_at"]
    return _is_within(published, list_query.published) and _is_within(updated, list_query.updated)


def _is_within(time: datetime | None, bounds: tuple[datetime | None, datetime | None]) -> bool:
    start, end = bounds
    return time is not None and (start is None or time >= start) and (end is None or time < end)


def _positions(searcher: Searcher, query: IndexQuery, list_query: ListQuery, count: int) -> list[Position]:
    """Return the first `count` positions, or some more, from the start of the page on in the direction of reading."""
    key = PUBLISHED if list_query.key == "published_at" else UPDATED
    descending = list_query.descending is not list_query.backward
    matching = query.matching(more=_from_start(key, list_query, descending=descending))
    size = count + _SPARE
    while True:
        order = Order.Desc if descending else Order.Asc
        hits = searcher.search(matching, size, count=False, order_by_field=key, order=order).hits
        positions = _read_positions(searcher, hits)
        is_complete = len(hits) < size
        if not is_complete:  # more documents may have the time of the last one
            positions = [position for position in positions if position.sort_time != positions[-1].sort_time]
        ahead = [position for position in positions if _is_ahead(position, list_query, descending=descending)]
        if is_complete or len(ahead) >= count:
            return sorted(ahead, reverse=descending)
        size *= _GROWTH


def _read_positions(searcher: Searcher, hits: Collection[tuple[int, DocAddress]]) -> list[Position]:
    addresses = [address for _, address in hits]
    ids = read_ids(searcher, addresses)
    return [Position(EPOCH + time * MICROSECOND, UUID(int=id_)) for (time, _), id_ in zip(hits, ids, strict=True)]


def _from_start(key: str, list_query: ListQuery, *, descending: bool) -> list[Query]:
    """Return the condition that a document is not before the page, as far as its time says."""
    if list_query.page_start is None:
        return []
    time = to_microseconds(list_query.page_start.position.sort_time)
    return [range_condition(key, None, time + 1) if descending else range_condition(key, time, None)]


def _is_ahead(position: Position, list_query: ListQuery, *, descending: bool) -> bool:
    start = list_query.page_start
    if start is None or (start.inclusive and position == start.position):
        return True
    return position < start.position if descending else position > start.position
