"""Queries on webhooks and their deliveries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    CursorResult,
    Row,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from newsapi.db.bulk_rows import in_values
from newsapi.db.types import columns_table
from newsapi.keys.tables import ApiKey
from newsapi.webhooks.tables import Delivery, Webhook

_HOOK = columns_table(Webhook)
_DELIVERY = columns_table(Delivery)
_SENT = tuple(_DELIVERY.c[name] for name in ("id", "webhook_id", "seq", "type", "body", "attempts"))
_AT_ONCE = 100
"""Webhooks per UNION statement: SQLite allows at most 500 parts."""


def insert_webhook(session: Session, **columns: Any) -> None:
    """Insert a webhook; the keyword arguments are the columns of the table."""
    session.execute(insert(_HOOK).values(**columns))


def get_webhook(connection: Connection, id_: UUID, owner: str | None) -> Row[Any] | None:
    """Return the webhook with this id, or None if it does not exist or has another owner than `owner`, if given."""
    statement = select(_HOOK).where(_HOOK.c.id == id_)
    return connection.execute(statement if owner is None else statement.where(_HOOK.c.owner == owner)).one_or_none()


def list_webhooks(connection: Connection, owner: str | None) -> Sequence[Row[Any]]:
    """Return the webhooks of an owner, or all webhooks if `owner` is None, oldest first."""
    statement = select(_HOOK).order_by(_HOOK.c.created_at, _HOOK.c.id)
    return connection.execute(statement if owner is None else statement.where(_HOOK.c.owner == owner)).all()


def list_eligible(connection: Connection, now: datetime) -> Sequence[Row[Any]]:
    """Return the webhooks whose owner's key is neither revoked nor expired, oldest first."""
    key = columns_table(ApiKey).c
    is_valid = and_(key.revoked_at.is_(None), or_(key.expires_at.is_(None), key.expires_at > now))
    statement = select(_HOOK).join(columns_table(ApiKey), key.prefix == _HOOK.c.owner).where(is_valid)
    return connection.execute(statement.order_by(_HOOK.c.created_at, _HOOK.c.id)).all()


def reassign(session: Session, owner: str, new_owner: str) -> None:
    """Transfer the webhooks of one owner to another."""
    session.execute(update(_HOOK).where(_HOOK.c.owner == owner).values(owner=new_owner))


def count_webhooks(connection: Connection, owner: str) -> int:
    """Return the number of webhooks of an owner."""
    return connection.execute(select(func.count()).select_from(_HOOK).where(_HOOK.c.owner == owner)).scalar_one()


def update_webhook(session: Session, id_: UUID, **columns: Any) -> None:
    """Update the given columns of a webhook."""
    session.execute(update(_HOOK).where(_HOOK.c.id == id_).values(**columns))


def delete_webhook(session: Session, id_: UUID) -> None:
    """Delete a webhook together with its deliveries."""
    session.execute(delete(_HOOK).where(_HOOK.c.id == id_))


# --- deliveries -------------------------------------------------------------------------------------------------------


def insert_deliveries(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert deliveries; rows of webhooks that were deleted in the meantime are skipped."""
    ids = {row["webhook_id"] for row in rows}
    existing = {*session.execute(select(_HOOK.c.id).where(in_values(session.connection(), _HOOK.c.id, ids))).scalars()}
    to_insert = [row for row in rows if row["webhook_id"] in existing]
    if to_insert:
        session.execute(insert(_DELIVERY), to_insert)


def list_due(
    connection: Connection, now: datetime, limits: Mapping[UUID, int], busy: Collection[UUID], *, until: int
) -> Sequence[Row[Any]]:
    """Return the deliveries to attempt now.

    `limits` gives the maximum number of deliveries for each webhook; deliveries whose id is in `busy` are left out.
    Deliveries of changes after `until` have to wait, because not every node knows these changes yet.

    Returns:
        Rows of `id`, `webhook_id`, `seq`, `type`, `body` and `attempts`.
    """
    due_rows: list[Row[Any]] = []
    hooks = [hook for hook, limit in limits.items() if limit > 0]
    for start in range(0, len(hooks), _AT_ONCE):
        selects = [
            select(
                select(*_SENT)
                .where(
                    _DELIVERY.c.webhook_id == hook, _DELIVERY.c.state == "pending", _DELIVERY.c.next_attempt_at <= now
                )
                .where(_DELIVERY.c.id.not_in(busy), func.coalesce(_DELIVERY.c.seq, 0) <= until)
                .order_by(_DELIVERY.c.next_attempt_at, _DELIVERY.c.id)
                .limit(limits[hook])
                .subquery()
            )
            for hook in hooks[start : start + _AT_ONCE]
        ]
        due_rows += connection.execute(union_all(*selects)).all()
    return due_rows


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """The outcome of an attempt: `succeeded` tells whether the receiver accepted it.

    `due_at` is the time of the next attempt, None after the last one.
    """

    id: UUID
    webhook: UUID
    at: datetime
    succeeded: bool
    status: int | None = None
    error: str | None = None
    due_at: datetime | None = None


def record_attempts(session: Session, attempts: Iterable[DeliveryAttempt]) -> None:
    """Record the outcome of attempts, and since when their webhooks fail without a success in between."""
    succeeded: set[UUID] = set()
    failed: dict[UUID, datetime] = {}
    for attempt in attempts:
        if attempt.succeeded:
            state = "delivered"
        elif attempt.due_at:
            state = "pending"
        else:
            state = "dead"
        values: dict[str, Any] = {"attempts": _DELIVERY.c.attempts + 1, "last_attempt_at": attempt.at, "state": state}
        values |= {"last_status_code": attempt.status, "last_error": attempt.error}
        values |= {"next_attempt_at": attempt.due_at} if attempt.due_at else {"finished_at": attempt.at}
        is_pending = (_DELIVERY.c.id == attempt.id) & (_DELIVERY.c.state == "pending")
        session.execute(update(_DELIVERY).where(is_pending).values(**values))
        if attempt.succeeded:
            succeeded.add(attempt.webhook)
        else:
            failed.setdefault(attempt.webhook, attempt.at)
    for hook in sorted(succeeded):
        session.execute(
            update(_HOOK).where(_HOOK.c.id == hook, _HOOK.c.failing_since.is_not(None)).values(failing_since=None)
        )
    for hook in sorted(failed.keys() - succeeded):
        failing_since = func.coalesce(_HOOK.c.failing_since, literal(failed[hook], _HOOK.c.failing_since.type))
        session.execute(update(_HOOK).where(_HOOK.c.id == hook).values(failing_since=failing_since))


def pause_failing(session: Session, *, failing_before: datetime, now: datetime) -> list[UUID]:
    """Pause the webhooks that have been failing since before `failing_before`; return their ids."""
    failing = (_HOOK.c.failing_since < failing_before) & _HOOK.c.paused_at.is_(None)
    statement = update(_HOOK).where(failing).values(paused_at=now).returning(_HOOK.c.id)
    return [*session.execute(statement).scalars()]


def list_deliveries(
    connection: Connection, hook: UUID, *, before: UUID | None, limit: int, state: str | None
) -> Sequence[Row[Any]]:
    """Return deliveries of a webhook, newest first, optionally in one state or older than the id `before`."""
    statement = select(_DELIVERY).where(_DELIVERY.c.webhook_id == hook)
    if state is not None:
        statement = statement.where(_DELIVERY.c.state == state)
    if before is not None:
        statement = statement.where(_DELIVERY.c.id < before)
    return connection.execute(statement.order_by(_DELIVERY.c.id.desc()).limit(limit)).all()


def requeue(session: Session, hook: UUID, delivery: UUID, now: datetime) -> bool:
    """Queue a delivery again under its id; return False if the webhook has no delivery with this id."""
    statement = (
        update(_DELIVERY)
        .where(_DELIVERY.c.id == delivery, _DELIVERY.c.webhook_id == hook)
        .values(state="pending", attempts=0, next_attempt_at=now, finished_at=None)
    )
    result: CursorResult[Any] = session.execute(statement)  # type: ignore[assignment]
    return result.rowcount == 1


def delete_finished(session: Session, *, finished_before: datetime) -> None:
    """Delete deliveries that finished before a time."""
    session.execute(delete(_DELIVERY).where(_DELIVERY.c.finished_at < finished_before))
