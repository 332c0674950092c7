"""Queries for partner keys: entitled slugs, recall receipts and daily usage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, union
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsapi.content.queries.terms import MODELS
from newsapi.content.tables.articles import Article, SlugRedirect
from newsapi.db.types import columns_table
from newsapi.keys.tables import ApiKey, KeyDailyUsage
from newsapi.sync.tables import RecallReceipt

_RECEIPT, _USE = columns_table(RecallReceipt), columns_table(KeyDailyUsage)


class RecallRecord(NamedTuple):
    """The recall of an article that is no longer public: the change that withdrew it, and why."""

    id: UUID
    slug: str
    seq: int
    gone: dict[str, Any]


def current_slugs(connection: Connection, kind: str, slugs: Sequence[str]) -> frozenset[str]:
    """Return the current slugs of the brands or sections that have or had one of these slugs."""
    model = MODELS[kind]
    former = select(model.slug).join(SlugRedirect, (SlugRedirect.subject_id == model.id) & (SlugRedirect.kind == kind))
    statement = union(select(model.slug).where(model.slug.in_(slugs)), former.where(SlugRedirect.slug.in_(slugs)))
    return frozenset(connection.execute(statement).scalars())


def get_recall(connection: Connection, article: UUID) -> RecallRecord | None:
    """Return the recall of an article, or None if the article is public or never was."""
    columns = select(Article.id, Article.slug, Article.seq, Article.withdrawal)
    row = connection.execute(columns.where(Article.id == article, Article.status != "published")).one_or_none()
    if row is None:
        return None
    recall = RecallRecord(*row)
    return recall if recall.gone else None


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


def list_receipts(connection: Connection, recall: RecallRecord) -> Sequence[Row[Any]]:
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
    return connection.execute(
        select(*columns).outerjoin(RecallReceipt, joined).order_by(ApiKey.created_at, ApiKey.id)
    ).all()


def add_usage(session: Session, used: Mapping[tuple[UUID, date], int]) -> None:
    """Add request counts to the daily usage of keys, given by key id and day."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    for (key, day), requests in sorted(used.items()):
        new: Any = sqlite.insert(_USE) if is_sqlite else postgresql.insert(_USE)
        new = new.values(key_id=key, day=day, request_count=requests)
        total = {"request_count": _USE.c.request_count + new.excluded.request_count}
        session.execute(new.on_conflict_do_update(index_elements=["key_id", "day"], set_=total))


def list_usage(connection: Connection, key: UUID, days: int) -> Sequence[Any]:
    """Return (day, requests) of the last `days` days on which a key was used, newest first."""
    statement = select(_USE.c.day, _USE.c.request_count).where(_USE.c.key_id == key)
    return connection.execute(statement.order_by(_USE.c.day.desc()).limit(days)).all()
