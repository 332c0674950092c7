"""Visibility: what the caller of a read may see in addition to public content, by API key or preview link."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from newsapi.actions import previews
from newsapi.api import access
from newsapi.api.parts import parts
from newsapi.errors import Fault, Invalid
from newsapi.schemas.presentation import WHOLE, Sharing
from newsapi.schemas.queries import ArticleQuery, allowed
from newsapi.store import articles, hidden, partners
from newsapi.store.articles import Page
from newsapi.store.database import Connection
from newsapi.store.facets import Truth
from newsapi.store.hidden import Sight
from newsapi.store.listing import Question

DRAFTS = "drafts:read"
PARTNER = "partner:read"


def check(query: Mapping[str, Any]) -> None:
    """Reject `status` from callers who may not read drafts, with the same error as for an unknown parameter.

    Raises:
        InvalidParameter: `status` is given without the scope `drafts:read`.
    """
    caller = access.caller()
    if "status" in query and not (caller and caller.may(DRAFTS)):
        known = ", ".join(allowed(ArticleQuery))
        raise Invalid([Fault("status", f"is not a parameter; allowed are {known}")])


def of_list(connection: Connection, query: Mapping[str, Any]) -> Sight | None:
    """Return the visibility of a list: that of the preview token, or that of `status`.

    Returns:
        The visibility, or None if only public articles are visible.

    Raises:
        InvalidParameter: The preview token is malformed.
        TokenExpired: The preview token has expired or was revoked.
    """
    if "preview" in query:
        now = parts().now()
        link = previews.opened(connection, query["preview"], now)
        return Sight(until=max(link.as_of or now, now), article=link.article)
    if "status" in query:
        return Sight(public="published" in query["status"], statuses=frozenset(query["status"]))
    return None


def page(
    connection: Connection,
    truth: Truth,
    question: Question,
    seen: Sight | None,
    asked: Mapping[str, Sequence[str]],
    *,
    limit: int,
    wanted: Collection[str],
) -> Page:
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
    if seen is None:
        return articles.page(connection, truth, question, limit=limit, wanted=wanted)
    return hidden.page(connection, truth, question, seen, asked, limit=limit, wanted=wanted)


def of_article(connection: Connection, query: Mapping[str, Any]) -> Sight | None:
    """Return the visibility of a single article: that of the preview token, or every status with `drafts:read`.

    Returns:
        The visibility, or None if the article is visible only while it is public.
    """
    if "preview" in query:
        return of_list(connection, query)
    caller = access.caller()
    unpublished = frozenset({"draft", "scheduled", "withdrawn"})
    return Sight(statuses=unpublished) if caller and caller.may(DRAFTS) else None


def licence() -> dict[str, tuple[str, ...]]:
    """Return the filters of the caller's entitlement by name; empty without a key, and if full bodies are public."""
    caller = access.caller()
    return {} if caller is None or parts().presentation.public == WHOLE else caller.licence


def sharing(connection: Connection) -> Sharing:
    """Return how much of article bodies the caller may read."""
    caller, public = access.caller(), parts().presentation.public
    if caller is None or public == WHOLE:
        return public
    if caller.is_of_the_desk:
        return WHOLE
    if not caller.may(PARTNER):
        return public
    slugs = {name: partners.present(connection, name, values) for name, values in licence().items()}
    return Sharing(outside=public.outside, inside=caller.body, brands=slugs.get("brand"), sections=slugs.get("section"))
