"""Offsets of consumers in the changelog, each leased by one worker at a time and moved only by its holder."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import (
    Connection,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from newsapi.changelog import reader, writer
from newsapi.changelog.tables import Change, ChangelogHead, ConsumerOffset
from newsapi.db.types import columns_table

_OFFSET = columns_table(ConsumerOffset)


class LogPosition(NamedTuple):
    """A position in the changelog: the seq and the nonce of a change."""

    seq: int
    nonce: int


_ACQUIRE: Final = (
    update(_OFFSET)
    .where(
        _OFFSET.c.consumer == bindparam("of_consumer"),
        or_(
            _OFFSET.c.lease_holder.is_(None),
            _OFFSET.c.lease_holder == bindparam("by_holder"),
            _OFFSET.c.lease_expires_at <= bindparam("now"),
            _OFFSET.c.lease_expires_at > bindparam("latest"),
        ),
    )
    .values(lease_holder=bindparam("by_holder"), lease_expires_at=bindparam("until"))
    .returning(_OFFSET.c.seq, _OFFSET.c.nonce)
)
_ACQUIRE_ON_POSTGRESQL: Final = _ACQUIRE.returning(writer.set_for_transaction(writer.IDLE_LIMIT))
"""Lets PostgreSQL end a worker that is suspended in this transaction: it would keep the row from all other workers."""


def acquire_lease(
    session: Session, consumer: str, holder: str, now: datetime, lease: timedelta, *, from_the_first: bool
) -> LogPosition | None:
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
    connection = session.connection()
    parameters = {
        "of_consumer": consumer,
        "by_holder": holder,
        "now": now,
        "until": now + lease,
        "latest": now + 2 * lease,
    }
    acquire = _ACQUIRE
    if connection.dialect.name == "postgresql":
        acquire = _ACQUIRE_ON_POSTGRESQL
        parameters[writer.IDLE_LIMIT] = str(writer.MAX_IDLE_MS)
    row = connection.execute(acquire, parameters).one_or_none()
    if row is None:
        ensure_offset(session, consumer, now, from_the_first=from_the_first)
        row = connection.execute(acquire, parameters).one_or_none()
    return None if row is None else LogPosition(row.seq, row.nonce)


def ensure_offset(session: Session, consumer: str, now: datetime, *, from_the_first: bool) -> None:
    """Insert the offset of a consumer unless there is one: before the first change, or at the head of the changelog."""
    if session.execute(select(_OFFSET.c.seq).where(_OFFSET.c.consumer == consumer)).all():
        return
    head = session.execute(select(ChangelogHead.seq, ChangelogHead.nonce).with_for_update()).one()
    if not session.execute(select(_OFFSET.c.seq).where(_OFFSET.c.consumer == consumer)).all():
        seq, nonce = (0, 0) if from_the_first else head
        values = {"consumer": consumer, "seq": seq, "nonce": nonce, "updated_at": now}
        session.execute(insert(_OFFSET).values(values))


def commit_offset(
    session: Session, consumer: str, holder: str, *, start: LogPosition, end: LogPosition, now: datetime
) -> bool:
    """Move an offset from `start` to `end`; return False if it is elsewhere or leased by another holder."""
    statement = (
        update(_OFFSET)
        .where(_OFFSET.c.consumer == consumer, _OFFSET.c.lease_holder == holder)
        .where(_OFFSET.c.seq == start.seq, _OFFSET.c.nonce == start.nonce)
        .values(seq=end.seq, nonce=end.nonce, updated_at=now)
    )
    result = session.connection().execute(statement)
    return result.rowcount == 1


def release_lease(session: Session, consumer: str, holder: str) -> None:
    """Release a lease, so that another worker can acquire it at once; a consumer without a worker does not fail."""
    held = (_OFFSET.c.consumer == consumer) & (_OFFSET.c.lease_holder == holder)
    values = {"lease_holder": None, "lease_expires_at": None, "failing_since": None, "last_error": None}
    session.execute(update(_OFFSET).where(held).values(**values))


def save_failure(session: Session, consumer: str, holder: str, error: str | None, now: datetime) -> None:
    """Record what fails in a consumer and, at its first failure, since when; `error` None: it works again."""
    values = {"failing_since": func.coalesce(_OFFSET.c.failing_since, now) if error else None, "last_error": error}
    held = (_OFFSET.c.consumer == consumer) & (_OFFSET.c.lease_holder == holder)
    session.execute(update(_OFFSET).where(held).values(**values))


class ConsumerState(NamedTuple):
    """The state of a consumer: its offset, and since when it fails and why, if it does."""

    consumer: str
    seq: int
    failing_since: datetime | None
    last_error: str | None


def list_consumers(connection: Connection) -> list[ConsumerState]:
    """Return the states of all consumers that have an offset, by name."""
    columns = [_OFFSET.c[name] for name in ConsumerState._fields]
    statement = select(*columns).where(_OFFSET.c.consumer != PURGED_OFFSET).order_by(_OFFSET.c.consumer)
    return [ConsumerState._make(row) for row in connection.execute(statement)]


PURGE_CONSUMER: Final = "purge"
"""Name of the consumer that purges the CDN."""

PURGED_OFFSET: Final = "purged"
"""Name of the offset up to which the CDN was purged once; the offset of the purging consumer itself is behind it."""


def save_offset(session: Session, name: str, position: LogPosition, now: datetime) -> None:
    """Save an offset that is not leased."""
    statement = (
        update(_OFFSET).where(_OFFSET.c.consumer == name).values(seq=position.seq, nonce=position.nonce, updated_at=now)
    )
    result = session.connection().execute(statement)
    if not result.rowcount:
        session.execute(insert(_OFFSET).values(consumer=name, seq=position.seq, nonce=position.nonce, updated_at=now))


def get_offset(connection: Connection, name: str) -> int:
    """Return the seq of an offset that is not leased; 0 if it was never saved."""
    return connection.execute(select(_OFFSET.c.seq).where(_OFFSET.c.consumer == name)).scalar() or 0


def get_purged_seq(connection: Connection) -> int:
    """Return the seq up to which the CDN was purged once; 0 if it was not, or the changelog lacks that change.

    A purge that is in progress while the database fails over to a standby may record a change that the standby lacks.
    """
    is_purged_change = (Change.seq == _OFFSET.c.seq) & (Change.nonce == _OFFSET.c.nonce)
    statement = select(_OFFSET.c.seq).join(Change, is_purged_change).where(_OFFSET.c.consumer == PURGED_OFFSET)
    return connection.execute(statement).scalar() or 0


def mark_restored(session: Session, consumers: Iterable[str], now: datetime) -> None:
    """Move the offsets of consumers behind the head of the changelog, so that they take it for restored from a backup.

    Args:
        session: A session of a write transaction.
        consumers: Names of the consumers; one without an offset gets one.
        now: The current time.
    """
    head = changelog_head(session.connection())
    for consumer in consumers:
        save_offset(session, consumer, LogPosition(head.seq + 1, secrets.randbits(63)), now)


def changelog_head(connection: Connection) -> LogPosition:
    """Return the position of the last change."""
    return LogPosition(*reader.get_head(connection))


def lock_offset(session: Session, consumer: str) -> None:
    """Wait for the offset of a consumer, which the consumer locks in each transaction that moves it."""
    session.execute(select(ConsumerOffset.seq).where(ConsumerOffset.consumer == consumer).with_for_update())


def advance_offset(session: Session, consumer: str, position: LogPosition, now: datetime) -> None:
    """Move the offset of a consumer to a position whose changes were processed without it, unless it is already ahead.

    If the offset moves, the lease ends: its holder cannot commit what it prepared, and continues at the position.

    Args:
        session: A session of a write transaction that has locked the offset.
        consumer: The name of the consumer.
        position: The position to continue at.
        now: The current time.
    """
    offset = LogPosition(
        *session.execute(select(_OFFSET.c.seq, _OFFSET.c.nonce).where(_OFFSET.c.consumer == consumer)).one()
    )
    if offset.seq >= position.seq and _is_in_log(session, offset):
        return
    values = {"seq": position.seq, "nonce": position.nonce, "updated_at": now}
    values |= {"lease_holder": None, "lease_expires_at": None}
    session.execute(update(_OFFSET).where(_OFFSET.c.consumer == consumer).values(**values))


def _is_in_log(session: Session, position: LogPosition) -> bool:
    """Return whether the changelog contains a position; it does not after a restore from an older backup."""
    nonce = session.execute(select(Change.nonce).where(Change.seq == position.seq)).scalar()
    return nonce == position.nonce or position == (0, 0)
