"""Hooks: what packages above content do in the transaction of a write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from newsapi.db.database import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteHooks:
    """The hooks of writes.

    Attributes:
        on_term_deleted: Called with the facet of a term before the term is deleted.
        on_term_merged: Called with the facets of a term and of the one that it is merged into, before it is deleted.
    """

    on_term_deleted: Callable[[Session, int], None]
    on_term_merged: Callable[[Session, int, int], None]


@dataclass(frozen=True, slots=True)
class WriteTransaction:
    """A transaction that holds the write lock of the changelog, the time of its writes, and the hooks to call."""

    session: Session
    now: datetime
    hooks: WriteHooks
