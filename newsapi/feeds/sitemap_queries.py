"""Queries of sitemap pages: when each page last changed, and its articles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, select, tuple_

from newsapi.changelog.tables import Facet
from newsapi.content.queries.sitemap_pages import SITEMAP_KIND
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article, ListingEntry
from newsapi.content.tables.terms import Brand, Section
from newsapi.db.bulk_rows import in_values
from newsapi.db.sql_functions import greatest_time
from newsapi.db.types import Id, UtcDateTime

BATCH_SIZE = 2_000
"""Articles read by one statement."""


class SitemapPage(NamedTuple):
    """A page of the sitemap: its number, its facet, its number of articles, and when it last changed."""

    number: int
    facet_id: int
    articles: int
    at: datetime | None


class SitemapArticle(NamedTuple):
    """An article on a page of the sitemap.

    Attributes:
        section: Slug of its section.
        brand: Slug of its brand.
        at: The time of the last material update.
        changed_at: The last change of the article, its brand or its section.
    """

    id: UUID
    slug: str
    section: str | None
    brand: str | None
    at: datetime
    changed_at: datetime
    published_at: datetime


def list_pages(connection: Connection) -> list[SitemapPage]:
    """Return all pages that have articles, in order."""
    rows = connection.execute(_PAGES)
    return sorted(SitemapPage(int(name), id_, count, changed_at) for name, id_, count, changed_at in rows if name)


_PAGES = select(Facet.name, Facet.id, Facet.article_count, Facet.changed_at).where(
    Facet.kind == SITEMAP_KIND, Facet.article_count > 0
)


def has_articles_since(connection: Connection, pages: Sequence[SitemapPage], since: datetime) -> bool:
    """Return whether any of these pages has an article published at this time or later."""
    recent = select(ListingEntry.article_id).where(
        in_values(connection, ListingEntry.facet_id, [page.facet_id for page in pages]),
        ListingEntry.published_at >= since,
    )
    return connection.execute(recent.limit(1)).first() is not None


def list_articles(connection: Connection, page: SitemapPage) -> Iterator[SitemapArticle]:
    """Iterate over the articles of a page by time of publication.

    Yields:
        The articles.
    """
    values: dict[str, object] = {"facet": page.facet_id, "rows": BATCH_SIZE}
    statement = _ROWS
    while rows := [SitemapArticle(*row) for row in connection.execute(statement, values)]:
        yield from rows
        if len(rows) < BATCH_SIZE:
            return
        statement, values = _NEXT, {**values, "at": rows[-1].published_at, "id": rows[-1].id}


_ROWS = (
    select(
        Article.id,
        Article.slug,
        Section.slug.label("section"),
        Brand.slug.label("brand"),
        ListingEntry.materially_updated_at.label("at"),
        greatest_time(Article.changed_at, Brand.changed_at, Section.changed_at).label("changed_at"),
        ListingEntry.published_at,
    )
    .select_from(ListingEntry)
    .join(Article, Article.id == ListingEntry.article_id)
    .outerjoin(Section, Section.id == Article.section_id)
    .outerjoin(Brand, Brand.id == Article.brand_id)
    .where(ListingEntry.facet_id == bindparam("facet"), is_visible())
    .order_by(ListingEntry.published_at, ListingEntry.article_id)
    .limit(bindparam("rows"))
)
_NEXT = _ROWS.where(
    tuple_(ListingEntry.published_at, ListingEntry.article_id)
    > tuple_(bindparam("at", type_=UtcDateTime()), bindparam("id", type_=Id()))
)
