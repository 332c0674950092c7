"""The hour that comes: a publication or an end of rights, written like any other change, once, and never early."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from newsapi.actions import decisions, patches, writing
from newsapi.actions.articles import finish
from newsapi.actions.decisions import Present
from newsapi.actions.drafts import Draft
from newsapi.actions.writing import Desk
from newsapi.store import due, states
from newsapi.store.database import Session
from newsapi.store.states import State

BY = "schedule"
"""How history and audit call it."""

AT_ONCE = 100
"""Articles in one transaction: others wait for no longer than these take."""


def come_due(desk: Desk) -> int:
    """Publish what is due, withdraw what has no rights any more; answer how many articles that were.

    It looks before it waits for a turn, as mostly there is nothing. In its turn it reads again, by the same clock that
    decides over every other write: who moved or pulled an article in between has won.
    """
    if not _waiting(desk):
        return 0
    with desk.turn() as (session, now):
        connection = session.connection()
        arrivals = due.publications(connection, now, AT_ONCE)
        leaving = due.expiries(connection, now, AT_ONCE)
        found = states.by_id(session, [*arrivals, *leaving])
        for id_ in arrivals:
            _publish(session, found[id_], now)
        for id_ in leaving:
            _expire(session, found[id_], now)
    return len(arrivals) + len(leaving)


def _waiting(desk: Desk) -> bool:
    with desk.database.reading() as connection:
        now = desk.moment(connection)
        return bool(due.publications(connection, now, 1) or due.expiries(connection, now, 1))


def _publish(session: Session, before: State, now: datetime) -> None:
    draft = patches.unchanged(before)
    hour, rights = before.values["published_at"], before.values["rights"] or {}
    if (end := rights.get("expires_at")) and datetime.fromisoformat(end) <= now:
        draft.values["status"] = "withdrawn"  # nobody may ever see it
        _write(session, draft, before, now, action="expire")
        return
    draft.values.update(status="published", updated_at=max(hour, before.values["updated_at"]))
    was_out = before.gone is not None
    draft.values["materially_updated_at"] = now if was_out else hour
    _write(session, draft, before, now, action="publish")


def _expire(session: Session, before: State, now: datetime) -> None:
    draft = patches.unchanged(before)
    draft.values["status"] = "withdrawn"
    _write(session, draft, before, now, action="expire", why={"reason": "rights"})


def _write(
    session: Session, draft: Draft, before: State, now: datetime, *, action: str, why: dict[str, str] | None = None
) -> UUID:
    found = writing.references(session, [draft])
    item = decisions.decided(draft, Present({}, {before.id: before}), found, now)
    if why and item.reason:
        item = replace(item, reason=why["reason"])
    return finish(session, item, found, now=now, by=BY, action=action, why=why, then=lambda _, done: done.id)
