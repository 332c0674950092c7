"""Hooks: what packages above content do in the transaction of a write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.db.database import Session


class WrittenArticle(NamedTuple):
    """A written article: before and after the write, each with its facets. `before` is None if it is new."""

    before: ArticleSnapshot | None
    after: ArticleSnapshot
    facets_before: frozenset[int]
    facets_after: frozenset[int]


class Projection(Protocol):
    """Updates what is derived from articles, such as a search index."""

    def __call__(self, session: Session, articles: Sequence[WrittenArticle], *, in_bulk: bool) -> None:
        """Update the projection of these articles; `in_bulk` allows to leave the costly part to the worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteHooks:
    """The hooks of writes.

    Attributes:
        update_projection: Called after articles were written.
        on_term_deleted: Called with the facet of a term before the term is deleted.
        on_term_merged: Called with the facets of a term and of the one that it is merged into, before it is deleted.
    """

    update_projection: Projection
    on_term_deleted: Callable[[Session, int], None]
    on_term_merged: Callable[[Session, int, int], None]


@dataclass(frozen=True, slots=True)
class WriteTransaction:
    """A transaction that holds the write lock of the changelog, the time of its writes, and the hooks to call."""

    session: Session
    now: datetime
    hooks: WriteHooks
