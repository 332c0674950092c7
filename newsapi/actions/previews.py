"""Preview links: whoever has the token sees one article before the public, until the link ends or is revoked.

The token is 256 random bits and is kept as its hash alone: what a signature would prove, that we made it, the row
proves, and a row can be revoked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from newsapi.actions.keys import Caller
from newsapi.actions.writing import Desk
from newsapi.errors import Fault, Invalid, NotFound, TokenExpired
from newsapi.model.base import uuid7
from newsapi.store import articles, deeds, previews
from newsapi.store.articles import Record
from newsapi.store.database import Connection
from newsapi.text import credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLink:
    """A link as it is told once, with the article it is for."""

    id: UUID
    record: Record
    token: str
    as_of: datetime | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """What a token lets one see: this article, and lists as they will be at a time (None: as they are now)."""

    article: UUID
    as_of: datetime | None


def create(desk: Desk, caller: Caller, which: str | UUID, *, lives: timedelta, as_of: datetime | None) -> NewLink:
    """Make a link to an article; raises NotFound."""
    made = credentials.mint("see")
    with desk.database.transaction() as session:
        connection = session.connection()
        now, found = desk.moment(connection), articles.find_any(connection, which)
        record = articles.by_ids(connection, [found.id], hidden=True).records[0]
        link = NewLink(
            id=uuid7(), record=record, token=made.secret, as_of=as_of, created_at=now, expires_at=now + lives
        )
        previews.add(
            session,
            id=link.id,
            digest=made.digest,
            article_id=found.id,
            as_of=as_of,
            by=caller.name,
            created_at=now,
            expires_at=link.expires_at,
        )
        deeds.note(
            session, at=now, by=caller.name, action="preview", kind="article", subject_id=found.id, slug=record["slug"]
        )
    return link


def revoke(desk: Desk, caller: Caller, which: str | UUID, link: UUID) -> None:
    """Make a link worthless at once; raises NotFound."""
    with desk.database.transaction() as session:
        connection = session.connection()
        now, found = desk.moment(connection), articles.find_any(connection, which)
        if not previews.revoke(session, found.id, link, now):
            raise NotFound
        deeds.note(session, at=now, by=caller.name, action="unpreview", kind="article", subject_id=found.id)


def opened(connection: Connection, token: str, now: datetime) -> Preview:
    """Answer what a token lets one see; raises Invalid for what was never one, TokenExpired for what was one."""
    row = previews.by_digest(connection, credentials.digest(token))
    if row is None:
        raise Invalid([Fault("preview", "must be the token of a preview link")])
    if row.revoked_at is not None or row.expires_at <= now:
        raise TokenExpired
    return Preview(row.article_id, row.as_of)
