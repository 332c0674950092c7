"""Changes that a consumer could not process: set aside, so that the consumer goes on, and tried again later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy.orm import Session

from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.tables import FailedChange
from newsapi.db.types import columns_table

_FAILED = columns_table(FailedChange)

RETRY_SCHEDULE: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
    timedelta(hours=24),
)
"""Delay after each failure of a change that was set aside; the last one repeats."""


class FailedChangeRow(NamedTuple):
    """A change that a consumer has set aside; see the table for the columns."""

    consumer: str
    seq: int
    nonce: int
    error: str
    tries: int
    failed_at: datetime
    next_try_at: datetime


_COLUMNS: Final = tuple(_FAILED.c[name] for name in FailedChangeRow._fields)


def set_aside(session: Session, consumer: str, positions: Iterable[LogPosition], error: str, *, now: datetime) -> None:
    """Set changes aside, or record another failure of changes that are set aside already.

    Args:
        session: A transaction.
        consumer: The name of the consumer.
        positions: The changes.
        error: Why they failed, for operators.
        now: The time of the failure.
    """
    for position in positions:
        key = (_FAILED.c.consumer == consumer) & (_FAILED.c.seq == position.seq)
        earlier_tries = session.execute(select(_FAILED.c.tries).where(key)).scalar() or 0
        delay = RETRY_SCHEDULE[min(earlier_tries, len(RETRY_SCHEDULE) - 1)]
        values = {"nonce": position.nonce, "error": error, "tries": earlier_tries + 1, "next_try_at": now + delay}
        if earlier_tries:
            session.execute(update(_FAILED).where(key).values(**values))
        else:
            session.execute(insert(_FAILED).values(consumer=consumer, seq=position.seq, failed_at=now, **values))


def list_due(connection: Connection, consumer: str, now: datetime, limit: int) -> list[FailedChangeRow]:
    """Return the changes of a consumer that are to be tried again now, oldest first.

    A row that is due later than the last delay of the schedule was written by a clock that was set back since; it is
    due too.
    """
    is_due = (_FAILED.c.next_try_at <= now) | (_FAILED.c.next_try_at > now + RETRY_SCHEDULE[-1])
    statement = select(*_COLUMNS).where(_FAILED.c.consumer == consumer, is_due).order_by(_FAILED.c.seq).limit(limit)
    return [FailedChangeRow._make(row) for row in connection.execute(statement)]


def list_failed(connection: Connection) -> list[FailedChangeRow]:
    """Return the changes that are set aside, by consumer and number."""
    statement = select(*_COLUMNS).order_by(_FAILED.c.consumer, _FAILED.c.seq)
    return [FailedChangeRow._make(row) for row in connection.execute(statement)]


def list_seqs(connection: Connection, consumer: str, after_seq: int, until_seq: int) -> set[int]:
    """Return which changes after `after_seq`, up to and including `until_seq`, a consumer has set aside."""
    within = (_FAILED.c.seq > after_seq) & (_FAILED.c.seq <= until_seq)
    return {*connection.execute(select(_FAILED.c.seq).where(_FAILED.c.consumer == consumer, within)).scalars()}


def count_by_consumer(connection: Connection) -> dict[str, int]:
    """Return how many changes each consumer has set aside; a consumer without any is left out."""
    statement = select(_FAILED.c.consumer, func.count()).group_by(_FAILED.c.consumer)
    return dict(connection.execute(statement).all())


def delete_processed(session: Session, rows: Iterable[FailedChangeRow]) -> None:
    """Delete changes that were processed, except those that were set aside once more in the meantime."""
    for row in rows:
        key = (_FAILED.c.consumer == row.consumer) & (_FAILED.c.seq == row.seq) & (_FAILED.c.tries == row.tries)
        session.execute(delete_from(_FAILED).where(key))


def retry_now(session: Session, consumer: str | None, now: datetime) -> int:
    """Make the changes of one consumer, or of all, due now; return their number."""
    statement = update(_FAILED).values(next_try_at=now)
    if consumer is not None:
        statement = statement.where(_FAILED.c.consumer == consumer)
    return session.connection().execute(statement).rowcount
