"""The audit log: each entry is written in the transaction of the action that it records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.orm import Session

from newsapi.db.types import columns_table, uuid7
from newsapi.keys.tables import AuditEntry

_DEED = columns_table(AuditEntry)


def insert_entry(
    session: Session, *, occurred_at: datetime, actor: str, action: str, kind: str, subject_id: UUID, **optional: Any
) -> None:
    """Insert an audit entry; the optional columns are `slug`, `version` and `seq`."""
    row = {"at": occurred_at, "actor": actor, "action": action, "kind": kind, "subject_id": subject_id}
    session.execute(insert(_DEED).values(id=uuid7(), **row, **optional))


def list_entries(
    connection: Connection,
    *,
    limit: int,
    before: UUID | None = None,
    actor: str | None = None,
    subject: UUID | None = None,
) -> Sequence[Row[Any]]:
    """Return audit entries, newest first: all, or those older than an entry, of an actor, or on a subject."""
    statement = select(_DEED).order_by(_DEED.c.id.desc()).limit(limit)
    for column, value in ((_DEED.c.actor, actor), (_DEED.c.subject_id, subject)):
        if value is not None:
            statement = statement.where(column == value)
    if before is not None:
        statement = statement.where(_DEED.c.id < before)
    return connection.execute(statement).all()


def creator_of(connection: Connection, subject: UUID) -> str | None:
    """Return the actor that created an object, or None if it was not created through the API."""
    creations = select(_DEED.c.actor).where(_DEED.c.subject_id == subject, _DEED.c.action == "create")
    actor: str | None = connection.execute(creations.order_by(_DEED.c.id).limit(1)).scalar()
    return actor
