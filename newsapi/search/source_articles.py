"""What the search index reads from the database: articles to index, and changes of articles."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from newsapi.changelog.tables import Change, ChangelogHead, Facet
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article, ArticleContent
from newsapi.db import compiled_queries
from newsapi.db.bulk_rows import in_values
from newsapi.search.index_reader import IndexPosition
from newsapi.search.index_schema import ArticleToIndex
from newsapi.text import html

_ARTICLES = (
    select(
        Article.id,
        Article.version,
        Article.language,
        Article.headline,
        Article.standfirst,
        ArticleContent.body_html,
        Article.published_at,
        Article.updated_at,
        Change.facets_after,
    )
    .join(ArticleContent, ArticleContent.article_id == Article.id)
    .join(Change, Change.seq == Article.seq)
    .where(is_visible())
)

_HEAD = select(ChangelogHead.seq, ChangelogHead.nonce, select(Facet.seq).where(Facet.kind == "all").scalar_subquery())

_NONCE = select(Change.nonce).where(Change.seq == bindparam("seq"))

_CHANGES = (
    select(Change.seq, Change.action, Change.subject_id, Change.facets_before, Change.facets_after, Change.is_bulk)
    .where(Change.seq > bindparam("after"), Change.seq <= bindparam("until"), Change.kind == "article")
    .order_by(Change.seq)
    .limit(bindparam("rows"))
)


class ArticleChange(NamedTuple):
    """A change of an article; the columns are those of `Change`."""

    seq: int
    action: str
    subject_id: UUID
    facets_before: Sequence[int]
    facets_after: Sequence[int]
    is_bulk: bool


def get_log_position(connection: Connection, indexed_seq: int | None = None) -> IndexPosition:
    """Return the head of the changelog as the position of an index that has indexed the changes up to `indexed_seq`.

    Args:
        connection: A read transaction.
        indexed_seq: The last change that is indexed completely; None for all.
    """
    [(seq, nonce, article_seq)] = compiled_queries.fetch_rows(connection, _HEAD, {})
    return IndexPosition(seq, nonce, article_seq, seq if indexed_seq is None else indexed_seq)


def has_change(connection: Connection, seq: int, nonce: int) -> bool:
    """Return whether the changelog has this change; before the first one, it has change 0."""
    if not seq:
        return True
    return compiled_queries.fetch_rows(connection, _NONCE, {"seq": seq}) == [(nonce,)]


def list_article_changes(connection: Connection, after: int, until: int, limit: int) -> list[ArticleChange]:
    """Return the first `limit` changes of articles after the seq `after`, up to `until`, in order."""
    rows = connection.execute(_CHANGES, {"after": after, "until": until, "rows": limit})
    return [ArticleChange(*row) for row in rows]


def list_articles(connection: Connection, ids: Collection[UUID]) -> list[ArticleToIndex]:
    """Return those of these articles that are published, with plain text."""
    if not ids:
        return []
    rows = connection.execute(_ARTICLES.where(in_values(connection, Article.id, ids))).all()
    facet_ids = {id_ for row in rows for id_ in row.facets_after}
    kinds_of_facets = select(Facet.id, Facet.kind).where(in_values(connection, Facet.id, facet_ids))
    kinds: dict[int, str] = dict(connection.execute(kinds_of_facets).all()) if facet_ids else {}
    articles = []
    for id_, version, language, headline, standfirst, body_html, published_at, updated_at, facets in rows:
        by_kind: dict[str, list[int]] = {}
        for facet in facets:
            by_kind.setdefault(kinds.get(facet, ""), []).append(facet)
        if published_at is None:  # only articles that are not published have no time
            continue
        body = html.html_to_text(body_html)
        articles.append(
            ArticleToIndex(id_, version, language, headline, standfirst or "", body, published_at, updated_at, by_kind)
        )
    return articles


def list_publication_times(connection: Connection, ids: Collection[UUID]) -> dict[UUID, object]:
    """Return when those of these articles that are published were published."""
    statement = select(Article.id, Article.published_at)
    statement = statement.where(in_values(connection, Article.id, ids), is_visible())
    return dict(connection.execute(statement).all())


def list_public_ids(connection: Connection, after: UUID | None, limit: int) -> list[UUID]:
    """Return the first `limit` ids of published articles after an id, in order."""
    statement = select(Article.id).where(is_visible()).order_by(Article.id).limit(limit)
    if after is not None:
        statement = statement.where(Article.id > after)
    return list(connection.execute(statement).scalars())


def count_public(connection: Connection) -> int:
    """Return the number of published articles."""
    return connection.execute(select(Facet.article_count).where(Facet.kind == "all")).scalar() or 0
