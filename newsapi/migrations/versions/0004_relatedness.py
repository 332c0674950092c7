"""The index of related articles, the lists made of it, and changes of lists."""

import sqlalchemy as sa
from alembic import op

from newsapi.model.base import Id, Json, UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables; the worker fills them from the log."""
    op.add_column("change", sa.Column("lists", Json))
    op.create_table(
        "related_profile",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("article_id", Id(), nullable=False),
        sa.Column("pool", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_related_profile"),
        sa.UniqueConstraint("article_id", name="uq_related_profile_article_id"),
    )
    op.create_table(
        "related_posting",
        sa.Column("pool", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("term", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("strength", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("pool", "term", "strength", "number", name="pk_related_posting"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "related_weights",
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("archive", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_related_weights"),
    )
    op.create_table(
        "related_list",
        sa.Column("article_id", Id(), nullable=False),
        sa.Column("pool", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=True),
        sa.Column("floor", sa.Double(), nullable=False),
        sa.Column("listed", Json, nullable=False),
        sa.PrimaryKeyConstraint("article_id", name="pk_related_list"),
    )
    op.create_index("ix_related_list_pool", "related_list", ["pool"])
    op.create_table(
        "related_entry",
        sa.Column("other_id", Id(), nullable=False),
        sa.Column("article_id", Id(), nullable=False),
        sa.PrimaryKeyConstraint("other_id", "article_id", name="pk_related_entry"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop them; they can be made anew from the articles."""
    for name in ("related_entry", "related_list", "related_weights", "related_posting", "related_profile"):
        op.drop_table(name)
    op.drop_column("change", "lists")
