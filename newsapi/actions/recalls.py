"""Recalls: partners say that they have taken back what was withdrawn."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from newsapi.actions.keys import PARTNER, Caller
from newsapi.actions.writing import Desk
from newsapi.errors import InUse
from newsapi.store import articles, deeds, partners
from newsapi.store.database import Connection
from newsapi.store.partners import Recalled


class Noted(NamedTuple):
    """A receipt: of which recall, when it first came, and whether that was now."""

    recall: Recalled
    at: datetime
    is_new: bool


class Standing(NamedTuple):
    """A recall, the keys that acknowledged it and those that have yet to; each its open part, its name, and when."""

    recall: Recalled
    acknowledged: list[tuple[str, str, datetime | None]]
    missing: list[tuple[str, str, datetime | None]]


def acknowledge(desk: Desk, caller: Caller, article: UUID) -> Noted:
    """Keep that a partner acted on a recall; raises NotFound, and InUse where the article is public."""
    with desk.turn() as (session, now):
        recall = _recall(session.connection(), article)
        at, is_new = partners.acknowledge(session, recall, caller.id, now)
        if is_new:
            more = {"slug": recall.slug, "seq": recall.seq}
            action, kind = "acknowledge", "article"
            deeds.note(session, at=now, by=caller.name, action=action, kind=kind, subject_id=article, **more)
    return Noted(recall, at, is_new)


def standing(connection: Connection, article: UUID, now: datetime) -> Standing:
    """Answer who acted on a recall and who has yet to; raises as `acknowledge`.

    A key that was rotated stands for its partner: what one key of a name acknowledged, another need not.
    """
    recall = _recall(connection, article)
    rows = partners.receipts(connection, recall)
    done = [(row.prefix, row.name, row.at) for row in rows if row.at is not None]
    names = {name for _, name, _ in done}
    missing: list[tuple[str, str, datetime | None]] = [
        (row.prefix, row.name, None)
        for row in rows
        if PARTNER in row.scopes
        and row.name not in names
        and row.revoked_at is None
        and (row.expires_at is None or row.expires_at > now)
    ]
    return Standing(recall, [*done], missing)


def _recall(connection: Connection, article: UUID) -> Recalled:
    recall = partners.recalled(connection, article)
    if recall is None:
        articles.find(connection, article)  # or else there is none, as far as anybody may know
        raise InUse("This article is published: there is no recall to acknowledge.")
    return recall
