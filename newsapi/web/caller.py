"""The caller of a request: its API key, with scopes, rate limit and entitlement."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from newsapi.errors import ScopeMissing
from newsapi.web.scopes import ADMIN_SCOPE, DRAFTS_SCOPE, WRITE_SCOPE


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The API key of a request: id, prefix, scopes and rate limit per minute (None: the default).

    `brands` and `sections` are the slugs that a partner key is entitled to (None: any), `body` is how much of the
    bodies of these articles it gets.
    """

    id: UUID
    prefix: str
    scopes: frozenset[str]
    rate: int | None = None
    brands: tuple[str, ...] | None = None
    sections: tuple[str, ...] | None = None
    body: str = "full"

    @property
    def name(self) -> str:
        """The actor in revisions and audit entries."""
        return self.prefix

    @property
    def is_editor(self) -> bool:
        """Whether the key belongs to an editor, who sees all articles."""
        return self.has_scope(DRAFTS_SCOPE) or self.has_scope(WRITE_SCOPE)

    @property
    def entitlement_filters(self) -> dict[str, tuple[str, ...]]:
        """The list filters, by name, that restrict this key if `NEWSAPI_PUBLIC_BODY` is not `full`."""
        if self.is_editor:
            return {}
        slugs_by_filter = {"brand": self.brands, "section": self.sections}
        return {name: slugs for name, slugs in slugs_by_filter.items() if slugs is not None}

    def has_scope(self, scope: str) -> bool:
        """Return whether the key has a scope; `admin` includes all others."""
        return scope in self.scopes or ADMIN_SCOPE in self.scopes

    def require_scope(self, scope: str) -> None:
        """Raise ScopeMissing unless the key has the scope."""
        if not self.has_scope(scope):
            raise ScopeMissing(scope)
