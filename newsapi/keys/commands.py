"""API keys: creation, rotation, revocation and authentication. A secret is returned once; only its hash is stored."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol
from uuid import UUID

from newsapi.db.database import Connection, Database, Session
from newsapi.db.types import uuid7
from newsapi.errors import FieldError, InvalidParameter, KeyUnknown, NotFound
from newsapi.keys import audit, queries
from newsapi.keys.queries import KeyRow
from newsapi.web import credentials
from newsapi.web.caller import Caller
from newsapi.web.scopes import PARTNER_SCOPE, SCOPE_NAMES

COMMAND_LINE_ACTOR: Final = "command"
"""The actor of audit entries for commands of the command line, which needs no key."""

_EMPTY_DIGEST: Final = bytes(32)
"""Compared with the secret if there is no such key, so that the response time is the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """What a partner key may read: articles of these brands and of these sections; an empty tuple allows any.

    `body` is how much of their bodies it gets: `full` (if None), `teaser` or `none`.
    """

    brands: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    body: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLimits:
    """Limits of a new key.

    Attributes:
        expires_at: When it expires; None if never.
        requests_per_minute: Its rate limit; None for the default of the settings.
        entitlement: What it may read, for a partner key.
    """

    expires_at: datetime | None = None
    requests_per_minute: int | None = None
    entitlement: Entitlement = Entitlement()


UNLIMITED: Final = KeyLimits()
"""No expiry, the default rate limit, and no entitlement that restricts the key."""


def authenticate(connection: Connection, secret: str, now: datetime) -> Caller:
    """Return the key with this secret.

    The key is read from the database for every request, so that a revocation takes effect on all nodes at once. Neither
    the error nor the response time tells why a key is refused.

    Args:
        connection: A connection to the database.
        secret: The secret of the request.
        now: The time at which the key must be valid.

    Returns:
        The key.

    Raises:
        KeyUnknown: The key does not exist, has expired or was revoked.
    """
    prefix = credentials.prefix_of(secret)
    row = queries.get_by_prefix(connection, prefix or "")
    is_genuine = credentials.matches_digest(row.secret_digest if row else _EMPTY_DIGEST, secret)
    if row is None or not is_genuine or row.revoked_at is not None or (row.expires_at and row.expires_at <= now):
        raise KeyUnknown
    return _caller(row)


def list_owners(connection: Connection) -> dict[str, Caller]:
    """Return all keys by their prefix, including expired and revoked ones."""
    return {row.prefix: _caller(row) for row in queries.list_keys(connection)}


def _caller(row: KeyRow) -> Caller:
    return Caller(
        id=row.id,
        prefix=row.prefix,
        scopes=frozenset(row.scopes),
        rate=row.rate_per_minute,
        brands=None if row.brands is None else tuple(row.brands),
        sections=None if row.sections is None else tuple(row.sections),
        body=row.body_access or "full",
    )


class SlugResolver(Protocol):
    """Finds brands and sections."""

    def __call__(
        self, session: Session, kind: Literal["brand", "section"], slugs: Collection[str], /
    ) -> Mapping[str, UUID]:
        """Return the ids of those of these slugs that a term has or had."""


def _resolve_nothing(
    _session: Session, _kind: Literal["brand", "section"], _slugs: Collection[str]
) -> Mapping[str, UUID]:
    return {}


def create(
    database: Database,
    name: str,
    scopes: Collection[str],
    *,
    now: datetime,
    limits: KeyLimits = UNLIMITED,
    resolve_slugs: SlugResolver = _resolve_nothing,
) -> str:
    """Create an API key.

    Args:
        database: The database.
        name: Who the key is for.
        scopes: At least one of `SCOPE_NAMES`.
        now: The time of creation.
        limits: Expiry, rate limit and entitlement.
        resolve_slugs: Finds the brands and sections of the entitlement; without it, none exists.

    Returns:
        The secret of the key, which is not stored.

    Raises:
        InvalidParameter: There are no scopes or unknown ones, the entitlement names a brand or section that does not
            exist, or there is an entitlement without the scope `partner:read`.
    """
    unknown = sorted(set(scopes) - set(SCOPE_NAMES))
    if unknown or not scopes:
        raise InvalidParameter(
            [FieldError("scope", f"{scope} is none of {', '.join(SCOPE_NAMES)}") for scope in unknown or ["nothing"]]
        )
    entitlement = limits.entitlement
    if entitlement != Entitlement() and PARTNER_SCOPE not in scopes:
        raise InvalidParameter(
            [FieldError("scope", f"must be {PARTNER_SCOPE} if the key is restricted to brands, sections or bodies")]
        )
    with database.transaction() as session:
        credential = credentials.generate_credential("key")
        key = KeyRow(
            id=uuid7(),
            prefix=credential.prefix,
            secret_digest=credential.digest,
            name=name,
            scopes=sorted(set(scopes)),
            rate_per_minute=limits.requests_per_minute,
            brands=_require_slugs(session, resolve_slugs, "brand", entitlement.brands),
            sections=_require_slugs(session, resolve_slugs, "section", entitlement.sections),
            body_access=entitlement.body,
            created_at=now,
            expires_at=limits.expires_at,
            revoked_at=None,
        )
        queries.insert_key(session, key)
        _insert_audit_entry(session, key, "create", now)
    return credential.secret


def _require_slugs(
    session: Session, resolve_slugs: SlugResolver, kind: Literal["brand", "section"], slugs: Collection[str]
) -> list[str] | None:
    """Return the slugs sorted, None if there are none; raise InvalidParameter if a term does not exist."""
    missing = sorted(set(slugs) - resolve_slugs(session, kind, slugs).keys())
    if missing:
        raise InvalidParameter([FieldError(kind, f"there is no {kind} {slug}") for slug in missing])
    return sorted(set(slugs)) or None


def _insert_audit_entry(session: Session, key: KeyRow, action: str, now: datetime) -> None:
    audit.insert_entry(
        session,
        occurred_at=now,
        actor=COMMAND_LINE_ACTOR,
        action=action,
        kind="key",
        subject_id=key.id,
        slug=key.prefix,
    )


def rotate(
    database: Database,
    prefix: str,
    *,
    now: datetime,
    overlap: timedelta,
    on_rotated: Callable[[Session, str, str], None],
) -> str:
    """Create a key with the rights of another, which expires.

    Args:
        database: The database.
        prefix: The prefix of the old key.
        now: The time of creation.
        overlap: How long the old key stays valid.
        on_rotated: Called in the transaction with the old and the new prefix, to hand over what the old key owns.

    Returns:
        The secret of the new key.

    Raises:
        NotFound: The old key does not exist or was revoked.
    """
    with database.transaction() as session:
        old = queries.get_by_prefix(session.connection(), prefix)
        if old is None or old.revoked_at is not None:
            raise NotFound
        old_expires_at = now + overlap
        queries.shorten_expiry(session, prefix, min(old_expires_at, old.expires_at or old_expires_at))
        credential = credentials.generate_credential("key")
        new = old._replace(id=uuid7(), prefix=credential.prefix, secret_digest=credential.digest, created_at=now)
        queries.insert_key(session, new)
        _insert_audit_entry(session, new, "rotate", now)
        on_rotated(session, prefix, credential.prefix)
        return credential.secret


def revoke(database: Database, prefix: str, *, now: datetime) -> None:
    """Revoke a key with immediate effect; raise NotFound if it does not exist or was revoked before."""
    with database.transaction() as session:
        key = queries.get_by_prefix(session.connection(), prefix)
        if key is None or not queries.revoke_key(session, prefix, now):
            raise NotFound
        _insert_audit_entry(session, key, "revoke", now)
