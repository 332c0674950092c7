"""Queries on API keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, CursorResult, Row, insert, select, update
from sqlalchemy.orm import Session

from newsapi.db.types import columns_table
from newsapi.keys.tables import ApiKey

_KEY = columns_table(ApiKey)


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
