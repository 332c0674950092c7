"""Queries on email alerts: selecting newsworthy changes, planning deliveries, sending them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Row, and_, delete, literal, literal_column, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article, Revision
from newsapi.content.tables.terms import Brand
from newsapi.db.types import UtcDateTime, columns_table
from newsapi.subscriptions.tables import AlertDelivery, Subscriber, Subscription

_MAIL, _PERSON, _OWN = columns_table(AlertDelivery), columns_table(Subscriber), columns_table(Subscription)

# Literals, not parameters: with a parameter, neither database could tell that its partial index applies.
_PENDING = _MAIL.c.state == literal_column("'pending'")
_ACTIVE = _OWN.c.state == literal_column("'active'")

BATCH_SIZE: Final = 10_000
"""Subscriptions planned in one transaction, which bounds how long other writers wait."""


# --- newsworthy changes -----------------------------------------------------------------------------------------------


def newsworthy_changes(connection: Connection, changes: Sequence[Any]) -> list[Any]:
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
    return [row for row in candidates if _is_news(row, versions[row.subject_id])]


def _is_news(row: Any, versions: dict[int, tuple[str, datetime | None]]) -> bool:
    if row.reason == "published":
        return all(status != "published" for number, (status, _) in versions.items() if number < row.version)
    missing = ("", None)
    return versions.get(row.version, missing)[1] != versions.get(row.version - 1, missing)[1]


def followed_facets(connection: Connection, facets: Collection[int]) -> set[int]:
    """Return the facets whose followers are alerted of an article in these facets: a group adds its brand's facet."""
    groups = select(Brand.facet_id).where(Brand.group_facet_id.in_(facets))
    return {*facets, *connection.execute(groups).scalars()}


# --- planning ---------------------------------------------------------------------------------------------------------


def subscriber_time_zones(connection: Connection, facets: Collection[int], frequency: str) -> Sequence[str]:
    """Return the time zones of the subscribers who follow any of these facets at this frequency."""
    statement = select(_PERSON.c.time_zone).distinct().join(_OWN, _OWN.c.subscriber_id == _PERSON.c.id)
    return connection.execute(statement.where(_active(facets, frequency))).scalars().all()


def next_batch_end(connection: Connection, facets: Collection[int], frequency: str, after: UUID) -> UUID | None:
    """Return the last subscription of the batch that starts after another one; None for the last batch."""
    statement = select(_OWN.c.id).where(_active(facets, frequency), _OWN.c.id > after).order_by(_OWN.c.id)
    last: UUID | None = connection.execute(statement.offset(BATCH_SIZE - 1).limit(1)).scalar()
    return last


def plan_deliveries(
    session: Session,
    change: Any,
    facets: Collection[int],
    frequency: str,
    *,
    zones: Collection[str] | None,
    due_at: datetime,
    after: UUID,
    until: UUID | None,
) -> int:
    """Insert deliveries of one change for the subscribers who follow any of these facets at this frequency.

    `zones` restricts them to time zones, None to no zone in particular. The batch is bounded by the subscription ids
    `after` (exclusive) and `until` (inclusive, None for no bound). A subscriber with a delivery of this change gets no
    second one; subscriptions confirmed after the change are left out.

    Returns:
        The number of deliveries inserted.
    """
    values = [
        literal(change.seq).label("seq"),
        _OWN.c.id,
        literal(change.subject_id, _MAIL.c.article_id.type).label("article"),
        literal(due_at, UtcDateTime()).label("due"),
        literal(due_at, UtcDateTime()).label("ready"),
        literal("pending").label("state"),
        literal(0).label("attempts"),
    ]
    rows = select(_OWN.c.subscriber_id, *values).where(_active(facets, frequency), _OWN.c.id > after)
    rows = rows.where(_OWN.c.confirmed_at <= change.committed_at)
    if until is not None:
        rows = rows.where(_OWN.c.id <= until)
    if zones is not None:
        rows = rows.join(_PERSON, _PERSON.c.id == _OWN.c.subscriber_id).where(_PERSON.c.time_zone.in_(zones))
    columns = ["subscriber_id", "seq", "subscription_id", "article_id", "due_at", "ready_at", "state", "attempts"]
    connection = session.connection()
    new = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(_MAIL)
    return connection.execute(new.from_select(columns, rows).on_conflict_do_nothing()).rowcount


def _active(facets: Collection[int], frequency: str) -> Any:
    return and_(_OWN.c.facet_id.in_(facets), _OWN.c.frequency == frequency, _ACTIVE)


def reschedule(session: Session, subscription: UUID, due_at: datetime) -> None:
    """Change the due time of the pending deliveries of a subscription."""
    is_pending = (_MAIL.c.subscription_id == subscription) & _PENDING
    session.execute(update(_MAIL).where(is_pending).values(due_at=due_at, ready_at=due_at))


# --- sending ----------------------------------------------------------------------------------------------------------

_READY = (
    select(
        *(_MAIL.c[name] for name in ("subscriber_id", "due_at", "seq", "subscription_id", "article_id", "attempts")),
        *(_PERSON.c[name] for name in ("email", "email_hash", "language", "time_zone")),
        _OWN.c.facet_id,
        _OWN.c.frequency,
        _OWN.c.confirmed_at,
    )
    .join(_PERSON, _PERSON.c.id == _MAIL.c.subscriber_id)
    .join(_OWN, _OWN.c.id == _MAIL.c.subscription_id)
    .where(_PENDING)
)


def ready_emails(connection: Connection, now: datetime, limit: int) -> list[Sequence[Any]]:
    """Return emails that are ready to be sent, earliest first.

    At most `limit` rows are read, except that the first email is always complete.

    Returns:
        The rows of each email, one for each change that it reports.
    """
    rows: Sequence[Any] = connection.execute(
        _READY.where(_MAIL.c.ready_at <= now)
        .order_by(_MAIL.c.ready_at, _MAIL.c.subscriber_id, _MAIL.c.due_at, _MAIL.c.seq)
        .limit(limit)
    ).all()
    emails: dict[tuple[UUID, datetime], list[Any]] = {}
    for row in rows:
        emails.setdefault((row.subscriber_id, row.due_at), []).append(row)
    complete: list[Sequence[Any]] = [*emails.values()]
    if len(rows) == limit:  # the last email may be incomplete
        last = complete.pop()[0]
        if not complete:
            same_email = (_MAIL.c.subscriber_id == last.subscriber_id) & (_MAIL.c.due_at == last.due_at)
            complete = [connection.execute(_READY.where(same_email).order_by(_MAIL.c.seq)).all()]
    return complete


def list_for_subscriber(connection: Connection, subscriber: UUID) -> Sequence[Row[Any]]:
    """Return all deliveries of a subscriber, pending ones included, oldest first."""
    return connection.execute(select(_MAIL).where(_MAIL.c.subscriber_id == subscriber).order_by(_MAIL.c.seq)).all()


def still_deliverable(connection: Connection, subscriber: UUID, seqs: Collection[int]) -> set[int]:
    """Return the changes of an email that may still be sent: the article is public and the subscription is active.

    Deliveries that were planned while the subscriber was unsubscribing are therefore left out.
    """
    statement = (
        select(_MAIL.c.seq)
        .join(_OWN, _OWN.c.id == _MAIL.c.subscription_id)
        .join(Article, Article.id == _MAIL.c.article_id)
        .where(_of_mail(subscriber, seqs), _ACTIVE, is_visible())
    )
    return {*connection.execute(statement).scalars()}


def record_outcome(session: Session, subscriber: UUID, seqs: Collection[int], *, state: str, now: datetime) -> None:
    """Record the outcome of these changes of an email; changes added to the email meanwhile stay pending."""
    values = {"state": state, "sent_at": now if state == "sent" else None}
    session.execute(update(_MAIL).where(_of_mail(subscriber, seqs)).values(**values))


def postpone(session: Session, subscriber: UUID, seqs: Collection[int], ready_at: datetime) -> None:
    """Postpone an email to its next attempt."""
    statement = update(_MAIL).where(_of_mail(subscriber, seqs))
    session.execute(statement.values(ready_at=ready_at, attempts=_MAIL.c.attempts + 1))


def _of_mail(subscriber: UUID, seqs: Collection[int]) -> Any:
    """Return the condition for the rows of an email, by their key: 100,000 others may be due at the same time."""
    return and_(_MAIL.c.subscriber_id == subscriber, _MAIL.c.seq.in_(seqs), _PENDING)


def delete_old(session: Session, *, due_before: datetime) -> int:
    """Delete a batch of deliveries that were due before a time, sent or not; return the number of rows deleted."""
    old = select(_MAIL.c.subscriber_id, _MAIL.c.seq).where(_MAIL.c.due_at < due_before).limit(BATCH_SIZE)
    result: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        delete(_MAIL).where(tuple_(_MAIL.c.subscriber_id, _MAIL.c.seq).in_(old))
    )
    return result.rowcount
