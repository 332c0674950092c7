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

from newsapi.errors import NotFound, Renamed, SchemaMissing, Withdrawn
from newsapi.model import (
    Article,
    ArticleAuthor,
    ArticleDetail,
    ArticleMention,
    ArticleTag,
    Author,
    Brand,
    LogHead,
    OldSlug,
    Section,
    Tag,
)
from newsapi.model.base import EPOCH, latest, moment
from newsapi.store import listing, prepared
from newsapi.store.facets import Truth
from newsapi.store.gathered import gathered, newest
from newsapi.store.listing import Position, Question, Turn
from newsapi.store.public import visible
from newsapi.text.slugs import is_uuid

Record = dict[str, Any]
"""An article keyed by the field names of its schema; URLs and fields derived from others are not included yet."""

LINKS: dict[str, tuple[Any, Any, Any]] = {
    "authors": (ArticleAuthor, ArticleAuthor.author_id, Author),
    "mentions": (ArticleMention, ArticleMention.brand_id, Brand),
    "tags": (ArticleTag, ArticleTag.tag_id, Tag),
}


class Page(NamedTuple):
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
    next: Turn | None = None
    prev: Turn | None = None
    facets: frozenset[int] = frozenset()


class Found(NamedTuple):
    """The id of an article, and the head of the changelog at the time of the read."""

    seq: int
    mark: int
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
_SHORT = (Brand.slug, Brand.name, Section.slug, Section.name)
_CHANGED = newest(Article.changed_at, Brand.changed_at, Section.changed_at)
_DETAIL = (
    ArticleDetail.body_html,
    ArticleDetail.canonical_url,
    ArticleDetail.source,
    ArticleDetail.media,
    ArticleDetail.corrections,
    ArticleDetail.rights,
    ArticleDetail.seo,
    ArticleDetail.translation_group,
)
# Offsets in a row: brand and section start at _N, the latest change is at _S, links of terms start at _C.
_N, _S, _C = len(_SUMMARY), len(_SUMMARY) + len(_SHORT), len(_SUMMARY) + len(_SHORT) + 1
_SUMMARY_NAMES = tuple(column.key for column in _SUMMARY)
_DETAIL_NAMES = tuple(column.key for column in _DETAIL)
DETAIL = frozenset(_DETAIL_NAMES) | {"body_text", "translations"}
"""Fields stored in the content row only, which is joined when one of them is requested."""


def page(connection: Connection, truth: Truth, question: Question, *, limit: int, wanted: Collection[str] = ()) -> Page:
    """Return one page of the list, with the requested `fields` in addition to those of the summary."""
    if question.ids is not None:
        return _page_of_ids(connection, truth, question, question.ids, limit=limit, fields=wanted)
    plan = listing.plan(connection, truth, question, rows=limit + 1)
    if plan is None:
        return Page([])
    statement = _page_statement(plan.rows, plan.order, _more(wanted))
    rows = prepared.rows(connection, statement, plan.parameters)
    key = _SUMMARY_NAMES.index(question.key)
    positions = [Position(row[key], row[0]) for row in rows]
    page_end = listing.stop(connection, plan, positions, limit=limit)
    if page_end is not None:
        kept = _count_within(positions, page_end, descending=plan.shape.descending)
        rows, positions = rows[:kept], positions[:kept]
    if question.back:
        rows, positions = rows[::-1], positions[::-1]
    records, changed_at = _records(connection, rows, wanted)
    next_start, prev_start = turns(question.turn, positions, page_end)
    return Page(records, changed_at, next_start, prev_start)


def _count_within(positions: Sequence[Position], page_end: Position, *, descending: bool) -> int:
    """Count the positions that lie before the end of the page or at it."""
    if descending:
        return sum(position >= page_end for position in positions)
    return sum(position <= page_end for position in positions)


def _page_of_ids(
    connection: Connection,
    snapshot: Truth,
    query: Question,
    ids: tuple[UUID, ...],
    *,
    limit: int,
    fields: Collection[str],
) -> Page:
    """Return a page of articles that the request names by id, in the order of the ids.

    There are few ids, so all of them are looked up and the page is cut afterwards.
    """
    plan = listing.plan(connection, snapshot, replace(query, turn=None), rows=len(ids))
    if plan is None:
        return Page([])
    statement = _page_statement(plan.rows, plan.order, _more(fields))
    rows = {row[0]: row for row in prepared.rows(connection, statement, plan.parameters)}
    remaining = _ids_from(query.turn, ids, rows)
    page_ids = remaining[:limit]
    page_end = Position(EPOCH, page_ids[-1]) if len(remaining) > limit else None
    if query.back:
        page_ids.reverse()
    records, changed_at = _records(connection, [rows[id_] for id_ in page_ids], fields)
    next_start, prev_start = turns(query.turn, [Position(EPOCH, id_) for id_ in page_ids], page_end)
    return Page(records, changed_at, next_start, prev_start)


def _ids_from(page_start: Turn | None, ids: Sequence[UUID], existing: Container[UUID]) -> list[UUID]:
    """Return the existing ids from the start of the page on, in the direction of reading."""
    candidates = [id_ for id_ in ids if id_ in existing]
    if page_start is None:
        return candidates
    index_of = {id_: index for index, id_ in enumerate(ids)}
    start = index_of.get(page_start.position.id, -1)
    at_start = [id_ for id_ in candidates if index_of[id_] == start and page_start.inclusive]
    if page_start.back:
        return at_start + [id_ for id_ in reversed(candidates) if index_of[id_] < start]
    return at_start + [id_ for id_ in candidates if index_of[id_] > start]


def turns(start: Turn | None, places: list[Position], stop: Position | None) -> tuple[Turn | None, Turn | None]:
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
    ahead = Turn(stop, back=start is not None and start.back) if stop else None
    if start is None:
        return ahead, None
    behind = (
        Turn(places[-1 if start.back else 0], not start.back)
        if places
        else Turn(start.position, not start.back, inclusive=True)
    )
    return (behind, ahead) if start.back else (ahead, behind)


def by_ids(connection: Connection, ids: Sequence[UUID], wanted: Collection[str] = (), *, hidden: bool = False) -> Page:
    """Return the public articles among `ids`, in that order; with `include_unpublished`, articles of any status."""
    statement = _ids_statement(_more(wanted), include_unpublished=hidden)
    rows = {row[0]: row for row in prepared.rows(connection, statement, {"ids": ids})}
    ordered = [rows[id_] for id_ in dict.fromkeys(ids) if id_ in rows]
    records, changed_at = _records(connection, ordered, wanted)
    return Page(records, changed_at)


def find(connection: Connection, which: str | UUID) -> Found:
    """Return the public article with this slug or id.

    An unpublished article costs the same statements as a missing one, so that the duration does not reveal it.

    Raises:
        NoLongerPublic: The article was public and was withdrawn.
        Renamed: This is a former slug of a public article.
        NotFound: There is no such article, or it was never public.
        MigrationsPending: The changelog has no head row.
    """
    rows = prepared.rows(connection, _FIND_ID if isinstance(which, UUID) else _FIND_SLUG, {"name": which})
    if not rows:
        raise SchemaMissing
    seq, nonce, id_, status, withdrawal = rows[0]
    if status == "published":
        return Found(seq, nonce, id_)
    if withdrawal is None and isinstance(which, str):
        former = connection.execute(_FIND_FORMER, {"name": which}).one_or_none()
        if former is not None and former.status == "published":
            raise Renamed(former.slug, former.id, seq=seq)
        id_, withdrawal = (former.id, former.gone) if former is not None else (id_, None)
    raise Withdrawn(withdrawal, id_, seq=seq) if withdrawal else NotFound(seq=seq)


def find_any(connection: Connection, which: str | UUID) -> Found:
    """Return the article with this slug, former slug or id, whatever its status.

    Raises:
        NotFound: There is no such article.
        MigrationsPending: The changelog has no head row.
    """
    row = connection.execute(_FIND_ID if isinstance(which, UUID) else _FIND_SLUG, {"name": which}).one_or_none()
    if row is None:
        raise SchemaMissing
    seq, nonce, id_, *_ = row
    if id_ is None and isinstance(which, str):
        id_ = connection.execute(_FIND_FORMER, {"name": which}).scalar()
    if id_ is None:
        raise NotFound(seq=seq)
    return Found(seq, nonce, id_)


def named(connection: Connection, names: Collection[str]) -> tuple[dict[str, UUID], datetime | None]:
    """Resolve slugs, former slugs and ids to public articles.

    Returns:
        The ids of the public articles, keyed by the given name; and when any article with one of the names last
        changed, withdrawn articles included.
    """
    ids_by_name: dict[str, UUID] = {}
    change_times: set[datetime | None] = set()
    sorted_names = sorted(names)
    for start in range(0, len(sorted_names), NAMED_AT_ONCE):
        batch = sorted_names[start : start + NAMED_AT_ONCE]
        slugs = [name for name in batch if not is_uuid(name)]
        ids = [UUID(name) for name in batch if is_uuid(name)]
        for slug, id_, is_public, changed_at in connection.execute(_NAMED, {"slugs": slugs, "ids": ids}):
            change_times.add(changed_at)
            if is_public:
                ids_by_name[slug or str(id_)] = id_
    return ids_by_name, latest(change_times)


NAMED_AT_ONCE = 1_000
"""Largest number of names bound to one statement."""

_SHOWN = (Article.id, case((visible(), 1), else_=0), Article.changed_at)
_SLUGS: BindParameter[Any] = bindparam("slugs", expanding=True)
_NAMED = union_all(
    select(Article.slug, *_SHOWN).where(Article.slug.in_(_SLUGS)),
    select(OldSlug.slug, *_SHOWN)
    .join(OldSlug, OldSlug.subject_id == Article.id)
    .where(OldSlug.kind == "article", OldSlug.slug.in_(_SLUGS)),
    select(null(), *_SHOWN).where(Article.id.in_(bindparam("ids", expanding=True))),
)


_FIND = select(LogHead.seq, LogHead.mark, Article.id, Article.status, Article.gone).select_from(LogHead)
_FIND_SLUG = _FIND.outerjoin(Article, Article.slug == bindparam("name"))
_FIND_ID = _FIND.outerjoin(Article, Article.id == bindparam("name"))
_FIND_FORMER = (
    select(Article.id, Article.slug, Article.status, Article.gone)
    .join(OldSlug, OldSlug.subject_id == Article.id)
    .where(OldSlug.kind == "article", OldSlug.slug == bindparam("name"))
)


class _More(NamedTuple):
    """What a statement selects in addition to the summary: the content row or not, and which kinds of links."""

    detail: bool
    kinds: tuple[str, ...]


def _more(fields: Collection[str]) -> _More:
    return _More(not DETAIL.isdisjoint(fields), tuple(kind for kind in LINKS if kind == "authors" or kind in fields))


def _selected(selection: _More, *, include_unpublished: bool = False) -> Select[Any]:
    columns: list[Any] = [*_SUMMARY, *_SHORT, _CHANGED]
    columns += [_linked(kind) for kind in selection.kinds]
    if selection.detail:
        columns += _DETAIL
    statement = select(*columns).select_from(Article)
    if selection.detail:
        statement = statement.join(ArticleDetail, ArticleDetail.article_id == Article.id)
    statement = statement.outerjoin(Brand, Brand.id == Article.brand_id)
    statement = statement.outerjoin(Section, Section.id == Article.section_id)
    return statement if include_unpublished else statement.where(visible())


def _linked(kind: str) -> ColumnElement[Any]:
    """Select the links of one kind: position, slug and name of the term, and when the term last changed."""
    link, term_id, term = LINKS[kind]
    return (
        select(gathered(link.position, term.slug, term.name, term.changed_at))
        .select_from(link)
        .join(term, term.id == term_id)
        .where(link.article_id == Article.id)
        .correlate(Article)
        .scalar_subquery()
    )


@lru_cache(maxsize=1024)
def _page_statement(rows: FromClause, order: tuple[Any, ...], selection: _More) -> Select[Any]:
    return _selected(selection).join(rows, rows.c.article_id == Article.id).order_by(*order)


@lru_cache(maxsize=16)
def _ids_statement(selection: _More, *, include_unpublished: bool) -> Select[Any]:
    statement = _selected(selection, include_unpublished=include_unpublished)
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
    detail, kinds = _more(fields)
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
                change_times.add(moment(changed_at))
        if detail:
            record |= zip(_DETAIL_NAMES, row[detail_start:], strict=True)
        records.append(record)
    if records and "previous_slugs" in fields:
        _add_previous_slugs(connection, records)
    return records, latest(change_times)


_OLD_SLUGS = (
    select(OldSlug.subject_id, OldSlug.slug)
    .where(OldSlug.kind == "article", OldSlug.subject_id.in_(bindparam("ids", expanding=True)))
    .order_by(OldSlug.at, OldSlug.slug)
)


def _add_previous_slugs(connection: Connection, records: list[Record]) -> None:
    by_id = {record["id"]: record for record in records}
    for record in records:
        record["previous_slugs"] = []
    for article_id, slug in prepared.rows(connection, _OLD_SLUGS, {"ids": list(by_id)}):
        by_id[article_id]["previous_slugs"].append(slug)
