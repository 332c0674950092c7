"""Queries for public articles: one page of a list, or one article by slug or id."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    Connection,
    FromClause,
    bindparam,
    case,
    null,
    select,
    union_all,
)

from newsapi.changelog.tables import ChangelogHead
from newsapi.content.article_types import ArticleRow
from newsapi.content.queries import listings
from newsapi.content.queries.article_rows import (
    SUMMARY_NAMES,
    Selection,
    base_statement,
    build_records,
    select_for,
)
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.queries.listings import ListingColumn, ListingPlan, ListQuery, PageStart, Position
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import (
    Article,
    SlugRedirect,
)
from newsapi.db import compiled_queries
from newsapi.db.compiled_queries import RowSelect
from newsapi.db.types import EPOCH, latest_time
from newsapi.errors import MigrationsPending, NoLongerPublic, NotFound, Renamed
from newsapi.text.slugs import is_uuid


class ArticlePage(NamedTuple):
    """One page of a list of articles.

    Attributes:
        records: The articles, in the order of the list.
        changed_at: When an article or term on the page last changed.
        next: Where the next page starts; None on the last page.
        prev: Where the previous page starts; None on the first page.
        facets: Facets the articles were selected from although the request does not name them.
    """

    records: list[ArticleRow]
    changed_at: datetime | None = None
    next: PageStart | None = None
    prev: PageStart | None = None
    facets: frozenset[int] = frozenset()


class ArticleRef(NamedTuple):
    """The id of an article, and the head of the changelog at the time of the read."""

    seq: int
    nonce: int
    id: UUID


class IdPage(NamedTuple):
    """One page of a list of articles, as their ids.

    Attributes:
        ids: The ids, in the order of the list.
        next: Where the next page starts; None on the last page.
        prev: Where the previous page starts; None on the first page.
    """

    ids: Sequence[UUID]
    next: PageStart | None = None
    prev: PageStart | None = None


def list_page(
    connection: Connection, snapshot: ReadSnapshot, query: ListQuery, *, limit: int, fields: Collection[str] = ()
) -> ArticlePage:
    """Return one page of the list, with the requested `fields` in addition to those of the summary."""
    if query.ids is not None:
        return _page_of_ids(connection, snapshot, query, query.ids, limit=limit, fields=fields)
    plan = listings.plan_listing(connection, snapshot, query, rows=limit + 1)
    if plan is None:
        return ArticlePage([])
    statement = _page_statement(select_for(fields), plan.rows, plan.order)
    rows = compiled_queries.fetch_rows(connection, statement, plan.parameters)
    key = SUMMARY_NAMES.index(query.key)
    page = _cut_page(connection, plan, query, [Position(row[key], row[0]) for row in rows], limit)
    rows_by_id = {row[0]: row for row in rows}
    records, changed_at = build_records(connection, [rows_by_id[id_] for id_ in page.ids], fields)
    return ArticlePage(records, changed_at, page.next, page.prev)


def list_ids(connection: Connection, snapshot: ReadSnapshot, query: ListQuery, *, limit: int) -> IdPage:
    """Return one page of the list as ids, which one index has; not for a list of ids."""
    plan = listings.plan_listing(connection, snapshot, query, rows=limit + 1)
    if plan is None:
        return IdPage([])
    return _cut_page(connection, plan, query, listings.read_positions(connection, plan), limit)


def _cut_page(
    connection: Connection, plan: ListingPlan, query: ListQuery, positions: Sequence[Position], limit: int
) -> IdPage:
    """Return the page of a list from the rows of its plan, which may be more."""
    page_end = listings.page_end(connection, plan, positions, limit=limit)
    if page_end is not None:
        positions = positions[: _count_within(positions, page_end, descending=plan.shape.descending)]
    if query.backward:
        positions = positions[::-1]
    return IdPage([position.id for position in positions], *adjacent_pages(query.page_start, positions, page_end))


def _count_within(positions: Sequence[Position], page_end: Position, *, descending: bool) -> int:
    """Count the positions that lie before the end of the page or at it."""
    if descending:
        return sum(position >= page_end for position in positions)
    return sum(position <= page_end for position in positions)


def _page_of_ids(
    connection: Connection,
    snapshot: ReadSnapshot,
    query: ListQuery,
    ids: tuple[UUID, ...],
    *,
    limit: int,
    fields: Collection[str],
) -> ArticlePage:
    """Return a page of articles that the request names by id, in the order of the ids.

    There are few ids, so all of them are looked up and the page is cut afterwards.
    """
    plan = listings.plan_listing(connection, snapshot, replace(query, page_start=None), rows=len(ids))
    if plan is None:
        return ArticlePage([])
    statement = _page_statement(select_for(fields), plan.rows, plan.order)
    rows = {row[0]: row for row in compiled_queries.fetch_rows(connection, statement, plan.parameters)}
    remaining = _ids_from(query.page_start, ids, rows)
    page_ids = remaining[:limit]
    page_end = Position(EPOCH, page_ids[-1]) if len(remaining) > limit else None
    if query.backward:
        page_ids.reverse()
    records, changed_at = build_records(connection, [rows[id_] for id_ in page_ids], fields)
    next_start, prev_start = adjacent_pages(query.page_start, [Position(EPOCH, id_) for id_ in page_ids], page_end)
    return ArticlePage(records, changed_at, next_start, prev_start)


def _ids_from(page_start: PageStart | None, ids: Sequence[UUID], existing: Container[UUID]) -> list[UUID]:
    """Return the existing ids from the start of the page on, in the direction of reading."""
    candidates = [id_ for id_ in ids if id_ in existing]
    if page_start is None:
        return candidates
    index_of = {id_: index for index, id_ in enumerate(ids)}
    start = index_of.get(page_start.position.id, -1)
    at_start = [id_ for id_ in candidates if index_of[id_] == start and page_start.inclusive]
    if page_start.backward:
        return at_start + [id_ for id_ in reversed(candidates) if index_of[id_] < start]
    return at_start + [id_ for id_ in candidates if index_of[id_] > start]


def adjacent_pages(
    page_start: PageStart | None, positions: Sequence[Position], page_end: Position | None
) -> tuple[PageStart | None, PageStart | None]:
    """Compute where the pages on either side of a page start.

    In the direction of reading another page follows if there is a `page_end`. In the opposite direction there is a page
    if this page had a start. An empty page links back to its own start, inclusive: the article there belongs to the
    page before.

    Args:
        page_start: Where this page starts; None for the first page.
        positions: The positions of the articles on this page, in the order of the list.
        page_end: Where this page ends; None at the end of the list.

    Returns:
        The starts of the next and of the previous page; None where there is no page.
    """
    ahead = PageStart(page_end, backward=page_start is not None and page_start.backward) if page_end else None
    if page_start is None:
        return ahead, None
    behind = (
        PageStart(positions[-1 if page_start.backward else 0], not page_start.backward)
        if positions
        else PageStart(page_start.position, not page_start.backward, inclusive=True)
    )
    return (behind, ahead) if page_start.backward else (ahead, behind)


def get_many(
    connection: Connection, ids: Sequence[UUID], fields: Collection[str] = (), *, include_unpublished: bool = False
) -> ArticlePage:
    """Return the public articles among `ids`, in that order; with `include_unpublished`, articles of any status."""
    statement = _ids_statement(select_for(fields), include_unpublished=include_unpublished)
    rows = {row[0]: row for row in compiled_queries.fetch_rows(connection, statement, {"ids": ids})}
    ordered = [rows[id_] for id_ in dict.fromkeys(ids) if id_ in rows]
    records, changed_at = build_records(connection, ordered, fields)
    return ArticlePage(records, changed_at)


def get_summaries(connection: Connection, ids: Sequence[UUID]) -> Iterator[tuple[ArticleRow, datetime | None]]:
    """Yield the public articles among `ids` in any order, each with the time when it or a term on it last changed."""
    for row in compiled_queries.fetch_rows(
        connection, _ids_statement(select_for(()), include_unpublished=False), {"ids": ids}
    ):
        (record,), changed_at = build_records(connection, [row], ())
        yield record, changed_at


def get_public(connection: Connection, slug_or_id: str | UUID) -> ArticleRef:
    """Return the public article with this slug or id.

    An unpublished article costs the same statements as a missing one, so that the duration does not reveal it.

    Raises:
        NoLongerPublic: The article was public and was withdrawn.
        Renamed: This is a former slug of a public article.
        NotFound: There is no such article, or it was never public.
        MigrationsPending: The changelog has no head row.
    """
    rows = compiled_queries.fetch_rows(
        connection, _FIND_ID if isinstance(slug_or_id, UUID) else _FIND_SLUG, {"name": slug_or_id}
    )
    if not rows:
        raise MigrationsPending
    seq, nonce, id_, status, withdrawal = rows[0]
    if status == "published":
        return ArticleRef(seq, nonce, id_)
    if withdrawal is None and isinstance(slug_or_id, str):
        former = connection.execute(_FIND_FORMER, {"name": slug_or_id}).one_or_none()
        if former is not None and former.status == "published":
            raise Renamed(former.slug, former.id, seq=seq)
        id_, withdrawal = (former.id, former.withdrawal) if former is not None else (id_, None)
    raise NoLongerPublic(withdrawal, id_, seq=seq) if withdrawal else NotFound(seq=seq)


def get_any(connection: Connection, slug_or_id: str | UUID) -> ArticleRef:
    """Return the article with this slug, former slug or id, whatever its status.

    Raises:
        NotFound: There is no such article.
        MigrationsPending: The changelog has no head row.
    """
    row = connection.execute(
        _FIND_ID if isinstance(slug_or_id, UUID) else _FIND_SLUG, {"name": slug_or_id}
    ).one_or_none()
    if row is None:
        raise MigrationsPending
    seq, nonce = row[:2]
    id_: UUID | None = row[2]  # the article is joined by an outer join
    if id_ is None and isinstance(slug_or_id, str):
        id_ = connection.execute(_FIND_FORMER, {"name": slug_or_id}).scalar()
    if id_ is None:
        raise NotFound(seq=seq)
    return ArticleRef(seq, nonce, id_)


def resolve_names(connection: Connection, names: Collection[str]) -> tuple[dict[str, UUID], datetime | None]:
    """Resolve slugs, former slugs and ids to public articles.

    Returns:
        The ids of the public articles, keyed by the given name; and when any article with one of the names last
        changed, withdrawn articles included.
    """
    ids_by_name: dict[str, UUID] = {}
    change_times: set[datetime | None] = set()
    sorted_names = sorted(names)
    for start in range(0, len(sorted_names), MAX_NAMES_PER_QUERY):
        batch = sorted_names[start : start + MAX_NAMES_PER_QUERY]
        slugs = [name for name in batch if not is_uuid(name)]
        ids = [UUID(name) for name in batch if is_uuid(name)]
        for slug, id_, is_public, changed_at in connection.execute(_NAMED, {"slugs": slugs, "ids": ids}):
            change_times.add(changed_at)
            if is_public:
                ids_by_name[slug or str(id_)] = id_
    return ids_by_name, latest_time(change_times)


MAX_NAMES_PER_QUERY = 1_000
"""Largest number of names bound to one statement."""

_NAME_COLUMNS = (Article.id, case((is_visible(), 1), else_=0), Article.changed_at)
_SLUGS: BindParameter[str] = bindparam("slugs", expanding=True)
_NAMED = union_all(
    select(Article.slug, *_NAME_COLUMNS).where(Article.slug.in_(_SLUGS)),
    select(SlugRedirect.slug, *_NAME_COLUMNS)
    .join(SlugRedirect, SlugRedirect.subject_id == Article.id)
    .where(SlugRedirect.kind == "article", SlugRedirect.slug.in_(_SLUGS)),
    select(null(), *_NAME_COLUMNS).where(Article.id.in_(bindparam("ids", expanding=True))),
)


_FIND = select(ChangelogHead.seq, ChangelogHead.nonce, Article.id, Article.status, Article.withdrawal).select_from(
    ChangelogHead
)
_FIND_SLUG = _FIND.outerjoin(Article, Article.slug == bindparam("name"))
_FIND_ID = _FIND.outerjoin(Article, Article.id == bindparam("name"))
_FIND_FORMER = (
    select(Article.id, Article.slug, Article.status, Article.withdrawal)
    .join(SlugRedirect, SlugRedirect.subject_id == Article.id)
    .where(SlugRedirect.kind == "article", SlugRedirect.slug == bindparam("name"))
)


@lru_cache(maxsize=1024)
def _page_statement(selection: Selection, rows: FromClause, order: tuple[ListingColumn, ...]) -> RowSelect:
    """Return the statement of a page from the subquery of its rows and their order."""
    return base_statement(selection).join(rows, rows.c.article_id == Article.id).order_by(*order)


@lru_cache(maxsize=16)
def _ids_statement(selection: Selection, *, include_unpublished: bool) -> RowSelect:
    statement = base_statement(selection, include_unpublished=include_unpublished)
    return statement.where(Article.id.in_(bindparam("ids", expanding=True)))
