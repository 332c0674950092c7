"""Queries on API keys and on their daily usage."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsapi.db.types import columns_table
from newsapi.keys.tables import ApiKey, KeyDailyUsage

_KEY = columns_table(ApiKey)
_USAGE = columns_table(KeyDailyUsage)


class KeyRow(NamedTuple):
    """An API key: the columns of its table, in their order."""

    id: UUID
    prefix: str
    secret_digest: bytes
    name: str
    scopes: list[str]
    rate_per_minute: int | None
    brands: list[str] | None
    sections: list[str] | None
    body_access: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class UsageOfDay(NamedTuple):
    """The number of requests of a key on a day (UTC)."""

    day: date
    request_count: int


_KEY_COLUMNS: Final = tuple(_KEY.c[name] for name in KeyRow._fields)


def get_by_prefix(connection: Connection, prefix: str) -> KeyRow | None:
    """Return the key with this public prefix, including revoked and expired keys."""
    row = connection.execute(select(*_KEY_COLUMNS).where(_KEY.c.prefix == prefix)).one_or_none()
    return None if row is None else KeyRow._make(row)


def list_keys(connection: Connection) -> list[KeyRow]:
    """Return all keys in the order of their creation."""
    rows = connection.execute(select(*_KEY_COLUMNS).order_by(_KEY.c.created_at, _KEY.c.id))
    return [KeyRow._make(row) for row in rows]


def insert_key(session: Session, key: KeyRow) -> None:
    """Insert a key."""
    session.execute(insert(_KEY).values(**key._asdict()))


def revoke_key(session: Session, prefix: str, now: datetime) -> bool:
    """Revoke a key; return False if it does not exist or is already revoked."""
    statement = update(_KEY).where(_KEY.c.prefix == prefix, _KEY.c.revoked_at.is_(None)).values(revoked_at=now)
    return session.connection().execute(statement).rowcount == 1


def shorten_expiry(session: Session, prefix: str, expires_at: datetime) -> None:
    """Set the time at which a key expires."""
    session.execute(update(_KEY).where(_KEY.c.prefix == prefix).values(expires_at=expires_at))


def add_usage(session: Session, used: Mapping[tuple[UUID, date], int]) -> None:
    """Add request counts to the daily usage of keys, given by key id and day."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    for (key, day), requests in sorted(used.items()):
        new = (sqlite if is_sqlite else postgresql).insert(_USAGE).values(key_id=key, day=day, request_count=requests)
        total = {"request_count": _USAGE.c.request_count + new.excluded.request_count}
        session.execute(new.on_conflict_do_update(index_elements=["key_id", "day"], set_=total))


def list_usage(connection: Connection, key: UUID, days: int) -> list[UsageOfDay]:
    """Return the usage of a key on the last `days` days on which it was used, newest first."""
    statement = select(_USAGE.c.day, _USAGE.c.request_count).where(_USAGE.c.key_id == key)
    rows = connection.execute(statement.order_by(_USAGE.c.day.desc()).limit(days))
    return [UsageOfDay._make(row) for row in rows]
