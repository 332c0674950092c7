"""Facet membership of articles: which facets an article belongs to, and its listing entries in them.

The membership decides which lists contain an article and which facets a change to it touches.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, delete, or_, select
from sqlalchemy.orm import Session, aliased

from newsapi.changelog.tables import Facet
from newsapi.content.queries import sitemap_pages
from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.queries.visibility import is_indexed
from newsapi.content.tables.articles import ListingEntry
from newsapi.content.tables.terms import Author, Brand, Section, Tag
from newsapi.db import bulk_rows
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import columns_table

_Parent = aliased(Brand)

ALL_ARTICLES_FACET = select(Facet.id).where(Facet.kind == "all").scalar_subquery()
"""Subquery of the id of the facet of all public articles."""

FacetIds = Mapping[UUID | None, int | None]
"""Facet ids of terms, keyed by the id that an article refers to them with."""


def facets_of_articles(session: Session, states: Sequence[ArticleSnapshot]) -> list[frozenset[int]]:
    """Return the facet ids of each article, in the given order; an empty set for an article that is not public.

    Formats, languages and translation groups that have no facet yet are left out.
    """
    public_states = [state for state in states if state.is_public]
    connection = session.connection()
    named = _named(connection, {name for state in public_states for name in _names(state)})
    brand_ids = {state.values["brand_id"] for state in public_states if state.values["brand_id"]}
    mentioned_ids = {id_ for state in public_states for id_ in state.links["mentions"]}
    own, mention, group, parent_group = _of_brands(connection, brand_ids | mentioned_ids)
    section = _of_terms(connection, Section, {state.values["section_id"] for state in public_states})
    author, tag = (
        _of_terms(connection, model, {id_ for state in public_states for id_ in state.links[kind]})
        for model, kind in ((Author, "authors"), (Tag, "tags"))
    )

    def facets_of(state: ArticleSnapshot) -> frozenset[int]:
        values, links = state.values, state.links
        brand_id = values["brand_id"]
        facet_ids = {named["all", ""], *map(named.get, _names(state))}
        facet_ids |= {own.get(brand_id), group.get(brand_id), parent_group.get(brand_id)}
        facet_ids.add(section.get(values["section_id"]))
        for facets_by_term, kind in ((author, "authors"), (mention, "mentions"), (tag, "tags")):
            facet_ids.update([facets_by_term.get(id_) for id_ in links[kind]])
        return frozenset(facet_ids - {None})  # type: ignore[arg-type]  # mypy does not see that None is removed

    return [facets_of(state) if state.is_public else frozenset() for state in states]


def _names(state: ArticleSnapshot) -> Iterator[tuple[str, str]]:
    """Yield kind and name of the facets of an article that are identified by their name."""
    yield from state.named_facets.items()
    if state.publication_number is not None and is_indexed(state.values["seo"]):
        yield sitemap_pages.SITEMAP_KIND, sitemap_pages.page_name(state.publication_number)


def _named(connection: Connection, names: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
    by_kind: dict[str, set[str]] = {"all": {""}}
    for kind, name in names:
        by_kind.setdefault(kind, set()).add(name)
    statement = select(Facet.kind, Facet.name, Facet.id).where(
        or_(*(and_(Facet.kind == kind, in_values(connection, Facet.name, values)) for kind, values in by_kind.items()))
    )
    return {(kind, name): id_ for kind, name, id_ in connection.execute(statement) if name is not None}


def _of_brands(connection: Connection, ids: Collection[UUID]) -> tuple[FacetIds, FacetIds, FacetIds, FacetIds]:
    """Return four mappings by brand: the facets of its articles, its mentions, its group and its parent's group."""
    statement = (
        select(Brand.id, Brand.facet_id, Brand.mention_facet_id, Brand.group_facet_id, _Parent.group_facet_id)
        .outerjoin(_Parent, _Parent.id == Brand.parent_id)
        .where(in_values(connection, Brand.id, ids))
    )
    brands = connection.execute(statement).all()
    return (
        {id_: own for id_, own, _, _, _ in brands},
        {id_: mention for id_, _, mention, _, _ in brands},
        {id_: group for id_, _, _, group, _ in brands},
        {id_: parent_group for id_, _, _, _, parent_group in brands},
    )


def _of_terms(connection: Connection, model: type[Author | Section | Tag], ids: Collection[UUID | None]) -> FacetIds:
    statement = select(model.id, model.facet_id).where(in_values(connection, model.id, ids))
    return dict(connection.execute(statement).all())


def insert_entries(session: Session, snapshots_with_facets: Iterable[tuple[ArticleSnapshot, frozenset[int]]]) -> None:
    """Insert the listing entries of articles that have none yet, given each article with its facets."""
    columns = ("published_at", "article_id", "updated_at", "materially_updated_at")
    pairs = list(snapshots_with_facets)
    rows = (
        (state.values["published_at"], state.id, state.values["updated_at"], state.values["materially_updated_at"])
        for state, _ in pairs
    )
    # Values are converted once for an article and not for each of its entries.
    stored_rows = bulk_rows.to_stored(session, ListingEntry, columns, rows)
    entries = [(facet_id, *row) for row, (_, ids) in zip(stored_rows, pairs, strict=True) for facet_id in ids]
    entries.sort()  # in the order of the index, so that each of its pages is touched once
    bulk_rows.insert_stored(session, ListingEntry, ("facet_id", *columns), entries)


def delete_entries(session: Session, snapshots_with_facets: Iterable[tuple[ArticleSnapshot, frozenset[int]]]) -> None:
    """Delete the listing entries of articles, given each article as it was listed with its facets."""
    columns = columns_table(ListingEntry).c
    statement = delete(columns_table(ListingEntry)).where(
        columns.facet_id == bindparam("facet"),
        columns.published_at == bindparam("time", type_=columns.published_at.type),
        columns.article_id == bindparam("article", type_=columns.article_id.type),
    )
    entries = [
        {"facet": facet_id, "time": state.values["published_at"], "article": state.id}
        for state, facet_ids in snapshots_with_facets
        for facet_id in facet_ids
    ]
    if entries:
        session.connection().execute(statement, entries)


def list_public_ids(connection: Connection) -> list[UUID]:
    """Return the ids of all public articles, oldest first."""
    statement = select(ListingEntry.article_id).where(ListingEntry.facet_id == ALL_ARTICLES_FACET)
    return list(connection.execute(statement.order_by(ListingEntry.published_at, ListingEntry.article_id)).scalars())
