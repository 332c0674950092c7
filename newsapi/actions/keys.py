"""Keys: made, rotated and revoked; the secret is answered once and kept nowhere."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from newsapi.errors import Fault, Invalid, KeyUnknown, NotFound, ScopeMissing
from newsapi.model.base import uuid7
from newsapi.store import deeds, keys, vocabulary, webhooks
from newsapi.store.database import Connection, Database, Session
from newsapi.store.taxonomy import Kind
from newsapi.text import credentials

SCOPES = ("content:write", "content:publish", "drafts:read", "partner:read", "webhooks", "subscribers", "admin")

BY = "command"
"""How the audit calls whoever has the machine, and needs no key."""

_NOTHING = bytes(32)


PARTNER = "partner:read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """What a partner's key is for: articles of these brands and of these sections; none named are any.

    `body` is how much of their bodies it gets: `full` (if None), `teaser` or `none`.
    """

    brands: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    body: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls with a key: its id, its open part, what it may do, and how many requests a minute (None: as usual).

    `brands` and `sections` are the slugs that a partner's key is for, None for any; `body` is how much of a body it
    gets there.
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
        """How history and audit call them."""
        return self.prefix

    @property
    def is_of_the_desk(self) -> bool:
        """Whether this is somebody who works on articles, and so sees all of them."""
        return self.may("drafts:read") or self.may("content:write")

    @property
    def licence(self) -> dict[str, tuple[str, ...]]:
        """The filters, by their names, that bind this key wherever readers without a key do not get everything."""
        found = {} if self.is_of_the_desk else {"brand": self.brands, "section": self.sections}
        return {name: slugs for name, slugs in found.items() if slugs is not None}

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
    return _caller(row)


def named(connection: Connection) -> dict[str, Caller]:
    """Answer who there is, by name: whoever was given a key, good or not."""
    return {row.prefix: _caller(row) for row in keys.every(connection)}


def _caller(row: Any) -> Caller:
    return Caller(
        id=row.id,
        prefix=row.prefix,
        scopes=frozenset(row.scopes),
        rate=row.rate,
        brands=None if row.brands is None else tuple(row.brands),
        sections=None if row.sections is None else tuple(row.sections),
        body=row.body or "full",
    )


def create(
    database: Database,
    name: str,
    scopes: Collection[str],
    *,
    now: datetime,
    expires_at: datetime | None = None,
    rate: int | None = None,
    licence: Licence | None = None,
) -> str:
    """Make a key; answer its secret. Raises Invalid for a scope that there is not, or none, or a wrong licence."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Invalid([Fault("scope", f"{scope} is none of {', '.join(SCOPES)}") for scope in unknown or ["nothing"]])
    licence = licence or Licence()
    if licence != Licence() and PARTNER not in scopes:
        raise Invalid([Fault("scope", f"must be {PARTNER} where a key is for some brands, sections or bodies")])
    with database.transaction() as session:
        columns = {"brands": _known(session, "brand", licence.brands)}
        columns |= {"sections": _known(session, "section", licence.sections)}
        kept = {"name": name, "scopes": sorted(set(scopes)), "rate": rate, "expires_at": expires_at}
        kept |= {**columns, "body": licence.body}
        return _add(session, now, "create", **kept).secret


def _known(session: Session, kind: Kind, slugs: Collection[str]) -> list[str] | None:
    """Answer slugs as they are kept; none are any. Raises Invalid for one that there is not."""
    missing = sorted(set(slugs) - vocabulary.look_up(session, kind, slugs).keys())
    if missing:
        raise Invalid([Fault(kind, f"there is no {kind} {slug}") for slug in missing])
    return sorted(set(slugs)) or None


def _add(session: Session, now: datetime, action: str, **columns: Any) -> credentials.Minted:
    made, id_ = credentials.mint("key"), uuid7()
    keys.add(session, id=id_, prefix=made.prefix, digest=made.digest, created_at=now, **columns)
    _note(session, now, action, id_, made.prefix)
    return made


def _note(session: Session, now: datetime, action: str, id_: UUID, prefix: str) -> None:
    deeds.note(session, at=now, by=BY, action=action, kind="key", subject_id=id_, slug=prefix)


def rotate(database: Database, prefix: str, *, now: datetime, overlap: timedelta) -> str:
    """Make a key that may do what another may, which ends after `overlap`; answer its secret. Raises NotFound.

    It has the other's webhooks from now on.
    """
    with database.transaction() as session:
        old = keys.by_prefix(session.connection(), prefix)
        if old is None or old.revoked_at is not None:
            raise NotFound
        end = now + overlap
        keys.expire(session, prefix, min(end, old.expires_at or end))
        names = ("name", "scopes", "rate", "expires_at", "brands", "sections", "body")
        kept = {name: getattr(old, name) for name in names}
        made = _add(session, now, "rotate", **kept)
        webhooks.hand_over(session, prefix, made.prefix)
        return made.secret


def revoke(database: Database, prefix: str, *, now: datetime) -> None:
    """Make a key worthless at once; raises NotFound."""
    with database.transaction() as session:
        row = keys.by_prefix(session.connection(), prefix)
        if row is None or not keys.revoke(session, prefix, now):
            raise NotFound
        _note(session, now, "revoke", row.id, prefix)
