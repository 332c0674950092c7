"""Articles, their links and listings, the taxonomy, and the log of changes."""

import secrets
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from newsapi.model.base import BytewiseText, Id, Json, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables, the counter row and the facets that are there from the start."""
    _log()
    facet = _taxonomy()
    _articles()
    _links()
    fixed = [("all", ""), *(("terms", kind) for kind in ("author", "brand", "section", "tag"))]
    op.bulk_insert(facet, [{"kind": kind, "name": name, "articles": 0, "seq": 0} for kind, name in fixed])


def downgrade() -> None:
    """Drop everything, with all content."""
    for table in (
        "revision old_slug listing article_tag article_mention article_author article_detail article"
        " tag section author brand facet secret change log_head"
    ).split():
        op.drop_table(table)


def _log() -> None:
    head = op.create_table(
        "log_head",
        sa.Column(
            "id", sa.Integer, sa.CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False
        ),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("mark", sa.BigInteger, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "mark": secrets.randbits(63), "at": datetime.now(UTC)}])
    op.create_table(
        "change",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("mark", sa.BigInteger, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("subject_id", Id, nullable=False),
        sa.Column("slug", BytewiseText, nullable=False),
        sa.Column("previous_slug", BytewiseText),
        sa.Column("version", sa.Integer),
        sa.Column("facets_before", Json, nullable=False),
        sa.Column("facets_after", Json, nullable=False),
        sa.Column("bulk", sa.Boolean, nullable=False),
    )
    secret = op.create_table(
        "secret", sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text, nullable=False)
    )
    op.bulk_insert(secret, [{"name": "cursor", "value": secrets.token_hex(32)}])


def _taxonomy() -> sa.Table:
    facet = op.create_table(
        "facet",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", BytewiseText),
        sa.Column("articles", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at", UtcDateTime),
        sa.UniqueConstraint("kind", "name"),
    )

    def term(name: str, *columns: sa.Column[Any]) -> None:
        op.create_table(
            name,
            sa.Column("id", Id, primary_key=True),
            sa.Column("slug", BytewiseText, nullable=False, unique=True),
            sa.Column("name", sa.Text, nullable=False),
            sa.Column("sort_key", BytewiseText, nullable=False),
            sa.Column("words", BytewiseText, nullable=False),
            sa.Column("changed_at", UtcDateTime, nullable=False),
            sa.Column("facet_id", sa.Integer, sa.ForeignKey("facet.id"), nullable=False),
            *columns,
        )
        op.create_index(f"ix_{name}_sort_key_slug", name, ["sort_key", "slug"])

    term(
        "brand",
        sa.Column("parent_id", Id, sa.ForeignKey("brand.id"), index=True),
        sa.Column("aliases", Json, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("logo", Json),
        sa.Column("mention_facet_id", sa.Integer, sa.ForeignKey("facet.id"), nullable=False),
        sa.Column("group_facet_id", sa.Integer, sa.ForeignKey("facet.id")),
    )
    term("author", sa.Column("email", sa.Text), sa.Column("bio", sa.Text), sa.Column("avatar", Json))
    term("section")
    term("tag")
    return facet


def _articles() -> None:
    op.create_table(
        "article",
        sa.Column("id", Id, primary_key=True),
        sa.Column("slug", BytewiseText, nullable=False, unique=True),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger),
        sa.Column("changed_at", UtcDateTime),
        sa.Column("headline", sa.Text, nullable=False),
        sa.Column("standfirst", sa.Text),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("brand_id", Id, sa.ForeignKey("brand.id")),
        sa.Column("section_id", Id, sa.ForeignKey("section.id")),
        sa.Column("image", Json),
        sa.Column("word_count", sa.Integer, nullable=False),
        sa.Column("published_at", UtcDateTime),
        sa.Column("published_precision", sa.Text, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sa.Column("materially_updated_at", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("gone", Json),
        sa.Column("import_digest", sa.LargeBinary, index=True),
        sa.CheckConstraint("status IN ('draft', 'scheduled', 'published', 'withdrawn')", name="status"),
        sa.CheckConstraint("published_precision IN ('second', 'day')", name="published_precision"),
        sa.CheckConstraint("status <> 'published' OR published_at IS NOT NULL", name="published_at"),
    )
    op.create_table(
        "article_detail",
        sa.Column("article_id", Id, sa.ForeignKey("article.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("canonical_url", sa.Text),
        sa.Column("source", Json),
        sa.Column("media", Json, nullable=False),
        sa.Column("corrections", Json, nullable=False),
        sa.Column("rights", Json),
        sa.Column("seo", Json),
        sa.Column("picks", Json, nullable=False),
        sa.Column("body_html", sa.Text, nullable=False),
    )
    op.create_table(
        "revision",
        sa.Column("article_id", Id, sa.ForeignKey("article.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("replaced_at", UtcDateTime, nullable=False),
        sa.Column("replaced_by", sa.Text, nullable=False),
        sa.Column("content", Json, nullable=False),
    )


def _links() -> None:
    for link, term in (("article_author", "author"), ("article_mention", "brand"), ("article_tag", "tag")):
        op.create_table(
            link,
            sa.Column("article_id", Id, sa.ForeignKey("article.id", ondelete="CASCADE"), primary_key=True),
            sa.Column("position", sa.Integer, primary_key=True),
            sa.Column(f"{term}_id", Id, sa.ForeignKey(f"{term}.id"), nullable=False),
            sa.UniqueConstraint("article_id", f"{term}_id"),
        )
    op.create_table(
        "listing",
        sa.Column("facet_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("published_at", UtcDateTime, primary_key=True),
        sa.Column("article_id", Id, primary_key=True),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_listing_updated", "listing", ["facet_id", "updated_at", "article_id"])
    op.create_table(
        "old_slug",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("slug", BytewiseText, primary_key=True),
        sa.Column("subject_id", Id, nullable=False, index=True),
        sa.Column("at", UtcDateTime, nullable=False),
    )
