"""Visibility: what the caller of a read may see in addition to public content, by API key or preview link."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from newsapi.content.context import app_context
from newsapi.content.presentation.presentation import FULL_ACCESS, BodyAccess
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import terms, unpublished
from newsapi.content.queries.articles import ArticlePage
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.queries.listings import ListQuery
from newsapi.content.queries.unpublished import Visibility
from newsapi.content.schemas.params import ArticleListParams
from newsapi.content.writes import previews
from newsapi.db.database import Connection
from newsapi.errors import FieldError, InvalidParameter
from newsapi.web import authorization
from newsapi.web.params import parameter_names
from newsapi.web.scopes import DRAFTS_SCOPE, PARTNER_SCOPE


def reject_editor_params(query: Mapping[str, Any]) -> None:
    """Reject `status` from callers who may not read drafts, with the same error as for an unknown parameter.

    Raises:
        InvalidParameter: `status` is given without the scope `drafts:read`.
    """
    caller = authorization.current_caller()
    if "status" in query and not (caller and caller.has_scope(DRAFTS_SCOPE)):
        known = ", ".join(parameter_names(ArticleListParams))
        raise InvalidParameter([FieldError("status", f"is not a parameter; allowed are {known}")])


def list_visibility(connection: Connection, query: Mapping[str, Any]) -> Visibility | None:
    """Return the visibility of a list: that of the preview token, or that of `status`.

    Returns:
        The visibility, or None if only public articles are visible.

    Raises:
        InvalidParameter: The preview token is malformed.
        TokenExpired: The preview token has expired or was revoked.
    """
    if "preview" in query:
        now = app_context().now()
        link = previews.open_token(connection, query["preview"], now)
        return Visibility(as_of=max(link.as_of or now, now), article=link.article)
    if "status" in query:
        return Visibility(public="published" in query["status"], statuses=frozenset(query["status"]))
    return None


def page(
    connection: Connection,
    snapshot: ReadSnapshot,
    list_query: ListQuery,
    extra_visibility: Visibility | None,
    facet_slugs: Mapping[str, Sequence[str]],
    *,
    limit: int,
    fields: Collection[str],
) -> ArticlePage:
    """Return a page of a list with the articles that are visible.

    Args:
        connection: A read transaction.
        snapshot: Snapshot of the read, with the resolved filters.
        list_query: Sort, ranges and start of the page.
        extra_visibility: Visibility beyond public articles; None without any.
        facet_slugs: The values of the filters that name facets.
        limit: Maximum number of articles.
        fields: Fields to load.
    """
    if extra_visibility is None:
        return article_queries.list_page(connection, snapshot, list_query, limit=limit, fields=fields)
    return unpublished.mixed_page(
        connection, snapshot, list_query, extra_visibility, facet_slugs, limit=limit, fields=fields
    )


def article_visibility(connection: Connection, query: Mapping[str, Any]) -> Visibility | None:
    """Return the visibility of a single article: that of the preview token, or every status with `drafts:read`.

    Returns:
        The visibility, or None if the article is visible only while it is public.
    """
    if "preview" in query:
        return list_visibility(connection, query)
    caller = authorization.current_caller()
    unpublished = frozenset({"draft", "scheduled", "withdrawn"})
    return Visibility(statuses=unpublished) if caller and caller.has_scope(DRAFTS_SCOPE) else None


def entitlement_filters() -> dict[str, tuple[str, ...]]:
    """Return the filters of the caller's entitlement by name; empty without a key, and if full bodies are public."""
    caller = authorization.current_caller()
    return {} if caller is None or app_context().presentation.public == FULL_ACCESS else caller.entitlement_filters


def body_access(connection: Connection) -> BodyAccess:
    """Return how much of article bodies the caller may read."""
    caller, public = authorization.current_caller(), app_context().presentation.public
    if caller is None or public == FULL_ACCESS:
        return public
    if caller.is_editor:
        return FULL_ACCESS
    if not caller.has_scope(PARTNER_SCOPE):
        return public
    slugs = {name: terms.current_slugs(connection, name, values) for name, values in entitlement_filters().items()}
    return BodyAccess(
        default_level=public.default_level,
        entitled_level=caller.body,
        brands=slugs.get("brand"),
        sections=slugs.get("section"),
    )
