"""Queries of recalls and of their acknowledgements by partners."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, insert, select
from sqlalchemy.orm import Session

from newsapi.content.tables.articles import Article
from newsapi.db.types import columns_table
from newsapi.errors import WithdrawalInfo
from newsapi.keys.tables import ApiKey
from newsapi.sync.tables import RecallReceipt

_RECEIPT = columns_table(RecallReceipt)


class RecallRecord(NamedTuple):
    """The recall of an article that is no longer public: the change that withdrew it, and why."""

    id: UUID
    slug: str
    seq: int
    gone: WithdrawalInfo


def get_recall(connection: Connection, article: UUID) -> RecallRecord | None:
    """Return the recall of an article, or None if the article is public or never was."""
    columns = select(Article.id, Article.slug, Article.seq, Article.withdrawal)
    row = connection.execute(columns.where(Article.id == article, Article.status != "published")).one_or_none()
    if row is None:
        return None
    id_, slug, seq, withdrawal = row
    return RecallRecord(id_, slug, seq, withdrawal) if withdrawal and seq is not None else None


def insert_receipt(session: Session, recall: RecallRecord, key: UUID, now: datetime) -> tuple[datetime, bool]:
    """Record that a key acknowledged a recall.

    Returns:
        The time of the first acknowledgement by this key, and whether this call made it.
    """
    conditions = (_RECEIPT.c.article_id == recall.id, _RECEIPT.c.seq == recall.seq, _RECEIPT.c.key_id == key)
    acknowledged_at: datetime | None = session.execute(select(_RECEIPT.c.acknowledged_at).where(*conditions)).scalar()
    if acknowledged_at is not None:
        return acknowledged_at, False
    session.execute(insert(_RECEIPT).values(article_id=recall.id, seq=recall.seq, key_id=key, acknowledged_at=now))
    return now, True


class ReceiptStatus(NamedTuple):
    """A key and its acknowledgement of a recall; `acknowledged_at` is None if there is none."""

    prefix: str
    name: str
    scopes: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    acknowledged_at: datetime | None


def list_receipts(connection: Connection, recall: RecallRecord) -> list[ReceiptStatus]:
    """Return every key in order of creation with the time of its acknowledgement, null if there is none."""
    joined = (
        (RecallReceipt.key_id == ApiKey.id)
        & (RecallReceipt.article_id == recall.id)
        & (RecallReceipt.seq == recall.seq)
    )
    columns = (
        ApiKey.prefix,
        ApiKey.name,
        ApiKey.scopes,
        ApiKey.expires_at,
        ApiKey.revoked_at,
        RecallReceipt.acknowledged_at,
    )
    statement = select(*columns).outerjoin(RecallReceipt, joined).order_by(ApiKey.created_at, ApiKey.id)
    return [ReceiptStatus._make(row) for row in connection.execute(statement)]
