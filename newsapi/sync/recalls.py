"""Recalls: partners acknowledge that they have removed a withdrawn article."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from newsapi.content.queries import articles as article_queries
from newsapi.content.writes.writer import WriteContext
from newsapi.db.database import Connection
from newsapi.errors import ResourceInUse
from newsapi.keys import audit
from newsapi.sync import receipts
from newsapi.sync.receipts import RecallRecord
from newsapi.web.caller import Caller
from newsapi.web.scopes import PARTNER_SCOPE


class Acknowledgement(NamedTuple):
    """A key, and when it acknowledged a recall; None if it has not. The fields are those of the API."""

    key: str
    name: str
    at: datetime | None


class AcknowledgementResult(NamedTuple):
    """The result of an acknowledgement: the recall, when it was first acknowledged, and whether that was now."""

    recall: RecallRecord
    at: datetime
    is_new: bool


class RecallStatus(NamedTuple):
    """A recall with the keys that acknowledged it and those that have not."""

    recall: RecallRecord
    acknowledged: list[Acknowledgement]
    missing: list[Acknowledgement]


def acknowledge(context: WriteContext, caller: Caller, article: UUID) -> AcknowledgementResult:
    """Store that a partner acted on a recall.

    Args:
        context: Database, settings and clock.
        caller: The key of the partner.
        article: The id of the article.

    Returns:
        The acknowledgement; a repeated one returns the time of the first.

    Raises:
        NotFound: There is no such article.
        ResourceInUse: The article is public.
    """
    with context.write_transaction() as write:
        session, now = write.session, write.now
        recall = _recall(session.connection(), article)
        acknowledged_at, is_new = receipts.insert_receipt(session, recall, caller.id, now)
        if is_new:
            audit.insert_entry(
                session,
                occurred_at=now,
                actor=caller.name,
                action="acknowledge",
                kind="article",
                subject_id=article,
                slug=recall.slug,
                seq=recall.seq,
            )
    return AcknowledgementResult(recall, acknowledged_at, is_new)


def recall_status(connection: Connection, article: UUID, now: datetime) -> RecallStatus:
    """Return which partner keys acknowledged a recall and which have not.

    Keys of the same name belong to one partner, as after a rotation: if one of them acknowledged the recall, the others
    are not missing.

    Args:
        connection: A connection to the database.
        article: The id of the article.
        now: The time at which a key must be valid to count as missing.

    Returns:
        The recall and its keys.

    Raises:
        NotFound: There is no such article.
        ResourceInUse: The article is public.
    """
    recall = _recall(connection, article)
    rows = receipts.list_receipts(connection, recall)
    acknowledged = [
        Acknowledgement(row.prefix, row.name, row.acknowledged_at) for row in rows if row.acknowledged_at is not None
    ]
    names = {acknowledgement.name for acknowledgement in acknowledged}
    missing = [
        Acknowledgement(row.prefix, row.name, None)
        for row in rows
        if PARTNER_SCOPE in row.scopes
        and row.name not in names
        and row.revoked_at is None
        and (row.expires_at is None or row.expires_at > now)
    ]
    return RecallStatus(recall, acknowledged, missing)


def _recall(connection: Connection, article: UUID) -> RecallRecord:
    recall = receipts.get_recall(connection, article)
    if recall is None:
        article_queries.get_public(connection, article)  # raises NotFound unless the article is public
        raise ResourceInUse("This article is published: there is no recall to acknowledge.")
    return recall
