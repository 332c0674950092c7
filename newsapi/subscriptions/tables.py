"""Tables of email subscriptions: requests, subscribers, consent, planned alerts, and suppressed addresses."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base, BytewiseText, uuid7

_NOT_ENDED = text("state <> 'ended'")
_NOTICE_DUE = text("notice_due_at IS NOT NULL")
_PENDING = text("state = 'pending'")


class SubscriptionRequest(Base):
    """The contents of a subscription form, until a worker processes it a moment later.

    The client waits only for this insert, so the response time does not reveal whether the address is known.

    Attributes:
        email_hash: Keyed hash of the address, lowercased: identifies the person.
        mailbox_hash: Keyed hash of the address without dots and plus tag: for the limit per mailbox.
    """

    __tablename__ = "subscription_request"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    email: Mapped[str]
    email_hash: Mapped[bytes] = mapped_column(index=True)
    mailbox_hash: Mapped[bytes]
    facet_id: Mapped[int]
    frequency: Mapped[str]
    language: Mapped[str]
    time_zone: Mapped[str]
    consent_version: Mapped[str]
    source_url: Mapped[str | None]
    requested_at: Mapped[datetime]


class Subscriber(Base):
    """A person. `email` is stored while they have a pending or active subscription; after that, only the hashes are."""

    __tablename__ = "subscriber"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    email_hash: Mapped[bytes] = mapped_column(unique=True)
    mailbox_hash: Mapped[bytes]
    email: Mapped[str | None]
    language: Mapped[str] = mapped_column(BytewiseText)
    time_zone: Mapped[str] = mapped_column(BytewiseText)
    created_at: Mapped[datetime]


class Subscription(Base):
    """A subscription to the facet of a brand, section or author, with the record of its consent.

    `state` is `pending` until it is confirmed, then `active`, then `ended`; ended ones are kept for a while as
    evidence. `notice_due_at` is when an email about the subscription itself became due: to confirm it or, once active,
    to say so.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        Index(
            "ix_subscription_live",
            "subscriber_id",
            "facet_id",
            unique=True,
            sqlite_where=_NOT_ENDED,
            postgresql_where=_NOT_ENDED,
        ),
        Index("ix_subscription_of_facet", "facet_id", "state", "frequency", "id"),
        Index("ix_subscription_pending", "requested_at", sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_subscription_notice_due", "notice_due_at", sqlite_where=_NOTICE_DUE, postgresql_where=_NOTICE_DUE),
        Index("ix_subscription_of_subscriber", "subscriber_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    subscriber_id: Mapped[UUID] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"))
    facet_id: Mapped[int]
    frequency: Mapped[str] = mapped_column(BytewiseText)
    state: Mapped[str] = mapped_column(BytewiseText)
    consent_version: Mapped[str]
    source_url: Mapped[str | None]
    requested_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    notice_due_at: Mapped[datetime | None]


class ConsentText(Base):
    """A consent text as shown next to the form; every wording has a version of its own."""

    __tablename__ = "consent_text"

    version: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    language: Mapped[str]
    text: Mapped[str]
    first_used_at: Mapped[datetime]


class ConfirmationSend(Base):
    """An email sent to a mailbox that may not have asked for it, kept for a day to limit their number."""

    __tablename__ = "confirmation_send"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    mailbox_hash: Mapped[bytes] = mapped_column(index=True)
    sent_at: Mapped[datetime]


class Suppression(Base):
    """An address, by its hash, that must not receive email any more: erased, bounced or complained."""

    __tablename__ = "suppression"

    email_hash: Mapped[bytes] = mapped_column(primary_key=True)
    reason: Mapped[str]
    suppressed_at: Mapped[datetime]


class AlertDelivery(Base):
    """An alert: one change to report to a subscriber. All alerts of a subscriber due at the same time form one email.

    `state` is `pending`, then `sent`, `dropped` (the article was withdrawn in the meantime) or `failed`. `ready_at` is
    the time of the next attempt. `due_at` never changes, because the email's Message-ID is derived from it.
    """

    __tablename__ = "alert_delivery"
    __table_args__ = (
        Index("ix_alert_delivery_ready", "ready_at", "subscriber_id", sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_alert_delivery_of_subscription", "subscription_id"),
        Index("ix_alert_delivery_due", "due_at"),
    )

    subscriber_id: Mapped[UUID] = mapped_column(ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    subscription_id: Mapped[UUID] = mapped_column(ForeignKey("subscription.id", ondelete="CASCADE"))
    article_id: Mapped[UUID]
    due_at: Mapped[datetime]
    ready_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(BytewiseText)
    attempts: Mapped[int]
    sent_at: Mapped[datetime | None]
