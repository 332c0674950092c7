"""Partners: what their keys are for, what they acknowledged, how much they ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, union
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsapi.model import Article, Key, KeyUse, OldSlug, Receipt
from newsapi.model.base import table
from newsapi.store.taxonomy import MODELS

_RECEIPT, _USE = table(Receipt), table(KeyUse)


class Recalled(NamedTuple):
    """An article that was public and is no more: by which change it went, and why."""

    id: UUID
    slug: str
    seq: int
    gone: dict[str, Any]


def present(connection: Connection, kind: str, slugs: Sequence[str]) -> frozenset[str]:
    """Answer the slugs that brands or sections have now, by those they have or had."""
    model = MODELS[kind]
    former = select(model.slug).join(OldSlug, (OldSlug.subject_id == model.id) & (OldSlug.kind == kind))
    found = union(select(model.slug).where(model.slug.in_(slugs)), former.where(OldSlug.slug.in_(slugs)))
    return frozenset(connection.execute(found).scalars())


def recalled(connection: Connection, article: UUID) -> Recalled | None:
    """Answer the recall of an article; None where it is public, or never was."""
    found = select(Article.id, Article.slug, Article.seq, Article.gone)
    row = connection.execute(found.where(Article.id == article, Article.status != "published")).one_or_none()
    return Recalled(*row) if row and row.gone else None


def acknowledge(session: Session, recall: Recalled, key: UUID, now: datetime) -> tuple[datetime, bool]:
    """Keep a receipt; answer when the first one came, and whether it is this one."""
    which = (_RECEIPT.c.article_id == recall.id, _RECEIPT.c.seq == recall.seq, _RECEIPT.c.key_id == key)
    before: datetime | None = session.execute(select(_RECEIPT.c.at).where(*which)).scalar()
    if before is not None:
        return before, False
    session.execute(insert(_RECEIPT).values(article_id=recall.id, seq=recall.seq, key_id=key, at=now))
    return now, True


def receipts(connection: Connection, recall: Recalled) -> Sequence[Row[Any]]:
    """Answer every key, in the order of their making, and when it acknowledged a recall: null where it did not."""
    joined = (Receipt.key_id == Key.id) & (Receipt.article_id == recall.id) & (Receipt.seq == recall.seq)
    columns = (Key.prefix, Key.name, Key.scopes, Key.expires_at, Key.revoked_at, Receipt.at)
    return connection.execute(select(*columns).outerjoin(Receipt, joined).order_by(Key.created_at, Key.id)).all()


def add_use(session: Session, used: Mapping[tuple[UUID, date], int]) -> None:
    """Add requests to what keys used on days."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    for (key, day), requests in sorted(used.items()):
        new: Any = sqlite.insert(_USE) if is_sqlite else postgresql.insert(_USE)
        new = new.values(key_id=key, day=day, requests=requests)
        more = {"requests": _USE.c.requests + new.excluded.requests}
        session.execute(new.on_conflict_do_update(index_elements=["key_id", "day"], set_=more))


def use(connection: Connection, key: UUID, days: int) -> Sequence[Any]:
    """Answer how many requests a key made on its last days, the last first."""
    found = select(_USE.c.day, _USE.c.requests).where(_USE.c.key_id == key)
    return connection.execute(found.order_by(_USE.c.day.desc()).limit(days)).all()
