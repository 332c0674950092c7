"""Webhooks and what is to be delivered to them."""

import sqlalchemy as sa
from alembic import op

from newsapi.model.base import BytewiseText, Id, Json, UtcDateTime

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "webhook",
        sa.Column("id", Id, primary_key=True),
        sa.Column("by", BytewiseText, nullable=False, index=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", Json, nullable=False),
        sa.Column("brands", Json),
        sa.Column("sections", Json),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("former_secret", sa.Text),
        sa.Column("former_until", UtcDateTime),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("failing_since", UtcDateTime),
        sa.Column("paused_at", UtcDateTime),
    )
    op.create_table(
        "delivery",
        sa.Column("id", Id, primary_key=True),
        sa.Column("webhook_id", Id, sa.ForeignKey("webhook.id", ondelete="CASCADE"), nullable=False),
        sa.Column("seq", sa.BigInteger),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", BytewiseText, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        *(sa.Column(name, UtcDateTime, nullable=False) for name in ("due_at", "created_at")),
        *(sa.Column(name, UtcDateTime) for name in ("tried_at", "finished_at")),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.Text),
    )
    pending = sa.text("state = 'pending'")
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["webhook_id", "due_at", "id"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
    op.create_index("ix_delivery_of_webhook", "delivery", ["webhook_id", "id"])
    op.create_index("ix_delivery_done", "delivery", ["finished_at"])


def downgrade() -> None:
    """Drop them, with what was still to be delivered."""
    op.drop_table("delivery")
    op.drop_table("webhook")
