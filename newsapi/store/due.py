"""Whose hour has come: what is to be published, and what may be shown no longer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from newsapi.model import Article
from newsapi.model.base import UtcDateTime

# Written out: with a parameter in its place neither database could tell that its index of these few rows serves.
_SCHEDULED: ColumnElement[str] = literal_column("'scheduled'")
_PUBLISHED: ColumnElement[str] = literal_column("'published'")


def clock(connection: Connection) -> datetime:
    """Answer the time by the clock of the database, the same for every node; SQLite has that of this machine."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    time: datetime = connection.execute(select(func.clock_timestamp(type_=UtcDateTime()))).scalar_one()
    return time


def publications(connection: Connection, now: datetime, most: int) -> Sequence[UUID]:
    """Answer the articles whose hour has come, the first first."""
    found = select(Article.id).where(Article.status == _SCHEDULED, Article.published_at <= now)
    return connection.execute(found.order_by(Article.published_at, Article.id).limit(most)).scalars().all()


def expiries(connection: Connection, now: datetime, most: int) -> Sequence[UUID]:
    """Answer the published articles to which the right has ended."""
    found = select(Article.id).where(Article.status == _PUBLISHED, Article.expires_at <= now)
    return connection.execute(found.order_by(Article.expires_at, Article.id).limit(most)).scalars().all()
