"""Idempotency keys: acquired before a request is executed; its response is stored for repeated requests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsapi.db.types import columns_table
from newsapi.errors import IdempotentRequestInProgress
from newsapi.web.tables import IdempotencyRecord

RETENTION = timedelta(hours=24)
"""How long a response is stored."""

LEASE_DURATION = timedelta(seconds=30)
"""After how long a request without a response counts as abandoned."""

_RECORD = columns_table(IdempotencyRecord)


def acquire_key(
    session: Session, caller: str, idempotency_key: str, *, digest: bytes, holder: str, now: datetime
) -> Row[Any] | None:
    """Acquire an idempotency key for a request; records that are past their retention are deleted first.

    Args:
        session: The session of the write.
        caller: Prefix of the API key; keys of different callers are independent.
        idempotency_key: The key that the client sent.
        digest: Digest of the request.
        holder: Id of this execution, needed to save the response or release the key.
        now: The time of the request.

    Returns:
        None if the key was acquired, also if an abandoned execution of the same request was taken over. Otherwise the
        existing record.

    Raises:
        IdempotentRequestInProgress: Another execution released the key at this moment.
    """
    columns = _RECORD.c
    session.execute(delete(_RECORD).where(columns.created_at < now - RETENTION))
    try:
        with session.begin_nested():
            values = {
                "request_digest": digest,
                "created_at": now,
                "lease_holder": holder,
                "lease_expires_at": now + LEASE_DURATION,
            }
            session.execute(insert(_RECORD).values(caller=caller, idempotency_key=idempotency_key, **values))
    except IntegrityError:
        same_key = (columns.caller == caller) & (columns.idempotency_key == idempotency_key)
        abandoned = (
            same_key & (columns.request_digest == digest) & columns.status.is_(None) & (columns.lease_expires_at <= now)
        )
        result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
            update(_RECORD).where(abandoned).values(lease_holder=holder, lease_expires_at=now + LEASE_DURATION)
        )
        if result.rowcount:
            return None
        row = session.execute(select(_RECORD).where(same_key)).one_or_none()
        if row is None:
            raise IdempotentRequestInProgress from None
        return row
    return None


def save_response(session: Session, caller: str, idempotency_key: str, *, holder: str, **response: Any) -> bool:
    """Save the `status`, `headers` and `body` of the response; return False if the key has another holder by now."""
    columns = _RECORD.c
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(_RECORD)
        .where(
            columns.caller == caller,
            columns.idempotency_key == idempotency_key,
            columns.lease_holder == holder,
            columns.status.is_(None),
        )
        .values(**response)
    )
    return result.rowcount == 1


def release_key(session: Session, caller: str, idempotency_key: str, *, holder: str) -> None:
    """Release the key of a request that failed."""
    columns = _RECORD.c
    held = (columns.caller == caller) & (columns.idempotency_key == idempotency_key) & (columns.lease_holder == holder)
    session.execute(delete(_RECORD).where(held & columns.status.is_(None)))
