"""Queries on subscription requests, subscribers, subscriptions and suppressed addresses."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Connection,
    CursorResult,
    Row,
    delete,
    exists,
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
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import columns_table, uuid7
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

_REQUEST, _PERSON, _OWN = columns_table(SubscriptionRequest), columns_table(Subscriber), columns_table(Subscription)
_BOX, _NEVER, _TEXT, _MAIL = (
    columns_table(ConfirmationSend),
    columns_table(Suppression),
    columns_table(ConsentText),
    columns_table(AlertDelivery),
)
_NOT_ENDED = _OWN.c.state != "ended"


class FollowedTerm(NamedTuple):
    """A brand, section or author that is followed."""

    kind: str
    slug: str
    name: str


# --- followed terms ---------------------------------------------------------------------------------------------------


def get_facet(connection: Connection, kind: str, slug: str) -> int | None:
    """Return the facet of the brand, section or author that has or had this slug, or None."""
    model = MODELS[kind]
    former = select(model.facet_id).join(SlugRedirect, SlugRedirect.subject_id == model.id)
    statement = union_all(
        select(model.facet_id).where(model.slug == slug),
        former.where(SlugRedirect.kind == kind, SlugRedirect.slug == slug),
    )
    facet: int | None = connection.execute(statement).scalar()
    return facet


def topics(connection: Connection, facets: Collection[int]) -> dict[int, FollowedTerm]:
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
    other = _OWN.alias()
    follows_both = exists().where(
        other.c.subscriber_id == _OWN.c.subscriber_id, other.c.facet_id == new, other.c.state != "ended"
    )
    session.execute(delete(_OWN).where(_OWN.c.facet_id == old, _NOT_ENDED, follows_both))
    session.execute(update(_OWN).where(_OWN.c.facet_id == old).values(facet_id=new))


def delete_followers(session: Session, facet: int) -> None:
    """Delete the subscriptions of a deleted term, and the subscribers who followed nothing else."""
    session.execute(delete(_REQUEST).where(_REQUEST.c.facet_id == facet))
    is_follower = _PERSON.c.id.in_(select(_OWN.c.subscriber_id).where(_OWN.c.facet_id == facet))
    others = select(_OWN.c.id).where(_OWN.c.subscriber_id == _PERSON.c.id, _OWN.c.facet_id != facet)
    session.execute(delete(_PERSON).where(is_follower, ~others.exists()))
    session.execute(update(_PERSON).where(is_follower, ~others.where(_NOT_ENDED).exists()).values(email=None))
    session.execute(delete(_OWN).where(_OWN.c.facet_id == facet))


# --- requests ---------------------------------------------------------------------------------------------------------


def insert_request(session: Session, **columns: Any) -> None:
    """Insert a subscription request; the keyword arguments are the columns of the table."""
    session.execute(insert(_REQUEST).values(**columns))


def list_requests(connection: Connection, limit: int) -> Sequence[Row[Any]]:
    """Return unprocessed requests, oldest first."""
    return connection.execute(select(_REQUEST).order_by(_REQUEST.c.id).limit(limit)).all()


def delete_requests(session: Session, ids: Collection[UUID]) -> None:
    """Delete processed requests."""
    session.execute(delete(_REQUEST).where(_REQUEST.c.id.in_(ids)))


def save_consent_text(session: Session, version: str, language: str, text: str, now: datetime) -> None:
    """Save a consent text when it is first consented to."""
    if session.execute(select(_TEXT.c.version).where(_TEXT.c.version == version)).first() is None:
        session.execute(insert(_TEXT).values(version=version, language=language, text=text, first_used_at=now))


def get_consent_texts(connection: Connection, versions: Collection[str]) -> Sequence[Row[Any]]:
    """Return the saved consent texts of these versions."""
    return connection.execute(select(_TEXT).where(_TEXT.c.version.in_(versions)).order_by(_TEXT.c.version)).all()


# --- subscribers ------------------------------------------------------------------------------------------------------


def is_suppressed(session: Session, email_hash: bytes) -> bool:
    """Return whether emails to this address are suppressed."""
    return session.execute(select(_NEVER.c.email_hash).where(_NEVER.c.email_hash == email_hash)).first() is not None


def insert_suppression(session: Session, email_hash: bytes, reason: str, now: datetime) -> None:
    """Suppress all emails to an address; if it is suppressed already, the first reason is kept."""
    if not is_suppressed(session, email_hash):
        session.execute(insert(_NEVER).values(email_hash=email_hash, reason=reason, suppressed_at=now))


def delete_suppression(session: Session, email_hash: bytes) -> bool:
    """Remove the suppression of an address; return False if there was none."""
    result: CursorResult[Any] = session.execute(delete(_NEVER).where(_NEVER.c.email_hash == email_hash))  # type: ignore[assignment]
    return result.rowcount == 1


def lock_subscriber(session: Session, **key: Any) -> Row[Any] | None:
    """Return the subscriber with one given key column, and lock the row until the end of the transaction.

    The lock is FOR NO KEY UPDATE, which admits inserts that refer to the row: unsubscribing does not wait for
    deliveries that are being planned for ten thousand others.

    Returns:
        The row, or None if there is no such subscriber.
    """
    ((name, value),) = key.items()
    return session.execute(
        select(_PERSON).where(_PERSON.c[name] == value).with_for_update(key_share=True)
    ).one_or_none()


def insert_subscriber(session: Session, **columns: Any) -> None:
    """Insert a subscriber; the keyword arguments are the columns of the table."""
    session.execute(insert(_PERSON).values(**columns))


def update_subscriber(session: Session, id_: UUID, **columns: Any) -> None:
    """Update the given columns of a subscriber."""
    session.execute(update(_PERSON).where(_PERSON.c.id == id_).values(**columns))


def delete_subscriber(session: Session, email_hash: bytes) -> None:
    """Delete a subscriber with their requests, subscriptions and deliveries."""
    session.execute(delete(_REQUEST).where(_REQUEST.c.email_hash == email_hash))
    session.execute(delete(_PERSON).where(_PERSON.c.email_hash == email_hash))


def get_subscriber(connection: Connection, id_: UUID) -> Row[Any] | None:
    """Return the subscriber with this id, or None."""
    return connection.execute(select(_PERSON).where(_PERSON.c.id == id_)).one_or_none()


def list_subscribers(connection: Connection, *, limit: int, before: UUID | None) -> Sequence[Row[Any]]:
    """Return subscribers whose address is stored, newest first; only those older than the id `before` if given."""
    statement = select(_PERSON).where(_PERSON.c.email.is_not(None))
    if before is not None:
        statement = statement.where(_PERSON.c.id < before)
    return connection.execute(statement.order_by(_PERSON.c.id.desc()).limit(limit)).all()


# --- subscriptions ----------------------------------------------------------------------------------------------------


def insert_subscription(session: Session, **columns: Any) -> None:
    """Insert a subscription; the keyword arguments are the columns of the table."""
    session.execute(insert(_OWN).values(id=uuid7(), **columns))


def get_subscription(connection: Connection, id_: UUID) -> Row[Any] | None:
    """Return the subscription with this id in any state, or None."""
    return connection.execute(select(_OWN).where(_OWN.c.id == id_)).one_or_none()


def list_subscriptions(
    connection: Connection, ids: Collection[UUID], *, include_ended: bool = False
) -> Sequence[Row[Any]]:
    """Return the subscriptions of subscribers, oldest first; those that ended are included if `include_ended`."""
    statement = select(_OWN).where(_OWN.c.subscriber_id.in_(ids)).order_by(_OWN.c.requested_at, _OWN.c.id)
    return connection.execute(statement if include_ended else statement.where(_NOT_ENDED)).all()


def update_subscription(session: Session, id_: UUID, **columns: Any) -> None:
    """Update the given columns of a subscription."""
    session.execute(update(_OWN).where(_OWN.c.id == id_).values(**columns))


def confirm_subscription(session: Session, id_: UUID, now: datetime) -> UUID | None:
    """Confirm a pending subscription.

    The confirmation emails of other pending subscriptions of this subscriber that were postponed become due at once.

    Returns:
        The subscriber, or None if the subscription is not pending.
    """
    statement = (
        update(_OWN)
        .where(_OWN.c.id == id_, _OWN.c.state == "pending")
        .values(state="active", confirmed_at=now, notice_due_at=None)
        .returning(_OWN.c.subscriber_id)
    )
    subscriber: UUID | None = session.execute(statement).scalar_one_or_none()
    is_postponed = (_OWN.c.subscriber_id == subscriber) & (_OWN.c.state == "pending") & (_OWN.c.notice_due_at > now)
    session.execute(update(_OWN).where(is_postponed).values(notice_due_at=now))
    return subscriber


def end_subscriptions(session: Session, subscriber: UUID, now: datetime, *, subscription: UUID | None = None) -> int:
    """End the subscriptions of a subscriber, or only one of them, and delete their pending deliveries.

    If no subscription is left, the address is deleted; the evidence of consent is kept under the hash of the address.

    Returns:
        The number of subscriptions ended.
    """
    is_live = (_OWN.c.subscriber_id == subscriber) & _NOT_ENDED
    condition = is_live if subscription is None else is_live & (_OWN.c.id == subscription)
    statement = (
        update(_OWN).where(condition).values(state="ended", ended_at=now, notice_due_at=None).returning(_OWN.c.id)
    )
    ids = [*session.execute(statement).scalars()]
    session.execute(delete(_MAIL).where(_MAIL.c.subscription_id.in_(ids), _MAIL.c.state == "pending"))
    if session.execute(select(_OWN.c.id).where(is_live).limit(1)).first() is None:
        session.execute(update(_PERSON).where(_PERSON.c.id == subscriber).values(email=None))
    return len(ids)


# --- notices: emails about subscriptions themselves -------------------------------------------------------------------


def notices_due(connection: Connection, now: datetime, limit: int) -> Sequence[Row[Any]]:
    """Return subscriptions whose notice is due, with the address of the subscriber, longest waiting first."""
    columns = [_PERSON.c[name] for name in ("email", "email_hash", "mailbox", "language", "time_zone")]
    statement = select(_OWN, *columns).join(_PERSON, _PERSON.c.id == _OWN.c.subscriber_id)
    return connection.execute(
        statement.where(_OWN.c.notice_due_at <= now).order_by(_OWN.c.notice_due_at).limit(limit)
    ).all()


def recent_confirmation_sends(connection: Connection, mailbox_hash: bytes, since: datetime) -> Sequence[datetime]:
    """Return when a mailbox was sent possibly unwanted emails since a time, oldest first."""
    statement = (
        select(_BOX.c.sent_at)
        .where(_BOX.c.mailbox_hash == mailbox_hash, _BOX.c.sent_at > since)
        .order_by(_BOX.c.sent_at)
    )
    return connection.execute(statement).scalars().all()


def has_active(connection: Connection, subscriber: UUID) -> bool:
    """Return whether a subscriber has an active subscription."""
    statement = select(_OWN.c.id).where(_OWN.c.subscriber_id == subscriber, _OWN.c.state == "active")
    return connection.execute(statement.limit(1)).first() is not None


def mark_notice_sent(session: Session, id_: UUID, mailbox_hash: bytes, now: datetime) -> None:
    """Record that the notice of a subscription was sent to a mailbox."""
    update_subscription(session, id_, notice_due_at=None)
    session.execute(insert(_BOX).values(id=uuid7(), mailbox=mailbox_hash, sent_at=now))


# --- retention --------------------------------------------------------------------------------------------------------


def purge_expired(session: Session, *, pending_before: datetime, ended_before: datetime, sent_before: datetime) -> None:
    """Delete unconfirmed subscriptions, the evidence of ended ones, and the log of confirmation sends.

    Subscriptions still pending that were requested before `pending_before`, those that ended before `ended_before`, and
    sends before `sent_before` are deleted, with the subscribers that have no subscription left. At most DELETE_BATCH
    subscriptions are deleted in one call.
    """
    is_unconfirmed = (_OWN.c.state == literal_column("'pending'")) & (_OWN.c.requested_at < pending_before)
    expired = select(_OWN.c.id).where(or_(is_unconfirmed, _OWN.c.ended_at < ended_before)).limit(DELETE_BATCH)
    statement = delete(_OWN).where(_OWN.c.id.in_(expired)).returning(_OWN.c.subscriber_id)
    subscribers = {*session.execute(statement).scalars()}
    if subscribers:
        is_affected = in_values(session.connection(), _PERSON.c.id, subscribers)
        left = select(_OWN.c.id).where(_OWN.c.subscriber_id == _PERSON.c.id)
        session.execute(delete(_PERSON).where(is_affected, ~left.exists()))
        session.execute(update(_PERSON).where(is_affected, ~left.where(_NOT_ENDED).exists()).values(email=None))
    session.execute(delete(_BOX).where(_BOX.c.sent_at < sent_before))
