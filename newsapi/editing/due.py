"""Articles that are due: scheduled ones to publish, and published ones whose rights have expired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, literal_column, select

from newsapi.content.tables.articles import Article

# Literals and not parameters, because neither database would use its partial index for a parameter.
_SCHEDULED: ColumnElement[str] = literal_column("'scheduled'")
_PUBLISHED: ColumnElement[str] = literal_column("'published'")


def due_for_publication(connection: Connection, now: datetime, limit: int) -> Sequence[UUID]:
    """Return up to `limit` scheduled articles whose publication time has come, the earliest first."""
    statement = select(Article.id).where(Article.status == _SCHEDULED, Article.published_at <= now)
    return connection.execute(statement.order_by(Article.published_at, Article.id).limit(limit)).scalars().all()


def due_for_expiry(connection: Connection, now: datetime, limit: int) -> Sequence[UUID]:
    """Return up to `limit` published articles whose rights have expired, the earliest first."""
    statement = select(Article.id).where(Article.status == _PUBLISHED, Article.expires_at <= now)
    return connection.execute(statement.order_by(Article.expires_at, Article.id).limit(limit)).scalars().all()
