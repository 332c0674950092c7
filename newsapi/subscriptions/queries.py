"""Queries on subscription requests, subscribers, subscriptions and suppressed addresses."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Unpack
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from newsapi.content.queries.terms import MODELS
from newsapi.content.schemas.subscription_offer import FOLLOWABLE_KINDS
from newsapi.content.tables.articles import SlugRedirect
from newsapi.db import compiled_queries
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import columns_table, uuid7
from newsapi.subscriptions.rows import (
    ConsentTextRow,
    FollowedTerm,
    NoticeRow,
    RequestRow,
    SubscriberColumns,
    SubscriberRow,
    SubscriptionColumns,
    SubscriptionRow,
)
from newsapi.subscriptions.tables import (
    AlertDelivery,
    ConfirmationSend,
    ConsentText,
    Subscriber,
    Subscription,
    SubscriptionRequest,
    Suppression,
)

DELETE_BATCH: Final = 10_000
"""Subscriptions deleted in one transaction."""

_REQUEST = columns_table(SubscriptionRequest)
_SUBSCRIBER = columns_table(Subscriber)
_SUBSCRIPTION = columns_table(Subscription)
_CONSENT_TEXT = columns_table(ConsentText)
_CONFIRMATION_SEND = columns_table(ConfirmationSend)
_SUPPRESSION = columns_table(Suppression)
_DELIVERY = columns_table(AlertDelivery)
_NOT_ENDED = _SUBSCRIPTION.c.state != "ended"


_REQUEST_COLUMNS: Final = tuple(_REQUEST.c[name] for name in RequestRow._fields)
_SUBSCRIBER_COLUMNS: Final = tuple(_SUBSCRIBER.c[name] for name in SubscriberRow._fields)
_SUBSCRIPTION_COLUMNS: Final = tuple(_SUBSCRIPTION.c[name] for name in SubscriptionRow._fields)
_NOTICE_COLUMNS: Final = tuple(
    (_SUBSCRIPTION if name in _SUBSCRIPTION.c else _SUBSCRIBER).c[name] for name in NoticeRow._fields
)


# --- followed terms ---------------------------------------------------------------------------------------------------


def find_facet(connection: Connection, kind: str, slug: str) -> int | None:
    """Return the facet of the brand, section or author that has or had this slug, or None."""
    model = MODELS[kind]
    former = select(model.facet_id).join(SlugRedirect, SlugRedirect.subject_id == model.id)
    statement = union_all(
        select(model.facet_id).where(model.slug == slug),
        former.where(SlugRedirect.kind == kind, SlugRedirect.slug == slug),
    )
    facet: int | None = connection.execute(statement).scalar()
    return facet


def list_terms(connection: Connection, facets: Collection[int]) -> dict[int, FollowedTerm]:
    """Return the terms of these facets by facet; facets of deleted terms are left out."""
    if not facets:
        return {}
    statement = union_all(
        *(
            select(MODELS[kind].facet_id, literal(kind), MODELS[kind].slug, MODELS[kind].name).where(
                MODELS[kind].facet_id.in_(facets)
            )
            for kind in FOLLOWABLE_KINDS
        )
    )
    return {facet: FollowedTerm(*rest) for facet, *rest in connection.execute(statement)}


def move_followers(session: Session, old: int, new: int) -> None:
    """Move the subscriptions of a merged term to the target term; subscribers of both keep one of them."""
    other = _SUBSCRIPTION.alias()
    follows_both = exists().where(
        other.c.subscriber_id == _SUBSCRIPTION.c.subscriber_id, other.c.facet_id == new, other.c.state != "ended"
    )
    session.execute(delete(_SUBSCRIPTION).where(_SUBSCRIPTION.c.facet_id == old, _NOT_ENDED, follows_both))
    session.execute(update(_SUBSCRIPTION).where(_SUBSCRIPTION.c.facet_id == old).values(facet_id=new))


def delete_followers(session: Session, facet: int) -> None:
    """Delete the subscriptions of a deleted term, and the subscribers who followed nothing else."""
    session.execute(delete(_REQUEST).where(_REQUEST.c.facet_id == facet))
    is_follower = _SUBSCRIBER.c.id.in_(select(_SUBSCRIPTION.c.subscriber_id).where(_SUBSCRIPTION.c.facet_id == facet))
    others = select(_SUBSCRIPTION.c.id).where(
        _SUBSCRIPTION.c.subscriber_id == _SUBSCRIBER.c.id, _SUBSCRIPTION.c.facet_id != facet
    )
    session.execute(delete(_SUBSCRIBER).where(is_follower, ~others.exists()))
    session.execute(update(_SUBSCRIBER).where(is_follower, ~others.where(_NOT_ENDED).exists()).values(email=None))
    session.execute(delete(_SUBSCRIPTION).where(_SUBSCRIPTION.c.facet_id == facet))


# --- requests ---------------------------------------------------------------------------------------------------------


def insert_request(session: Session, request: RequestRow) -> None:
    """Insert a subscription request."""
    session.execute(insert(_REQUEST).values(**request._asdict()))


_REQUESTS: Final = select(*_REQUEST_COLUMNS).order_by(_REQUEST.c.id).limit(bindparam("rows"))


def list_requests(connection: Connection, limit: int) -> list[RequestRow]:
    """Return unprocessed requests, oldest first."""
    return [RequestRow(*row) for row in compiled_queries.fetch_rows(connection, _REQUESTS, {"rows": limit})]


def delete_requests(session: Session, ids: Collection[UUID]) -> None:
    """Delete processed requests."""
    session.execute(delete(_REQUEST).where(_REQUEST.c.id.in_(ids)))


def save_consent_text(session: Session, version: str, language: str, text: str, now: datetime) -> None:
    """Save a consent text when it is first consented to."""
    if session.execute(select(_CONSENT_TEXT.c.version).where(_CONSENT_TEXT.c.version == version)).first() is None:
        session.execute(insert(_CONSENT_TEXT).values(version=version, language=language, text=text, first_used_at=now))


def list_consent_texts(connection: Connection, versions: Collection[str]) -> list[ConsentTextRow]:
    """Return the saved consent texts of these versions."""
    columns = [_CONSENT_TEXT.c[name] for name in ConsentTextRow._fields]
    statement = select(*columns).where(_CONSENT_TEXT.c.version.in_(versions)).order_by(_CONSENT_TEXT.c.version)
    return [ConsentTextRow._make(row) for row in connection.execute(statement)]


# --- subscribers ------------------------------------------------------------------------------------------------------


def is_suppressed(session: Session, email_hash: bytes) -> bool:
    """Return whether emails to this address are suppressed."""
    return (
        session.execute(select(_SUPPRESSION.c.email_hash).where(_SUPPRESSION.c.email_hash == email_hash)).first()
        is not None
    )


def insert_suppression(session: Session, email_hash: bytes, reason: str, now: datetime) -> None:
    """Suppress all emails to an address; if it is suppressed already, the first reason is kept."""
    if not is_suppressed(session, email_hash):
        session.execute(insert(_SUPPRESSION).values(email_hash=email_hash, reason=reason, suppressed_at=now))


def count_suppressions(connection: Connection, reason: str, since: datetime) -> int:
    """Return the number of addresses that were suppressed for a reason since a time."""
    statement = select(func.count()).select_from(_SUPPRESSION)
    is_counted = (_SUPPRESSION.c.reason == reason) & (_SUPPRESSION.c.suppressed_at > since)
    return connection.execute(statement.where(is_counted)).scalar_one()


def count_subscribers(connection: Connection) -> int:
    """Return the number of subscribers whose address is stored."""
    statement = select(func.count()).select_from(_SUBSCRIBER).where(_SUBSCRIBER.c.email.is_not(None))
    return connection.execute(statement).scalar_one()


def delete_suppression(session: Session, email_hash: bytes) -> bool:
    """Remove the suppression of an address; return False if there was none."""
    statement = delete(_SUPPRESSION).where(_SUPPRESSION.c.email_hash == email_hash)
    return session.connection().execute(statement).rowcount == 1


def lock_subscriber(session: Session, id_: UUID) -> SubscriberRow | None:
    """Return the subscriber with this id, or None, and lock the row until the end of the transaction."""
    return _lock_subscriber(session, _SUBSCRIBER.c.id == id_)


def lock_subscriber_of_email(session: Session, email_hash: bytes) -> SubscriberRow | None:
    """Return the subscriber with this address, or None, and lock the row until the end of the transaction."""
    return _lock_subscriber(session, _SUBSCRIBER.c.email_hash == email_hash)


def _lock_subscriber(session: Session, condition: ColumnElement[bool]) -> SubscriberRow | None:
    # FOR NO KEY UPDATE admits inserts that refer to the row: unsubscribing does not wait for deliveries that are being
    # planned for ten thousand others.
    statement = select(*_SUBSCRIBER_COLUMNS).where(condition).with_for_update(key_share=True)
    row = session.execute(statement).one_or_none()
    return None if row is None else SubscriberRow._make(row)


def insert_subscriber(session: Session, subscriber: SubscriberRow) -> None:
    """Insert a subscriber."""
    session.execute(insert(_SUBSCRIBER).values(**subscriber._asdict()))


def update_subscriber(session: Session, id_: UUID, **columns: Unpack[SubscriberColumns]) -> None:
    """Update the given columns of a subscriber."""
    session.execute(update(_SUBSCRIBER).where(_SUBSCRIBER.c.id == id_).values(**columns))


def delete_subscriber(session: Session, email_hash: bytes) -> None:
    """Delete a subscriber with their requests, subscriptions and deliveries."""
    session.execute(delete(_REQUEST).where(_REQUEST.c.email_hash == email_hash))
    session.execute(delete(_SUBSCRIBER).where(_SUBSCRIBER.c.email_hash == email_hash))


def find_subscriber(connection: Connection, id_: UUID) -> SubscriberRow | None:
    """Return the subscriber with this id, or None."""
    row = connection.execute(select(*_SUBSCRIBER_COLUMNS).where(_SUBSCRIBER.c.id == id_)).one_or_none()
    return None if row is None else SubscriberRow._make(row)


def list_subscribers(connection: Connection, *, limit: int, before: UUID | None) -> Sequence[Row[*tuple[object, ...]]]:
    """Return subscribers whose address is stored, newest first; only those older than the id `before` if given."""
    statement = select(*_SUBSCRIBER_COLUMNS).where(_SUBSCRIBER.c.email.is_not(None))
    if before is not None:
        statement = statement.where(_SUBSCRIBER.c.id < before)
    return connection.execute(statement.order_by(_SUBSCRIBER.c.id.desc()).limit(limit)).all()


# --- subscriptions ----------------------------------------------------------------------------------------------------


def insert_subscription(session: Session, subscription: SubscriptionRow) -> None:
    """Insert a subscription."""
    session.execute(insert(_SUBSCRIPTION).values(**subscription._asdict()))


def find_subscription(connection: Connection, id_: UUID) -> SubscriptionRow | None:
    """Return the subscription with this id in any state, or None."""
    row = connection.execute(select(*_SUBSCRIPTION_COLUMNS).where(_SUBSCRIPTION.c.id == id_)).one_or_none()
    return None if row is None else SubscriptionRow._make(row)


def list_subscriptions(
    connection: Connection, ids: Collection[UUID], *, include_ended: bool = False
) -> list[SubscriptionRow]:
    """Return the subscriptions of subscribers, oldest first; those that ended are included if `include_ended`."""
    statement = select(*_SUBSCRIPTION_COLUMNS).where(_SUBSCRIPTION.c.subscriber_id.in_(ids))
    statement = statement.order_by(_SUBSCRIPTION.c.requested_at, _SUBSCRIPTION.c.id)
    rows = connection.execute(statement if include_ended else statement.where(_NOT_ENDED))
    return [SubscriptionRow._make(row) for row in rows]


def update_subscription(session: Session, id_: UUID, **columns: Unpack[SubscriptionColumns]) -> None:
    """Update the given columns of a subscription."""
    session.execute(update(_SUBSCRIPTION).where(_SUBSCRIPTION.c.id == id_).values(**columns))


def confirm_subscription(session: Session, id_: UUID, now: datetime) -> UUID | None:
    """Confirm a pending subscription.

    The confirmation emails of other pending subscriptions of this subscriber that were postponed become due at once.

    Returns:
        The subscriber, or None if the subscription is not pending.
    """
    statement = (
        update(_SUBSCRIPTION)
        .where(_SUBSCRIPTION.c.id == id_, _SUBSCRIPTION.c.state == "pending")
        .values(state="active", confirmed_at=now, notice_due_at=None)
        .returning(_SUBSCRIPTION.c.subscriber_id)
    )
    subscriber: UUID | None = session.execute(statement).scalar_one_or_none()
    is_postponed = (
        (_SUBSCRIPTION.c.subscriber_id == subscriber)
        & (_SUBSCRIPTION.c.state == "pending")
        & (_SUBSCRIPTION.c.notice_due_at > now)
    )
    session.execute(update(_SUBSCRIPTION).where(is_postponed).values(notice_due_at=now))
    return subscriber


def end_subscriptions(session: Session, subscriber: UUID, now: datetime, *, subscription: UUID | None = None) -> int:
    """End the subscriptions of a subscriber, or only one of them, and delete their pending deliveries.

    If no subscription is left, the address is deleted; the evidence of consent is kept under the hash of the address.

    Returns:
        The number of subscriptions ended.
    """
    is_live = (_SUBSCRIPTION.c.subscriber_id == subscriber) & _NOT_ENDED
    condition = is_live if subscription is None else is_live & (_SUBSCRIPTION.c.id == subscription)
    statement = (
        update(_SUBSCRIPTION)
        .where(condition)
        .values(state="ended", ended_at=now, notice_due_at=None)
        .returning(_SUBSCRIPTION.c.id)
    )
    ids = [*session.execute(statement).scalars()]
    session.execute(delete(_DELIVERY).where(_DELIVERY.c.subscription_id.in_(ids), _DELIVERY.c.state == "pending"))
    if session.execute(select(_SUBSCRIPTION.c.id).where(is_live).limit(1)).first() is None:
        session.execute(update(_SUBSCRIBER).where(_SUBSCRIBER.c.id == subscriber).values(email=None))
    return len(ids)


# --- notices: emails about subscriptions themselves -------------------------------------------------------------------


_DUE_NOTICES: Final = (
    select(*_NOTICE_COLUMNS)
    .join(_SUBSCRIBER, _SUBSCRIBER.c.id == _SUBSCRIPTION.c.subscriber_id)
    .where(_SUBSCRIPTION.c.notice_due_at <= bindparam("now"))
    .order_by(_SUBSCRIPTION.c.notice_due_at)
    .limit(bindparam("rows"))
)


def list_due_notices(connection: Connection, now: datetime, limit: int) -> list[NoticeRow]:
    """Return subscriptions whose notice is due, with the address of the subscriber, longest waiting first."""
    parameters = {"now": now, "rows": limit}
    return [NoticeRow(*row) for row in compiled_queries.fetch_rows(connection, _DUE_NOTICES, parameters)]


def find_oldest_notice(connection: Connection) -> datetime | None:
    """Return when the notice that waits longest is due, which may be in the future; None if none waits."""
    statement = select(_SUBSCRIPTION.c.notice_due_at).where(_SUBSCRIPTION.c.notice_due_at.is_not(None))
    return connection.execute(statement.order_by(_SUBSCRIPTION.c.notice_due_at).limit(1)).scalar()


def list_confirmation_sends(connection: Connection, mailbox_hash: bytes, since: datetime) -> Sequence[datetime]:
    """Return when a mailbox was sent possibly unwanted emails since a time, oldest first."""
    statement = (
        select(_CONFIRMATION_SEND.c.sent_at)
        .where(_CONFIRMATION_SEND.c.mailbox_hash == mailbox_hash, _CONFIRMATION_SEND.c.sent_at > since)
        .order_by(_CONFIRMATION_SEND.c.sent_at)
    )
    return connection.execute(statement).scalars().all()


def has_active(connection: Connection, subscriber: UUID) -> bool:
    """Return whether a subscriber has an active subscription."""
    statement = select(_SUBSCRIPTION.c.id).where(
        _SUBSCRIPTION.c.subscriber_id == subscriber, _SUBSCRIPTION.c.state == "active"
    )
    return connection.execute(statement.limit(1)).first() is not None


def mark_notice_sent(session: Session, id_: UUID, mailbox_hash: bytes, now: datetime) -> None:
    """Record that the notice of a subscription was sent to a mailbox."""
    update_subscription(session, id_, notice_due_at=None)
    session.execute(insert(_CONFIRMATION_SEND).values(id=uuid7(), mailbox_hash=mailbox_hash, sent_at=now))


# --- retention --------------------------------------------------------------------------------------------------------


def purge_expired(session: Session, *, pending_before: datetime, ended_before: datetime, sent_before: datetime) -> None:
    """Delete unconfirmed subscriptions, the evidence of ended ones, and the log of confirmation sends.

    Subscriptions still pending that were requested before `pending_before`, those that ended before `ended_before`, and
    sends before `sent_before` are deleted, with the subscribers that have no subscription left. At most DELETE_BATCH
    subscriptions are deleted in one call.
    """
    is_unconfirmed = (_SUBSCRIPTION.c.state == literal_column("'pending'")) & (
        _SUBSCRIPTION.c.requested_at < pending_before
    )
    expired = (
        select(_SUBSCRIPTION.c.id)
        .where(or_(is_unconfirmed, _SUBSCRIPTION.c.ended_at < ended_before))
        .limit(DELETE_BATCH)
    )
    statement = delete(_SUBSCRIPTION).where(_SUBSCRIPTION.c.id.in_(expired)).returning(_SUBSCRIPTION.c.subscriber_id)
    subscribers = {*session.execute(statement).scalars()}
    if subscribers:
        is_affected = in_values(session.connection(), _SUBSCRIBER.c.id, subscribers)
        left = select(_SUBSCRIPTION.c.id).where(_SUBSCRIPTION.c.subscriber_id == _SUBSCRIBER.c.id)
        session.execute(delete(_SUBSCRIBER).where(is_affected, ~left.exists()))
        session.execute(update(_SUBSCRIBER).where(is_affected, ~left.where(_NOT_ENDED).exists()).values(email=None))
    session.execute(delete(_CONFIRMATION_SEND).where(_CONFIRMATION_SEND.c.sent_at < sent_before))
