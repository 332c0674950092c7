"""Which facets an article belongs to, said once: what lists it stands in, and what a change of it touches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, delete, or_, select
from sqlalchemy.orm import Session, aliased

from newsapi.model import Author, Brand, Facet, Listing, Section, Tag
from newsapi.model.articles import is_indexed
from newsapi.model.base import table
from newsapi.store import rows, sitemaps
from newsapi.store.rows import among
from newsapi.store.states import State

_Parent = aliased(Brand)

Ids = Mapping[Any, Any]
"""The facets of terms, by what an article knows them by."""


def facets(session: Session, states: Sequence[State]) -> list[frozenset[int]]:
    """Answer the facets of each of these articles, in their order: none of an article that the public does not see.

    Formats, languages and groups of translations that have no facet yet are left out.
    """
    shown = [state for state in states if state.is_public]
    connection = session.connection()
    named = _named(connection, {name for state in shown for name in _names(state)})
    own, mention, group, above = _of_brands(
        connection, {id_ for state in shown for id_ in (state.values["brand_id"], *state.links["mentions"]) if id_}
    )
    section = _of_terms(connection, Section, {state.values["section_id"] for state in shown})
    author, tag = (
        _of_terms(connection, model, {id_ for state in shown for id_ in state.links[kind]})
        for model, kind in ((Author, "authors"), (Tag, "tags"))
    )

    def of(state: State) -> frozenset[int]:
        values, links = state.values, state.links
        brand = values["brand_id"]
        found = {named["all", ""], *map(named.get, _names(state))}
        found |= {own.get(brand), group.get(brand), above.get(brand), section.get(values["section_id"])}
        for ids, kind in ((author, "authors"), (mention, "mentions"), (tag, "tags")):
            found.update([ids.get(id_) for id_ in links[kind]])
        return frozenset(found - {None})  # type: ignore[arg-type]  # mypy does not see what was taken out

    return [of(state) if state.is_public else frozenset() for state in states]


def _names(state: State) -> Iterator[tuple[str, str]]:
    """Kind and name of the facets that have no other row than their name."""
    yield from state.named_facets.items()
    if state.number is not None and is_indexed(state.values["seo"]):
        yield sitemaps.KIND, sitemaps.page_of(state.number)


def _named(connection: Connection, wanted: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], int]:
    by_kind: dict[str, set[str]] = {"all": {""}}
    for kind, name in wanted:
        by_kind.setdefault(kind, set()).add(name)
    found = select(Facet.kind, Facet.name, Facet.id).where(
        or_(*(and_(Facet.kind == kind, among(connection, Facet.name, names)) for kind, names in by_kind.items()))
    )
    return {(kind, name): id_ for kind, name, id_ in connection.execute(found) if name is not None}


def _of_brands(connection: Connection, ids: Collection[UUID]) -> tuple[Ids, Ids, Ids, Ids]:
    """Answer, by brand, the facets of its articles, of mentions of it, of its group, and of the group above it."""
    found = (
        select(Brand.id, Brand.facet_id, Brand.mention_facet_id, Brand.group_facet_id, _Parent.group_facet_id)
        .outerjoin(_Parent, _Parent.id == Brand.parent_id)
        .where(among(connection, Brand.id, ids))
    )
    brands = connection.execute(found).all()
    own, mention, group, above = ({row[0]: row[place] for row in brands} for place in range(1, 5))
    return own, mention, group, above


def _of_terms(connection: Connection, model: Any, ids: Collection[UUID | None]) -> Ids:
    found = select(model.id, model.facet_id).where(among(connection, model.id, ids))
    return dict(connection.execute(found).all())


def list_articles(session: Session, placed: Iterable[tuple[State, frozenset[int]]]) -> None:
    """Put articles into the lists of their facets; they stand in none yet."""
    columns = ("facet_id", "published_at", "article_id", "updated_at", "materially_updated_at")
    places = []
    for state, facets_ in placed:
        values = state.values
        times = (values["updated_at"], values["materially_updated_at"])
        places += [(facet, values["published_at"], state.id, *times) for facet in facets_]
    places.sort()  # in the order of the index, whose pages are then each touched once
    rows.insert(session, Listing, columns, places)


def unlist_articles(session: Session, placed: Iterable[tuple[State, frozenset[int]]]) -> None:
    """Take articles out of the lists of their facets, as they stand there."""
    row = table(Listing).c
    statement = delete(table(Listing)).where(
        row.facet_id == bindparam("facet"),
        row.published_at == bindparam("time", type_=row.published_at.type),
        row.article_id == bindparam("article", type_=row.article_id.type),
    )
    places = [
        {"facet": facet, "time": state.values["published_at"], "article": state.id}
        for state, facets_ in placed
        for facet in facets_
    ]
    if places:
        session.connection().execute(statement, places)
