"""Who did what when: written with what is done, read by those who watch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select
from sqlalchemy.orm import Session

from newsapi.model import Deed
from newsapi.model.base import table, uuid7

_DEED = table(Deed)


def note(session: Session, *, at: datetime, by: str, action: str, kind: str, subject_id: UUID, **more: Any) -> None:
    """Write one deed; `more` may be its `slug`, `version` and `seq`."""
    row = {"at": at, "by": by, "action": action, "kind": kind, "subject_id": subject_id}
    session.execute(insert(_DEED).values(id=uuid7(), **row, **more))


def page(
    connection: Connection,
    *,
    limit: int,
    before: UUID | None = None,
    by: str | None = None,
    subject: UUID | None = None,
) -> Sequence[Row[Any]]:
    """Answer deeds, the last first: of everybody or of one, on everything or on one subject."""
    found = select(_DEED).order_by(_DEED.c.id.desc()).limit(limit)
    for column, value in ((_DEED.c.by, by), (_DEED.c.subject_id, subject)):
        if value is not None:
            found = found.where(column == value)
    return connection.execute(found if before is None else found.where(_DEED.c.id < before)).all()


def first(connection: Connection, subject: UUID) -> str | None:
    """Answer who made something; None where it was not made over the API."""
    found = select(_DEED.c.by).where(_DEED.c.subject_id == subject, _DEED.c.action == "create")
    made: str | None = connection.execute(found.order_by(_DEED.c.id).limit(1)).scalar()
    return made
