"""Tables of the changelog: every change of what the public sees, numbered without gaps in commit order."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base, BytewiseText


class ChangelogHead(Base):
    """The changelog's counter, a single row.

    A transaction that increments it holds the row's lock until it commits: the order of `seq` is the commit order.
    `committed_at` never goes back, even if the clock does.
    """

    __tablename__ = "changelog_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    nonce: Mapped[int] = mapped_column(BigInteger, default=0)
    committed_at: Mapped[datetime]


OF_TERMS = text("kind IN ('author', 'brand', 'section', 'tag')")
"""Changes of terms. They are few; queries that contain this condition literally use their partial indexes."""


class Change(Base):
    """A public change. `facets_before` and `facets_after` are the facets that the article was in and is in.

    Attributes:
        nonce: A random value. A `seq` with another nonce shows that the log was restored from an older copy.
        additional_slugs: Slugs, beside the article's own, that lead to it since this change.
        related_list_ids: For kind `related`: the articles whose related lists changed.
        is_bulk: Whether an import made the change; some consumers skip these.
    """

    __tablename__ = "change"
    __table_args__ = (
        Index("ix_change_of_terms", "seq", sqlite_where=OF_TERMS, postgresql_where=OF_TERMS),
        Index("ix_change_of_term", "subject_id", "seq", sqlite_where=OF_TERMS, postgresql_where=OF_TERMS),
    )

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    nonce: Mapped[int] = mapped_column(BigInteger)
    committed_at: Mapped[datetime]
    kind: Mapped[str]
    action: Mapped[str]
    reason: Mapped[str]
    subject_id: Mapped[UUID]
    slug: Mapped[str] = mapped_column(BytewiseText)
    previous_slug: Mapped[str | None] = mapped_column(BytewiseText)
    additional_slugs: Mapped[list[str] | None]
    version: Mapped[int | None]
    facets_before: Mapped[list[int]] = mapped_column(default=list)
    facets_after: Mapped[list[int]] = mapped_column(default=list)
    related_list_ids: Mapped[list[str] | None]
    is_bulk: Mapped[bool] = mapped_column(default=False)


class ConsumerOffset(Base):
    """The offset of a changelog consumer: it has processed all changes up to `seq`, whose nonce is `nonce`.

    Attributes:
        lease_holder: Token of the worker that runs the consumer. It is random and new for each lease, so that a worker
            that was suspended meanwhile cannot take the lease for its own.
        lease_expires_at: When the lease ends unless the worker renews it.
    """

    __tablename__ = "consumer_offset"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    nonce: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    lease_holder: Mapped[str | None]
    lease_expires_at: Mapped[datetime | None]


class Secret(Base):
    """A random value that all nodes share, used where no setting provides one."""

    __tablename__ = "secret"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
