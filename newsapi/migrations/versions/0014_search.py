"""The index that searches are answered from."""

import sqlalchemy as sa
from alembic import op

from newsapi.model.base import BytewiseText, Id

revision = "0014"
down_revision = "0013"

_PACKED = {"search_sequence": ("content",), "search_block": ("times", "facets"), "search_posting": ("content",)}


def upgrade() -> None:
    """Add it; the worker fills it."""
    op.create_table(
        "search_text",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("article_id", Id, nullable=False, unique=True),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "search_sequence",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "search_fresh",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "search_block",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("span", sa.Integer, nullable=False),
        sa.Column("articles", sa.Integer, nullable=False),
        sa.Column("newest", sa.BigInteger, nullable=False),
        sa.Column("times", sa.LargeBinary, nullable=False),
        sa.Column("facets", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "search_posting",
        sa.Column("block", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("term", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "search_word",
        sa.Column("word", BytewiseText, primary_key=True),
        sa.Column("shown", sa.Text, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":  # to compress what is packed already only takes time
        for name, columns in _PACKED.items():
            for column in columns:
                op.execute(f"ALTER TABLE {name} ALTER COLUMN {column} SET STORAGE EXTERNAL")


def downgrade() -> None:
    """Drop it."""
    for name in ("search_word", "search_posting", "search_block", "search_fresh", "search_sequence", "search_text"):
        op.drop_table(name)
