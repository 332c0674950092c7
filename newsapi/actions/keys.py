"""Keys: made, rotated and revoked; the secret is answered once and kept nowhere."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from newsapi.errors import Fault, Invalid, KeyUnknown, NotFound, ScopeMissing
from newsapi.model.base import uuid7
from newsapi.store import deeds, keys
from newsapi.store.database import Connection, Database, Session
from newsapi.text import credentials

SCOPES = ("content:write", "content:publish", "drafts:read", "partner:read", "webhooks", "subscribers", "admin")

BY = "command"
"""How the audit calls whoever has the machine, and needs no key."""

_NOTHING = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls with a key: its id, its open part, what it may do, and how many requests a minute (None: as usual)."""

    id: UUID
    prefix: str
    scopes: frozenset[str]
    rate: int | None = None

    @property
    def name(self) -> str:
        """How history and audit call them."""
        return self.prefix

    def may(self, scope: str) -> bool:
        """Whether the key has a scope; `admin` holds all of them."""
        return scope in self.scopes or "admin" in self.scopes

    def need(self, scope: str) -> None:
        """Raise ScopeMissing unless the key has the scope."""
        if not self.may(scope):
            raise ScopeMissing(scope)


def caller(connection: Connection, secret: str, now: datetime) -> Caller:
    """Answer who has this key; raises KeyUnknown.

    It is looked up for every request, which reads the database anyway: so a key that is revoked is so everywhere and
    at once. What is wrong with it, nobody is told: not in words, and not by the time it took.
    """
    prefix = credentials.prefix_of(secret)
    row = keys.by_prefix(connection, prefix or "")
    same = credentials.is_same(row.digest if row else _NOTHING, secret)
    if row is None or not same or row.revoked_at is not None or (row.expires_at and row.expires_at <= now):
        raise KeyUnknown
    return Caller(id=row.id, prefix=row.prefix, scopes=frozenset(row.scopes), rate=row.rate)


def create(
    database: Database,
    name: str,
    scopes: Collection[str],
    *,
    now: datetime,
    expires_at: datetime | None = None,
    rate: int | None = None,
) -> str:
    """Make a key; answer its secret. Raises Invalid for a scope that there is not, or none."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Invalid([Fault("scope", f"{scope} is none of {', '.join(SCOPES)}") for scope in unknown or ["nothing"]])
    with database.transaction() as session:
        kept = {"name": name, "scopes": sorted(set(scopes)), "rate": rate, "expires_at": expires_at}
        return _add(session, now, "create", **kept)


def _add(session: Session, now: datetime, action: str, **columns: Any) -> str:
    made, id_ = credentials.mint("key"), uuid7()
    keys.add(session, id=id_, prefix=made.prefix, digest=made.digest, created_at=now, **columns)
    _note(session, now, action, id_, made.prefix)
    return made.secret


def _note(session: Session, now: datetime, action: str, id_: UUID, prefix: str) -> None:
    deeds.note(session, at=now, by=BY, action=action, kind="key", subject_id=id_, slug=prefix)


def rotate(database: Database, prefix: str, *, now: datetime, overlap: timedelta) -> str:
    """Make a key that may do what another may, which ends after `overlap`; answer its secret. Raises NotFound."""
    with database.transaction() as session:
        old = keys.by_prefix(session.connection(), prefix)
        if old is None or old.revoked_at is not None:
            raise NotFound
        end = now + overlap
        keys.expire(session, prefix, min(end, old.expires_at or end))
        kept = {"name": old.name, "scopes": old.scopes, "rate": old.rate, "expires_at": old.expires_at}
        return _add(session, now, "rotate", **kept)


def revoke(database: Database, prefix: str, *, now: datetime) -> None:
    """Make a key worthless at once; raises NotFound."""
    with database.transaction() as session:
        row = keys.by_prefix(session.connection(), prefix)
        if row is None or not keys.revoke(session, prefix, now):
            raise NotFound
        _note(session, now, "revoke", row.id, prefix)
