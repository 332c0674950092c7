"""Offsets of consumers in the changelog, each leased by one worker at a time and moved only by its holder."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, CursorResult, insert, or_, select, update
from sqlalchemy.orm import Session

from newsapi.model import LogHead, Place
from newsapi.model.base import table

_PLACE = table(Place)


class Point(NamedTuple):
    """A position in the changelog: the seq and the nonce of a change."""

    seq: int
    mark: int


def take(
    session: Session, listener: str, holder: str, now: datetime, lease: timedelta, *, from_the_first: bool
) -> Point | None:
    """Acquire or renew the lease of a consumer's offset until `now + lease`.

    A lease that would last for more than twice the requested duration was acquired by a clock that has since been set
    back; it counts as free.

    Args:
        session: A session of a write transaction.
        consumer: The name of the consumer.
        holder: Id of the worker.
        now: The current time.
        lease: The duration of the lease.
        from_the_first: Whether a new consumer starts before the first change, and not at the head of the changelog.

    Returns:
        The offset, or None while another worker holds the lease.
    """
    if not session.execute(select(_PLACE.c.seq).where(_PLACE.c.listener == listener)).all():
        head = session.execute(select(LogHead.seq, LogHead.mark).with_for_update()).one()
        if not session.execute(select(_PLACE.c.seq).where(_PLACE.c.listener == listener)).all():
            seq, nonce = (0, 0) if from_the_first else head
            values = {"listener": listener, "seq": seq, "mark": nonce, "at": now}
            session.execute(insert(_PLACE).values(values))
    columns = _PLACE.c
    free = or_(
        columns.holder.is_(None), columns.holder == holder, columns.until <= now, columns.until > now + 2 * lease
    )
    statement = (
        update(_PLACE)
        .where(columns.listener == listener, free)
        .values(holder=holder, until=now + lease)
        .returning(columns.seq, columns.mark)
    )
    row = session.execute(statement).one_or_none()
    return None if row is None else Point(*row)


def move(session: Session, listener: str, holder: str, *, start: Point, end: Point, now: datetime) -> bool:
    """Move an offset from `start` to `end`; return False if it is elsewhere or leased by another holder."""
    statement = (
        update(_PLACE)
        .where(_PLACE.c.listener == listener, _PLACE.c.holder == holder)
        .where(_PLACE.c.seq == start.seq, _PLACE.c.mark == start.mark)
        .values(seq=end.seq, mark=end.mark, at=now)
    )
    result: CursorResult[Any] = session.execute(statement)  # type: ignore[assignment]
    return result.rowcount == 1


def release(session: Session, listener: str, holder: str) -> None:
    """Release a lease, so that another worker can acquire it at once."""
    held = (_PLACE.c.listener == listener) & (_PLACE.c.holder == holder)
    session.execute(update(_PLACE).where(held).values(holder=None, until=None))


def behind(connection: Connection, listener: str) -> int | None:
    """Return how many changes a consumer has not processed; None if it has no offset yet."""
    seq = connection.execute(select(_PLACE.c.seq).where(_PLACE.c.listener == listener)).scalar()
    return None if seq is None else max(0, head(connection).seq - seq)


PURGED: Final = "purged"
"""Name of the offset up to which the CDN was purged once; the offset of the purging consumer itself is behind it."""


def note(session: Session, name: str, end: Point, now: datetime) -> None:
    """Save an offset that is not leased."""
    statement = update(_PLACE).where(_PLACE.c.listener == name).values(seq=end.seq, mark=end.mark, at=now)
    result: CursorResult[Any] = session.execute(statement)  # type: ignore[assignment]
    if not result.rowcount:
        session.execute(insert(_PLACE).values(listener=name, seq=end.seq, mark=end.mark, at=now))


def noted(connection: Connection, name: str) -> int:
    """Return the seq of an offset that is not leased; 0 if it was never saved."""
    return connection.execute(select(_PLACE.c.seq).where(_PLACE.c.listener == name)).scalar() or 0


def head(connection: Connection) -> Point:
    """Return the position of the last change."""
    return Point(*connection.execute(select(LogHead.seq, LogHead.mark)).one())
