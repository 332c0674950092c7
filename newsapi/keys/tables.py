"""Tables of API keys, their daily usage, and the audit log."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base, BytewiseText, Json, uuid7


class ApiKey(Base):
    """An API key.

    Attributes:
        prefix: The public part of the key, by which it is looked up.
        secret_digest: SHA-256 of the whole key.
        rate_per_minute: Maximum number of requests per minute; None for the default of the settings.
        brands: Slugs that a partner's entitlement is limited to; None for all. `sections` likewise.
        body_access: How much of article bodies the entitlement includes: `full`, `teaser` or `none`.
    """

    __tablename__ = "api_key"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    prefix: Mapped[str] = mapped_column(BytewiseText, unique=True)
    secret_digest: Mapped[bytes]
    name: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(Json)
    rate_per_minute: Mapped[int | None]
    brands: Mapped[list[str] | None] = mapped_column(Json)
    sections: Mapped[list[str] | None] = mapped_column(Json)
    body_access: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditEntry(Base):
    """An audit entry: one row per write, in its transaction. `actor` is the key's prefix, or the process that wrote."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "subject_id", "id"), Index(None, "actor", "id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    occurred_at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(BytewiseText)
    action: Mapped[str]
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    slug: Mapped[str | None]
    version: Mapped[int | None]
    seq: Mapped[int | None] = mapped_column(BigInteger)


class KeyDailyUsage(Base):
    """The number of requests of an API key on a day (UTC)."""

    __tablename__ = "key_daily_usage"

    key_id: Mapped[UUID] = mapped_column(ForeignKey("api_key.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    request_count: Mapped[int]
