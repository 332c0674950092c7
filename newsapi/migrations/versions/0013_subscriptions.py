"""Subscriptions by e-mail: requests, people, what they follow, what is planned for them, whom not to write to."""

import sqlalchemy as sa
from alembic import op

from newsapi.model.base import BytewiseText, Id, UtcDateTime

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "subscription_request",
        sa.Column("id", Id, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("person", sa.LargeBinary, nullable=False, index=True),
        sa.Column("mailbox", sa.LargeBinary, nullable=False),
        sa.Column("facet_id", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("frequency", "language", "time_zone")),
        sa.Column("consent_version", sa.Text, nullable=False),
        sa.Column("source_url", sa.Text),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "subscriber",
        sa.Column("id", Id, primary_key=True),
        sa.Column("person", sa.LargeBinary, nullable=False),
        sa.Column("mailbox", sa.LargeBinary, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("language", BytewiseText, nullable=False),
        sa.Column("time_zone", BytewiseText, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("person"),
    )
    op.create_table(
        "subscription",
        sa.Column("id", Id, primary_key=True),
        sa.Column("subscriber_id", Id, sa.ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False),
        sa.Column("facet_id", sa.Integer, nullable=False),
        sa.Column("frequency", BytewiseText, nullable=False),
        sa.Column("state", BytewiseText, nullable=False),
        sa.Column("consent_version", sa.Text, nullable=False),
        sa.Column("source_url", sa.Text),
        sa.Column("requested_at", UtcDateTime, nullable=False),
        sa.Column("confirmed_at", UtcDateTime),
        sa.Column("ended_at", UtcDateTime, index=True),
        sa.Column("mail_since", UtcDateTime),
    )
    for name, columns, condition, unique in (
        ("live", ["subscriber_id", "facet_id"], "state <> 'ended'", True),
        ("pending", ["requested_at"], "state = 'pending'", False),
        ("untold", ["mail_since"], "mail_since IS NOT NULL", False),
    ):
        where = sa.text(condition)
        op.create_index(
            f"ix_subscription_{name}",
            "subscription",
            columns,
            unique=unique,
            sqlite_where=where,
            postgresql_where=where,
        )
    op.create_index("ix_subscription_of_facet", "subscription", ["facet_id", "state", "frequency", "id"])
    op.create_index("ix_subscription_of_subscriber", "subscription", ["subscriber_id"])
    op.create_table(
        "consent_text",
        sa.Column("version", BytewiseText, primary_key=True),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("since", UtcDateTime, nullable=False),
    )
    op.create_table(
        "box_mail",
        sa.Column("id", Id, primary_key=True),
        sa.Column("mailbox", sa.LargeBinary, nullable=False, index=True),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "suppression",
        sa.Column("person", sa.LargeBinary, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "alert_mail",
        sa.Column(
            "subscriber_id", Id, sa.ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True, nullable=False
        ),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False, nullable=False),
        sa.Column("subscription_id", Id, sa.ForeignKey("subscription.id", ondelete="CASCADE"), nullable=False),
        sa.Column("article_id", Id, nullable=False),
        sa.Column("due_at", UtcDateTime, nullable=False),
        sa.Column("ready_at", UtcDateTime, nullable=False),
        sa.Column("state", BytewiseText, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("sent_at", UtcDateTime),
    )
    pending = sa.text("state = 'pending'")
    op.create_index(
        "ix_alert_mail_ready",
        "alert_mail",
        ["ready_at", "subscriber_id"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
    op.create_index("ix_alert_mail_of_subscription", "alert_mail", ["subscription_id"])
    op.create_index("ix_alert_mail_due", "alert_mail", ["due_at"])


def downgrade() -> None:
    """Drop them: nobody is subscribed any more, and nobody suppressed."""
    for name in (
        *("alert_mail", "suppression", "box_mail", "consent_text"),
        *("subscription", "subscriber", "subscription_request"),
    ):
        op.drop_table(name)
