"""Requests for one article, its JSON-LD and its related articles: parsed once from the query."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from newsapi.content.presentation import visibility_of_caller
from newsapi.content.presentation.article_paths import parse_name
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries.articles import ArticleRef
from newsapi.content.queries.unpublished import Visibility
from newsapi.content.schemas.params import ArticleParams, RelatedParams
from newsapi.db.database import Connection
from newsapi.errors import NoLongerPublic, NotFound
from newsapi.web import pagination
from newsapi.web.pagination import Query
from newsapi.web.params import defaults_of

ARTICLE_DEFAULTS: Final = defaults_of(ArticleParams)
_RELATED_DEFAULTS: Final = defaults_of(RelatedParams)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedSelection:
    """Which of the related articles of an article are requested.

    Attributes:
        limit: Maximum number of articles.
        exclude: Slugs of articles to leave out.
        preview_token: Token of a preview link; None without one.
    """

    limit: int
    exclude: Collection[str] = ()
    preview_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleRequest:
    """A request for one article.

    Attributes:
        name: The id or slug; "" for a text that is neither, which no article has.
        path: Canonical path of the article below the API URL.
        fields: Dotted paths of the fields to return; empty for all.
        include: References to expand to full objects, and parts to add.
        related: Which related articles to add, if `include` names them; None for JSON-LD.
        preview_token: Token of a preview link; None without one.
    """

    name: str | UUID
    path: str
    fields: frozenset[str] = frozenset()
    include: tuple[str, ...] = ()
    related: RelatedSelection | None = None
    preview_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedRequest:
    """A request for the related articles of an article.

    Attributes:
        name: The id or slug; "" for a text that is neither, which no article has.
        article_path: Canonical path of the article below the API URL.
        canonical_url: Canonical URL of the list.
        related: Which of the related articles are requested.
    """

    name: str | UUID
    article_path: str
    canonical_url: str
    related: RelatedSelection


def parse_article_request(name: str, query: Query) -> ArticleRequest:
    """Parse the path parameter and the query of a request for an article or its JSON-LD."""
    slug_or_id, path = parse_name(name)
    related = None
    if "related_limit" in query:
        related = RelatedSelection(
            limit=query["related_limit"],
            exclude=query.get("related_exclude", ()),
            preview_token=query.get("preview"),
        )
    return ArticleRequest(
        name=slug_or_id,
        path=path,
        fields=frozenset(query.get("fields", ())),
        include=query.get("include", ()),
        related=related,
        preview_token=query.get("preview"),
    )


def parse_related_request(name: str, query: Query) -> RelatedRequest:
    """Parse the path parameter and the query of a request for related articles."""
    slug_or_id, path = parse_name(name)
    return RelatedRequest(
        name=slug_or_id,
        article_path=path,
        canonical_url=pagination.canonical_url(f"{path}/related", query, _RELATED_DEFAULTS),
        related=RelatedSelection(
            limit=query["limit"], exclude=query.get("exclude", ()), preview_token=query.get("preview")
        ),
    )


def find_visible(
    connection: Connection, name: str | UUID, preview_token: str | None
) -> tuple[ArticleRef, Visibility | None]:
    """Find an article that the caller may see.

    Args:
        connection: A read transaction.
        name: The id or slug.
        preview_token: Token of a preview link; None without one.

    Returns:
        The article, and the visibility by which the caller sees it; None if the article is public.

    Raises:
        NotFound: The caller may see no article of this name.
        NoLongerPublic: The article was public, and the caller may not see it now.
    """
    extra_visibility = visibility_of_caller.article_visibility(connection, preview_token)
    if extra_visibility is None:
        return article_queries.get_public(connection, name), None
    try:
        return article_queries.get_public(connection, name), None
    except (NotFound, NoLongerPublic):
        ref = article_queries.get_any(connection, name)
        if extra_visibility.article not in {None, ref.id}:
            raise
        return ref, extra_visibility
