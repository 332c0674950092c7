"""The texts of articles as the index of related articles reads them."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, func, literal, select, union_all

from newsapi.content.queries.listing_entries import ALL_ARTICLES_FACET
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article, ArticleContent, ArticleMention, ArticleTag
from newsapi.content.tables.terms import Brand, Tag
from newsapi.db import compiled_queries
from newsapi.related.vectors import ArticleText
from newsapi.text import html


class Source(NamedTuple):
    """The text of an article, its candidate pool and its last public change.

    The pool is the facet of the article's brand, or that of all articles if it has none.
    """

    pool: int
    seq: int
    text: ArticleText


_TEXTS = (
    select(
        Article.id,
        func.coalesce(Brand.facet_id, ALL_ARTICLES_FACET).label("pool"),
        func.coalesce(Article.seq, 0).label("seq"),
        Article.headline,
        Article.standfirst,
        ArticleContent.body_html,
        Article.language,
        Article.published_at,
    )
    .join(ArticleContent, ArticleContent.article_id == Article.id)
    .outerjoin(Brand, Brand.id == Article.brand_id)
    .where(is_visible(), Article.id.in_(bindparam("ids", expanding=True)))
)


def load_texts(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Source]:
    """Return the texts of those of these articles that are public."""
    if not ids:
        return {}
    parameters = {"ids": list(ids)}
    terms: dict[UUID, dict[str, list[tuple[UUID, str]]]] = {}
    for kind, article, id_, name in compiled_queries.fetch_rows(connection, _TAGS_AND_MENTIONS, parameters):
        terms.setdefault(article, {"tags": [], "mentions": []})[kind].append((id_, name))
    return {
        id_: Source(
            pool,
            seq,
            ArticleText(
                id=id_,
                headline=headline,
                standfirst=standfirst or "",
                body=html.html_to_text(body_html),
                language=language,
                at=published_at.timestamp() if published_at else 0.0,
                **terms.get(id_, {}),
            ),
        )
        for id_, pool, seq, headline, standfirst, body_html, language, published_at in compiled_queries.fetch_rows(
            connection, _TEXTS, parameters
        )
    }


def _tags_and_mentions() -> Select[str, UUID, UUID, str]:
    branches = [
        select(literal(kind).label("kind"), link.article_id, term.id, term.name, link.position)
        .join(term, term.id == term_id)
        .where(link.article_id.in_(bindparam("ids", expanding=True)))
        for kind, link, term_id, term in (
            ("tags", ArticleTag, ArticleTag.tag_id, Tag),
            ("mentions", ArticleMention, ArticleMention.brand_id, Brand),
        )
    ]
    terms = union_all(*branches).subquery()
    return select(terms.c.kind, terms.c.article_id, terms.c.id, terms.c.name).order_by(terms.c.position)


_TAGS_AND_MENTIONS = _tags_and_mentions()
