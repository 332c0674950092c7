"""Recalls: partners acknowledge that they have removed a withdrawn article."""

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
    """The result of an acknowledgement: the recall, when it was first acknowledged, and whether that was now."""

    recall: Recalled
    at: datetime
    is_new: bool


class Standing(NamedTuple):
    """A recall with the keys that acknowledged it and those that have not: prefix, name and time of each."""

    recall: Recalled
    acknowledged: list[tuple[str, str, datetime | None]]
    missing: list[tuple[str, str, datetime | None]]


def acknowledge(desk: Desk, caller: Caller, article: UUID) -> Noted:
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
    with desk.turn() as (session, now):
        recall = _recall(session.connection(), article)
        acknowledged_at, is_new = partners.acknowledge(session, recall, caller.id, now)
        if is_new:
            deeds.note(
                session,
                at=now,
                by=caller.name,
                action="acknowledge",
                kind="article",
                subject_id=article,
                slug=recall.slug,
                seq=recall.seq,
            )
    return Noted(recall, acknowledged_at, is_new)


def standing(connection: Connection, article: UUID, now: datetime) -> Standing:
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
    rows = partners.receipts(connection, recall)
    acknowledged: list[tuple[str, str, datetime | None]] = [
        (row.prefix, row.name, row.at) for row in rows if row.at is not None
    ]
    names = {name for _, name, _ in acknowledged}
    missing: list[tuple[str, str, datetime | None]] = [
        (row.prefix, row.name, None)
        for row in rows
        if PARTNER in row.scopes
        and row.name not in names
        and row.revoked_at is None
        and (row.expires_at is None or row.expires_at > now)
    ]
    return Standing(recall, acknowledged, missing)


def _recall(connection: Connection, article: UUID) -> Recalled:
    recall = partners.recalled(connection, article)
    if recall is None:
        articles.find(connection, article)  # raises NotFound unless the article is public
        raise InUse("This article is published: there is no recall to acknowledge.")
    return recall
