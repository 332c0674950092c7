"""Whose lists facets are: the way from a change back to slugs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam, literal, select, union_all
from sqlalchemy.orm import aliased

from newsapi.model import Brand, OldSlug
from newsapi.store.taxonomy import MODELS

AT_ONCE = 5_000
"""Facets that are looked up by one statement: SQLite takes some 32,000 values."""

_Child = aliased(Brand)


def _statement() -> Select[Any]:
    """Facet, kind and slug, for the terms whose own list a facet is, under their former slugs too.

    The list of a group is shown beside the articles of the brand above and of each below it.
    """
    ids: BindParameter[Any] = bindparam("facets", expanding=True)
    branches = []
    for kind, model in MODELS.items():
        own = select(model.facet_id, literal(kind).label("kind"), model.slug).where(model.facet_id.in_(ids))
        former = (
            select(model.facet_id, literal(kind), OldSlug.slug)
            .join(OldSlug, (OldSlug.subject_id == model.id) & (OldSlug.kind == kind))
            .where(model.facet_id.in_(ids))
        )
        branches += [own, former]
    group = Brand.group_facet_id
    branches.append(select(group, literal("brand"), Brand.slug).where(group.in_(ids)))
    branches.append(
        select(group, literal("brand"), _Child.slug).join(_Child, _Child.parent_id == Brand.id).where(group.in_(ids))
    )
    found = union_all(*branches).subquery("named")
    return select(*found.c)


_NAMED = _statement()


def of_facets(connection: Connection, facets: Collection[int]) -> Mapping[int, Collection[tuple[str, str]]]:
    """Answer kind and slug of the terms that facets stand for; none for those of mentions, formats, languages, all."""
    named: dict[int, list[tuple[str, str]]] = defaultdict(list)
    wanted = sorted(facets)
    for start in range(0, len(wanted), AT_ONCE):
        for facet, kind, slug in connection.execute(_NAMED, {"facets": wanted[start : start + AT_ONCE]}):
            named[facet].append((kind, slug))
    return named
