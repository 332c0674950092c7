"""Queries for terms (brands, authors, sections and tags): a page in order of name, and one term by slug."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, exists, or_, select, tuple_, union
from sqlalchemy.orm import aliased

from newsapi.changelog.exits import OUT_OF_SCOPE
from newsapi.changelog.tables import Facet, FilterExit
from newsapi.content.article_types import TermRow
from newsapi.content.queries.facets import IS_PUBLIC_FACET, ReadSnapshot
from newsapi.content.tables.articles import SlugRedirect
from newsapi.content.tables.terms import Author, Brand, Section, Tag
from newsapi.db import compiled_queries
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import latest_time
from newsapi.errors import NotFound, Renamed
from newsapi.text.json_types import JsonObject

Kind = Literal["brand", "author", "section", "tag"]
MODELS: dict[str, Any] = {"brand": Brand, "author": Author, "section": Section, "tag": Tag}

_Parent = aliased(Brand)
_OtherFacet = aliased(Facet)
_ABOVE = (
    _Parent.slug.label("parent"),
    _Parent.name.label("parent_name"),
    _Parent.changed_at.label("parent_changed_at"),
)
_COLUMNS: dict[str, tuple[Any, ...]] = {
    "brand": (Brand.aliases, Brand.description, Brand.logo, *_ABOVE),
    "author": (Author.bio, Author.avatar),
    "section": (),
    "tag": (),
}
_SHARED = ("slug", "name", "sort_key", "changed_at", "version")


class TermPageStart(NamedTuple):
    """Where a page of terms starts: after a position in order of name, or before it (`back`)."""

    sort_key: str
    slug: str
    backward: bool = False


class TermPage(NamedTuple):
    """A page of terms.

    Attributes:
        records: The terms.
        changed_at: When one of them last changed.
        next: Where the next page starts; None on the last page.
        prev: Where the previous page starts; None on the first page.
        may_gain_terms: Whether terms of the kind are left out because their articles were withdrawn: any article may
            bring one back. True if it is not known.
    """

    records: list[TermRow]
    changed_at: datetime | None = None
    next: TermPageStart | None = None
    prev: TermPageStart | None = None
    may_gain_terms: bool = True


def list_terms(
    connection: Connection, kind: Kind, *, prefix: str | None, page_start: TermPageStart | None, limit: int
) -> TermPage:
    """Return one page of terms, sorted by folded name.

    Args:
        connection: An open read transaction.
        kind: The kind of terms.
        prefix: Folded text; only terms are returned in whose name or alias a word starts with it.
        page_start: Where the page starts; None for the first page.
        limit: Largest number of terms on the page.
    """
    back = page_start is not None and page_start.backward
    statement = _page_select(kind, is_searched=prefix is not None, back=back if page_start else None)
    parameters: dict[str, Any] = {"rows": limit + 1}
    if prefix is not None:
        parameters["words"] = f"% {escape_like(prefix)}%"
    if page_start:
        parameters |= {"sort_key": page_start.sort_key, "slug": page_start.slug}
    rows = connection.execute(statement, parameters).all()
    more, rows = len(rows) > limit, rows[:limit]
    if back:
        rows = rows[::-1]
    first, last = (
        (TermPageStart(rows[0].sort_key, rows[0].slug, backward=True), TermPageStart(rows[-1].sort_key, rows[-1].slug))
        if rows
        else (None, None)
    )
    changed_at = latest_time(time for row in rows for time in (row.changed_at, row.list_changed_at))
    next_start, prev_start = (
        (last or page_start, first if more else None)
        if back
        else (last if more else None, first if page_start else None)
    )
    may_gain_terms = bool(rows[0].has_hidden) if rows else True
    return TermPage(_records(rows), changed_at, next_start, prev_start, may_gain_terms)


def suggest_terms(connection: Connection, kind: Kind, prefix: str, limit: int) -> list[tuple[str, str]]:
    """Return slug and name of the terms with a word that starts with the folded `prefix`, most articles first."""
    parameters = {"words": f"% {escape_like(prefix)}%", "rows": limit}
    return [
        (slug, name) for slug, name in compiled_queries.fetch_rows(connection, _suggestion_select(kind), parameters)
    ]


def get_term(connection: Connection, kind: Kind, slug: str, snapshot: ReadSnapshot) -> TermPage:
    """Return one term as a page.

    Raises:
        Renamed: This is a former slug of a term.
        NotFound: No term has or had this slug.
    """
    model = MODELS[kind]
    row = connection.execute(_by_slug_select(kind), {"slug": slug}).one_or_none()
    if row is not None:
        records = _records([row])
        return TermPage(records, max(filter(None, (records[0]["changed_at"], row.list_changed_at))))
    former = select(model.slug).join(SlugRedirect, SlugRedirect.subject_id == model.id)
    current_slug = connection.execute(former.where(SlugRedirect.kind == kind, SlugRedirect.slug == slug)).scalar()
    raise NotFound(seq=snapshot.seq) if current_slug is None else Renamed(current_slug, seq=snapshot.seq)


def get_terms(connection: Connection, kind: Kind, slugs: Sequence[str]) -> dict[str, TermRow]:
    """Return complete terms keyed by slug; unknown slugs are left out."""
    rows = connection.execute(_by_slugs_select(kind), {"slugs": sorted(set(slugs))}).all()
    return {record["slug"]: record for record in _records(rows)}


def escape_like(text: str) -> str:
    """Escape the wildcards of LIKE with a backslash."""
    return text.translate(_LITERAL)


_LITERAL = str.maketrans({character: f"\\{character}" for character in "\\%_"})


def _term_select(kind: Kind) -> Select[Any]:
    model = MODELS[kind]
    columns = [getattr(model, name) for name in _SHARED]
    columns += [
        Facet.id.label("facet_id"),
        Facet.article_count.label("article_count"),
        Facet.changed_at.label("list_changed_at"),
        *_COLUMNS[kind],
    ]
    statement = select(*columns).select_from(model).join(Facet, (Facet.id == model.facet_id) & IS_PUBLIC_FACET)
    return statement.outerjoin(_Parent, _Parent.id == Brand.parent_id) if kind == "brand" else statement


def _is_listed(kind: Kind) -> ColumnElement[bool]:
    """Return the condition that a term has public articles, or that none was withdrawn: a new term has neither."""
    facet_ids = [Brand.facet_id, Brand.mention_facet_id] if kind == "brand" else [Facet.id]
    conditions = [Facet.article_count > 0, ~_has_withdrawals(FilterExit.facet_id.in_(facet_ids))]
    if kind == "brand":
        other_facets = _OtherFacet.id.in_([Brand.mention_facet_id, Brand.group_facet_id])
        conditions.append(exists().where(other_facets, _OtherFacet.article_count > 0))
    return or_(*conditions)


def _has_hidden_terms(kind: Kind) -> ColumnElement[bool]:
    """Return the condition that terms of a kind may be left out of lists; it is the same for every row."""
    kinds = ("brand", "mention") if kind == "brand" else (kind,)
    is_empty = and_(_OtherFacet.kind.in_(kinds), _OtherFacet.article_count == 0)
    return exists().where(is_empty, _has_withdrawals(FilterExit.facet_id == _OtherFacet.id))


def _has_withdrawals(of_facets: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that an article left these facets because it is no longer public."""
    return exists().where(of_facets, FilterExit.reason != OUT_OF_SCOPE)


@lru_cache(maxsize=32)
def _page_select(kind: Kind, *, is_searched: bool, back: bool | None) -> Select[Any]:
    model = MODELS[kind]
    statement = _term_select(kind).where(_is_listed(kind)).add_columns(_has_hidden_terms(kind).label("has_hidden"))
    if is_searched:
        statement = statement.where(model.search_names.like(bindparam("words"), escape="\\"))
    if back is not None:
        row_position = tuple_(model.sort_key, model.slug)
        page_start = tuple_(bindparam("sort_key", type_=model.sort_key.type), bindparam("slug", type_=model.slug.type))
        statement = statement.where(row_position < page_start if back else row_position > page_start)
    order = (model.sort_key.desc(), model.slug.desc()) if back else (model.sort_key, model.slug)
    return statement.order_by(*order).limit(bindparam("rows"))


@lru_cache(maxsize=4)
def _suggestion_select(kind: Kind) -> Select[*tuple[Any, ...]]:
    model = MODELS[kind]
    statement = select(model.slug, model.name).join(Facet, (Facet.id == model.facet_id) & IS_PUBLIC_FACET)
    statement = statement.where(model.search_names.like(bindparam("words"), escape="\\"), _is_listed(kind))
    return statement.order_by(Facet.article_count.desc(), model.slug).limit(bindparam("rows"))


@lru_cache(maxsize=4)
def _by_slug_select(kind: Kind) -> Select[Any]:
    return _term_select(kind).where(MODELS[kind].slug == bindparam("slug"))


@lru_cache(maxsize=4)
def _by_slugs_select(kind: Kind) -> Select[Any]:
    return _term_select(kind).where(MODELS[kind].slug.in_(bindparam("slugs", expanding=True)))


def _records(rows: Sequence[Any]) -> list[TermRow]:
    records: list[dict[str, object]] = []
    for row in rows:
        record: JsonObject = dict(row._mapping)  # noqa: SLF001 (the documented mapping of a row)
        record.pop("has_hidden", None)
        if "parent" in record:
            parent_name, parent_changed_at = record.pop("parent_name"), record.pop("parent_changed_at")
            record["parent"] = {"slug": record["parent"], "name": parent_name} if record["parent"] else None
            record["changed_at"] = max(record["changed_at"], parent_changed_at or record["changed_at"])
        records.append(record)
    return cast("list[TermRow]", records)


def current_slugs(connection: Connection, kind: str, slugs: Sequence[str]) -> frozenset[str]:
    """Return the current slugs of the brands or sections that have or had one of these slugs."""
    model = MODELS[kind]
    former = select(model.slug).join(SlugRedirect, (SlugRedirect.subject_id == model.id) & (SlugRedirect.kind == kind))
    statement = union(select(model.slug).where(model.slug.in_(slugs)), former.where(SlugRedirect.slug.in_(slugs)))
    return frozenset(connection.execute(statement).scalars())


def term_refs(connection: Connection, kind: Any, ids: Collection[UUID]) -> dict[UUID, dict[str, str]]:
    """Return slug and name of the terms of a kind by their id."""
    model = MODELS[kind]
    rows = connection.execute(select(model.id, model.slug, model.name).where(in_values(connection, model.id, ids)))
    return {id_: {"slug": slug, "name": name} for id_, slug, name in rows}
