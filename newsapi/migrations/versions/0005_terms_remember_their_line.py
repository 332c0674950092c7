"""Brands, authors, sections and tags remember the line that they were imported from, as articles do."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TERMS = ("brand", "author", "section", "tag")


def upgrade() -> None:
    """Add the columns, empty: the next import fills them."""
    for name in TERMS:
        op.add_column(name, sa.Column("import_digest", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    for name in TERMS:
        op.drop_column(name, "import_digest")
