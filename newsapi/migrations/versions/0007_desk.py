"""The desk: keys, deeds, repeated requests, preview links, merges; versions of terms, bans, the end of rights."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from newsapi.model.base import BytewiseText, Id, Json, UtcDateTime

revision = "0007"
down_revision = "0006"

TERMS = ("brand", "author", "section", "tag")
INDEXES = {
    "ix_article_due": (["published_at"], "status = 'scheduled'"),
    "ix_article_expiring": (["expires_at"], "status = 'published' AND expires_at IS NOT NULL"),
    "ix_article_hidden": (["status", "updated_at", "id"], "status <> 'published'"),
}


def upgrade() -> None:
    """Add them; what is known of the end of rights moves into a column that can be searched."""
    for term in TERMS:
        op.add_column(term, sa.Column("version", sa.Integer, nullable=False, server_default=sa.text("1")))
    op.add_column("article_detail", sa.Column("bans", Json))
    op.add_column("article", sa.Column("expires_at", UtcDateTime))
    _note_ends_of_rights()
    for name, (columns, where) in INDEXES.items():
        condition = sa.text(where)
        op.create_index(name, "article", columns, sqlite_where=condition, postgresql_where=condition)
    _keys_and_deeds()
    _links_and_merges()


def downgrade() -> None:
    """Drop them, with what they hold."""
    for table in ("merge", "preview_link", "repeat", "deed", "key"):
        op.drop_table(table)
    for name in INDEXES:
        op.drop_index(name, "article")
    op.drop_column("article", "expires_at")
    op.drop_column("article_detail", "bans")
    for term in TERMS:
        op.drop_column(term, "version")


def _note_ends_of_rights() -> None:
    detail = sa.table("article_detail", sa.column("article_id", Id), sa.column("rights", Json))
    article = sa.table("article", sa.column("id", Id), sa.column("expires_at", UtcDateTime))
    rows = op.get_bind().execute(sa.select(detail.c.article_id, detail.c.rights).where(detail.c.rights.is_not(None)))
    ends = [{"which": id_, "end": datetime.fromisoformat(end)} for id_, rights in rows if (end := rights["expires_at"])]
    if ends:
        statement = sa.update(article).where(article.c.id == sa.bindparam("which", type_=Id))
        op.get_bind().execute(statement.values(expires_at=sa.bindparam("end", type_=UtcDateTime)), ends)


def _keys_and_deeds() -> None:
    op.create_table(
        "key",
        sa.Column("id", Id, primary_key=True),
        sa.Column("prefix", BytewiseText, nullable=False, unique=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("rate", sa.Integer),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime),
        sa.Column("revoked_at", UtcDateTime),
    )
    op.create_table(
        "deed",
        sa.Column("id", Id, primary_key=True),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("by", BytewiseText, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject_id", Id, nullable=False),
        sa.Column("slug", sa.Text),
        sa.Column("version", sa.Integer),
        sa.Column("seq", sa.BigInteger),
    )
    op.create_index("ix_deed_subject_id_id", "deed", ["subject_id", "id"])
    op.create_index("ix_deed_by_id", "deed", ["by", "id"])
    op.create_table(
        "repeat",
        sa.Column("caller", BytewiseText, primary_key=True),
        sa.Column("word", BytewiseText, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False, index=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until", UtcDateTime, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("headers", Json),
        sa.Column("body", sa.Text),
    )


def _links_and_merges() -> None:
    op.create_table(
        "preview_link",
        sa.Column("id", Id, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("article_id", Id, sa.ForeignKey("article.id", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("as_of", UtcDateTime),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime),
    )
    op.create_table(
        "merge",
        sa.Column("id", Id, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "source", "target", "state", "by")),
        sa.Column("source_id", Id, nullable=False),
        sa.Column("target_id", Id, nullable=False),
        sa.Column("moved", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("updated_at", UtcDateTime, nullable=False),
    )
