"""What subscriptions do in the transactions that write terms."""

from __future__ import annotations

from newsapi.content.writes.hooks import WriteHooks
from newsapi.subscriptions import queries as subscription_queries

WRITE_HOOKS = WriteHooks(
    on_term_deleted=subscription_queries.delete_followers,
    on_term_merged=subscription_queries.move_followers,
)
"""Handed to everything that writes: the application, the worker and the command `import`."""
