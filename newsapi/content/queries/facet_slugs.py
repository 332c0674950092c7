"""Lookup from the facets of a change to the slugs of their terms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from sqlalchemy import BindParameter, Connection, Select, bindparam, literal, select, union_all
from sqlalchemy.orm import aliased

from newsapi.content.queries.terms import MODELS
from newsapi.content.tables.articles import SlugRedirect
from newsapi.content.tables.terms import Brand

MAX_FACETS_PER_QUERY = 5_000
"""Largest number of facets looked up by one statement; SQLite accepts some 32,000 parameters."""

_Child = aliased(Brand)


def _statement() -> Select[int, str, str]:
    """Return the query for facet, kind and slug of the terms that facets belong to, including former slugs.

    The facet of a group also belongs to each child brand, because the list of the group is shown beside their articles.
    """
    ids: BindParameter[int] = bindparam("facets", expanding=True)
    branches = []
    for kind, model in MODELS.items():
        current = select(model.facet_id, literal(kind).label("kind"), model.slug).where(model.facet_id.in_(ids))
        former = (
            select(model.facet_id, literal(kind), SlugRedirect.slug)
            .join(SlugRedirect, (SlugRedirect.subject_id == model.id) & (SlugRedirect.kind == kind))
            .where(model.facet_id.in_(ids))
        )
        branches += [current, former]
    group = Brand.group_facet_id
    branches.append(select(group, literal("brand"), Brand.slug).where(group.in_(ids)))
    branches.append(
        select(group, literal("brand"), _Child.slug).join(_Child, _Child.parent_id == Brand.id).where(group.in_(ids))
    )
    terms = union_all(*branches).subquery("named")
    return select(*terms.c)


_NAMED = _statement()


def slugs_of_facets(connection: Connection, facets: Collection[int]) -> Mapping[int, Collection[tuple[str, str]]]:
    """Return kind and slug of the terms that facets belong to, keyed by facet id.

    Facets of mentions, formats, languages and of all articles belong to no term and are left out.
    """
    terms_by_facet: dict[int, list[tuple[str, str]]] = defaultdict(list)
    facet_ids = sorted(facets)
    for start in range(0, len(facet_ids), MAX_FACETS_PER_QUERY):
        for facet_id, kind, slug in connection.execute(
            _NAMED, {"facets": facet_ids[start : start + MAX_FACETS_PER_QUERY]}
        ):
            terms_by_facet[facet_id].append((kind, slug))
    return terms_by_facet
