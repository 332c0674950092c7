"""Merges of terms (brands, authors, sections and tags): requests and their progress."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.orm import Session

from newsapi.db.types import columns_table
from newsapi.editing.tables import TermMerge

_MERGE = columns_table(TermMerge)
OPEN = ("queued", "running")
"""States of a merge that is not finished."""


def insert_merge(session: Session, **columns: Any) -> None:
    """Insert a requested merge, given the columns of its row."""
    session.execute(insert(_MERGE).values(**columns))


def get_merge(connection: Connection, id_: UUID) -> Row[Any] | None:
    """Return the merge with this id, or None."""
    return connection.execute(select(_MERGE).where(_MERGE.c.id == id_)).one_or_none()


def next_open(connection: Connection) -> Row[Any] | None:
    """Return the oldest unfinished merge, or None."""
    statement = select(_MERGE).where(_MERGE.c.state.in_(OPEN)).order_by(_MERGE.c.created_at, _MERGE.c.id).limit(1)
    return connection.execute(statement).one_or_none()


def open_merge_of(connection: Connection, term_id: UUID) -> bool:
    """Tell whether an unfinished merge has this term as its source or target."""
    involved = (_MERGE.c.source_id == term_id) | (_MERGE.c.target_id == term_id)
    return connection.execute(select(_MERGE.c.id).where(_MERGE.c.state.in_(OPEN), involved)).first() is not None


def save_progress(session: Session, id_: UUID, state: str, *, moved: int, now: datetime) -> None:
    """Save the state of a merge, and add `moved` to its number of moved articles."""
    columns = _MERGE.c
    statement = update(_MERGE).where(columns.id == id_)
    session.execute(statement.values(state=state, moved_count=columns.moved_count + moved, updated_at=now))
