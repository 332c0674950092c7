"""Queries of editing: merges of terms with their progress, and articles that are due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, exists, insert, literal_column, or_, select, update
from sqlalchemy.orm import Session

from newsapi.content.queries.terms import Kind
from newsapi.content.tables.articles import Article
from newsapi.db import compiled_queries
from newsapi.db.types import columns_table
from newsapi.editing.tables import TermMerge

_MERGE = columns_table(TermMerge)
OPEN_STATES: Final = ("queued", "running")
"""States of a merge that is not finished."""


class MergeRow(NamedTuple):
    """A merge of a term: the columns of its table, in their order."""

    id: UUID
    kind: Kind
    source_id: UUID
    target_id: UUID
    source: str
    target: str
    state: str
    moved_count: int
    requested_by: str
    created_at: datetime
    updated_at: datetime


_MERGE_COLUMNS: Final = tuple(_MERGE.c[name] for name in MergeRow._fields)


# --- merges -----------------------------------------------------------------------------------------------------------


def insert_merge(session: Session, merge: MergeRow) -> None:
    """Insert a requested merge."""
    session.execute(insert(_MERGE).values(**merge._asdict()))


def find_merge(connection: Connection, id_: UUID) -> MergeRow | None:
    """Return the merge with this id, or None."""
    row = connection.execute(select(*_MERGE_COLUMNS).where(_MERGE.c.id == id_)).one_or_none()
    return None if row is None else MergeRow._make(row)


def find_next_open_merge(connection: Connection) -> MergeRow | None:
    """Return the oldest unfinished merge, or None."""
    statement = select(*_MERGE_COLUMNS).where(_MERGE.c.state.in_(OPEN_STATES))
    row = connection.execute(statement.order_by(_MERGE.c.created_at, _MERGE.c.id).limit(1)).one_or_none()
    return None if row is None else MergeRow._make(row)


_ANY_OPEN_MERGE: Final = select(
    exists(select(_MERGE.c.id).where(_MERGE.c.state.in_(bindparam("states", expanding=True))))
)


def has_any_open_merge(connection: Connection) -> bool:
    """Return whether any merge is unfinished; the worker asks every second."""
    [(is_open,)] = compiled_queries.fetch_rows(connection, _ANY_OPEN_MERGE, {"states": OPEN_STATES})
    return is_open


def has_open_merge(connection: Connection, term_id: UUID) -> bool:
    """Return whether an unfinished merge has this term as its source or target."""
    involved = (_MERGE.c.source_id == term_id) | (_MERGE.c.target_id == term_id)
    return connection.execute(select(_MERGE.c.id).where(_MERGE.c.state.in_(OPEN_STATES), involved)).first() is not None


def save_merge_progress(session: Session, id_: UUID, state: str, *, moved: int, now: datetime) -> None:
    """Save the state of a merge, and add `moved` to its number of moved articles."""
    columns = _MERGE.c
    statement = update(_MERGE).where(columns.id == id_)
    session.execute(statement.values(state=state, moved_count=columns.moved_count + moved, updated_at=now))


# --- articles that are due --------------------------------------------------------------------------------------------

# Literals and not parameters, because neither database would use its partial index for a parameter.
_SCHEDULED: ColumnElement[str] = literal_column("'scheduled'")
_PUBLISHED: ColumnElement[str] = literal_column("'published'")


def list_due_for_publication(connection: Connection, now: datetime, limit: int) -> Sequence[UUID]:
    """Return up to `limit` scheduled articles whose publication time has come, the earliest first."""
    statement = select(Article.id).where(Article.status == _SCHEDULED, Article.published_at <= now)
    return connection.execute(statement.order_by(Article.published_at, Article.id).limit(limit)).scalars().all()


def list_due_for_expiry(connection: Connection, now: datetime, limit: int) -> Sequence[UUID]:
    """Return up to `limit` published articles whose rights have expired, the earliest first."""
    statement = select(Article.id).where(Article.status == _PUBLISHED, Article.expires_at <= now)
    return connection.execute(statement.order_by(Article.expires_at, Article.id).limit(limit)).scalars().all()


_ANY_DUE: Final = select(
    or_(
        exists(select(Article.id).where(Article.status == _SCHEDULED, Article.published_at <= bindparam("now"))),
        exists(select(Article.id).where(Article.status == _PUBLISHED, Article.expires_at <= bindparam("now"))),
    )
)


def has_due_articles(connection: Connection, now: datetime) -> bool:
    """Return whether an article is to be published or has lost its rights; the worker asks every second."""
    [(is_due,)] = compiled_queries.fetch_rows(connection, _ANY_DUE, {"now": now})
    return is_due
