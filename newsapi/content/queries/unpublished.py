"""Lists that contain unpublished articles among the public ones, for editors and previews.

Public articles come from the listing entries. Unpublished ones have none: they are read from the article table by
status and merged in. An article that has no publication time yet sorts by its last update.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    and_,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute

from newsapi.content.queries import articles
from newsapi.content.queries.articles import ArticlePage
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.queries.listing_conditions import is_any_of
from newsapi.content.queries.listings import MAX_EXACT_COUNT, ListQuery, PageStart, Position
from newsapi.content.tables.articles import Article, ArticleAuthor, ArticleMention, ArticleTag, SlugRedirect
from newsapi.content.tables.terms import Author, Brand, Section, Tag
from newsapi.db.types import Id, UtcDateTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """Which articles a caller may see.

    Attributes:
        public: Whether published articles are included.
        statuses: Statuses whose articles are included.
        as_of: If set, articles scheduled until then are included, and those whose rights end by then are left out.
        article: Id of one article that is included whatever its status.
    """

    public: bool = True
    statuses: frozenset[str] = frozenset()
    as_of: datetime | None = None
    article: UUID | None = None

    def condition(self) -> ColumnElement[bool]:
        """Return the condition that an unpublished article is included."""
        alternatives: list[ColumnElement[bool]] = [Article.status.in_(sorted(self.statuses - {"published"}))]
        if self.as_of is not None:
            alternatives.append(and_(Article.status == "scheduled", Article.published_at <= self.as_of))
        if self.article is not None:
            alternatives.append(Article.id == self.article)
        # A literal and not a parameter, so that the partial index of unpublished articles is used.
        return and_(Article.status != literal_column("'published'"), or_(*alternatives))


@dataclass(frozen=True, slots=True)
class MixedListQuery:
    """A list that contains unpublished articles among the public ones.

    Attributes:
        visibility: Which articles the caller may see.
        list_query: The parameters of the list, except the filters that are facets.
        filters: The values of the filters that are facets; unpublished articles have none.
    """

    visibility: Visibility
    list_query: ListQuery
    filters: Mapping[str, Sequence[str]]

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions that an unpublished article is on the list."""
        query = self.list_query
        conditions = [self.visibility.condition()]
        conditions += [_filter(name, values) for name, values in self.filters.items()]
        for name, (start, end) in (("published_at", query.published), ("updated_at", query.updated)):
            conditions += [_KEYS[name] >= start] if start else []
            conditions += [_KEYS[name] < end] if end else []
        if query.ids is not None:
            conditions.append(Article.id.in_(query.ids))
        if query.slugs is not None:
            conditions.append(Article.slug.in_(query.slugs))
        if query.excluded_ids or query.excluded_slugs:
            conditions.append(~is_any_of(Article.id, query.excluded_ids, query.excluded_slugs))
        return conditions


def mixed_page(
    connection: Connection,
    snapshot: ReadSnapshot,
    mixed: MixedListQuery,
    *,
    limit: int,
    fields: Collection[str] = (),
) -> ArticlePage:
    """Return one page of the public and unpublished articles that a caller may see.

    Args:
        connection: An open read transaction.
        snapshot: The resolved filters, for the public articles.
        mixed: The list.
        limit: Largest number of articles on the page.
        fields: Fields to load in addition to those of the summary.
    """
    query = mixed.list_query
    public = (
        articles.list_page(connection, snapshot, query, limit=limit, fields=fields)
        if mixed.visibility.public
        else ArticlePage([])
    )
    public_continuation = public.prev if query.backward else public.next
    records = {record["id"]: record for record in public.records}
    positions = {id_: Position(record[query.key] or record["updated_at"], id_) for id_, record in records.items()}
    for id_ in _expired_by(connection, mixed.visibility, list(records)):
        del positions[id_]
    positions |= _unpublished_positions(connection, mixed, rows=limit + 1)
    merged = _merge(query, positions.values(), public_continuation)
    shown = merged[:limit]
    unpublished = [position.id for position in shown if position.id not in records]
    extra = articles.get_many(connection, unpublished, fields, include_unpublished=True)
    records |= {record["id"]: record for record in extra.records}
    more = len(merged) > limit or public_continuation is not None
    next_start, prev_start = _adjacent_starts(query, shown, public_continuation, more=more)
    in_list_order = reversed(shown) if query.backward else shown
    return ArticlePage([records[position.id] for position in in_list_order], public.changed_at, next_start, prev_start)


def _is_descending(query: ListQuery) -> bool:
    """Tell whether the page is read in descending order of the sort key."""
    return query.descending is not query.backward


def _merge(query: ListQuery, positions: Iterable[Position], public_continuation: PageStart | None) -> list[Position]:
    """Return the public and unpublished articles in the direction of reading.

    Where public articles were left unread, the list is cut at the last one read: behind it, unread public articles may
    lie between the unpublished ones.
    """
    ordered = sorted(positions, reverse=_is_descending(query))
    if public_continuation is None:
        return ordered
    end = public_continuation.position
    if _is_descending(query):
        return [position for position in ordered if position >= end]
    return [position for position in ordered if position <= end]


def _adjacent_starts(
    query: ListQuery, shown: Sequence[Position], public_continuation: PageStart | None, *, more: bool
) -> tuple[PageStart | None, PageStart | None]:
    """Compute where the next and the previous page start; `more` says that articles follow in reading direction."""
    if shown:
        last: Position | None = shown[-1]
    else:
        last = public_continuation.position if public_continuation else None
    ahead = PageStart(last, query.backward) if more and last else None
    behind = PageStart(shown[0], not query.backward) if query.page_start and shown else None
    return (behind, ahead) if query.backward else (ahead, behind)


def _expired_by(connection: Connection, visibility: Visibility, ids: Sequence[UUID]) -> set[UUID]:
    """Return the public articles whose rights end by the time of the preview."""
    if visibility.as_of is None or not ids:
        return set()
    statement = select(Article.id).where(Article.id.in_(ids), Article.expires_at <= visibility.as_of)
    return set(connection.execute(statement).scalars())


def _unpublished_positions(connection: Connection, mixed: MixedListQuery, *, rows: int) -> dict[UUID, Position]:
    """Return the positions of the first unpublished articles from the start of the page on."""
    query = mixed.list_query
    key = _KEYS[query.key]
    conditions = mixed.conditions()
    if query.page_start is not None:
        start_time, start_id = query.page_start.position
        row_position = tuple_(key, Article.id)
        page_start = tuple_(literal(start_time, UtcDateTime()), literal(start_id, Id()))
        operator = ("<" if _is_descending(query) else ">") + ("=" if query.page_start.inclusive else "")
        conditions.append(row_position.bool_op(operator)(page_start))
    order = (key.desc(), Article.id.desc()) if _is_descending(query) else (key, Article.id)
    statement = select(Article.id, key.label("at")).where(*conditions).order_by(*order).limit(rows)
    return {id_: Position(time, id_) for id_, time in connection.execute(statement)}


_KEYS: dict[str, ColumnElement[datetime] | InstrumentedAttribute[datetime]] = {
    "published_at": func.coalesce(Article.published_at, Article.updated_at),
    "updated_at": Article.updated_at,
    "materially_updated_at": func.coalesce(Article.materially_updated_at, Article.published_at, Article.updated_at),
}


def count_unpublished(connection: Connection, mixed: MixedListQuery) -> int:
    """Count the unpublished articles of the whole list, up to MAX_EXACT_COUNT + 1."""
    matching = select(Article.id).where(*mixed.conditions()).limit(MAX_EXACT_COUNT + 1)
    total: int = connection.execute(select(func.count()).select_from(matching.subquery())).scalar_one()
    return total


def _filter(name: str, values: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition of one filter on the article table."""
    if name in {"format", "language"}:
        return (Article.format if name == "format" else Article.language).in_(values)
    if name in {"section", "section_not"}:
        in_sections = Article.section_id.in_(_terms(Section, values))
        return in_sections if name == "section" else Article.section_id.is_(None) | ~in_sections
    if name == "author":
        return _has_link(ArticleAuthor, ArticleAuthor.author_id, _terms(Author, values))
    if name in {"tag", "tag_all"}:
        alternatives = [values] if name == "tag" else [[value] for value in values]
        return and_(*(_has_link(ArticleTag, ArticleTag.tag_id, _terms(Tag, group)) for group in alternatives))
    return _brand_filter(name, _terms(Brand, values))


def _has_link(
    link: type[ArticleAuthor | ArticleTag], term_id: InstrumentedAttribute[UUID], terms: CompoundSelect[UUID]
) -> ColumnElement[bool]:
    """Return the condition that an article is linked to one of the terms."""
    return Article.id.in_(select(link.article_id).where(term_id.in_(terms)))


def _brand_filter(name: str, brands: CompoundSelect[UUID]) -> ColumnElement[bool]:
    """Return the condition of the filter `brand`, `mentions`, `about` or `group` for a subquery of brand ids."""
    mentioned = Article.id.in_(select(ArticleMention.article_id).where(ArticleMention.brand_id.in_(brands)))
    if name == "mentions":
        return mentioned
    of_brand = Article.brand_id.in_(brands)
    if name == "about":
        return of_brand | mentioned
    of_child = Article.brand_id.in_(select(Brand.id).where(Brand.parent_id.in_(brands)))
    return of_brand | of_child if name == "group" else of_brand


def _terms(model: type[Brand | Author | Section | Tag], slugs: Sequence[str]) -> CompoundSelect[UUID]:
    """Select the ids of the terms that have, or had, one of these slugs."""
    former = select(SlugRedirect.subject_id).where(
        SlugRedirect.kind == model.__tablename__, SlugRedirect.slug.in_(slugs)
    )
    return union_all(select(model.id).where(model.slug.in_(slugs)), former)
