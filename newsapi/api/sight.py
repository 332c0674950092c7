"""What the caller of a read sees beside what is public: by his key, or by a preview link."""

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
    """Refuse `status` of whoever may not read drafts, as if there were no such parameter. Raises Invalid."""
    caller = access.caller()
    if "status" in query and not (caller and caller.may(DRAFTS)):
        known = ", ".join(allowed(ArticleQuery))
        raise Invalid([Fault("status", f"is not a parameter here; allowed are {known}")])


def of_list(connection: Connection, query: Mapping[str, Any]) -> Sight | None:
    """Answer what is seen on a list; None for what everybody sees. Raises Invalid, TokenExpired."""
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
    """Answer a page of a list as it is seen; `asked` are the values of the filters that name facets."""
    if seen is None:
        return articles.page(connection, truth, question, limit=limit, wanted=wanted)
    return hidden.page(connection, truth, question, seen, asked, limit=limit, wanted=wanted)


def of_article(connection: Connection, query: Mapping[str, Any]) -> Sight | None:
    """Answer what is seen of single articles: with the right key all, with a link the one it is for."""
    if "preview" in query:
        return of_list(connection, query)
    caller = access.caller()
    everything = frozenset({"draft", "scheduled", "withdrawn"})
    return Sight(statuses=everything) if caller and caller.may(DRAFTS) else None


def licence() -> dict[str, tuple[str, ...]]:
    """Answer the filters that bind the caller: what his key is for, where not everybody gets everything anyway."""
    caller = access.caller()
    return {} if caller is None or parts().presentation.public == WHOLE else caller.licence


def sharing(connection: Connection) -> Sharing:
    """Answer how much of bodies the caller gets."""
    caller, public = access.caller(), parts().presentation.public
    if caller is None or public == WHOLE:
        return public
    if caller.is_of_the_desk:
        return WHOLE
    if not caller.may(PARTNER):
        return public
    own = {name: partners.present(connection, name, slugs) for name, slugs in licence().items()}
    return Sharing(outside=public.outside, inside=caller.body, brands=own.get("brand"), sections=own.get("section"))
