"""The audit log: each entry is written in the transaction of the action that it records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict, Unpack
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.orm import Session

from newsapi.db.types import columns_table, uuid7
from newsapi.keys.tables import AuditEntry

_ENTRY = columns_table(AuditEntry)


class SubjectState(TypedDict, total=False):
    """The state of the subject after the action: its slug and version, and the `seq` of the public change."""

    slug: str
    version: int
    seq: int | None


def insert_entry(
    session: Session,
    *,
    occurred_at: datetime,
    actor: str,
    action: str,
    kind: str,
    subject_id: UUID,
    **state: Unpack[SubjectState],
) -> None:
    """Insert an audit entry.

    Args:
        session: The transaction of the action.
        occurred_at: The time of the action.
        actor: The prefix of the key, or the name of the process.
        action: What was done, such as `update`.
        kind: The kind of the subject, such as `article`.
        subject_id: The id of the subject.
        **state: The state of the subject after the action, as far as it applies.
    """
    row = {"occurred_at": occurred_at, "actor": actor, "action": action, "kind": kind, "subject_id": subject_id}
    session.execute(insert(_ENTRY).values(id=uuid7(), **row, **state))


def list_entries(
    connection: Connection,
    *,
    limit: int,
    before: UUID | None = None,
    actor: str | None = None,
    subject: UUID | None = None,
) -> Sequence[Row[*tuple[object, ...]]]:
    """Return audit entries, newest first: all, or those older than an entry, of an actor, or on a subject."""
    statement = select(_ENTRY).order_by(_ENTRY.c.id.desc()).limit(limit)
    for column, value in ((_ENTRY.c.actor, actor), (_ENTRY.c.subject_id, subject)):
        if value is not None:
            statement = statement.where(column == value)
    if before is not None:
        statement = statement.where(_ENTRY.c.id < before)
    return connection.execute(statement).all()


def creator_of(connection: Connection, subject: UUID) -> str | None:
    """Return the actor that created an object, or None if it was not created through the API."""
    creations = select(_ENTRY.c.actor).where(_ENTRY.c.subject_id == subject, _ENTRY.c.action == "create")
    actor: str | None = connection.execute(creations.order_by(_ENTRY.c.id).limit(1)).scalar()
    return actor
