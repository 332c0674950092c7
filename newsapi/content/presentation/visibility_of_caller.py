"""Visibility: what the caller of a read may see in addition to public content, by API key or preview link."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from newsapi.content.context import app_context
from newsapi.content.presentation.list_request import ArticleListRequest
from newsapi.content.presentation.presentation import FULL_ACCESS, BodyAccess
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import listings, terms, unpublished
from newsapi.content.queries.articles import ArticlePage
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.queries.unpublished import MixedListQuery, Visibility
from newsapi.content.schemas.params import ArticleListParams
from newsapi.content.writes import previews
from newsapi.db.database import Connection
from newsapi.errors import FieldError, InvalidParameter
from newsapi.web import authorization
from newsapi.web.params import parameter_names
from newsapi.web.scopes import DRAFTS_SCOPE, PARTNER_SCOPE


def reject_editor_params(request: ArticleListRequest) -> None:
    """Reject `status` from callers who may not read drafts, with the same error as for an unknown parameter.

    Raises:
        InvalidParameter: `status` is given without the scope `drafts:read`.
    """
    caller = authorization.current_caller()
    if request.statuses is not None and not (caller and caller.has_scope(DRAFTS_SCOPE)):
        known = ", ".join(parameter_names(ArticleListParams))
        raise InvalidParameter([FieldError("status", f"is not a parameter; allowed are {known}")])


def list_visibility(connection: Connection, request: ArticleListRequest) -> Visibility | None:
    """Return the visibility of a list: that of the preview token, or that of `status`.

    Returns:
        The visibility, or None if only public articles are visible.

    Raises:
        InvalidParameter: The preview token does not exist.
        TokenExpired: The preview link has expired or was revoked.
    """
    if request.preview_token is not None:
        return preview_visibility(connection, request.preview_token)
    if request.statuses is not None:
        return Visibility(public="published" in request.statuses, statuses=frozenset(request.statuses))
    return None


def preview_visibility(connection: Connection, token: str | None) -> Visibility | None:
    """Return the visibility that a preview token gives; None without a token.

    Raises:
        InvalidParameter: The preview token does not exist.
        TokenExpired: The preview link has expired or was revoked.
    """
    if token is None:
        return None
    now = app_context().now()
    link = previews.open_token(connection, token, now)
    return Visibility(as_of=max(link.as_of or now, now), article=link.article)


def article_visibility(connection: Connection, preview_token: str | None) -> Visibility | None:
    """Return the visibility of a single article: that of the preview token, or every status with `drafts:read`.

    Returns:
        The visibility, or None if the article is visible only while it is public.

    Raises:
        InvalidParameter: The preview token does not exist.
        TokenExpired: The preview link has expired or was revoked.
    """
    if preview_token is not None:
        return preview_visibility(connection, preview_token)
    caller = authorization.current_caller()
    unpublished_statuses = frozenset({"draft", "scheduled", "withdrawn"})
    return Visibility(statuses=unpublished_statuses) if caller and caller.has_scope(DRAFTS_SCOPE) else None


def list_page(
    connection: Connection,
    snapshot: ReadSnapshot,
    request: ArticleListRequest,
    extra_visibility: Visibility | None,
    fields: Collection[str],
) -> ArticlePage:
    """Return a page of a list with the articles that are visible.

    Args:
        connection: A read transaction.
        snapshot: Snapshot of the read, with the resolved filters.
        request: The page that is requested.
        extra_visibility: Visibility beyond public articles; None without any.
        fields: Fields to load.
    """
    if extra_visibility is None:
        return article_queries.list_page(connection, snapshot, request.list_query, limit=request.limit, fields=fields)
    mixed = MixedListQuery(extra_visibility, request.list_query, request.filters)
    return unpublished.mixed_page(connection, snapshot, mixed, limit=request.limit, fields=fields)


def count_articles(
    connection: Connection, snapshot: ReadSnapshot, request: ArticleListRequest, extra_visibility: Visibility | None
) -> int:
    """Return the number of visible articles of the whole list, at most MAX_EXACT_COUNT + 1.

    Args:
        connection: A read transaction.
        snapshot: Snapshot of the read, with the resolved filters.
        request: A page of the list.
        extra_visibility: Visibility beyond public articles; None without any.
    """
    whole_list = replace(request.list_query, page_start=None)
    if extra_visibility is None:
        return listings.count_articles(connection, snapshot, whole_list)
    count = listings.count_articles(connection, snapshot, whole_list) if extra_visibility.public else 0
    mixed = MixedListQuery(extra_visibility, whole_list, request.filters)
    return count + unpublished.count_unpublished(connection, mixed)


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
