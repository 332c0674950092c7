"""Preview links, stored by the digest of their token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Row, insert, select, update
from sqlalchemy.orm import Session

from newsapi.content.tables.previews import PreviewLink
from newsapi.db.types import columns_table

_LINK = columns_table(PreviewLink)

LinkRow = Row[*tuple[Any, ...]]
"""All columns of a preview link."""


def insert_link(session: Session, **columns: object) -> None:
    """Insert a preview link, given the columns of its row."""
    session.execute(insert(_LINK).values(**columns))


def get_by_digest(connection: Connection, digest: bytes) -> LinkRow | None:
    """Return the link whose token has this digest, even if it is expired or revoked."""
    return connection.execute(select(_LINK).where(_LINK.c.token_digest == digest)).one_or_none()


def list_for_article(connection: Connection, article_id: UUID) -> Sequence[LinkRow]:
    """Return up to 100 preview links of an article, the newest first."""
    statement = select(_LINK).where(_LINK.c.article_id == article_id)
    return connection.execute(statement.order_by(_LINK.c.created_at.desc(), _LINK.c.id).limit(100)).all()


def revoke_link(session: Session, article_id: UUID, link_id: UUID, now: datetime) -> bool:
    """Revoke a preview link of an article; return False if the article has no link with this id."""
    result: CursorResult[*tuple[Any, ...]] = session.execute(  # type: ignore[assignment]
        update(_LINK).where(_LINK.c.id == link_id, _LINK.c.article_id == article_id).values(revoked_at=now)
    )
    return result.rowcount == 1
