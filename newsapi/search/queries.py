"""Queries of the database for searches: languages, names of facets, and filters that the index does not know."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, literal, or_, select, union_all

from newsapi.changelog.tables import Facet
from newsapi.content.tables.articles import Article, ArticleContent
from newsapi.content.tables.terms import Author, Brand, Section, Tag
from newsapi.db import compiled_queries, integer_lists

_FACET_KINDS: Final[dict[str, Any]] = {
    "brand": Brand,
    "section": Section,
    "author": Author,
    "tag": Tag,
    "format": Facet,
}
_LANGUAGES = select(Facet.id, Facet.name, Facet.article_count).where(Facet.kind == "language", Facet.article_count > 0)
_BODIES = select(ArticleContent.article_id, ArticleContent.body_html).where(
    ArticleContent.article_id.in_(bindparam("ids", expanding=True))
)


def list_languages(connection: Connection) -> list[tuple[int, str | None, int]]:
    """Return facet, BCP 47 tag and number of articles of each language of the archive."""
    return compiled_queries.fetch_rows(connection, _LANGUAGES, {})


def list_group_brands(connection: Connection, group_facets: Collection[int]) -> list[int]:
    """Return the facets of the brands of groups, given by their facets: brands can move between groups."""
    groups = select(Brand.id).where(or_(Brand.group_facet_id.in_(group_facets), Brand.facet_id.in_(group_facets)))
    brands = select(Brand.facet_id).where(or_(Brand.id.in_(groups), Brand.parent_id.in_(groups)))
    return [*connection.execute(brands).scalars()]


def list_ids(connection: Connection, slugs: Collection[str]) -> list[UUID]:
    """Return the ids of articles of any status with these slugs."""
    return [*connection.execute(select(Article.id).where(Article.slug.in_(slugs))).scalars()]


def read_bodies(connection: Connection, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the bodies of articles as HTML."""
    return dict(compiled_queries.fetch_rows(connection, _BODIES, {"ids": [*ids]}))


def list_name_words(connection: Connection, limit: int) -> set[str]:
    """Return the words of the names and aliases of brands and authors, of at most `limit` of them, without accents."""
    search_names = union_all(select(Brand.search_names), select(Author.search_names)).subquery()
    texts = connection.execute(select(search_names).limit(limit)).scalars()
    return {word for text in texts for word in text.split()}


def facet_labels(
    connection: Connection, ids_by_kind: Mapping[str, Collection[int]]
) -> dict[str, dict[int, tuple[str, str]]]:
    """Return slug and name of those of these facets that are of each kind."""
    dialect, labels = connection.dialect.name, {kind: dict[int, tuple[str, str]]() for kind in ids_by_kind}
    parameters = {kind: integer_lists.bind_value(dialect, ids) for kind, ids in ids_by_kind.items()}
    statement = _labels(dialect, tuple(sorted(ids_by_kind)))
    for kind, id_, slug, name in compiled_queries.fetch_rows(connection, statement, parameters):
        labels[kind][id_] = (slug, name)
    return labels


@lru_cache(maxsize=64)
def _labels(dialect: str, kinds: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    return select(union_all(*(_labels_of_kind(dialect, kind) for kind in kinds)).subquery())


def _labels_of_kind(dialect: str, kind: str) -> Select[*tuple[Any, ...]]:
    model = _FACET_KINDS[kind]
    if model is Facet:
        statement = select(literal(kind), Facet.id, Facet.name, Facet.name.label("label")).where(Facet.kind == kind)
        return statement.where(integer_lists.in_list(dialect, Facet.id, kind))
    statement = select(literal(kind), model.facet_id, model.slug, model.name)
    return statement.where(integer_lists.in_list(dialect, model.facet_id, kind))
