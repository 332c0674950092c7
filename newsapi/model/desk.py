"""What the desk works with beside articles: keys, deeds, repeated requests, preview links, merges."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.model.base import Base, BytewiseText, uuid7


class Key(Base):
    """Who may call. `prefix` is the open part of the secret, by which it is found; `digest` the SHA-256 of all of it.

    `rate` is how many requests a minute it may make, null for what the settings say. `brands` and `sections`, if any
    are named, are what a partner's key is for, `body` is how much of a body it gets there: full, teaser or none.
    """

    __tablename__ = "key"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    prefix: Mapped[str] = mapped_column(BytewiseText, unique=True)
    digest: Mapped[bytes]
    name: Mapped[str]
    scopes: Mapped[list[Any]]
    rate: Mapped[int | None]
    brands: Mapped[list[Any] | None]
    sections: Mapped[list[Any] | None]
    body: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Deed(Base):
    """Who did what when: one row a write, made in its transaction. `by` names the key, or what else wrote."""

    __tablename__ = "deed"
    __table_args__ = (Index(None, "subject_id", "id"), Index(None, "by", "id"))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(BytewiseText)
    action: Mapped[str]
    kind: Mapped[str]
    subject_id: Mapped[UUID]
    slug: Mapped[str | None]
    version: Mapped[int | None]
    seq: Mapped[int | None] = mapped_column(BigInteger)


class Repeat(Base):
    """A request that may come again: its Idempotency-Key, whose it is, and what was answered.

    `status` is null while it is worked on; `holder` is a random word of the one that does, `until` when he counts as
    dead.
    """

    __tablename__ = "repeat"

    caller: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    word: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    digest: Mapped[bytes]
    at: Mapped[datetime] = mapped_column(index=True)
    holder: Mapped[str]
    until: Mapped[datetime]
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[str | None]


class PreviewLink(Base):
    """Lets who has its token see one article before the public does, and lists as they will be at `as_of`."""

    __tablename__ = "preview_link"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    digest: Mapped[bytes] = mapped_column(unique=True)
    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), index=True)
    as_of: Mapped[datetime | None]
    by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Merge(Base):
    """A brand, author, section or tag on its way into another one: articles first, some at a time, then itself."""

    __tablename__ = "merge"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    kind: Mapped[str]
    source_id: Mapped[UUID]
    target_id: Mapped[UUID]
    source: Mapped[str]
    target: Mapped[str]
    state: Mapped[str]
    moved: Mapped[int]
    by: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
