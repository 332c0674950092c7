"""Queries on API keys and on their daily usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Row, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsapi.db.types import columns_table
from newsapi.keys.tables import ApiKey, KeyDailyUsage

_KEY = columns_table(ApiKey)
_USAGE = columns_table(KeyDailyUsage)


def get_by_prefix(connection: Connection, prefix: str) -> Row[Any] | None:
    """Return the key with this public prefix, including revoked and expired keys."""
    return connection.execute(select(_KEY).where(_KEY.c.prefix == prefix)).one_or_none()


def list_keys(connection: Connection) -> Sequence[Row[Any]]:
    """Return all keys in the order of their creation."""
    return connection.execute(select(_KEY).order_by(_KEY.c.created_at, _KEY.c.id)).all()


def insert_key(session: Session, **columns: Any) -> None:
    """Insert a key; the keyword arguments are the columns of the table."""
    session.execute(insert(_KEY).values(**columns))


def revoke_key(session: Session, prefix: str, now: datetime) -> bool:
    """Revoke a key; return False if it does not exist or is already revoked."""
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(_KEY).where(_KEY.c.prefix == prefix, _KEY.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    return result.rowcount == 1


def shorten_expiry(session: Session, prefix: str, expires_at: datetime) -> None:
    """Set the time at which a key expires."""
    session.execute(update(_KEY).where(_KEY.c.prefix == prefix).values(expires_at=expires_at))


def add_usage(session: Session, used: Mapping[tuple[UUID, date], int]) -> None:
    """Add request counts to the daily usage of keys, given by key id and day."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    for (key, day), requests in sorted(used.items()):
        new: Any = sqlite.insert(_USAGE) if is_sqlite else postgresql.insert(_USAGE)
        new = new.values(key_id=key, day=day, request_count=requests)
        total = {"request_count": _USAGE.c.request_count + new.excluded.request_count}
        session.execute(new.on_conflict_do_update(index_elements=["key_id", "day"], set_=total))


def list_usage(connection: Connection, key: UUID, days: int) -> Sequence[Any]:
    """Return (day, requests) of the last `days` days on which a key was used, newest first."""
    statement = select(_USAGE.c.day, _USAGE.c.request_count).where(_USAGE.c.key_id == key)
    return connection.execute(statement.order_by(_USAGE.c.day.desc()).limit(days)).all()
