"""Preview links: a token shows one article before it is public, until the link expires or is revoked.

The token is 256 random bits, of which only the hash is stored. It needs no signature: the row proves that this API
issued it, and a row can be revoked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from newsapi.content.article_types import ArticleRow
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import preview_links
from newsapi.content.writes.writer import WriteContext
from newsapi.db.database import Connection
from newsapi.db.types import uuid7
from newsapi.errors import FieldError, InvalidParameter, NotFound, TokenExpired
from newsapi.keys import audit
from newsapi.web import credentials
from newsapi.web.caller import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedLink:
    """A new preview link with its token, which is not stored, and the article that it shows."""

    id: UUID
    record: ArticleRow
    token: str
    as_of: datetime | None
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Preview:
    """What a token shows: this article, and lists as they will be at a time (None: as they are now)."""

    article: UUID
    as_of: datetime | None


def create(
    context: WriteContext, caller: Caller, slug_or_id: str | UUID, *, lifetime: timedelta, as_of: datetime | None
) -> CreatedLink:
    """Create a preview link.

    Args:
        context: Database, settings and clock.
        caller: The key that the audit entry names.
        slug_or_id: The article.
        lifetime: How long the link works.
        as_of: The time as of which it shows lists; None for the time of each request.

    Returns:
        The link with its token.

    Raises:
        NotFound: There is no such article.
    """
    credential = credentials.generate_credential("see")
    with context.database.transaction() as session:
        connection = session.connection()
        now, article = context.clock(connection), article_queries.get_any(connection, slug_or_id)
        record = article_queries.get_many(connection, [article.id], include_unpublished=True).records[0]
        link = CreatedLink(
            id=uuid7(),
            record=record,
            token=credential.secret,
            as_of=as_of,
            created_at=now,
            expires_at=now + lifetime,
        )
        preview_links.insert_link(
            session,
            id=link.id,
            token_digest=credential.digest,
            article_id=article.id,
            as_of=as_of,
            created_by=caller.name,
            created_at=now,
            expires_at=link.expires_at,
        )
        audit.insert_entry(
            session,
            occurred_at=now,
            actor=caller.name,
            action="preview",
            kind="article",
            subject_id=article.id,
            slug=record["slug"],
        )
    return link


def revoke(context: WriteContext, caller: Caller, slug_or_id: str | UUID, link: UUID) -> None:
    """Revoke a preview link; raise NotFound if the article has no such link or it was revoked before."""
    with context.database.transaction() as session:
        connection = session.connection()
        now, article = context.clock(connection), article_queries.get_any(connection, slug_or_id)
        if not preview_links.revoke_link(session, article.id, link, now):
            raise NotFound
        audit.insert_entry(
            session, occurred_at=now, actor=caller.name, action="unpreview", kind="article", subject_id=article.id
        )


def open_token(connection: Connection, token: str, now: datetime) -> Preview:
    """Return what a token shows.

    Args:
        connection: A connection to the database.
        token: The token of the request.
        now: The time at which the link must be valid.

    Returns:
        The article and the time of lists.

    Raises:
        InvalidParameter: The token does not exist.
        TokenExpired: The link has expired or was revoked.
    """
    row = preview_links.get_by_digest(connection, credentials.digest(token))
    if row is None:
        raise InvalidParameter([FieldError("preview", "must be the token of a preview link")])
    if row.revoked_at is not None or row.expires_at <= now:
        raise TokenExpired
    return Preview(row.article_id, row.as_of)
