"""Webhooks: whom we call, and each call until it is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.model.base import Base, BytewiseText, uuid7

_PENDING = text("state = 'pending'")


class Webhook(Base):
    """An address that is called when one of `events` happens, for all or for what bears these brands or sections.

    `secret` signs each call, so it is kept as it is; `former_secret` signs beside it until `former_until`.
    `failing_since` is when it was first not answered since it last was; `paused_at` when we gave up, or its owner did.
    """

    __tablename__ = "webhook"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    by: Mapped[str] = mapped_column(BytewiseText, index=True)
    url: Mapped[str]
    events: Mapped[list[Any]]
    brands: Mapped[list[Any] | None]
    sections: Mapped[list[Any] | None]
    secret: Mapped[str]
    former_secret: Mapped[str | None]
    former_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    failing_since: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]


class Delivery(Base):
    """One event for one webhook: its id stays on every try, and `body` are the bytes that are sent.

    `state` is pending, delivered or dead; `due_at` is when it is tried next.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_due", "webhook_id", "due_at", "id", sqlite_where=_PENDING, postgresql_where=_PENDING),
        Index("ix_delivery_of_webhook", "webhook_id", "id"),
        Index("ix_delivery_done", "finished_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    seq: Mapped[int | None] = mapped_column(BigInteger)
    type: Mapped[str]
    body: Mapped[str]
    state: Mapped[str] = mapped_column(BytewiseText)
    attempts: Mapped[int]
    due_at: Mapped[datetime]
    created_at: Mapped[datetime]
    tried_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    status: Mapped[int | None]
    error: Mapped[str | None]
