"""Tables of articles: the listed fields, the content, links to terms, listing entries, slug redirects, revisions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.changelog.digests import bucket
from newsapi.db.types import Base, BytewiseText, Json, uuid7
from newsapi.errors import WithdrawalInfo
from newsapi.text.json_types import JsonObject, JsonValue

STATUSES = ("draft", "scheduled", "published", "withdrawn")
_SCHEDULED = text("status = 'scheduled'")
_EXPIRES = text("status = 'published' AND expires_at IS NOT NULL")
_NOT_PUBLISHED = text("status <> 'published'")
_HAS_SOURCE_ID = text("source_id IS NOT NULL")


def _bucket(context: DefaultExecutionContext) -> int:
    return bucket((context.current_parameters or {})["id"])


class Article(Base):
    """An article's state, and the fields that lists show.

    Attributes:
        seq: `seq` of its last public change; None if it was never public. `changed_at` is the time of that change.
        withdrawal: When and why it was taken down, if it was public before.
        import_digest: Hash of the record that it was last imported from; None if it was never imported.
        local_changes: The fields that editors changed since the import, each with the hash of the imported value.
        expires_at: When the right to show it ends.
        publication_number: Its position among all articles ever published, in order of first publication. It never
            changes, and determines the sitemap page that lists the article.
        digest_bucket: Bucket of the digests that partners compare; follows from the id.
    """

    __tablename__ = "article"
    __table_args__ = (
        CheckConstraint(f"status IN {STATUSES}", name="status"),
        CheckConstraint("published_precision IN ('second', 'day')", name="published_precision"),
        CheckConstraint("status <> 'published' OR published_at IS NOT NULL", name="published_at"),
        Index("ix_article_due", "published_at", sqlite_where=_SCHEDULED, postgresql_where=_SCHEDULED),
        Index("ix_article_expiring", "expires_at", sqlite_where=_EXPIRES, postgresql_where=_EXPIRES),
        Index("ix_article_seq", "seq"),
        Index("ix_article_digest_bucket", "digest_bucket"),
        Index(
            "ix_article_hidden",
            "status",
            "updated_at",
            "id",
            sqlite_where=_NOT_PUBLISHED,
            postgresql_where=_NOT_PUBLISHED,
        ),
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
    image: Mapped[JsonObject | None]
    word_count: Mapped[int]
    published_at: Mapped[datetime | None]
    published_precision: Mapped[str] = mapped_column(default="second")
    updated_at: Mapped[datetime]
    materially_updated_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    withdrawal: Mapped[WithdrawalInfo | None] = mapped_column(Json)
    import_digest: Mapped[bytes | None] = mapped_column(index=True)
    local_changes: Mapped[dict[str, str] | None] = mapped_column(Json)
    expires_at: Mapped[datetime | None]
    publication_number: Mapped[int | None] = mapped_column(index=True, unique=True)
    digest_bucket: Mapped[int | None] = mapped_column(default=_bucket)


class ArticleContent(Base):
    """The fields that only the full article shows; a table of its own, so that lists never read past bodies.

    `source_id` identifies the article in the file that it was imported from, such as the guid of a feed item.
    """

    __tablename__ = "article_content"
    __table_args__ = (
        Index(
            "ix_article_content_source_id",
            "source_id",
            unique=True,
            sqlite_where=_HAS_SOURCE_ID,
            postgresql_where=_HAS_SOURCE_ID,
        ),
    )

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    canonical_url: Mapped[str | None]
    source: Mapped[JsonObject | None]
    media: Mapped[list[JsonValue]] = mapped_column(default=list)
    corrections: Mapped[list[JsonValue]] = mapped_column(default=list)
    rights: Mapped[JsonObject | None]
    seo: Mapped[JsonObject | None]
    picks: Mapped[list[JsonValue]] = mapped_column(default=list)
    bans: Mapped[list[JsonValue] | None]
    translation_group: Mapped[str | None] = mapped_column(BytewiseText)
    source_id: Mapped[str | None] = mapped_column(BytewiseText)
    body_html: Mapped[str]


class _ArticleLink:
    """A link from an article to a term; `position` is the order that editors chose."""

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)


class ArticleAuthor(_ArticleLink, Base):
    """An author of an article."""

    __tablename__ = "article_author"
    __table_args__ = (UniqueConstraint("article_id", "author_id"),)

    author_id: Mapped[UUID] = mapped_column(ForeignKey("author.id"))


class ArticleMention(_ArticleLink, Base):
    """A brand that an article mentions beside its own."""

    __tablename__ = "article_mention"
    __table_args__ = (UniqueConstraint("article_id", "brand_id"),)

    brand_id: Mapped[UUID] = mapped_column(ForeignKey("brand.id"))


class ArticleTag(_ArticleLink, Base):
    """A tag of an article."""

    __tablename__ = "article_tag"
    __table_args__ = (UniqueConstraint("article_id", "tag_id"),)

    tag_id: Mapped[UUID] = mapped_column(ForeignKey("tag.id"))


class ListingEntry(Base):
    """A published article in one facet, with three sort keys: every filter finds articles through this table.

    Rows exist only for articles that the public sees. They are written in the transaction that publishes, edits or
    withdraws the article. Any filter is a range scan of one of the three indexes, at any depth of the list.

    An article has about ten rows. The table has no foreign keys, because checking them would cost an import more than
    writing the rows.
    """

    __tablename__ = "listing_entry"
    __table_args__ = (
        Index("ix_listing_entry_updated", "facet_id", "updated_at", "article_id"),
        Index("ix_listing_entry_materially_updated", "facet_id", "materially_updated_at", "article_id"),
        {"sqlite_with_rowid": False},
    )

    facet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    published_at: Mapped[datetime] = mapped_column(primary_key=True)
    article_id: Mapped[UUID] = mapped_column(primary_key=True)
    updated_at: Mapped[datetime]
    materially_updated_at: Mapped[datetime]


class SlugRedirect(Base):
    """A former slug, from which requests are redirected."""

    __tablename__ = "slug_redirect"

    kind: Mapped[str] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(index=True)
    created_at: Mapped[datetime]


class Revision(Base):
    """The content of an article at version `number`, stored when a later version replaced it.

    The current version is the article itself, so an article that never changed has no row here.
    """

    __tablename__ = "revision"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    replaced_at: Mapped[datetime]
    replaced_by: Mapped[str]
    content: Mapped[JsonObject]
