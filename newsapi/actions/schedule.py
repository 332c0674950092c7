"""The scheduler: publishes articles when they are due and withdraws those whose rights expire, never early."""

from __future__ import annotations

from collections.abc import Callable
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
"""The actor of revisions and audit entries that the scheduler writes."""

AT_ONCE = 100
"""Articles in one transaction, which limits how long other writers wait."""


def come_due(desk: Desk) -> int:
    """Publish articles that are due and withdraw those whose rights have expired.

    A read without the write lock comes first, as most of the time nothing is due. With the lock, the articles are read
    again, by the clock that all writes use: an article that was rescheduled or withdrawn meanwhile is not published.

    Args:
        context: Database, settings and clock.

    Returns:
        The number of articles changed.
    """
    if not _waiting(desk):
        return 0
    with desk.turn() as (session, now):
        connection = session.connection()
        ids_to_publish = due.publications(connection, now, AT_ONCE)
        ids_to_withdraw = due.expiries(connection, now, AT_ONCE)
        snapshots_by_id = states.by_id(session, [*ids_to_publish, *ids_to_withdraw])
        count = sum(_attempt(session, _publish, snapshots_by_id[id_], now) for id_ in ids_to_publish)
        count += sum(_attempt(session, _expire, snapshots_by_id[id_], now) for id_ in ids_to_withdraw)
    return count


def _attempt(
    session: Session, action: Callable[[Session, State, datetime], None], snapshot: State, now: datetime
) -> bool:
    """Apply an action in a savepoint; log an invalid article, so that it does not hold up the others."""
    try:
        with session.begin_nested():
            action(session, snapshot, now)
    except Invalid as error:
        log.warning("scheduled change failed", article=str(snapshot.id), error=str(error)[:300])
        return False
    return True


def _waiting(desk: Desk) -> bool:
    with desk.database.reading() as connection:
        now = desk.moment(connection)
        return bool(due.publications(connection, now, 1) or due.expiries(connection, now, 1))


def _publish(session: Session, before: State, now: datetime) -> None:
    draft = patches.unchanged(before)
    published_at, rights = before.values["published_at"], before.values["rights"] or {}
    if (end := rights.get("expires_at")) and datetime.fromisoformat(end) <= now:
        draft.values["status"] = "withdrawn"  # its rights expired before it was published
        _write(session, draft, before, now, action="expire")
        return
    draft.values.update(status="published", updated_at=max(published_at, before.values["updated_at"]))
    was_public_before = before.gone is not None
    draft.values["materially_updated_at"] = now if was_public_before else published_at
    _write(session, draft, before, now, action="publish")


def _expire(session: Session, before: State, now: datetime) -> None:
    draft = patches.unchanged(before)
    draft.values["status"] = "withdrawn"
    _write(session, draft, before, now, action="expire", withdrawal={"reason": "rights"})


def _write(
    session: Session,
    draft: Draft,
    before: State,
    now: datetime,
    *,
    action: str,
    withdrawal: dict[str, str] | None = None,
) -> UUID:
    term_ids = writing.references(session, [draft])
    item = decisions.decided(draft, Present({}, {before.id: before}), term_ids, now)
    if withdrawal and item.reason:
        item = replace(item, reason=withdrawal["reason"])
    return finish(
        session, item, term_ids, now=now, by=BY, action=action, why=withdrawal, then=lambda _, result: result.id
    )
