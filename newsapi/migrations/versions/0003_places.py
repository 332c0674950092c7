"""Listeners of the log have places in it."""

import sqlalchemy as sa
from alembic import op

from newsapi.model.base import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table; a listener takes its place when it first runs."""
    op.create_table(
        "place",
        sa.Column("listener", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("listener", name="pk_place"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("place")
