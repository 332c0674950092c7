"""Preview links, by what their tokens hash to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Row, insert, select, update
from sqlalchemy.orm import Session

from newsapi.model import PreviewLink
from newsapi.model.base import table

_LINK = table(PreviewLink)


def add(session: Session, **columns: Any) -> None:
    """Keep a new link; the columns are those of the table."""
    session.execute(insert(_LINK).values(**columns))


def by_digest(connection: Connection, digest: bytes) -> Row[Any] | None:
    """Answer the link whose token hashes to this, good or not."""
    return connection.execute(select(_LINK).where(_LINK.c.digest == digest)).one_or_none()


def of_article(connection: Connection, article: UUID) -> Sequence[Row[Any]]:
    """Answer the links of an article, the last first."""
    found = select(_LINK).where(_LINK.c.article_id == article)
    return connection.execute(found.order_by(_LINK.c.created_at.desc(), _LINK.c.id).limit(100)).all()


def revoke(session: Session, article: UUID, link: UUID, now: datetime) -> bool:
    """Revoke a link of an article; False where it has none of this id."""
    done: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        update(_LINK).where(_LINK.c.id == link, _LINK.c.article_id == article).values(revoked_at=now)
    )
    return done.rowcount == 1
