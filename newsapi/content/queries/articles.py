"""Queries for public articles: one page of a list, or one article by slug or id."""

from __future__ import annotations

from collections.abc import Collection, Container, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    bindparam,
    case,
    null,
    select,
    union_all,
)

from newsapi.changelog.tables import ChangelogHead
from newsapi.content.queries import listings
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.queries.listings import ListQuery, PageStart, Position
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import (
    Article,
    ArticleAuthor,
    ArticleContent,
    ArticleMention,
    ArticleTag,
    SlugRedirect,
)
from newsapi.content.tables.terms import Author, Brand, Section, Tag
from newsapi.db import compiled_queries
from newsapi.db.sql_functions import greatest_time, json_rows
from newsapi.db.types import EPOCH, decode_instant, latest_time
from newsapi.errors import MigrationsPending, NoLongerPublic, NotFound, Renamed
from newsapi.text.slugs import is_uuid

Record = dict[str, Any]
"""An article keyed by the field names of its schema; URLs and fields derived from others are not included yet."""

LINKS: dict[str, tuple[Any, Any, Any]] = {
    "authors": (ArticleAuthor, ArticleAuthor.author_id, Author),
    "mentions": (ArticleMention, ArticleMention.brand_id, Brand),
    "tags": (ArticleTag, ArticleTag.tag_id, Tag),
}


class ArticlePage(NamedTuple):
    """One page of a list of articles.

    Attributes:
        records: The articles, in the order of the list.
        changed_at: When an article or term on the page last changed.
        next: Where the next page starts; None on the last page.
        prev: Where the previous page starts; None on the first page.
        facets: Facets the articles were selected from although the request does not name them.
    """

    records: list[Record]
    changed_at: datetime | None = None
    next: PageStart | None = None
    prev: PageStart | None = None
    facets: frozenset[int] = frozenset()


class ArticleRef(NamedTuple):
    """The id of an article, and the head of the changelog at the time of the read."""

    seq: int
    nonce: int
    id: UUID


_SUMMARY = (
    Article.id,
    Article.slug,
    Article.headline,
    Article.standfirst,
    Article.format,
    Article.language,
    Article.image,
    Article.published_at,
    Article.published_precision,
    Article.updated_at,
    Article.materially_updated_at,
    Article.word_count,
    Article.status,
    Article.version,
    Article.seq,
)
_TERM_COLUMNS = (Brand.slug, Brand.name, Section.slug, Section.name)
_CHANGED = greatest_time(Article.changed_at, Brand.changed_at, Section.changed_at)
_DETAIL = (
    ArticleContent.body_html,
    ArticleContent.canonical_url,
    ArticleContent.source,
    ArticleContent.media,
    ArticleContent.corrections,
    ArticleContent.rights,
    ArticleContent.seo,
    ArticleContent.translation_group,
)
# Offsets in a row: brand and section start at _N, the latest change is at _S, links of terms start at _C.
_N, _S, _C = len(_SUMMARY), len(_SUMMARY) + len(_TERM_COLUMNS), len(_SUMMARY) + len(_TERM_COLUMNS) + 1
_SUMMARY_NAMES = tuple(column.key for column in _SUMMARY)
_DETAIL_NAMES = tuple(column.key for column in _DETAIL)
DETAIL_FIELDS = frozenset(_DETAIL_NAMES) | {"body_text", "translations"}
"""Fields stored in the content row only, which is joined when one of them is requested."""


def list_page(
    connection: Connection, snapshot: ReadSnapshot, query: ListQuery, *, limit: int, fields: Collection[str] = ()
) -> ArticlePage:
    """Return one page of the list, with the requested `fields` in addition to those of the summary."""
    if query.ids is not None:
        return _page_of_ids(connection, snapshot, query, query.ids, limit=limit, fields=fields)
    plan = listings.plan_listing(connection, snapshot, query, rows=limit + 1)
    if plan is None:
        return ArticlePage([])
    statement = _page_statement(plan.rows, plan.order, _select_for(fields))
    rows = compiled_queries.fetch_rows(connection, statement, plan.parameters)
    key = _SUMMARY_NAMES.index(query.key)
    positions = [Position(row[key], row[0]) for row in rows]
    page_end = listings.page_end(connection, plan, positions, limit=limit)
    if page_end is not None:
        kept = _count_within(positions, page_end, descending=plan.shape.descending)
        rows, positions = rows[:kept], positions[:kept]
    if query.backward:
        rows, positions = rows[::-1], positions[::-1]
    records, changed_at = _records(connection, rows, fields)
    next_start, prev_start = adjacent_pages(query.page_start, positions, page_end)
    return ArticlePage(records, changed_at, next_start, prev_start)


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
    statement = _page_statement(plan.rows, plan.order, _select_for(fields))
    rows = {row[0]: row for row in compiled_queries.fetch_rows(connection, statement, plan.parameters)}
    remaining = _ids_from(query.page_start, ids, rows)
    page_ids = remaining[:limit]
    page_end = Position(EPOCH, page_ids[-1]) if len(remaining) > limit else None
    if query.backward:
        page_ids.reverse()
    records, changed_at = _records(connection, [rows[id_] for id_ in page_ids], fields)
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
    page_start: PageStart | None, positions: list[Position], page_end: Position | None
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
    statement = _ids_statement(_select_for(fields), include_unpublished=include_unpublished)
    rows = {row[0]: row for row in compiled_queries.fetch_rows(connection, statement, {"ids": ids})}
    ordered = [rows[id_] for id_ in dict.fromkeys(ids) if id_ in rows]
    records, changed_at = _records(connection, ordered, fields)
    return ArticlePage(records, changed_at)


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
    seq, nonce, id_, *_ = row
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
_SLUGS: BindParameter[Any] = bindparam("slugs", expanding=True)
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


class _Selection(NamedTuple):
    """What a statement selects in addition to the summary: the content row or not, and which kinds of links."""

    with_content: bool
    kinds: tuple[str, ...]


def _select_for(fields: Collection[str]) -> _Selection:
    return _Selection(
        not DETAIL_FIELDS.isdisjoint(fields), tuple(kind for kind in LINKS if kind == "authors" or kind in fields)
    )


def _base_statement(selection: _Selection, *, include_unpublished: bool = False) -> Select[Any]:
    columns: list[Any] = [*_SUMMARY, *_TERM_COLUMNS, _CHANGED]
    columns += [_links_subquery(kind) for kind in selection.kinds]
    if selection.with_content:
        columns += _DETAIL
    statement = select(*columns).select_from(Article)
    if selection.with_content:
        statement = statement.join(ArticleContent, ArticleContent.article_id == Article.id)
    statement = statement.outerjoin(Brand, Brand.id == Article.brand_id)
    statement = statement.outerjoin(Section, Section.id == Article.section_id)
    return statement if include_unpublished else statement.where(is_visible())


def _links_subquery(kind: str) -> ColumnElement[Any]:
    """Select the links of one kind: position, slug and name of the term, and when the term last changed."""
    link, term_id, term = LINKS[kind]
    return (
        select(json_rows(link.position, term.slug, term.name, term.changed_at))
        .select_from(link)
        .join(term, term.id == term_id)
        .where(link.article_id == Article.id)
        .correlate(Article)
        .scalar_subquery()
    )


@lru_cache(maxsize=1024)
def _page_statement(rows: FromClause, order: tuple[Any, ...], selection: _Selection) -> Select[Any]:
    return _base_statement(selection).join(rows, rows.c.article_id == Article.id).order_by(*order)


@lru_cache(maxsize=16)
def _ids_statement(selection: _Selection, *, include_unpublished: bool) -> Select[Any]:
    statement = _base_statement(selection, include_unpublished=include_unpublished)
    return statement.where(Article.id.in_(bindparam("ids", expanding=True)))


def _records(
    connection: Connection, rows: Sequence[Any], fields: Collection[str]
) -> tuple[list[Record], datetime | None]:
    """Build records from rows, with their links.

    Returns:
        The records, and when an article or term in them last changed.
    """
    records: list[Record] = []
    change_times: set[datetime | None] = set()
    detail, kinds = _select_for(fields)
    detail_start = _C + len(kinds)
    for row in rows:
        record: Record = dict(zip(_SUMMARY_NAMES, row, strict=False))
        brand, brand_name, section, section_name = row[_N:_S]
        record["brand"] = {"slug": brand, "name": brand_name} if brand else None
        record["section"] = {"slug": section, "name": section_name} if section else None
        change_times.add(row[_S])
        for kind, links in zip(kinds, row[_C:detail_start], strict=True):
            terms = record[kind] = []
            for _, slug, name, changed_at in sorted(links or ()):
                terms.append({"slug": slug, "name": name})
                change_times.add(decode_instant(changed_at))
        if detail:
            record |= zip(_DETAIL_NAMES, row[detail_start:], strict=True)
        records.append(record)
    if records and "previous_slugs" in fields:
        _add_previous_slugs(connection, records)
    return records, latest_time(change_times)


_OLD_SLUGS = (
    select(SlugRedirect.subject_id, SlugRedirect.slug)
    .where(SlugRedirect.kind == "article", SlugRedirect.subject_id.in_(bindparam("ids", expanding=True)))
    .order_by(SlugRedirect.created_at, SlugRedirect.slug)
)


def _add_previous_slugs(connection: Connection, records: list[Record]) -> None:
    by_id = {record["id"]: record for record in records}
    for record in records:
        record["previous_slugs"] = []
    for article_id, slug in compiled_queries.fetch_rows(connection, _OLD_SLUGS, {"ids": list(by_id)}):
        by_id[article_id]["previous_slugs"].append(slug)
