"""From the words of a filter to facets, and as of which change the answer is true: the first statement of a read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, func, literal, or_, select, true, union_all

from newsapi.errors import SchemaMissing
from newsapi.model import Author, Brand, Facet, LogHead, OldSlug, Section, Tag
from newsapi.store import prepared

TERMS = ("brand", "group", "mentions", "about", "author", "section", "tag")
"""Filters whose values are slugs of brands, authors, sections or tags."""

NAMED = ("format", "language")
"""Filters whose values name the facet themselves."""


FIXED = (("all", ""), ("terms", "author"), ("terms", "brand"), ("terms", "section"), ("terms", "tag"))
"""The facets that every database has: all articles, and the lists of names themselves."""

SEEN = Facet.seq > 0
"""A tag, format or language that no change has touched came with a draft: the public knows nothing of it."""


class FacetState(NamedTuple):
    """A facet as a read finds it."""

    id: int
    articles: int
    seq: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Truth:
    """As of which change a read is true, and what it asked for.

    `filters` has, for each filter, the facets its values stand for (none where a slug is unknown), `terms` the facets
    of the lists of brands, authors, sections and tags themselves.
    """

    seq: int
    mark: int
    filters: Mapping[str, Sequence[FacetState]]
    everything: FacetState
    terms: Mapping[str, FacetState]

    def touched_at(self) -> datetime | None:
        """When an article last came into, changed in or left a list with these filters."""
        groups = [facets for facets in self.filters.values() if facets] or [[self.everything]]
        times = [max((facet.at for facet in facets if facet.at is not None), default=None) for facets in groups]
        return min((time for time in times if time is not None), default=None)


def _term(filter_: str, *, old: bool) -> Select[*tuple[Any, ...]]:
    """Facets of the terms whose slug, or former slug, is among the values."""
    model: Any = {"author": Author, "section": Section, "tag": Tag}.get(filter_, Brand)
    kind = model.__tablename__
    facet_ids: dict[str, Any] = {
        "mentions": Facet.id == Brand.mention_facet_id,
        "about": or_(Facet.id == Brand.facet_id, Facet.id == Brand.mention_facet_id),
        "group": Facet.id == func.coalesce(Brand.group_facet_id, Brand.facet_id),
    }
    values: BindParameter[Any] = bindparam(filter_, expanding=True)
    found = select(literal(filter_).label("filter"), Facet.id, Facet.articles, Facet.seq, Facet.at).select_from(model)
    if old:
        found = found.join(OldSlug, OldSlug.subject_id == model.id).where(
            OldSlug.kind == kind, OldSlug.slug.in_(values)
        )
    else:
        found = found.where(model.slug.in_(values))
    found = found.join(Facet, facet_ids.get(filter_, Facet.id == model.facet_id))
    return found.where(SEEN) if model is Tag else found


def _named(filter_: str) -> Select[*tuple[Any, ...]]:
    values: BindParameter[Any] = bindparam(filter_, expanding=True)
    found = select(literal(filter_).label("filter"), Facet.id, Facet.articles, Facet.seq, Facet.at)
    return found.where(Facet.kind == filter_, Facet.name.in_(values), SEEN)


@lru_cache(maxsize=256)
def _statement(filters: tuple[str, ...]) -> Select[Any]:
    fixed = select(
        (Facet.kind + ":" + func.coalesce(Facet.name, "")), Facet.id, Facet.articles, Facet.seq, Facet.at
    ).where(or_(*(and_(Facet.kind == kind, Facet.name == name) for kind, name in FIXED)))
    branches = [fixed]
    for filter_ in filters:
        branches += [_named(filter_)] if filter_ in NAMED else [_term(filter_, old=False), _term(filter_, old=True)]
    facets = union_all(*branches).subquery("f")
    return select(LogHead.seq, LogHead.mark, *facets.c).select_from(LogHead).join(facets, true())


def truth(connection: Connection, wanted: Mapping[str, Sequence[str]]) -> Truth:
    """Look the values of the filters up and read the head of the log, in one statement."""
    rows = prepared.rows(connection, _statement(tuple(sorted(wanted))), wanted)
    if not rows:
        raise SchemaMissing
    seq, mark = rows[0][:2]
    filters: dict[str, list[FacetState]] = {name: [] for name in wanted}
    terms: dict[str, FacetState] = {}
    for _, _, filter_, *state in rows:
        facet = FacetState(*state)
        kind, colon, name = filter_.partition(":")
        if colon:
            terms[name or kind] = facet
        elif facet not in filters[filter_]:
            filters[filter_].append(facet)
    return Truth(seq, mark, filters, terms.pop("all"), terms)
