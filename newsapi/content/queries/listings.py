"""Queries for lists of articles: a scan of one facet in index order, with the other filters probed for each row.

A list with one filter reads as many rows as it returns, at any depth. With several filters, the filter with the fewest
articles is scanned and each of its rows is looked up in the other facets. Such a scan reads at most MAX_SCANNED_ROWS
rows. If they contain too few matches, the page is short and its cursor continues behind the last row read: no article
is skipped, and the cost of a request has a bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Literal, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    bindparam,
    func,
    select,
    tuple_,
    union,
)

from newsapi.content.queries.facets import FacetState, ReadSnapshot
from newsapi.content.queries.listing_conditions import find_in_facets, in_facets, is_any_of
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article, ListingEntry
from newsapi.db import compiled_queries
from newsapi.db.compiled_queries import RowSelect
from newsapi.db.types import Id, UtcDateTime
from newsapi.text.json_types import JsonObject

MAX_SCANNED_ROWS = 10_000
"""Largest number of rows that one page reads from the scanned facets."""

MAX_EXACT_COUNT = 10_000
"""Totals are exact up to this number."""

SortKey = Literal["published_at", "updated_at", "materially_updated_at"]
SORT_KEYS: tuple[SortKey, ...] = ("published_at", "updated_at", "materially_updated_at")


ListingColumn = ColumnElement[datetime] | ColumnElement[UUID]
"""A sort key or the article id of a listing entry."""


class Position(NamedTuple):
    """A position in a list: the value of the sort key, and the id as a tie-breaker."""

    sort_time: datetime
    id: UUID


class PageStart(NamedTuple):
    """Where a page starts: after a position, or before it (`backward`); with `inclusive`, at the position itself."""

    position: Position
    backward: bool = False
    inclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """The parameters of a list, except the filters that are facets.

    Attributes:
        key: The sort key.
        descending: Whether the list is sorted in descending order.
        published: Half-open range [from, until) of `published_at`.
        updated: Half-open range [from, until) of `updated_at`.
        ids: Ids of single articles, in the order of the list.
        slugs: Slugs of single articles.
        excluded_ids: Ids of articles that are left out.
        excluded_slugs: Present or former slugs of articles that are left out.
        page_start: Where the page starts; None for the first page.
    """

    key: SortKey = "published_at"
    descending: bool = True
    published: tuple[datetime | None, datetime | None] = (None, None)
    updated: tuple[datetime | None, datetime | None] = (None, None)
    ids: tuple[UUID, ...] | None = None
    slugs: tuple[str, ...] | None = None
    excluded_ids: tuple[UUID, ...] = ()
    excluded_slugs: tuple[str, ...] = ()
    page_start: PageStart | None = None

    @property
    def backward(self) -> bool:
        """Whether the page is read backward, from its end to its start."""
        return self.page_start is not None and self.page_start.backward

    def ranges(self) -> dict[str, datetime]:
        """Return the bounds of the ranges that are set, keyed by the parameter names of the statement."""
        bounds = {
            "published_at_from": self.published[0],
            "published_at_until": self.published[1],
            "updated_at_from": self.updated[0],
            "updated_at_until": self.updated[1],
        }
        return {name: value for name, value in bounds.items() if value is not None}


class _StatementKey(NamedTuple):
    """Everything that determines the SQL text of a statement; all other values are bound as parameters."""

    key: SortKey
    descending: bool
    scanned_count: int
    probed_count: int
    ranges: frozenset[str]
    named_by: Literal["ids", "slugs"] | None
    excludes_facets: bool
    excludes_articles: bool
    operator: Literal["<", "<=", ">", ">="] | None
    streamed: bool


class ListingPlan(NamedTuple):
    """A prepared statement for one page.

    Attributes:
        rows: Subquery of the rows: their sort key and `article_id`.
        order: The order of the rows.
        parameters: The parameters of the statement.
        shape: What the text of the statement was built from.
        may_be_cut: Whether the scan may reach its limit before the end of the list.
    """

    rows: FromClause
    order: tuple[ListingColumn, ...]
    parameters: JsonObject
    shape: _StatementKey
    may_be_cut: bool


def plan_listing(
    connection: Connection, snapshot: ReadSnapshot, query: ListQuery, *, rows: int, max_scanned: int | None = None
) -> ListingPlan | None:
    """Prepare the statement for a page of a list.

    Args:
        connection: The connection that will run the statement; its dialect decides the text.
        snapshot: The resolved filters.
        query: The other parameters of the list.
        rows: Largest number of articles to return.
        max_scanned: Largest number of rows to read from the scanned facets; None for MAX_SCANNED_ROWS.

    Returns:
        The plan, or None if the list is empty because a filter matches no facet.
    """
    groups = snapshot.groups
    if not all(groups):
        return None
    named = _named_by(query)
    scanned, probed = _split_filters(groups, snapshot.everything, scans=named is None)
    ranges = _ranges(query)
    shape = _StatementKey(
        query.key,
        query.descending is not query.backward,
        len(scanned),
        len(probed),
        frozenset(ranges),
        named,
        bool(snapshot.excluded),
        bool(query.excluded_ids or query.excluded_slugs),
        _operator(query),
        streamed=connection.dialect.name == "sqlite" and len(scanned) == 1,
    )
    is_filtered = bool(shape.probed_count or shape.excludes_facets or shape.ranges - _on_key(shape))
    rows_per_facet = rows + len(query.excluded_ids) + len(query.excluded_slugs)
    if is_filtered:  # otherwise every scanned row is an article of the page, or one of those that are left out
        rows_per_facet = max(rows, (MAX_SCANNED_ROWS if max_scanned is None else max_scanned) // max(len(scanned), 1))
    parameters: JsonObject = {
        **ranges,
        **{f"walked_{i}": facet.id for i, facet in enumerate(scanned)},
        **{f"looked_up_{i}": [facet.id for facet in group] for i, group in enumerate(probed)},
        "rows": rows,
        "scan": rows_per_facet,
    }
    if shape.excludes_facets:
        parameters["excluded_facets"] = [facet.id for facet in snapshot.excluded]
    if shape.excludes_articles:
        parameters |= {"excluded_ids": query.excluded_ids, "excluded_slugs": query.excluded_slugs}
    if named:
        parameters["named"] = query.ids if named == "ids" else query.slugs
    if query.page_start:
        parameters |= {"at": query.page_start.position.sort_time, "id": query.page_start.position.id}
    source, order = _page_rows(shape)
    may_be_cut = is_filtered and any(facet.article_count >= rows_per_facet for facet in scanned)
    return ListingPlan(source, order, parameters, shape, may_be_cut)


def _named_by(query: ListQuery) -> Literal["ids", "slugs"] | None:
    """Tell whether the request names single articles, by their ids (which take precedence) or slugs."""
    if query.ids is not None:
        return "ids"
    return "slugs" if query.slugs is not None else None


def _split_filters(
    groups: Sequence[Sequence[FacetState]], everything: FacetState, *, scans: bool
) -> tuple[Sequence[FacetState], Sequence[Sequence[FacetState]]]:
    """Return the filter to scan, which is the one with the fewest articles, and the filters to probe.

    Without filters the facet of all articles is scanned. Without a scan, every filter is probed.
    """
    by_size = sorted(groups, key=lambda group: sum(facet.article_count for facet in group))
    if not scans:
        return (), by_size
    if not by_size:
        return [everything], []
    return by_size[0], by_size[1:]


def page_end(
    connection: Connection, plan: ListingPlan, positions: Sequence[Position], *, limit: int
) -> Position | None:
    """Return where a page ends and the next one starts.

    A scan that reaches its limit before the page is full ends the page at the last row read. Where several facets were
    scanned, the one that was cut off first decides: what the others returned beyond that row may be incomplete.

    Args:
        connection: The connection the page was read with.
        plan: The plan of the page, for `limit + 1` rows.
        positions: The positions of the rows that the plan returned, in order.
        limit: Largest number of articles on the page.

    Returns:
        The position of the last article (or scanned row) of the page, or None at the end of the list.
    """
    ends = [positions[limit - 1]] if len(positions) > limit else []
    if plan.may_be_cut and (not ends or plan.shape.scanned_count > 1):
        parameters = {**plan.parameters, "scan": 1, "skipped": plan.parameters["scan"] - 1}
        ends += [Position(*row) for row in connection.execute(_last_read(plan.shape), parameters)]
    return (max if plan.shape.descending else min)(ends, default=None)


def read_positions(connection: Connection, plan: ListingPlan) -> list[Position]:
    """Return the positions of the rows of a plan, in order."""
    rows = compiled_queries.fetch_rows(connection, _positions(plan.shape), plan.parameters)
    return [Position(sort_time, id_) for id_, sort_time in rows]


def count_articles(connection: Connection, snapshot: ReadSnapshot, query: ListQuery) -> int:
    """Count the articles of the whole list, up to MAX_EXACT_COUNT + 1."""
    whole_list = plan_listing(
        connection, snapshot, replace(query, page_start=None), rows=MAX_EXACT_COUNT + 1, max_scanned=1 << 31
    )
    if whole_list is None:
        return 0
    total: int = connection.execute(_count(whole_list.shape), whole_list.parameters).scalar_one()
    return total


def _operator(query: ListQuery) -> Literal["<", "<=", ">", ">="] | None:
    if query.page_start is None:
        return None
    if query.descending is not query.backward:
        return "<=" if query.page_start.inclusive else "<"
    return ">=" if query.page_start.inclusive else ">"


def _ranges(query: ListQuery) -> dict[str, datetime]:
    """Return the bounds of the ranges that the statement has to compare.

    Once a page starts at a position, the bound on the side the list comes from is redundant. It would even be harmful:
    SQLite seeks to one bound of an index, and if it chooses that of the range it reads all pages before this one again.
    """
    ranges = query.ranges()
    if query.page_start:
        start, is_descending = query.page_start.position.sort_time, query.descending is not query.backward
        passed = f"{query.key}_{'until' if is_descending else 'from'}"
        if passed in ranges and (start < ranges[passed] if is_descending else start >= ranges[passed]):
            del ranges[passed]
    return ranges


def _on_key(shape: _StatementKey) -> set[str]:
    return {f"{shape.key}_from", f"{shape.key}_until"}


@lru_cache(maxsize=1024)
def _page_rows(shape: _StatementKey) -> tuple[FromClause, tuple[ListingColumn, ...]]:
    source = _articles_named(shape) if shape.named_by else _scanned_rows(shape)
    conditions = [
        in_facets(source.c.published_at, source.c.article_id, f"looked_up_{i}") for i in range(shape.probed_count)
    ]
    if shape.excludes_facets:
        conditions.append(find_in_facets(source.c.published_at, source.c.article_id, "excluded_facets").is_(None))
    if shape.excludes_articles:
        ids: BindParameter[UUID] = bindparam("excluded_ids", expanding=True)
        slugs: BindParameter[str] = bindparam("excluded_slugs", expanding=True)
        conditions.append(~is_any_of(source.c.article_id, ids, slugs))
    conditions += _within(source, shape.ranges if shape.named_by else shape.ranges - _on_key(shape))
    if shape.named_by and shape.operator:
        conditions.append(_after_page_start(source, shape))
    statement = select(*_columns(source, shape)).where(*conditions)
    # SQLite streams the rows of a single scan in order; an ORDER BY would make it read all of them to sort them.
    if not shape.streamed:
        statement = statement.order_by(*_order(source, shape))
    page = statement.limit(bindparam("rows")).subquery("page")
    return page, _order(page, shape)


@lru_cache(maxsize=1024)
def _positions(shape: _StatementKey) -> Select[UUID, datetime]:
    page, order = _page_rows(shape)
    return select(page.c.article_id, page.c[shape.key]).order_by(*order)


@lru_cache(maxsize=256)
def _count(shape: _StatementKey) -> Select[int]:
    page, _ = _page_rows(shape)
    return select(func.count()).select_from(page)


@lru_cache(maxsize=256)
def _last_read(shape: _StatementKey) -> RowSelect:
    """Select the last row read from each scanned facet that was cut off."""
    branches = [
        _branch(shape, i).offset(bindparam("skipped", type_=Integer())).subquery(f"cut_{i}")
        for i in range(shape.scanned_count)
    ]
    rows = union(*(select(branch.c[shape.key], branch.c.article_id) for branch in branches)).subquery("cut")
    return select(rows)


def _scanned_rows(shape: _StatementKey) -> FromClause:
    if shape.scanned_count == 1:
        return _branch(shape, 0).subquery("walked")
    # UNION, not UNION ALL: an article may be in several of the facets, with the same sort key.
    branches = [_branch(shape, i).subquery(f"walked_{i}") for i in range(shape.scanned_count)]
    return union(*(select(branch) for branch in branches)).subquery("walked")


def _branch(shape: _StatementKey, i: int) -> RowSelect:
    """Select the rows of one facet in order from the position on: one range of an index, limited to `scan` rows."""
    row = ListingEntry.__table__.alias(f"row_{i}")
    conditions = [row.c.facet_id == bindparam(f"walked_{i}")]
    conditions += _within(row, shape.ranges & _on_key(shape))
    if shape.operator:
        conditions.append(_after_page_start(row, shape))
    statement = select(*_columns(row, shape)).where(*conditions)
    return statement.order_by(*_order(row, shape)).limit(bindparam("scan"))


def _columns(source: FromClause, shape: _StatementKey) -> list[ListingColumn]:
    """Return only the columns that the list needs, so that an index covers them."""
    needed = {"published_at", "article_id", shape.key}
    needed |= {name.rpartition("_")[0] for name in shape.ranges}
    return [source.c[name] for name in (*SORT_KEYS, "article_id") if name in needed]


def _articles_named(shape: _StatementKey) -> FromClause:
    column = Article.id if shape.named_by == "ids" else Article.slug
    statement = select(*(getattr(Article, key) for key in SORT_KEYS), Article.id.label("article_id"))
    return statement.where(column.in_(bindparam("named", expanding=True)), is_visible()).subquery("named")


def _within(source: FromClause, ranges: frozenset[str]) -> list[ColumnElement[bool]]:
    conditions = []
    for key in SORT_KEYS:
        if f"{key}_from" in ranges:
            conditions.append(source.c[key] >= bindparam(f"{key}_from", type_=UtcDateTime()))
        if f"{key}_until" in ranges:
            conditions.append(source.c[key] < bindparam(f"{key}_until", type_=UtcDateTime()))
    return conditions


def _after_page_start(source: FromClause, shape: _StatementKey) -> ColumnElement[bool]:
    """Compare (key, id) with the position as one row value, so that it is one range of the index."""
    row_position = tuple_(source.c[shape.key], source.c.article_id)
    page_start = tuple_(bindparam("at", type_=UtcDateTime()), bindparam("id", type_=Id()))
    return row_position.bool_op(shape.operator or "<")(page_start)


def _order(source: FromClause, shape: _StatementKey) -> tuple[ListingColumn, ...]:
    columns = (source.c[shape.key], source.c.article_id)
    return tuple(column.desc() if shape.descending else column.asc() for column in columns)
