"""The hour that comes: a publication or an end of rights, written like any other change, once, and never early."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from newsapi.actions import decisions, patches, writing
from newsapi.actions.articles import finish
from newsapi.actions.decisions import Present
from newsapi.actions.drafts import Draft
from newsapi.actions.writing import Desk
from newsapi.errors import Invalid
from newsapi.store import due, states
from newsapi.store.database import Session
from newsapi.store.states import State

log = structlog.get_logger("newsapi.schedule")

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
        done = 0
        for id_, act in (*((id_, _publish) for id_ in arrivals), *((id_, _expire) for id_ in leaving)):
            try:
                with session.begin_nested():
                    act(session, found[id_], now)
                done += 1
            except Invalid as error:  # should one of them not fit, the others must not wait for it
                log.warning("not done in its hour", article=str(id_), error=str(error)[:300])
    return done


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
