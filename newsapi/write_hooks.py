"""What search and subscriptions do in the transactions that write articles and terms."""

from __future__ import annotations

from newsapi.content.writes.hooks import WriteHooks
from newsapi.search.projection import update_documents
from newsapi.subscriptions import queries as subscription_queries

WRITE_HOOKS = WriteHooks(
    update_projection=update_documents,
    on_term_deleted=subscription_queries.delete_followers,
    on_term_merged=subscription_queries.move_followers,
)
"""Handed to everything that writes: the application, the worker and the command `import`."""
