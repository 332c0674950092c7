"""Idempotency keys: acquired before a request is executed; its response is stored for repeated requests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from newsapi.errors import StillRunning
from newsapi.model import Repeat
from newsapi.model.base import table

KEPT = timedelta(hours=24)
"""How long a response is stored."""

LEASE = timedelta(seconds=30)
"""After how long a request without a response counts as abandoned."""

_REPEAT = table(Repeat)


def claim(session: Session, caller: str, word: str, *, digest: bytes, holder: str, now: datetime) -> Row[Any] | None:
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
    columns = _REPEAT.c
    session.execute(delete(_REPEAT).where(columns.at < now - KEPT))
    try:
        with session.begin_nested():
            values = {"digest": digest, "at": now, "holder": holder, "until": now + LEASE}
            session.execute(insert(_REPEAT).values(caller=caller, word=word, **values))
    except IntegrityError:
        same_key = (columns.caller == caller) & (columns.word == word)
        abandoned = same_key & (columns.digest == digest) & columns.status.is_(None) & (columns.until <= now)
        result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
            update(_REPEAT).where(abandoned).values(holder=holder, until=now + LEASE)
        )
        if result.rowcount:
            return None
        row = session.execute(select(_REPEAT).where(same_key)).one_or_none()
        if row is None:
            raise StillRunning from None
        return row
    return None


def finish(session: Session, caller: str, word: str, *, holder: str, **answer: Any) -> bool:
    """Save the `status`, `headers` and `body` of the response; return False if the key has another holder by now."""
    columns = _REPEAT.c
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(_REPEAT)
        .where(columns.caller == caller, columns.word == word, columns.holder == holder, columns.status.is_(None))
        .values(**answer)
    )
    return result.rowcount == 1


def give_back(session: Session, caller: str, word: str, *, holder: str) -> None:
    """Release the key of a request that failed."""
    columns = _REPEAT.c
    held = (columns.caller == caller) & (columns.word == word) & (columns.holder == holder)
    session.execute(delete(_REPEAT).where(held & columns.status.is_(None)))
