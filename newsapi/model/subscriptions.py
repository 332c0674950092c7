"""Who asked to be written to about what, what was planned for them, and who is never to be written to again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.model.base import Base, BytewiseText, uuid7

_LIVE = text("state <> 'ended'")
_UNTOLD = text("mail_since IS NOT NULL")
_PENDING = text("state = 'pending'")


class SubscriptionRequest(Base):
    """What somebody typed into the box, until a worker looks at it a moment later.

    Whoever asks waits for this row alone: so it takes the same, whoever they are. `person` and `mailbox` are keyed
    hashes of the address, as it tells people apart and as it is counted.
    """

    __tablename__ = "subscription_request"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    email: Mapped[str]
    person: Mapped[bytes] = mapped_column(index=True)
    mailbox: Mapped[bytes]
    facet_id: Mapped[int]
    frequency: Mapped[str]
    language: Mapped[str]
    time_zone: Mapped[str]
    consent_version: Mapped[str]
    source_url: Mapped[str | None]
    at: Mapped[datetime]


class Subscriber(Base):
    """A person. The address is there while something is subscribed or waits to be confirmed; then only the hash."""

    __tablename__ = "subscriber"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    person: Mapped[bytes] = mapped_column(unique=True)
    mailbox: Mapped[bytes]
    email: Mapped[str | None]
    language: Mapped[str] = mapped_column(BytewiseText)
    time_zone: Mapped[str] = mapped_column(BytewiseText)
    created_at: Mapped[datetime]


class Subscription(Base):
    """What a person follows (the facet of a brand, section or author) and the receipt of their consent.

    `state` is pending until it is confirmed, then active, then ended; an ended one is kept as evidence for a while.
    `mail_since`: since when a mail about the subscription itself is due (to confirm it; once active, that it is there).
    """

    __tablename__ = "subscription"
    __table_args__ = (
        Index(
            "ix_subscription_live", "subscriber_id", "facet_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE
        ),
        Index("ix_subscription_of_facet", "facet_id", "state", "frequency", "id"),
        Index("ix_subscription_pending", "requested_at", sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_subscription_untold", "mail_since", sqlite_where=_UNTOLD, postgresql_where=_UNTOLD),
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
    mail_since: Mapped[datetime | None]


class ConsentText(Base):
    """A text that people consented to, as it stood beside the box; each wording has a version of its own."""

    __tablename__ = "consent_text"

    version: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    language: Mapped[str]
    text: Mapped[str]
    since: Mapped[datetime]


class BoxMail(Base):
    """That a mailbox was sent a mail nobody may have wanted, for a day: by its keyed hash."""

    __tablename__ = "box_mail"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    mailbox: Mapped[bytes] = mapped_column(index=True)
    at: Mapped[datetime]


class Suppression(Base):
    """A person who is not written to again, by the keyed hash of the address: erased, bounced or complained."""

    __tablename__ = "suppression"

    person: Mapped[bytes] = mapped_column(primary_key=True)
    reason: Mapped[str]
    at: Mapped[datetime]


class AlertMail(Base):
    """One change that a person is to be told of. All that are due to them at one time are one mail.

    `state` is pending, then sent, dropped (the article was withdrawn meanwhile) or failed. `ready_at` is when it is
    tried next; `due_at` stays, as the mail's Message-ID is made of it.
    """

    __tablename__ = "alert_mail"
    __table_args__ = (
        Index("ix_alert_mail_ready", "ready_at", "subscriber_id", sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_alert_mail_of_subscription", "subscription_id"),
        Index("ix_alert_mail_due", "due_at"),
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
