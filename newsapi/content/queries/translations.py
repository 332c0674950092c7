"""Translations: articles of one translation group, which is a facet like a format or a language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, and_, bindparam, select

from newsapi.changelog.tables import Facet
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article, ListingEntry
from newsapi.content.tables.terms import Brand, Section
from newsapi.db import compiled_queries
from newsapi.db.types import latest_time
from newsapi.text.json_types import JsonObject

MAX_ARTICLES: Final = 5_000
"""Largest number of articles read for one response: a hundred languages for each of fifty articles."""


class TranslationSet(NamedTuple):
    """The articles of some translation groups.

    Attributes:
        records: The articles by group, with the fields that their URLs need.
        facets: The facet ids of the groups.
        changed_at: When an article last entered, changed in or left one of the groups.
    """

    records: dict[str, list[JsonObject]]
    facets: frozenset[int]
    changed_at: datetime | None


NONE: Final = TranslationSet({}, frozenset(), None)

_GROUPS = (
    select(Facet.name, Facet.id, Facet.changed_at, Article.id, Article.slug, Article.language, Brand.slug, Section.slug)
    .select_from(Facet)
    .outerjoin(ListingEntry, ListingEntry.facet_id == Facet.id)
    .outerjoin(Article, and_(Article.id == ListingEntry.article_id, is_visible()))
    .outerjoin(Brand, Brand.id == Article.brand_id)
    .outerjoin(Section, Section.id == Article.section_id)
    .where(Facet.kind == "translation", Facet.name.in_(bindparam("groups", expanding=True)))
    .order_by(Facet.name, Article.language, Article.slug)
    .limit(MAX_ARTICLES)
)


def list_for_groups(connection: Connection, groups: Sequence[str]) -> TranslationSet:
    """Return the public articles of these translation groups."""
    records: dict[str, list[JsonObject]] = {group: [] for group in groups}
    facet_ids, change_times = set(), set()
    rows = compiled_queries.fetch_rows(connection, _GROUPS, {"groups": [*groups]})
    for group, facet_id, changed_at, id_, slug, language, brand, section in rows:
        facet_ids.add(facet_id)
        change_times.add(changed_at)
        if id_ is not None:
            terms = {"brand": brand and {"slug": brand}, "section": section and {"slug": section}}
            records[group or ""].append({"id": id_, "slug": slug, "language": language, **terms})
    return TranslationSet(records, frozenset(facet_ids), latest_time(change_times))
