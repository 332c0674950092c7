"""Merges of brands, authors, sections and tags: asked for, gone on with, done."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.orm import Session

from newsapi.model import Merge
from newsapi.model.base import table

_MERGE = table(Merge)
OPEN = ("queued", "running")


def add(session: Session, **columns: Any) -> None:
    """Ask for a merge; the columns are those of the table."""
    session.execute(insert(_MERGE).values(**columns))


def one(connection: Connection, id_: UUID) -> Row[Any] | None:
    """Answer the merge with this id."""
    return connection.execute(select(_MERGE).where(_MERGE.c.id == id_)).one_or_none()


def first_open(connection: Connection) -> Row[Any] | None:
    """Answer the merge that is to go on."""
    found = select(_MERGE).where(_MERGE.c.state.in_(OPEN)).order_by(_MERGE.c.created_at, _MERGE.c.id).limit(1)
    return connection.execute(found).one_or_none()


def open_with(connection: Connection, term: UUID) -> bool:
    """Whether a term is on its way into another, or another into it."""
    mine = (_MERGE.c.source_id == term) | (_MERGE.c.target_id == term)
    return connection.execute(select(_MERGE.c.id).where(_MERGE.c.state.in_(OPEN), mine)).first() is not None


def note(session: Session, id_: UUID, state: str, *, more: int, now: datetime) -> None:
    """Note how far a merge is: its state, and how many articles were moved more."""
    row = _MERGE.c
    session.execute(update(_MERGE).where(row.id == id_).values(state=state, moved=row.moved + more, updated_at=now))
