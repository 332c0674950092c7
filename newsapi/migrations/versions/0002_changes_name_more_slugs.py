"""A change names further slugs that lead elsewhere since: the former slugs that an article was given with it."""

import sqlalchemy as sa
from alembic import op

from newsapi.model.base import Json

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column, empty: rows before it named none."""
    op.add_column("change", sa.Column("more_slugs", Json))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("change", "more_slugs")
