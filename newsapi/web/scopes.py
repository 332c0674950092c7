"""The registry of scopes of API keys. The command line, the access rules and the documentation are compared with it.

To add a scope, add it to `SCOPES`, to `newsapi.web.authorization.RULES` and to the table of `docs/guides/editing.md`.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Scope(NamedTuple):
    """A scope: its name, and what a key with it may do."""

    name: str
    permits: str


WRITE_SCOPE: Final = "content:write"
PUBLISH_SCOPE: Final = "content:publish"
DRAFTS_SCOPE: Final = "drafts:read"
PARTNER_SCOPE: Final = "partner:read"
WEBHOOKS_SCOPE: Final = "webhooks"
SUBSCRIBERS_SCOPE: Final = "subscribers"
ADMIN_SCOPE: Final = "admin"

SCOPES: Final = (
    Scope(WRITE_SCOPE, "create and change articles, terms and picks; import, together with `content:publish`"),
    Scope(PUBLISH_SCOPE, "publish, schedule and withdraw articles; delete and merge terms"),
    Scope(
        DRAFTS_SCOPE,
        "read drafts, revisions, picks, preview links, recall receipts and images with problems; create preview links",
    ),
    Scope(PARTNER_SCOPE, "read with the entitlements of the key; acknowledge recalls"),
    Scope(WEBHOOKS_SCOPE, "manage webhooks"),
    Scope(SUBSCRIBERS_SCOPE, "list subscribers and report bounces"),
    Scope(ADMIN_SCOPE, "everything that the other scopes permit; read the audit log"),
)
"""All scopes."""

SCOPE_NAMES: Final = tuple(scope.name for scope in SCOPES)
"""The names of all scopes."""
