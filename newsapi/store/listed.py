"""Which facets an article belongs to, said once: what lists it stands in, and what a change of it touches."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Select, Subquery, bindparam, delete, insert, select, union_all
from sqlalchemy.orm import Session, aliased

from newsapi.model import (
    Article,
    ArticleAuthor,
    ArticleMention,
    ArticleTag,
    Author,
    Brand,
    Facet,
    Listing,
    Section,
    Tag,
)
from newsapi.model.base import table
from newsapi.store.public import visible

_Parent = aliased(Brand)


def _facets() -> Subquery:
    """Pairs of an article and a facet, for the articles in `ids`."""
    ids: BindParameter[Any] = bindparam("ids", expanding=True)

    def of(facet: Any, *joins: tuple[Any, Any]) -> Select[Any]:
        found = select(Article.id.label("article_id"), facet.label("facet_id")).select_from(Article)
        for target, condition in joins:
            found = found.join(target, condition)
        return found.where(Article.id.in_(ids), facet.is_not(None))

    brand = (Brand, Brand.id == Article.brand_id)

    def linked(link: Any, column: Any, term: Any, facet: Any) -> Select[Any]:
        return of(facet, (link, link.article_id == Article.id), (term, term.id == column))

    return union_all(
        of(Facet.id, (Facet, Facet.kind == "all")),
        of(Facet.id, (Facet, (Facet.kind == "format") & (Facet.name == Article.format))),
        of(Facet.id, (Facet, (Facet.kind == "language") & (Facet.name == Article.language))),
        of(Brand.facet_id, brand),
        of(Brand.group_facet_id, brand),
        of(_Parent.group_facet_id, brand, (_Parent, _Parent.id == Brand.parent_id)),
        of(Section.facet_id, (Section, Section.id == Article.section_id)),
        linked(ArticleAuthor, ArticleAuthor.author_id, Author, Author.facet_id),
        linked(ArticleMention, ArticleMention.brand_id, Brand, Brand.mention_facet_id),
        linked(ArticleTag, ArticleTag.tag_id, Tag, Tag.facet_id),
    ).subquery("facets")


_FACETS = _facets()
_OF_VISIBLE = select(_FACETS.c.article_id, _FACETS.c.facet_id).join(
    Article, (Article.id == _FACETS.c.article_id) & visible()
)
_ROWS = _OF_VISIBLE.with_only_columns(_FACETS.c.facet_id, Article.published_at, Article.id, Article.updated_at)
_LIST = insert(Listing).from_select(["facet_id", "published_at", "article_id", "updated_at"], _ROWS)


def listed_in(session: Session, ids: Collection[UUID]) -> dict[UUID, frozenset[int]]:
    """Answer the facets of each of these articles that is visible."""
    found: dict[UUID, set[int]] = {id_: set() for id_ in ids}
    for article_id, facet_id in session.execute(_OF_VISIBLE, {"ids": list(ids)}):
        found[article_id].add(facet_id)
    return {id_: frozenset(facets) for id_, facets in found.items()}


def list_articles(session: Session, ids: Collection[UUID]) -> None:
    """Put the visible ones of these articles into the lists of their facets; they stand in none yet."""
    session.connection().execute(_LIST, {"ids": list(ids)})


def unlist_articles(session: Session, places: Collection[tuple[int, Any, UUID]]) -> None:
    """Take articles out of lists: by facet, time of publication and id, as they stand there."""
    row = table(Listing).c
    statement = delete(table(Listing)).where(
        row.facet_id == bindparam("facet"),
        row.published_at == bindparam("time", type_=row.published_at.type),
        row.article_id == bindparam("article", type_=row.article_id.type),
    )
    if places:
        rows = [{"facet": facet, "time": time, "article": article} for facet, time, article in places]
        session.connection().execute(statement, rows)
