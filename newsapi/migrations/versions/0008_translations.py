"""Articles that tell one story in several languages bear the same group."""

import sqlalchemy as sa
from alembic import op

from newsapi.model.base import BytewiseText

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the group."""
    op.add_column("article_detail", sa.Column("translation_group", BytewiseText))


def downgrade() -> None:
    """Drop it, with what it held."""
    op.drop_column("article_detail", "translation_group")
