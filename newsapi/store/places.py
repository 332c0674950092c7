"""The places of listeners in the log: taken by one worker at a time, and moved only by the one that holds them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, CursorResult, insert, or_, select, update
from sqlalchemy.orm import Session

from newsapi.model import LogHead, Place
from newsapi.model.base import table

_PLACE = table(Place)


class Point(NamedTuple):
    """A change: its number and its mark."""

    seq: int
    mark: int


def take(
    session: Session, listener: str, holder: str, now: datetime, lease: timedelta, *, from_the_first: bool
) -> Point | None:
    """Hold a listener's place until `now + lease`, for the first time or again; None while another one holds it.

    A new listener begins at the head, or where it asks for it with the first change of all. A place that is held for
    twice the lease to come was taken by a clock that has been set back since.
    """
    if not session.execute(select(_PLACE.c.seq).where(_PLACE.c.listener == listener)).all():
        head = session.execute(select(LogHead.seq, LogHead.mark).with_for_update()).one()
        if not session.execute(select(_PLACE.c.seq).where(_PLACE.c.listener == listener)).all():
            seq, mark = (0, 0) if from_the_first else head
            row = {"listener": listener, "seq": seq, "mark": mark, "at": now}
            session.execute(insert(_PLACE).values(row))
    place = _PLACE.c
    free = or_(place.holder.is_(None), place.holder == holder, place.until <= now, place.until > now + 2 * lease)
    taken = (
        update(_PLACE)
        .where(place.listener == listener, free)
        .values(holder=holder, until=now + lease)
        .returning(place.seq, place.mark)
    )
    found = session.execute(taken).one_or_none()
    return None if found is None else Point(*found)


def move(session: Session, listener: str, holder: str, *, start: Point, end: Point, now: datetime) -> bool:
    """Move a place on; False, and nothing is moved, where it is not held any more or is elsewhere."""
    statement = (
        update(_PLACE)
        .where(_PLACE.c.listener == listener, _PLACE.c.holder == holder)
        .where(_PLACE.c.seq == start.seq, _PLACE.c.mark == start.mark)
        .values(seq=end.seq, mark=end.mark, at=now)
    )
    moved: CursorResult[Any] = session.execute(statement)  # type: ignore[assignment]
    return moved.rowcount == 1


def release(session: Session, listener: str, holder: str) -> None:
    """Let go of a place, for the next worker to take it at once."""
    mine = (_PLACE.c.listener == listener) & (_PLACE.c.holder == holder)
    session.execute(update(_PLACE).where(mine).values(holder=None, until=None))


def behind(connection: Connection, listener: str) -> int | None:
    """Answer how many changes a listener has still to come to; None where it has no place yet."""
    seq = connection.execute(select(_PLACE.c.seq).where(_PLACE.c.listener == listener)).scalar()
    return None if seq is None else max(0, head(connection).seq - seq)


PURGED: Final = "purged"
"""The name under which the purging listener notes what a CDN has dropped once: its own place is further back."""


def note(session: Session, name: str, end: Point, now: datetime) -> None:
    """Note how far something has come that no worker holds."""
    noted = update(_PLACE).where(_PLACE.c.listener == name).values(seq=end.seq, mark=end.mark, at=now)
    done: CursorResult[Any] = session.execute(noted)  # type: ignore[assignment]
    if not done.rowcount:
        session.execute(insert(_PLACE).values(listener=name, seq=end.seq, mark=end.mark, at=now))


def noted(connection: Connection, name: str) -> int:
    """Answer the last change that was noted so; 0 where none was."""
    return connection.execute(select(_PLACE.c.seq).where(_PLACE.c.listener == name)).scalar() or 0


def head(connection: Connection) -> Point:
    """Answer the last change."""
    return Point(*connection.execute(select(LogHead.seq, LogHead.mark)).one())
