"""Alembic's way in: runs the steps on the connection that `migrations.upgrade` hands over."""

from alembic import context

from newsapi.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
