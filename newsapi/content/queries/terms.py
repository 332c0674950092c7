"""Queries for terms (brands, authors, sections and tags): a page in order of name, and one term by slug."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol, cast
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    tuple_,
    union,
    union_all,
)
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
_Group = aliased(Brand)
_OtherFacet = aliased(Facet)
_ChildFacet = aliased(Facet)
_ABOVE = (
    _Parent.slug.label("parent"),
    _Parent.name.label("parent_name"),
    _Parent.changed_at.label("parent_changed_at"),
)
_COLUMNS: dict[str, tuple[Any, ...]] = {
    "brand": (Brand.id, Brand.aliases, Brand.description, Brand.logo, Brand.group_facet_id, *_ABOVE),
    "author": (Author.job_title, Author.same_as, Author.bio, Author.avatar),
    "section": (Section.position, Section.description),
    "tag": (),
}
_SHARED = ("slug", "name", "sort_key", "changed_at", "version")


class TermPageStart(NamedTuple):
    """Where a page of terms starts: after a position, or before it (`backward`).

    A position has the values of the columns by which the list is sorted.
    """

    position: tuple[str | int, ...]
    backward: bool = False


class TermListQuery(NamedTuple):
    """The parameters of a list of terms.

    Attributes:
        prefix: Folded text; only terms are listed in whose name or alias a word starts with it.
        parents: Present or former slugs of brands; only the brands that belong to one of them are listed.
        by_count: Whether the terms with the most articles come first; otherwise they are sorted by folded name.
        page_start: Where the page starts; None for the first page.
    """

    prefix: str | None = None
    parents: tuple[str, ...] | None = None
    by_count: bool = False
    page_start: TermPageStart | None = None

    @property
    def backward(self) -> bool:
        """Whether the page is read backward, from its end to its start."""
        return self.page_start is not None and self.page_start.backward


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


def list_terms(connection: Connection, kind: Kind, query: TermListQuery, *, limit: int) -> TermPage:
    """Return one page of terms.

    Args:
        connection: An open read transaction.
        kind: The kind of terms.
        query: The other parameters of the list.
        limit: Largest number of terms on the page.
    """
    start = query.page_start
    shape = _PageShape(
        kind,
        is_searched=query.prefix is not None,
        has_parents=query.parents is not None,
        by_count=query.by_count,
        backward=query.backward if start else None,
    )
    parameters: dict[str, Any] = {"rows": limit + 1}
    if query.prefix is not None:
        parameters["words"] = f"% {escape_like(query.prefix)}%"
    if query.parents is not None:
        parameters["parents"] = query.parents
    if start:
        parameters |= {f"after_{index}": value for index, value in enumerate(start.position)}
    rows = connection.execute(_page_select(shape), parameters).all()
    more, rows = len(rows) > limit, rows[:limit]
    if query.backward:
        rows = rows[::-1]
    first, last = (
        (TermPageStart(_position(rows[0], query), backward=True), TermPageStart(_position(rows[-1], query)))
        if rows
        else (None, None)
    )
    next_start, prev_start = (
        (last or start, first if more else None)
        if query.backward
        else (last if more else None, first if start else None)
    )
    may_gain_terms = bool(rows[0].has_hidden) if rows else True
    records = _records(connection, rows)
    changed_at = latest_time(time for row in records for time in (row["changed_at"], row["list_changed_at"]))
    return TermPage(records, changed_at, next_start, prev_start, may_gain_terms)


def _position(row: _SortedRow, query: TermListQuery) -> tuple[str | int, ...]:
    """Return the values of the columns by which a list is sorted, the number of articles in descending order."""
    return (-row.article_count, row.sort_key, row.slug) if query.by_count else (row.sort_key, row.slug)


class _SortedRow(Protocol):
    """The columns of a row by which lists of terms are sorted."""

    @property
    def article_count(self) -> int: ...
    @property
    def sort_key(self) -> str: ...
    @property
    def slug(self) -> str: ...


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
        records = _records(connection, [row])
        return TermPage(records, latest_time((records[0]["changed_at"], row.list_changed_at)))
    former = select(model.slug).join(SlugRedirect, SlugRedirect.subject_id == model.id)
    current_slug = connection.execute(former.where(SlugRedirect.kind == kind, SlugRedirect.slug == slug)).scalar()
    raise NotFound(seq=snapshot.seq) if current_slug is None else Renamed(current_slug, seq=snapshot.seq)


def get_terms(connection: Connection, kind: Kind, slugs: Sequence[str]) -> dict[str, TermRow]:
    """Return complete terms keyed by slug; unknown slugs are left out."""
    rows = connection.execute(_by_slugs_select(kind), {"slugs": sorted(set(slugs))}).all()
    return {record["slug"]: record for record in _records(connection, rows)}


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


class _PageShape(NamedTuple):
    """Everything that determines the SQL text of a page; `backward` is None for the first page."""

    kind: Kind
    is_searched: bool
    has_parents: bool
    by_count: bool
    backward: bool | None


@lru_cache(maxsize=64)
def _page_select(shape: _PageShape) -> Select[Any]:
    kind, model = shape.kind, MODELS[shape.kind]
    statement = _term_select(kind).where(_is_listed(kind)).add_columns(_has_hidden_terms(kind).label("has_hidden"))
    if shape.is_searched:
        statement = statement.where(model.search_names.like(bindparam("words"), escape="\\"))
    if shape.has_parents:
        statement = statement.where(Brand.parent_id.in_(_PARENT_IDS))
    columns: tuple[ColumnElement[str] | ColumnElement[int], ...] = (model.sort_key, model.slug)
    if shape.by_count:
        columns = (-Facet.article_count, *columns)
    if shape.backward is not None:
        parameters = [bindparam(f"after_{index}", type_=column.type) for index, column in enumerate(columns)]
        row_position, page_start = tuple_(*columns), tuple_(*parameters)
        statement = statement.where(row_position < page_start if shape.backward else row_position > page_start)
    order = [column.desc() for column in columns] if shape.backward else columns
    return statement.order_by(*order).limit(bindparam("rows"))


_PARENT_SLUGS: BindParameter[str] = bindparam("parents", expanding=True)
_PARENT_IDS = union_all(
    select(_Group.id).where(_Group.slug.in_(_PARENT_SLUGS)),
    select(SlugRedirect.subject_id).where(SlugRedirect.kind == "brand", SlugRedirect.slug.in_(_PARENT_SLUGS)),
)


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


def _records(connection: Connection, rows: Sequence[Any]) -> list[TermRow]:
    records: list[TermRow] = []
    groups: dict[UUID, TermRow] = {}
    for row in rows:
        record: JsonObject = dict(row._mapping)  # noqa: SLF001 (the documented mapping of a row)
        record.pop("has_hidden", None)
        if "parent" in record:
            parent_name, parent_changed_at = record.pop("parent_name"), record.pop("parent_changed_at")
            record["parent"] = {"slug": record["parent"], "name": parent_name} if record["parent"] else None
            record["changed_at"] = latest_time((record["changed_at"], parent_changed_at))
            record |= {"children": [], "child_facets": set()}
        term = cast("TermRow", record)
        records.append(term)
        if record.get("group_facet_id"):
            groups[record["id"]] = term
    _add_children(connection, groups)
    return records


def _add_children(connection: Connection, groups: Mapping[UUID, TermRow]) -> None:
    """Add the brands that belong to groups of brands, given by id; brands that are not listed are left out."""
    rows = connection.execute(_CHILDREN, {"groups": list(groups)}) if groups else ()
    for group, slug, name, is_listed, mention_facet, group_facet, changed_at in rows:
        record = groups[group]
        if is_listed:
            record["children"].append({"slug": slug, "name": name})
        record["child_facets"] |= {mention_facet, group_facet} - {None}
        record["changed_at"] = max(record["changed_at"], changed_at or record["changed_at"])


_FACETS_OF_CHILD = Brand.facet_id, Brand.mention_facet_id, Brand.group_facet_id
_CHILDREN = (
    select(
        Brand.parent_id,
        Brand.slug,
        Brand.name,
        case((_is_listed("brand"), 1), else_=0),
        Brand.mention_facet_id,
        Brand.group_facet_id,
        select(func.max(_ChildFacet.changed_at)).where(_ChildFacet.id.in_(_FACETS_OF_CHILD)).scalar_subquery(),
    )
    .join(Facet, Facet.id == Brand.facet_id)
    .where(Brand.parent_id.in_(bindparam("groups", expanding=True)))
    .order_by(Brand.sort_key, Brand.slug)
)


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
