"""Queries on email alerts: selecting newsworthy changes, planning deliveries, sending them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    literal,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsapi.changelog.reader import ChangeRow
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article, Revision
from newsapi.content.tables.terms import Brand
from newsapi.db import compiled_queries
from newsapi.db.types import UtcDateTime, columns_table
from newsapi.subscriptions.rows import AlertDeliveryRow, DueAlert
from newsapi.subscriptions.tables import AlertDelivery, Subscriber, Subscription

_DELIVERY = columns_table(AlertDelivery)
_SUBSCRIBER = columns_table(Subscriber)
_SUBSCRIPTION = columns_table(Subscription)

# Literals, not parameters: with a parameter, neither database could tell that its partial index applies.
_PENDING = _DELIVERY.c.state == literal_column("'pending'")
_ACTIVE = _SUBSCRIPTION.c.state == literal_column("'active'")

BATCH_SIZE: Final = 10_000
"""Subscriptions planned in one transaction, which bounds how long other writers wait."""


# --- newsworthy changes -----------------------------------------------------------------------------------------------


def list_newsworthy(connection: Connection, changes: Sequence[ChangeRow]) -> list[ChangeRow]:
    """Return the newsworthy ones of these changes: first publications and major updates of articles.

    The revisions decide: before a first publication no version was public, and a major update changes
    `materially_updated_at`. A correction changes it too, but is not newsworthy: readers see it in the article, and an
    email for each corrected name makes subscribers leave. Its reason is `corrected`, so it is not a candidate.
    """
    candidates = [
        row
        for row in changes
        if row.kind == "article"
        and row.action == "upsert"
        and row.reason in {"published", "updated"}
        and not row.is_bulk
    ]
    ids = {row.subject_id for row in candidates}
    if not ids:
        return []
    former = select(
        Revision.article_id,
        Revision.number,
        Revision.content["status"].as_string(),
        Revision.content["materially_updated_at"].as_string(),
    )
    versions: dict[UUID, dict[int, tuple[str, datetime | None]]] = {id_: {} for id_ in ids}
    for id_, number, status, time in connection.execute(former.where(Revision.article_id.in_(ids))):
        versions[id_][number] = status, datetime.fromisoformat(time) if time else None
    current = select(Article.id, Article.version, Article.status, Article.materially_updated_at)
    for id_, number, status, time in connection.execute(current.where(Article.id.in_(ids))):
        versions[id_][number] = status, time
    return [row for row in candidates if _is_newsworthy(row, versions[row.subject_id])]


def _is_newsworthy(row: ChangeRow, versions: Mapping[int, tuple[str, datetime | None]]) -> bool:
    version = row.version or 0  # a change of an article has a version
    if row.reason == "published":
        return all(status != "published" for number, (status, _) in versions.items() if number < version)
    missing = ("", None)
    return versions.get(version, missing)[1] != versions.get(version - 1, missing)[1]


def list_followed_facets(connection: Connection, facets: Collection[int]) -> set[int]:
    """Return the facets whose followers are alerted of an article in these facets: a group adds its brand's facet."""
    groups = select(Brand.facet_id).where(Brand.group_facet_id.in_(facets))
    return {*facets, *connection.execute(groups).scalars()}


# --- planning ---------------------------------------------------------------------------------------------------------


def list_time_zones(connection: Connection, facets: Collection[int], frequency: str) -> Sequence[str]:
    """Return the time zones of the subscribers who follow any of these facets at this frequency."""
    statement = (
        select(_SUBSCRIBER.c.time_zone)
        .distinct()
        .join(_SUBSCRIPTION, _SUBSCRIPTION.c.subscriber_id == _SUBSCRIBER.c.id)
    )
    return connection.execute(statement.where(_active(facets, frequency))).scalars().all()


def find_batch_end(connection: Connection, facets: Collection[int], frequency: str, after: UUID) -> UUID | None:
    """Return the last subscription of the batch that starts after another one; None for the last batch."""
    statement = (
        select(_SUBSCRIPTION.c.id)
        .where(_active(facets, frequency), _SUBSCRIPTION.c.id > after)
        .order_by(_SUBSCRIPTION.c.id)
    )
    last: UUID | None = connection.execute(statement.offset(BATCH_SIZE - 1).limit(1)).scalar()
    return last


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertBatch:
    """The subscriptions for which deliveries of a change are inserted in one transaction.

    Attributes:
        facets: The facets of the change; subscriptions to any of them count.
        frequency: The frequency of the subscriptions.
        zones: The time zones of the subscribers; None for all.
        due_at: When the deliveries are due.
        after: Id of the subscription before the first.
        until: Id of the last subscription; None for no bound.
    """

    facets: Collection[int]
    frequency: str
    zones: Collection[str] | None
    due_at: datetime
    after: UUID
    until: UUID | None


def plan_deliveries(session: Session, change: ChangeRow, batch: AlertBatch) -> int:
    """Insert the deliveries of a change for a batch of subscriptions.

    A subscriber with a delivery of this change gets no second one; subscriptions confirmed after the change are left
    out.

    Args:
        session: A transaction.
        change: The change to report.
        batch: The subscriptions.

    Returns:
        The number of deliveries inserted.
    """
    values = [
        literal(change.seq).label("seq"),
        _SUBSCRIPTION.c.id,
        literal(change.subject_id, _DELIVERY.c.article_id.type).label("article"),
        literal(batch.due_at, UtcDateTime()).label("due"),
        literal(batch.due_at, UtcDateTime()).label("ready"),
        literal("pending").label("state"),
        literal(0).label("attempts"),
    ]
    rows = select(_SUBSCRIPTION.c.subscriber_id, *values).where(
        _active(batch.facets, batch.frequency), _SUBSCRIPTION.c.id > batch.after
    )
    rows = rows.where(_SUBSCRIPTION.c.confirmed_at <= change.committed_at)
    if batch.until is not None:
        rows = rows.where(_SUBSCRIPTION.c.id <= batch.until)
    if batch.zones is not None:
        rows = rows.join(_SUBSCRIBER, _SUBSCRIBER.c.id == _SUBSCRIPTION.c.subscriber_id).where(
            _SUBSCRIBER.c.time_zone.in_(batch.zones)
        )
    columns = ["subscriber_id", "seq", "subscription_id", "article_id", "due_at", "ready_at", "state", "attempts"]
    connection = session.connection()
    new = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(_DELIVERY)
    return connection.execute(new.from_select(columns, rows).on_conflict_do_nothing()).rowcount


def _active(facets: Collection[int], frequency: str) -> ColumnElement[bool]:
    return and_(_SUBSCRIPTION.c.facet_id.in_(facets), _SUBSCRIPTION.c.frequency == frequency, _ACTIVE)


def reschedule(session: Session, subscription: UUID, due_at: datetime) -> None:
    """Change the due time of the pending deliveries of a subscription."""
    is_pending = (_DELIVERY.c.subscription_id == subscription) & _PENDING
    session.execute(update(_DELIVERY).where(is_pending).values(due_at=due_at, ready_at=due_at))


# --- sending ----------------------------------------------------------------------------------------------------------


_DUE_ALERTS = (
    select(
        *(
            _DELIVERY.c[name]
            for name in ("subscriber_id", "due_at", "seq", "subscription_id", "article_id", "attempts")
        ),
        *(_SUBSCRIBER.c[name] for name in ("email", "email_hash", "language", "time_zone")),
        *(_SUBSCRIPTION.c[name] for name in ("facet_id", "frequency", "confirmed_at")),
    )
    .join(_SUBSCRIBER, _SUBSCRIBER.c.id == _DELIVERY.c.subscriber_id)
    .join(_SUBSCRIPTION, _SUBSCRIPTION.c.id == _DELIVERY.c.subscription_id)
    .where(_PENDING)
)


_READY_ALERTS: Final = (
    _DUE_ALERTS.where(_DELIVERY.c.ready_at <= bindparam("now"))
    .order_by(_DELIVERY.c.ready_at, _DELIVERY.c.subscriber_id, _DELIVERY.c.due_at, _DELIVERY.c.seq)
    .limit(bindparam("rows"))
)


def list_ready_emails(connection: Connection, now: datetime, limit: int) -> list[list[DueAlert]]:
    """Return emails that are ready to be sent, earliest first.

    At most `limit` alerts are read, except that the first email is always complete.

    Returns:
        The alerts of each email, one for each change that it reports.
    """
    rows = compiled_queries.fetch_rows(connection, _READY_ALERTS, {"now": now, "rows": limit})
    alerts = [DueAlert(*row) for row in rows]
    emails: dict[tuple[UUID, datetime], list[DueAlert]] = {}
    for alert in alerts:
        emails.setdefault((alert.subscriber_id, alert.due_at), []).append(alert)
    complete = [*emails.values()]
    if len(alerts) == limit:  # the last email may be incomplete
        last = complete.pop()[0]
        if not complete:
            same_email = (_DELIVERY.c.subscriber_id == last.subscriber_id) & (_DELIVERY.c.due_at == last.due_at)
            last_alerts = connection.execute(_DUE_ALERTS.where(same_email).order_by(_DELIVERY.c.seq))
            complete = [[DueAlert._make(row) for row in last_alerts]]
    return complete


def find_oldest_ready(connection: Connection) -> datetime | None:
    """Return when the pending delivery that waits longest is ready, which may be in the future; None if none waits."""
    statement = select(_DELIVERY.c.ready_at).where(_PENDING).order_by(_DELIVERY.c.ready_at).limit(1)
    return connection.execute(statement).scalar()


def list_for_subscriber(connection: Connection, subscriber: UUID) -> list[AlertDeliveryRow]:
    """Return all deliveries of a subscriber, pending ones included, oldest first."""
    columns = [_DELIVERY.c[name] for name in AlertDeliveryRow._fields]
    statement = select(*columns).where(_DELIVERY.c.subscriber_id == subscriber).order_by(_DELIVERY.c.seq)
    return [AlertDeliveryRow._make(row) for row in connection.execute(statement)]


def list_deliverable(connection: Connection, subscriber: UUID, seqs: Collection[int]) -> set[int]:
    """Return the changes of an email that may still be sent: the article is public and the subscription is active.

    Deliveries that were planned while the subscriber was unsubscribing are therefore left out.
    """
    statement = (
        select(_DELIVERY.c.seq)
        .join(_SUBSCRIPTION, _SUBSCRIPTION.c.id == _DELIVERY.c.subscription_id)
        .join(Article, Article.id == _DELIVERY.c.article_id)
        .where(_of_email(subscriber, seqs), _ACTIVE, is_visible())
    )
    return {*connection.execute(statement).scalars()}


def record_outcome(session: Session, subscriber: UUID, seqs: Collection[int], *, state: str, now: datetime) -> None:
    """Record the outcome of these changes of an email; changes added to the email meanwhile stay pending."""
    values = {"state": state, "sent_at": now if state == "sent" else None}
    session.execute(update(_DELIVERY).where(_of_email(subscriber, seqs)).values(**values))


def postpone(session: Session, subscriber: UUID, seqs: Collection[int], ready_at: datetime) -> None:
    """Postpone an email to its next attempt."""
    statement = update(_DELIVERY).where(_of_email(subscriber, seqs))
    session.execute(statement.values(ready_at=ready_at, attempts=_DELIVERY.c.attempts + 1))


def _of_email(subscriber: UUID, seqs: Collection[int]) -> ColumnElement[bool]:
    """Return the condition for the rows of an email, by their key: 100,000 others may be due at the same time."""
    return and_(_DELIVERY.c.subscriber_id == subscriber, _DELIVERY.c.seq.in_(seqs), _PENDING)


def delete_old(session: Session, *, due_before: datetime) -> int:
    """Delete a batch of deliveries that were due before a time, sent or not; return the number of rows deleted."""
    old = select(_DELIVERY.c.subscriber_id, _DELIVERY.c.seq).where(_DELIVERY.c.due_at < due_before).limit(BATCH_SIZE)
    statement = delete(_DELIVERY).where(tuple_(_DELIVERY.c.subscriber_id, _DELIVERY.c.seq).in_(old))
    return session.connection().execute(statement).rowcount
