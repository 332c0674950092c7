"""Authorization: the access rule of every route, and the caller of the current request.

A route without an entry in `RULES` is refused: 401 without a key, 403 with one.
"""

from __future__ import annotations

from typing import Final, cast

from flask import g, request

from newsapi.errors import KeyMissing, ScopeMissing
from newsapi.web.caller import Caller
from newsapi.web.context import app_context
from newsapi.web.feed_formats import FEED_FORMATS

PUBLIC: Final = "public"
"""No key needed; with NEWSAPI_READ_ACCESS=key, any valid key."""

ALWAYS_PUBLIC: Final = "open"
"""No key needed, whatever the settings: documentation, health checks, and operations authorized by an email token."""

ANY_KEY: Final = "any key"
"""Any valid key, whatever its scopes."""

_TERMS = ("brands", "authors", "sections", "tags")

RULES: Final[dict[str, str]] = {
    "GET /v1/articles": PUBLIC,
    "POST /v1/articles": "content:write",
    "GET /v1/articles/<slug_or_id>": PUBLIC,
    "PATCH /v1/articles/<slug_or_id>": "content:write",
    "DELETE /v1/articles/<slug_or_id>": "content:write",
    "GET /v1/articles/<slug_or_id>/jsonld": PUBLIC,
    "GET /v1/articles/<slug_or_id>/related": PUBLIC,
    "GET /v1/search": PUBLIC,
    "GET /v1/suggest": PUBLIC,
    **{f"GET {feed_format.path}": PUBLIC for feed_format in FEED_FORMATS},
    "GET /sitemap.xml": PUBLIC,
    "GET /sitemap-<page>.xml": PUBLIC,
    "GET /sitemap-news.xml": PUBLIC,
    "GET /v1/articles/<uuid:article_id>/recall-receipts": "drafts:read",
    "POST /v1/articles/<uuid:article_id>/recall-receipts": "partner:read",
    "GET /v1/articles/<slug_or_id>/revisions": "drafts:read",
    "GET /v1/articles/<slug_or_id>/revisions/<int:number>": "drafts:read",
    "GET /v1/articles/<slug_or_id>/revisions/<int:number>/diff": "drafts:read",
    "POST /v1/articles/<slug_or_id>/revisions/<int:number>/restore": "content:write",
    "GET /v1/articles/<slug_or_id>/picks": "drafts:read",
    "PUT /v1/articles/<slug_or_id>/picks": "content:write",
    "GET /v1/articles/<slug_or_id>/preview-links": "drafts:read",
    "POST /v1/articles/<slug_or_id>/preview-links": "drafts:read",
    "DELETE /v1/articles/<slug_or_id>/preview-links/<uuid:link_id>": "drafts:read",
    **{f"GET /v1/{terms}": PUBLIC for terms in _TERMS},
    **{f"POST /v1/{terms}": "content:write" for terms in _TERMS},
    **{f"GET /v1/{terms}/<slug>": PUBLIC for terms in _TERMS},
    **{f"PATCH /v1/{terms}/<slug>": "content:write" for terms in _TERMS},
    **{f"DELETE /v1/{terms}/<slug>": "content:publish" for terms in _TERMS},
    **{f"POST /v1/{terms}/<slug>/merge": "content:publish" for terms in _TERMS},
    "GET /v1/merges/<uuid:id>": "content:publish",
    "GET /v1/images": "drafts:read",
    "GET /v1/imports": "content:write",
    "POST /v1/imports": "content:write",
    "GET /v1/imports/<uuid:id>": "content:write",
    "DELETE /v1/imports/<uuid:id>": "content:write",
    "GET /v1/webhooks": "webhooks",
    "POST /v1/webhooks": "webhooks",
    **{f"{method} /v1/webhooks/<uuid:id>": "webhooks" for method in ("GET", "PATCH", "DELETE")},
    **{f"POST /v1/webhooks/<uuid:id>/{act}": "webhooks" for act in ("ping", "rotate")},
    "GET /v1/webhooks/<uuid:id>/deliveries": "webhooks",
    "POST /v1/webhooks/<uuid:id>/deliveries/<uuid:delivery_id>/redeliver": "webhooks",
    **{f"POST /v1/{terms}/<slug>/subscriptions": PUBLIC for terms in ("brands", "sections", "authors")},
    **{
        f"POST /v1/subscriptions/{act}": ALWAYS_PUBLIC  # authorized by the token of an email
        for act in ("confirm", "unsubscribe", "erase", "preferences", "export")
    },
    "GET /v1/subscriptions/unsubscribe": ALWAYS_PUBLIC,
    "POST /v1/subscriptions/bounces": "subscribers",
    "GET /v1/subscribers": "subscribers",
    "GET /subscriptions": ALWAYS_PUBLIC,
    "POST /subscriptions": ALWAYS_PUBLIC,
    "GET /v1/changes": PUBLIC,
    "GET /v1/digest": PUBLIC,
    "GET /v1/me": ANY_KEY,
    "GET /v1/audit": "admin",
    "GET /healthz": ALWAYS_PUBLIC,
    "GET /readyz": ALWAYS_PUBLIC,
    "GET /": ALWAYS_PUBLIC,
    "GET /v1": ALWAYS_PUBLIC,
    "GET /openapi.json": ALWAYS_PUBLIC,
    "GET /openapi.yaml": ALWAYS_PUBLIC,
    "GET /docs": ALWAYS_PUBLIC,
    "GET /docs/<name>": ALWAYS_PUBLIC,
    "GET /problems/<name>": ALWAYS_PUBLIC,
    "GET /demo/pictures/<name>": ALWAYS_PUBLIC,
    "GET /demo/mail": ALWAYS_PUBLIC,
    "GET /demo/mail/<name>": ALWAYS_PUBLIC,
}
"""The access rule of each method and route: PUBLIC, ALWAYS_PUBLIC, ANY_KEY, or the scope that the key must have.

The scope `admin` includes every other scope. Publishing, scheduling, removing published content
(`editing/transitions.py`) and importing need `content:publish` in addition to `content:write`.
"""


def authenticate_request() -> None:
    """Authenticate the current request and check the access rule of its route.

    Sets `g.caller`: the owner of the key, or None without one. Routes that are always public ignore the key.

    Raises:
        KeyMissing: The route needs a key and the request carries none.
        KeyUnknown: The key does not exist, has expired or was revoked.
        ScopeMissing: The key lacks the scope of the route, or the route has no rule.
        Unavailable: A key was sent while the database is known to be unreachable.
    """
    g.caller = None
    if request.url_rule is None:
        return
    method = "GET" if request.method == "HEAD" else request.method
    rule = RULES.get(f"{method} {request.url_rule.rule}")
    if rule == ALWAYS_PUBLIC:
        return
    authorization = request.authorization
    if authorization is not None and authorization.type == "bearer":
        context = app_context()
        context.require_database()
        with context.database.read_transaction() as connection:
            g.caller = context.authenticate(connection, authorization.token or "", context.now())
    if rule == PUBLIC and app_context().settings.read_access == "public":
        return
    if g.caller is None:
        raise KeyMissing
    if rule is None:
        raise ScopeMissing(f"{method} {request.url_rule.rule}")
    if rule not in {PUBLIC, ANY_KEY}:
        g.caller.require_scope(rule)


def current_caller() -> Caller | None:
    """Return the authenticated caller, or None for a request without a key."""
    return cast("Caller | None", g.get("caller"))


def require_caller() -> Caller:
    """Return the authenticated caller.

    Raises:
        KeyMissing: The request carries no key.
    """
    current = current_caller()
    if current is None:
        raise KeyMissing
    return current
