"""Imports that are asked for over the API, with their files in parts."""

import sqlalchemy as sa
from alembic import op

from newsapi.model.base import Id, Json, UtcDateTime

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "import_job",
        sa.Column("id", Id, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("format", "state", "by")),
        sa.Column("plan", Json),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("size", "line", "offset")),
        *(
            sa.Column(name, sa.Integer, nullable=False)
            for name in ("created", "updated", "unchanged", "rejected", "failures")
        ),
        sa.Column("errors", Json, nullable=False),
        sa.Column("holder", sa.Text),
        *(sa.Column(name, UtcDateTime, nullable=False) for name in ("created_at", "updated_at")),
    )
    op.create_table(
        "import_part",
        sa.Column("import_id", Id, sa.ForeignKey("import_job.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("import_part")
    op.drop_table("import_job")
