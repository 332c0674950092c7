"""The articles before and after an article in the lists of its brand and of its section."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, literal, select, tuple_, union_all

from newsapi.changelog.tables import Facet
from newsapi.content.article_types import ArticleRow
from newsapi.content.queries import articles as article_queries
from newsapi.content.tables.articles import Article, ListingEntry
from newsapi.content.tables.terms import Brand, Section
from newsapi.db.types import Id, UtcDateTime, latest_time

Term = Literal["brand", "section"]

TERMS: Final[tuple[Term, ...]] = ("brand", "section")


class AdjacentArticles(NamedTuple):
    """The neighbours of an article.

    Attributes:
        ids: By term, the ids of the `previous` (older) and the `next` (newer) article; None at the end of the list. A
            term that the article does not have is left out.
        records: The articles.
        changed_at: When one of them, or one of the lists, last changed.
        facets: The lists.
    """

    ids: dict[str, dict[str, UUID | None]]
    records: list[ArticleRow]
    changed_at: datetime | None
    facets: frozenset[int]


NONE: Final = AdjacentArticles({}, [], None, frozenset())
"""What an article has that is on no list."""


def find_adjacent(connection: Connection, article: UUID) -> AdjacentArticles:
    """Return the neighbours of an article, which is public, by time of publication."""
    published_at, brand, brand_changed_at, section, section_changed_at = connection.execute(
        _LISTS, {"article": article}
    ).one()
    facets: dict[Term, int | None] = {"brand": brand, "section": section}
    parameters = {"at": published_at, "id": article, "brand": brand, "section": section}
    ids: dict[str, dict[str, UUID | None]] = {
        term: {"previous": None, "next": None} for term, facet in facets.items() if facet is not None
    }
    for term, side, id_ in connection.execute(_NEIGHBOURS, parameters):
        ids[term][side] = id_
    found = {id_ for sides in ids.values() for id_ in sides.values() if id_}
    page = article_queries.get_many(connection, sorted(found))
    changed_at = latest_time({page.changed_at, brand_changed_at, section_changed_at})
    return AdjacentArticles(ids, page.records, changed_at, frozenset(filter(None, facets.values())))


_SIDES: Final = ("previous", "next")
_BRAND_FACET, _SECTION_FACET = Facet.__table__.alias("brand_facet"), Facet.__table__.alias("section_facet")
_LISTS: Final = (
    select(
        Article.published_at,
        _BRAND_FACET.c.id,
        _BRAND_FACET.c.changed_at,
        _SECTION_FACET.c.id,
        _SECTION_FACET.c.changed_at,
    )
    .select_from(Article)
    .outerjoin(Brand, Brand.id == Article.brand_id)
    .outerjoin(_BRAND_FACET, _BRAND_FACET.c.id == Brand.facet_id)
    .outerjoin(Section, Section.id == Article.section_id)
    .outerjoin(_SECTION_FACET, _SECTION_FACET.c.id == Section.facet_id)
    .where(Article.id == bindparam("article"))
)


def _neighbour(term: Term, side: str) -> Select[str, str, UUID]:
    """Select the first article of a list before or after a position: one step in an index."""
    position = tuple_(ListingEntry.published_at, ListingEntry.article_id)
    start = tuple_(bindparam("at", type_=UtcDateTime()), bindparam("id", type_=Id()))
    columns = (ListingEntry.published_at, ListingEntry.article_id)
    order = [column.desc() if side == "previous" else column.asc() for column in columns]
    first = (
        select(ListingEntry.article_id)
        .where(ListingEntry.facet_id == bindparam(term), position < start if side == "previous" else position > start)
        .order_by(*order)
        .limit(1)
        .subquery(f"{side}_of_{term}")
    )
    return select(literal(term), literal(side), first.c.article_id)


_NEIGHBOURS: Final = union_all(*(_neighbour(term, side) for term in TERMS for side in _SIDES))
