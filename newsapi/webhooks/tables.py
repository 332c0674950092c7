"""Tables of webhooks and their deliveries."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base, BytewiseText, Json, uuid7

_PENDING = text("state = 'pending'")


class Webhook(Base):
    """A URL that is called when one of `events` happens, for all articles or for those of some brands and sections.

    Attributes:
        include_imports: Whether imports send an event for each article and term.
        secret: Signs every call, so it is stored in clear.
        previous_secret: Signs beside it until `previous_secret_expires_at`.
        failing_since: Time of the first failed call since the last success.
        paused_at: When the owner paused it, or the worker because calls had failed for too long.
    """

    __tablename__ = "webhook"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    owner: Mapped[str] = mapped_column(BytewiseText, index=True)
    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(Json)
    brands: Mapped[list[str] | None] = mapped_column(Json)
    sections: Mapped[list[str] | None] = mapped_column(Json)
    include_imports: Mapped[bool]
    secret: Mapped[str]
    previous_secret: Mapped[str | None]
    previous_secret_expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]


class Delivery(Base):
    """One event for one webhook. The id is the same on every attempt, and `body` is sent as it is.

    `state` is `pending`, `delivered` or `dead`; `next_attempt_at` is the time of the next attempt. `is_bulk` is set for
    the events of an import, which are sent after all others. `traceparent` is that of the change.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index(
            "ix_delivery_due",
            "webhook_id",
            "is_bulk",
            "next_attempt_at",
            "id",
            sqlite_where=_PENDING,
            postgresql_where=_PENDING,
        ),
        Index("ix_delivery_of_webhook", "webhook_id", "id"),
        Index("ix_delivery_done", "finished_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    seq: Mapped[int | None] = mapped_column(BigInteger)
    type: Mapped[str]
    body: Mapped[str]
    is_bulk: Mapped[bool]
    state: Mapped[str] = mapped_column(BytewiseText)
    attempts: Mapped[int]
    next_attempt_at: Mapped[datetime]
    created_at: Mapped[datetime]
    last_attempt_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    last_status_code: Mapped[int | None]
    last_error: Mapped[str | None]
    traceparent: Mapped[str | None]
