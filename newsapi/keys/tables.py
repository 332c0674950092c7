"""Tables of the write API apart from articles: API keys, audit entries, idempotency records, preview links, merges."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base, BytewiseText, uuid7


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
    scopes: Mapped[list[Any]]
    rate_per_minute: Mapped[int | None]
    brands: Mapped[list[Any] | None]
    sections: Mapped[list[Any] | None]
    body_access: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditEntry(Base):
    """An audit entry: one row per write, in its transaction. `actor` is the key's prefix, or the process that wrote."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "subject_id", "id"), Index(None, "actor", "id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(BytewiseText)
    action: Mapped[str]
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    slug: Mapped[str | None]
    version: Mapped[int | None]
    seq: Mapped[int | None] = mapped_column(BigInteger)


class IdempotencyRecord(Base):
    """A request with an Idempotency-Key, and its response for repetitions.

    Attributes:
        caller: The key that sent the request.
        request_digest: Hash of the request; a repetition must be equal.
        lease_holder: Random token of the process that executes the request.
        lease_expires_at: When that process is considered dead.
        status: The response's status; None while the request is executed.
    """

    __tablename__ = "idempotency_record"

    caller: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    request_digest: Mapped[bytes]
    at: Mapped[datetime] = mapped_column(index=True)
    lease_holder: Mapped[str]
    lease_expires_at: Mapped[datetime]
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[str | None]


class PreviewLink(Base):
    """A link whose token shows one unpublished article, and lists as they will be at `as_of`."""

    __tablename__ = "preview_link"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    token_digest: Mapped[bytes] = mapped_column(unique=True)
    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), index=True)
    as_of: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class TermMerge(Base):
    """A merge of a brand, author, section or tag into another one: its articles move in batches, then it is deleted."""

    __tablename__ = "term_merge"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    kind: Mapped[str]
    source_id: Mapped[UUID]
    target_id: Mapped[UUID]
    source: Mapped[str]
    target: Mapped[str]
    state: Mapped[str]
    moved_count: Mapped[int]
    requested_by: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
