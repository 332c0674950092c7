"""Tables of the changelog: every change of what the public sees, numbered without gaps in commit order."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
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
        article_ids: The articles whose related lists changed (kind `related`), or that show measured images (`image`).
        is_bulk: Whether an import made the change; some consumers skip these.
        traceparent: The span of the request that made the change (W3C Trace Context), if traces are exported.
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
    article_ids: Mapped[list[str] | None]
    is_bulk: Mapped[bool] = mapped_column(default=False)
    traceparent: Mapped[str | None]


class ConsumerOffset(Base):
    """The offset of a changelog consumer: it has processed all changes up to `seq`, whose nonce is `nonce`.

    Attributes:
        lease_holder: Token of the worker that runs the consumer. It is random and new for each lease, so that a worker
            that was suspended meanwhile cannot take the lease for its own.
        lease_expires_at: When the lease ends unless the worker renews it.
        failing_since: When the consumer began to fail; None while it works.
        last_error: What fails, for operators.
    """

    __tablename__ = "consumer_offset"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    nonce: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[datetime]
    lease_holder: Mapped[str | None]
    lease_expires_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    last_error: Mapped[str | None]


class FailedChange(Base):
    """A change that a consumer could not process and has set aside; it is tried again later.

    Attributes:
        nonce: The nonce of the change; a change with another one belongs to a changelog that was restored since.
        error: Why the last try failed, for operators.
        tries: How many times the change was set aside.
    """

    __tablename__ = "failed_change"

    consumer: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    nonce: Mapped[int] = mapped_column(BigInteger)
    error: Mapped[str]
    tries: Mapped[int]
    failed_at: Mapped[datetime]
    next_try_at: Mapped[datetime]


class FilterExit(Base):
    """A facet that a public article left and is not in now, with the change by which it left, and why.

    The article's latest change alone is not enough: if it moved from brand A to B and then to C, a mirror of A would
    keep it forever. A row is written with the change and deleted when the article returns to the facet. When the
    article is withdrawn, it leaves all facets that it was ever in once more, so that a recall reaches every mirror that
    had it.
    """

    __tablename__ = "filter_exit"
    __table_args__ = (Index(None, "facet_id", "seq"), {"sqlite_with_rowid": False})

    article_id: Mapped[UUID] = mapped_column(primary_key=True)
    facet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]


class FacetDigest(Base):
    """The digest of a facet: for each bucket, the number of articles and the sum of their fingerprints."""

    __tablename__ = "facet_digest"

    facet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bucket_sums: Mapped[bytes]


class Facet(Base):
    """A set of published articles that a filter can name: a brand's, mentions of a brand, a format's, all articles.

    The facets of kind `terms` contain no articles; they change when any brand (author, section, tag) itself does, for
    responses that show names.

    PostgreSQL's fill factor is 50 % because every write of an article updates the rows of its facets: the new row
    versions stay on the same page, and the rows of all brands stay close together for queries that read them all.

    Attributes:
        name: Set if no other row owns the facet (`all`, formats, languages).
        article_count: Number of articles in the set.
        seq: The last change of the set or of an article in it; responses made from the set depend on it.
        changed_at: The time of that change.
    """

    __tablename__ = "facet"
    __table_args__ = (UniqueConstraint("kind", "name"), {"postgresql_with": {"fillfactor": 50}})

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str | None] = mapped_column(BytewiseText)
    article_count: Mapped[int] = mapped_column(default=0)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    changed_at: Mapped[datetime | None]
