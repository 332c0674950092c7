"""Revisions of articles: each replaced version is a row; the current version is the article itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Row, select

from newsapi.content.tables.articles import Article, Revision
from newsapi.text.json_types import JsonObject

_ROW = select(Revision.number, Revision.replaced_at, Revision.replaced_by, Revision.content)


def get_revision(connection: Connection, article_id: UUID, number: int) -> Row[int, datetime, str, JsonObject] | None:
    """Return a replaced version; None if there is no such version or it is the current one."""
    return connection.execute(_ROW.where(Revision.article_id == article_id, Revision.number == number)).one_or_none()


def list_revisions(
    connection: Connection, article_id: UUID, *, below: int, limit: int
) -> Sequence[Row[int, datetime, str]]:
    """Return when and by whom versions with a number below `below` were replaced, the newest first.

    The replacement of a version is the creation of the next one.
    """
    statement = (
        select(Revision.number, Revision.replaced_at, Revision.replaced_by)
        .where(Revision.article_id == article_id, Revision.number < below)
        .order_by(Revision.number.desc())
        .limit(limit)
    )
    return connection.execute(statement).all()


def creation_of(connection: Connection, article_id: UUID) -> Row[datetime, int] | None:
    """Return the creation time and the current version of an article."""
    statement = select(Article.created_at, Article.version).where(Article.id == article_id)
    return connection.execute(statement).one_or_none()
