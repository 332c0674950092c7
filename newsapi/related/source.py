"""The article whose related articles are read: its row with its stored list and what the list depends on."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select
from sqlalchemy.orm import aliased

from newsapi.changelog.tables import ConsumerOffset, Facet
from newsapi.content.queries.listing_entries import ALL_ARTICLES_FACET
from newsapi.content.tables.articles import Article, ArticleContent
from newsapi.content.tables.terms import Brand, Section
from newsapi.related import index
from newsapi.related.ranking import RankingReason
from newsapi.related.tables import RelatedList, RelatedTermStatistics


class SourceArticle(NamedTuple):
    """The article whose related articles are read; the columns of `_SOURCE`.

    `pool` is the facet of its brand, or that of all articles if it has no brand; `section`, `group` and `all_articles`
    are facets too.
    """

    id: UUID
    changed_at: datetime | None
    section_id: UUID | None
    language: str
    translation_group: str | None
    brand: str | None
    picks: list[str]
    bans: list[str] | None
    pool: int
    all_articles: int
    section: int | None
    articles_changed_at: datetime | None
    pool_changed_at: datetime | None
    group_changed_at: datetime | None
    group: int | None
    weights_version: int | None
    index_revision: int | None
    weights_counted_at: datetime | None
    log_position: int | None
    list_version: int | None
    list_items: list[tuple[str, str, float, list[RankingReason]]] | None
    list_built_at: datetime | None
    list_max_items: int | None


_Own = aliased(Brand)
_Above = aliased(Brand)
_Group = aliased(Facet)
_POOL = func.coalesce(_Own.facet_id, ALL_ARTICLES_FACET)
_SOURCE = (
    select(
        Article.id,
        Article.changed_at,
        Article.section_id,
        Article.language,
        ArticleContent.translation_group,
        _Own.slug.label("brand"),
        ArticleContent.picks,
        ArticleContent.bans,
        Facet.id.label("pool"),
        ALL_ARTICLES_FACET.label("all_articles"),
        Section.facet_id.label("section"),
        select(Facet.changed_at).where(Facet.kind == "all").scalar_subquery().label("articles_changed_at"),
        Facet.changed_at.label("pool_changed_at"),
        _Group.changed_at.label("group_changed_at"),
        _Group.id.label("group"),
        select(RelatedTermStatistics.version).scalar_subquery().label("weights_version"),
        select(RelatedTermStatistics.revision).scalar_subquery().label("index_revision"),
        select(RelatedTermStatistics.counted_at).scalar_subquery().label("weights_counted_at"),
        select(ConsumerOffset.seq)
        .where(ConsumerOffset.consumer == index.CONSUMER)
        .scalar_subquery()
        .label("log_position"),
        RelatedList.version.label("list_version"),
        RelatedList.entries.label("list_items"),
        RelatedList.built_at.label("list_built_at"),
        RelatedList.max_items.label("list_max_items"),
    )
    .select_from(Article)
    .join(ArticleContent, ArticleContent.article_id == Article.id)
    .outerjoin(_Own, _Own.id == Article.brand_id)
    .outerjoin(_Above, _Above.id == _Own.parent_id)
    .outerjoin(Section, Section.id == Article.section_id)
    .join(Facet, Facet.id == _POOL)
    .outerjoin(_Group, _Group.id == func.coalesce(_Above.group_facet_id, _Own.group_facet_id))
    .outerjoin(RelatedList, RelatedList.article_id == Article.id)
    .where(Article.id == bindparam("article"))
)


def get_source(connection: Connection, article: UUID) -> SourceArticle:
    """Return an article as the source of a related list."""
    return SourceArticle(*connection.execute(_SOURCE, {"article": article}).one())
