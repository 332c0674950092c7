"""Queries on webhooks and their deliveries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
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

from newsapi.db import compiled_queries
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import columns_table, uuid7
from newsapi.keys.tables import ApiKey
from newsapi.webhooks.tables import Delivery, Webhook

_WEBHOOK = columns_table(Webhook)
_DELIVERY = columns_table(Delivery)
_KEY = columns_table(ApiKey)
_WEBHOOKS_PER_STATEMENT: Final = 100
"""Webhooks per UNION statement: SQLite allows at most 500 parts."""


class WebhookColumns(TypedDict, total=False):
    """Columns of a webhook that can be given or changed; see the table for their meaning."""

    url: str
    events: list[str]
    brands: list[str] | None
    sections: list[str] | None
    include_imports: bool
    secret: str
    previous_secret: str | None
    previous_secret_expires_at: datetime | None
    failing_since: datetime | None
    paused_at: datetime | None


class WebhookRow(NamedTuple):
    """A webhook: the columns of its table, in their order."""

    id: UUID
    owner: str
    url: str
    events: list[str]
    brands: list[str] | None
    sections: list[str] | None
    include_imports: bool
    secret: str
    previous_secret: str | None
    previous_secret_expires_at: datetime | None
    created_at: datetime
    failing_since: datetime | None
    paused_at: datetime | None


_WEBHOOK_COLUMNS: Final = tuple(_WEBHOOK.c[name] for name in WebhookRow._fields)


class DueDelivery(NamedTuple):
    """A delivery to attempt now; `next_attempt_at` is when it became due."""

    id: UUID
    webhook_id: UUID
    seq: int | None
    type: str
    body: str
    is_bulk: bool
    attempts: int
    next_attempt_at: datetime
    traceparent: str | None


_DUE_COLUMNS: Final = tuple(_DELIVERY.c[name] for name in DueDelivery._fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A delivery to insert. It is due at once, and `seq` is None for an event that is not about a change.

    `traceparent` is the span that the delivery belongs to.

    `is_bulk` is set for the events of an import, which are sent after all others.
    """

    id: UUID = field(default_factory=uuid7)
    webhook_id: UUID
    seq: int | None
    type: str
    body: str
    created_at: datetime
    is_bulk: bool = False
    traceparent: str | None = None


def insert_webhook(
    session: Session, id_: UUID, *, owner: str, secret: str, created_at: datetime, values: WebhookColumns
) -> WebhookRow:
    """Insert a webhook and return it.

    Args:
        session: A transaction.
        id_: The new id.
        owner: The key that owns the webhook.
        secret: The secret that signs its deliveries.
        created_at: The time of creation.
        values: The columns that the client gave.

    Returns:
        The webhook.
    """
    webhook = WebhookRow(
        id=id_,
        owner=owner,
        url=values["url"],
        events=values["events"],
        brands=values.get("brands"),
        sections=values.get("sections"),
        include_imports=values.get("include_imports", False),
        secret=secret,
        previous_secret=None,
        previous_secret_expires_at=None,
        created_at=created_at,
        failing_since=None,
        paused_at=None,
    )
    session.execute(insert(_WEBHOOK).values(**webhook._asdict()))
    return webhook


def get_webhook(connection: Connection, id_: UUID, owner: str | None) -> WebhookRow | None:
    """Return the webhook with this id, or None if it does not exist or has another owner than `owner`, if given."""
    statement = select(*_WEBHOOK_COLUMNS).where(_WEBHOOK.c.id == id_)
    statement = statement if owner is None else statement.where(_WEBHOOK.c.owner == owner)
    row = connection.execute(statement).one_or_none()
    return None if row is None else WebhookRow._make(row)


def list_webhooks(connection: Connection, owner: str | None, *, after: UUID | None, limit: int) -> list[WebhookRow]:
    """Return webhooks, oldest first.

    Args:
        connection: A connection to the database.
        owner: The owner of the webhooks; None for those of all owners.
        after: The last webhook of the previous page.
        limit: Maximum number of webhooks.

    Returns:
        The webhooks.
    """
    statement = select(*_WEBHOOK_COLUMNS).order_by(_WEBHOOK.c.id).limit(limit)
    if owner is not None:
        statement = statement.where(_WEBHOOK.c.owner == owner)
    if after is not None:
        statement = statement.where(_WEBHOOK.c.id > after)
    return [WebhookRow._make(row) for row in connection.execute(statement)]


_ELIGIBLE: Final = (
    select(*_WEBHOOK_COLUMNS)
    .join(_KEY, _KEY.c.prefix == _WEBHOOK.c.owner)
    .where(_KEY.c.revoked_at.is_(None), or_(_KEY.c.expires_at.is_(None), _KEY.c.expires_at > bindparam("now")))
    .order_by(_WEBHOOK.c.created_at, _WEBHOOK.c.id)
)


def list_eligible(connection: Connection, now: datetime) -> list[WebhookRow]:
    """Return the webhooks whose owner's key is neither revoked nor expired, oldest first."""
    return [WebhookRow(*row) for row in compiled_queries.fetch_rows(connection, _ELIGIBLE, {"now": now})]


def reassign(session: Session, owner: str, new_owner: str) -> None:
    """Transfer the webhooks of one owner to another."""
    session.execute(update(_WEBHOOK).where(_WEBHOOK.c.owner == owner).values(owner=new_owner))


def count_webhooks(connection: Connection, owner: str) -> int:
    """Return the number of webhooks of an owner."""
    return connection.execute(select(func.count()).select_from(_WEBHOOK).where(_WEBHOOK.c.owner == owner)).scalar_one()


def update_webhook(session: Session, id_: UUID, **columns: Unpack[WebhookColumns]) -> None:
    """Update the given columns of a webhook."""
    session.execute(update(_WEBHOOK).where(_WEBHOOK.c.id == id_).values(**columns))


def delete_webhook(session: Session, id_: UUID) -> None:
    """Delete a webhook together with its deliveries."""
    session.execute(delete(_WEBHOOK).where(_WEBHOOK.c.id == id_))


# --- deliveries -------------------------------------------------------------------------------------------------------


def insert_deliveries(session: Session, deliveries: Sequence[NewDelivery]) -> None:
    """Insert pending deliveries; those of webhooks that were deleted in the meantime are skipped."""
    ids = {delivery.webhook_id for delivery in deliveries}
    existing = {
        *session.execute(select(_WEBHOOK.c.id).where(in_values(session.connection(), _WEBHOOK.c.id, ids))).scalars()
    }
    to_insert = [
        {
            "id": delivery.id,
            "webhook_id": delivery.webhook_id,
            "seq": delivery.seq,
            "type": delivery.type,
            "body": delivery.body,
            "is_bulk": delivery.is_bulk,
            "traceparent": delivery.traceparent,
            "state": "pending",
            "attempts": 0,
            "next_attempt_at": delivery.created_at,
            "created_at": delivery.created_at,
        }
        for delivery in deliveries
        if delivery.webhook_id in existing
    ]
    if to_insert:
        session.execute(insert(_DELIVERY), to_insert)


def list_due(
    connection: Connection, now: datetime, limits: Mapping[UUID, int], busy: Collection[UUID], *, until: int
) -> list[DueDelivery]:
    """Return the deliveries to attempt now.

    `limits` gives the maximum number of deliveries for each webhook, of imports and of other changes each; deliveries
    whose id is in `busy` are left out. Deliveries of changes after `until` have to wait, because not every node knows
    these changes yet.

    Returns:
        The deliveries; those of one webhook are in the order of their due time, those of imports last.
    """
    due: list[DueDelivery] = []
    webhook_ids = [webhook_id for webhook_id, limit in limits.items() if limit > 0]
    for start in range(0, len(webhook_ids), _WEBHOOKS_PER_STATEMENT):
        selects = [
            select(
                select(*_DUE_COLUMNS)
                .where(
                    _DELIVERY.c.webhook_id == webhook_id,
                    _DELIVERY.c.is_bulk == is_bulk,
                    _DELIVERY.c.state == "pending",
                    _DELIVERY.c.next_attempt_at <= now,
                )
                .where(_DELIVERY.c.id.not_in(busy), func.coalesce(_DELIVERY.c.seq, 0) <= until)
                .order_by(_DELIVERY.c.next_attempt_at, _DELIVERY.c.id)
                .limit(limits[webhook_id])
                .subquery()
            )
            for webhook_id in webhook_ids[start : start + _WEBHOOKS_PER_STATEMENT]
            for is_bulk in (False, True)
        ]
        due += [DueDelivery._make(row) for row in connection.execute(union_all(*selects))]
    return due


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """The outcome of an attempt: `succeeded` tells whether the receiver accepted it.

    `due_at` is the time of the next attempt, None after the last one.
    """

    id: UUID
    webhook_id: UUID
    attempted_at: datetime
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
        values: dict[str, object] = {"attempts": _DELIVERY.c.attempts + 1, "last_attempt_at": attempt.attempted_at}
        values |= {"state": state, "last_status_code": attempt.status, "last_error": attempt.error}
        values |= {"next_attempt_at": attempt.due_at} if attempt.due_at else {"finished_at": attempt.attempted_at}
        is_pending = (_DELIVERY.c.id == attempt.id) & (_DELIVERY.c.state == "pending")
        session.execute(update(_DELIVERY).where(is_pending).values(**values))
        if attempt.succeeded:
            succeeded.add(attempt.webhook_id)
        else:
            failed.setdefault(attempt.webhook_id, attempt.attempted_at)
    for webhook_id in sorted(succeeded):
        session.execute(
            update(_WEBHOOK)
            .where(_WEBHOOK.c.id == webhook_id, _WEBHOOK.c.failing_since.is_not(None))
            .values(failing_since=None)
        )
    for webhook_id in sorted(failed.keys() - succeeded):
        failing_since = func.coalesce(
            _WEBHOOK.c.failing_since, literal(failed[webhook_id], _WEBHOOK.c.failing_since.type)
        )
        session.execute(update(_WEBHOOK).where(_WEBHOOK.c.id == webhook_id).values(failing_since=failing_since))


def hasten_retries(session: Session, webhook_ids: Iterable[UUID], due_at: datetime, *, max_attempts: int) -> None:
    """Move the next attempts of failed deliveries to an earlier time, because their webhooks have answered.

    Args:
        session: A session of a write transaction.
        webhook_ids: The webhooks.
        due_at: The time of the attempts that are due later.
        max_attempts: The greatest number of failed attempts of a delivery that is moved.
    """
    for webhook_id in sorted(webhook_ids):
        waiting = (
            (_DELIVERY.c.webhook_id == webhook_id)
            & (_DELIVERY.c.state == "pending")
            & (_DELIVERY.c.next_attempt_at > due_at)
            & (_DELIVERY.c.attempts <= max_attempts)
        )
        session.execute(update(_DELIVERY).where(waiting).values(next_attempt_at=due_at))


def pause_failing(session: Session, *, failing_before: datetime, now: datetime) -> list[UUID]:
    """Pause the webhooks that have been failing since before `failing_before`; return their ids."""
    failing = (_WEBHOOK.c.failing_since < failing_before) & _WEBHOOK.c.paused_at.is_(None)
    statement = update(_WEBHOOK).where(failing).values(paused_at=now).returning(_WEBHOOK.c.id)
    return [*session.execute(statement).scalars()]


def list_deliveries(
    connection: Connection, webhook_id: UUID, *, before: UUID | None, limit: int, state: str | None
) -> Sequence[Row[*tuple[object, ...]]]:
    """Return deliveries of a webhook, newest first, optionally in one state or older than the id `before`."""
    statement = select(_DELIVERY).where(_DELIVERY.c.webhook_id == webhook_id)
    if state is not None:
        statement = statement.where(_DELIVERY.c.state == state)
    if before is not None:
        statement = statement.where(_DELIVERY.c.id < before)
    return connection.execute(statement.order_by(_DELIVERY.c.id.desc()).limit(limit)).all()


def requeue(session: Session, webhook_id: UUID, delivery_id: UUID, now: datetime) -> bool:
    """Queue a delivery again under its id; return False if the webhook has no delivery with this id."""
    statement = (
        update(_DELIVERY)
        .where(_DELIVERY.c.id == delivery_id, _DELIVERY.c.webhook_id == webhook_id)
        .values(state="pending", attempts=0, next_attempt_at=now, finished_at=None, is_bulk=False)
    )
    return session.connection().execute(statement).rowcount == 1


def delete_finished(session: Session, *, finished_before: datetime) -> None:
    """Delete deliveries that finished before a time."""
    session.execute(delete(_DELIVERY).where(_DELIVERY.c.finished_at < finished_before))
