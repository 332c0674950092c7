"""The same story in other languages: articles that bear one group, each a facet like a format or a language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, and_, bindparam, select

from newsapi.model import Article, Brand, Facet, Listing, Section
from newsapi.model.base import latest
from newsapi.store import prepared
from newsapi.store.public import visible

MOST: Final = 5_000
"""Articles read for one answer: a hundred languages for each of fifty articles."""


class Translations(NamedTuple):
    """The articles of each group, as much of them as their addresses need; the facets of the groups.

    `changed_at` is when an article last came into, changed in or left one of them.
    """

    records: dict[str, list[dict[str, Any]]]
    facets: frozenset[int]
    changed_at: datetime | None


NONE: Final = Translations({}, frozenset(), None)

_GROUPS = (
    select(Facet.name, Facet.id, Facet.at, Article.id, Article.slug, Article.language, Brand.slug, Section.slug)
    .select_from(Facet)
    .outerjoin(Listing, Listing.facet_id == Facet.id)
    .outerjoin(Article, and_(Article.id == Listing.article_id, visible()))
    .outerjoin(Brand, Brand.id == Article.brand_id)
    .outerjoin(Section, Section.id == Article.section_id)
    .where(Facet.kind == "translation", Facet.name.in_(bindparam("groups", expanding=True)))
    .order_by(Facet.name, Article.language, Article.slug)
    .limit(MOST)
)


def of_groups(connection: Connection, groups: Sequence[str]) -> Translations:
    """Answer the visible articles of these groups."""
    records: dict[str, list[dict[str, Any]]] = {group: [] for group in groups}
    facets, times = set(), set()
    for group, facet, at, id_, slug, language, brand, section in prepared.rows(
        connection, _GROUPS, {"groups": [*groups]}
    ):
        facets.add(facet)
        times.add(at)
        if id_ is not None:
            of_terms = {"brand": brand and {"slug": brand}, "section": section and {"slug": section}}
            records[group].append({"id": id_, "slug": slug, "language": language, **of_terms})
    return Translations(records, frozenset(facets), latest(times))
