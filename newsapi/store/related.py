"""Related articles until they are ranked: the newest of the same brand, then of its group."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, func, literal, select, union_all
from sqlalchemy.orm import aliased

from newsapi.model import Article, Brand, Facet, Listing
from newsapi.model.base import latest
from newsapi.store import articles
from newsapi.store.articles import Page, Record
from newsapi.store.public import visible

FRESH = {"kind": "fresh", "weight": 1.0, "terms": []}

_Own = aliased(Brand)
_Above = aliased(Brand)


def _newest(level: str, rank: int, facet: Any) -> Select[Any]:
    """The newest of one facet; `facet` names it in terms of the article's brand and of the one above."""
    of = (
        select(facet)
        .select_from(Article)
        .join(_Own, _Own.id == Article.brand_id)
        .outerjoin(_Above, _Above.id == _Own.parent_id)
        .where(Article.id == bindparam("article"), visible())
        .scalar_subquery()
    )
    found = select(Listing.article_id, Listing.published_at, Listing.facet_id, Facet.at).join(
        Facet, Facet.id == Listing.facet_id
    )
    found = found.where(Listing.facet_id == of)
    found = found.order_by(Listing.published_at.desc(), Listing.article_id.desc()).limit(bindparam("rows"))
    rows = found.subquery(level)
    return select(literal(level).label("level"), literal(rank).label("rank"), *rows.c)


_CANDIDATES = union_all(
    _newest("recent", 0, _Own.facet_id),
    _newest("group", 1, func.coalesce(_Above.group_facet_id, _Own.group_facet_id)),
).subquery("candidates")
_NEWEST = select(_CANDIDATES.c.article_id, _CANDIDATES.c.level, _CANDIDATES.c.facet_id, _CANDIDATES.c.at).order_by(
    _CANDIDATES.c.rank, _CANDIDATES.c.published_at.desc(), _CANDIDATES.c.article_id.desc()
)


def of_article(connection: Connection, article: UUID, *, limit: int, exclude: Collection[str] = ()) -> Page:
    """Answer at most `limit` related articles, best first, each with `relation`; `exclude` are slugs to leave out."""
    parameters = {"article": article, "rows": limit + len(exclude) + 1}
    levels: dict[UUID, str] = {}
    times: set[datetime | None] = set()
    facets = set()
    for id_, level, facet, at in connection.execute(_NEWEST, parameters):
        levels.setdefault(id_, level)
        times.add(at)
        facets.add(facet)
    levels.pop(article, None)
    found = articles.by_ids(connection, list(levels)[: limit + len(exclude)])
    records: list[Record] = [
        {**record, "relation": {"score": 0.0, "level": levels[record["id"]], "reasons": [FRESH]}}
        for record in found.records
        if record["slug"] not in exclude
    ]
    return Page(records[:limit], latest({*times, found.changed_at}), facets=frozenset(facets))
