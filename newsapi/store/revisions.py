"""What articles were: every version but the present one is a row, and the present one is the article."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Connection, Row, select

from newsapi.model import Article, Revision

_ROW = select(Revision.number, Revision.replaced_at, Revision.replaced_by, Revision.content)


def one(connection: Connection, article: UUID, number: int) -> Row[Any] | None:
    """Answer a version that was replaced; None where there is none of this number, or it is the present one."""
    return connection.execute(_ROW.where(Revision.article_id == article, Revision.number == number)).one_or_none()


def made(connection: Connection, article: UUID, *, below: int, most: int) -> Sequence[Row[Any]]:
    """Answer when each version was replaced and by whom, the last first: the making of the version after it."""
    rows = select(Revision.number, Revision.replaced_at, Revision.replaced_by)
    found = rows.where(Revision.article_id == article, Revision.number < below)
    return cast("Sequence[Row[Any]]", connection.execute(found.order_by(Revision.number.desc()).limit(most)).all())


def born(connection: Connection, article: UUID) -> Row[Any] | None:
    """Answer when an article was made, and its present version."""
    found = select(Article.created_at, Article.version).where(Article.id == article)
    return cast("Row[Any] | None", connection.execute(found).one_or_none())
