"""Requests that may come twice: claimed before they are worked on, answered again after."""

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
"""How long an answer is kept."""

LEASE = timedelta(seconds=30)
"""After how long a request that is worked on counts as dead."""

_REPEAT = table(Repeat)


def claim(session: Session, caller: str, word: str, *, digest: bytes, holder: str, now: datetime) -> Row[Any] | None:
    """Take a word for oneself; answer None where that went well, or else the row that is there."""
    row = _REPEAT.c
    session.execute(delete(_REPEAT).where(row.at < now - KEPT))
    try:
        with session.begin_nested():
            values = {"digest": digest, "at": now, "holder": holder, "until": now + LEASE}
            session.execute(insert(_REPEAT).values(caller=caller, word=word, **values))
    except IntegrityError:
        mine = (row.caller == caller) & (row.word == word)
        dead = mine & (row.digest == digest) & row.status.is_(None) & (row.until <= now)
        taken: CursorResult[Any] = session.execute(  # type: ignore[assignment]
            update(_REPEAT).where(dead).values(holder=holder, until=now + LEASE)
        )
        if taken.rowcount:
            return None
        found = session.execute(select(_REPEAT).where(mine)).one_or_none()
        if found is None:  # given back just now
            raise StillRunning from None
        return found
    return None


def finish(session: Session, caller: str, word: str, *, holder: str, **answer: Any) -> bool:
    """Keep what is answered: `status`, `headers`, `body`; False where somebody else has the word by now."""
    row = _REPEAT.c
    done: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(_REPEAT)
        .where(row.caller == caller, row.word == word, row.holder == holder, row.status.is_(None))
        .values(**answer)
    )
    return done.rowcount == 1


def give_back(session: Session, caller: str, word: str, *, holder: str) -> None:
    """Let go of a word whose request came to nothing."""
    row = _REPEAT.c
    mine = (row.caller == caller) & (row.word == word) & (row.holder == holder) & row.status.is_(None)
    session.execute(delete(_REPEAT).where(mine))
