"""Conditions on articles: that they are in facets, or have names."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ScalarSelect,
    SQLColumnExpression,
    bindparam,
    literal,
    or_,
    select,
    union_all,
)

from newsapi.content.tables.articles import Article, ListingEntry, SlugRedirect


def in_facets(
    published_at: SQLColumnExpression[datetime | None], article_id: SQLColumnExpression[UUID], parameter_name: str
) -> ColumnElement[bool]:
    """Return the condition that an article is in one of the facets bound to the parameter `parameter_name`."""
    return find_in_facets(published_at, article_id, parameter_name) == 1


def is_any_of(
    article_id: SQLColumnExpression[UUID],
    ids: BindParameter[UUID] | Collection[UUID],
    slugs: BindParameter[str] | Collection[str],
) -> ColumnElement[bool]:
    """Return the condition that an article has one of these ids, or has or had one of these slugs."""
    former = select(SlugRedirect.subject_id).where(SlugRedirect.kind == "article", SlugRedirect.slug.in_(slugs))
    named = union_all(select(Article.id).where(Article.slug.in_(slugs)), former)
    return or_(article_id.in_(ids), article_id.in_(named))


def find_in_facets(
    published_at: SQLColumnExpression[datetime | None], article_id: SQLColumnExpression[UUID], parameter_name: str
) -> ScalarSelect[int]:
    """Return 1 for an article in one of the facets bound to the parameter `parameter_name`, null for others.

    This is a scalar subquery and not EXISTS, which PostgreSQL would turn into a join that may read the whole facet.
    """
    other = ListingEntry.__table__.alias(f"other_{parameter_name}")
    entry = select(literal(1)).where(
        other.c.facet_id.in_(bindparam(parameter_name, expanding=True)),
        other.c.published_at == published_at,
        other.c.article_id == article_id,
    )
    return entry.limit(1).scalar_subquery()
