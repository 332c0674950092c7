"""The article: its row, what only the single view shows, its links, its place in listings, its history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.model.base import Base, BytewiseText, uuid7

STATUSES = ("draft", "scheduled", "published", "withdrawn")
_SCHEDULED = text("status = 'scheduled'")
_EXPIRES = text("status = 'published' AND expires_at IS NOT NULL")
_HIDDEN = text("status <> 'published'")


def bucket(id_: UUID) -> int:
    """Answer the bucket of an article, 0 to 4095: the last three hexadecimal digits of its id."""
    return id_.int & 0xFFF


def _bucket(context: DefaultExecutionContext) -> int:
    return bucket((context.current_parameters or {})["id"])


class Article(Base):
    """What a list shows of an article, and its state.

    `seq` and `changed_at` are the last public change of it, null while it was never public. `gone` says why it left
    after it was public. `import_digest` is the hash of the line that it was last imported from. `expires_at` is when
    the right to show it ends. `number` is its place among all that ever were public, in the order in which they came:
    it never changes, and says on which page of the site map the article stands. `bucket` follows from the id: articles
    are counted in buckets, for partners to compare.
    """

    __tablename__ = "article"
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("published_precision IN ('second', 'day')", name="published_precision"),
        CheckConstraint("status <> 'published' OR published_at IS NOT NULL", name="published_at"),
        Index("ix_article_due", "published_at", sqlite_where=_SCHEDULED, postgresql_where=_SCHEDULED),
        Index("ix_article_expiring", "expires_at", sqlite_where=_EXPIRES, postgresql_where=_EXPIRES),
        Index("ix_article_seq", "seq"),
        Index("ix_article_bucket", "bucket"),
        Index("ix_article_hidden", "status", "updated_at", "id", sqlite_where=_HIDDEN, postgresql_where=_HIDDEN),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    slug: Mapped[str] = mapped_column(BytewiseText, unique=True)
    status: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    seq: Mapped[int | None] = mapped_column(BigInteger)
    changed_at: Mapped[datetime | None]
    headline: Mapped[str]
    standfirst: Mapped[str | None]
    format: Mapped[str]
    language: Mapped[str]
    brand_id: Mapped[UUID | None] = mapped_column(ForeignKey("brand.id"))
    section_id: Mapped[UUID | None] = mapped_column(ForeignKey("section.id"))
    image: Mapped[dict[str, Any] | None]
    word_count: Mapped[int]
    published_at: Mapped[datetime | None]
    published_precision: Mapped[str] = mapped_column(default="second")
    updated_at: Mapped[datetime]
    materially_updated_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    gone: Mapped[dict[str, Any] | None]
    import_digest: Mapped[bytes | None] = mapped_column(index=True)
    expires_at: Mapped[datetime | None]
    number: Mapped[int | None] = mapped_column(index=True, unique=True)
    bucket: Mapped[int | None] = mapped_column(default=_bucket)


def is_indexed(seo: Mapping[str, Any] | None) -> bool:
    """Whether search engines may list an article, by what the newsroom set for them: a row of `article_detail.seo`."""
    robots = (seo or {}).get("robots") or ""
    return {"noindex", "none"}.isdisjoint(word.strip() for word in robots.lower().split(","))


class ArticleDetail(Base):
    """What only the single view shows: apart, so that a list never reads past a body."""

    __tablename__ = "article_detail"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    canonical_url: Mapped[str | None]
    source: Mapped[dict[str, Any] | None]
    media: Mapped[list[Any]] = mapped_column(default=list)
    corrections: Mapped[list[Any]] = mapped_column(default=list)
    rights: Mapped[dict[str, Any] | None]
    seo: Mapped[dict[str, Any] | None]
    picks: Mapped[list[Any]] = mapped_column(default=list)
    bans: Mapped[list[Any] | None]
    translation_group: Mapped[str | None] = mapped_column(BytewiseText)
    body_html: Mapped[str]


class _Link:
    """A row that ties an article to a term, in the order in which the newsroom put them."""

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)


class ArticleAuthor(_Link, Base):
    """Who signs the article."""

    __tablename__ = "article_author"
    __table_args__ = (UniqueConstraint("article_id", "author_id"),)

    author_id: Mapped[UUID] = mapped_column(ForeignKey("author.id"))


class ArticleMention(_Link, Base):
    """Brands that the article names beside its own."""

    __tablename__ = "article_mention"
    __table_args__ = (UniqueConstraint("article_id", "brand_id"),)

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brand.id"))


class ArticleTag(_Link, Base):
    """Keywords of the article."""

    __tablename__ = "article_tag"
    __table_args__ = (UniqueConstraint("article_id", "tag_id"),)

    tag_id: Mapped[UUID] = mapped_column(ForeignKey("tag.id"))


class Listing(Base):
    """One published article in one facet, with all three sort keys: the only way from a filter to articles.

    Rows exist for what the public sees and for nothing else, written in the transaction that publishes, edits or
    withdraws. Any filter is a walk along one of the three indexes, at any depth. There are ten rows an article, so
    they carry no foreign keys: a check of each would cost an import more than the rows themselves.
    """

    __tablename__ = "listing"
    __table_args__ = (
        Index("ix_listing_updated", "facet_id", "updated_at", "article_id"),
        Index("ix_listing_materially_updated", "facet_id", "materially_updated_at", "article_id"),
        {"sqlite_with_rowid": False},
    )

    facet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    published_at: Mapped[datetime] = mapped_column(primary_key=True)
    article_id: Mapped[UUID] = mapped_column(primary_key=True)
    updated_at: Mapped[datetime]
    materially_updated_at: Mapped[datetime]


class OldSlug(Base):
    """A slug that something had before: requests for it are led on."""

    __tablename__ = "old_slug"

    kind: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(index=True)
    at: Mapped[datetime]


class Revision(Base):
    """What an article was before a change: the state of version `number`, and who replaced it when.

    The present state is the article itself, so an article that never changed costs no row here.
    """

    __tablename__ = "revision"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    replaced_at: Mapped[datetime]
    replaced_by: Mapped[str]
    content: Mapped[dict[str, Any]]
