"""The scheduler: publishes articles when they are due and withdraws those whose rights expire, never early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from newsapi.content.queries import snapshots
from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.writes import patches, resolve, writer
from newsapi.content.writes.drafts import Draft
from newsapi.content.writes.hooks import WriteTransaction
from newsapi.content.writes.resolve import ExistingArticles
from newsapi.content.writes.writer import WriteContext
from newsapi.editing import due
from newsapi.editing.commands import persist_and_audit
from newsapi.errors import InvalidParameter

log = structlog.get_logger("newsapi.schedule")

SCHEDULE_ACTOR = "schedule"
"""The actor of revisions and audit entries that the scheduler writes."""

BATCH_SIZE = 100
"""Articles in one transaction, which limits how long other writers wait."""


def run_due(context: WriteContext) -> int:
    """Publish articles that are due and withdraw those whose rights have expired.

    A read without the write lock comes first, as most of the time nothing is due. With the lock, the articles are read
    again, by the clock that all writes use: an article that was rescheduled or withdrawn meanwhile is not published.

    Args:
        context: Database, settings and clock.

    Returns:
        The number of articles changed.
    """
    if not _due_drafts(context):
        return 0
    with context.write_transaction() as write:
        session, now = write.session, write.now
        connection = session.connection()
        ids_to_publish = due.due_for_publication(connection, now, BATCH_SIZE)
        ids_to_withdraw = due.due_for_expiry(connection, now, BATCH_SIZE)
        snapshots_by_id = snapshots.get_snapshots(session, [*ids_to_publish, *ids_to_withdraw])
        count = sum(_attempt(write, _publish, snapshots_by_id[id_]) for id_ in ids_to_publish)
        count += sum(_attempt(write, _expire, snapshots_by_id[id_]) for id_ in ids_to_withdraw)
    return count


def _attempt(
    write: WriteTransaction,
    action: Callable[[WriteTransaction, ArticleSnapshot], None],
    snapshot: ArticleSnapshot,
) -> bool:
    """Apply an action in a savepoint; log an invalid article, so that it does not hold up the others."""
    try:
        with write.session.begin_nested():
            action(write, snapshot)
    except InvalidParameter as error:
        log.warning("scheduled change failed", article=str(snapshot.id), error=str(error)[:300])
        return False
    return True


def _due_drafts(desk: WriteContext) -> bool:
    with desk.database.read_transaction() as connection:
        now = desk.clock(connection)
        return bool(due.due_for_publication(connection, now, 1) or due.due_for_expiry(connection, now, 1))


def _publish(write: WriteTransaction, before: ArticleSnapshot) -> None:
    now, draft = write.now, patches.draft_of(before)
    published_at, rights = before.values["published_at"], before.values["rights"] or {}
    if (end := rights.get("expires_at")) and datetime.fromisoformat(end) <= now:
        draft.values["status"] = "withdrawn"  # its rights expired before it was published
        _write(write, draft, before, action="expire")
        return
    draft.values.update(status="published", updated_at=max(published_at, before.values["updated_at"]))
    was_public_before = before.withdrawal is not None
    draft.values["materially_updated_at"] = now if was_public_before else published_at
    _write(write, draft, before, action="publish")


def _expire(write: WriteTransaction, before: ArticleSnapshot) -> None:
    draft = patches.draft_of(before)
    draft.values["status"] = "withdrawn"
    _write(write, draft, before, action="expire", withdrawal={"reason": "rights"})


def _write(
    write: WriteTransaction,
    draft: Draft,
    before: ArticleSnapshot,
    *,
    action: str,
    withdrawal: dict[str, str] | None = None,
) -> UUID:
    term_ids = writer.resolve_references(write.session, [draft])
    item = resolve.resolve(draft, ExistingArticles({}, {before.id: before}), term_ids, write.now)
    if withdrawal and item.reason:
        item = replace(item, reason=withdrawal["reason"])
    return persist_and_audit(
        write,
        item,
        term_ids,
        actor=SCHEDULE_ACTOR,
        action=action,
        withdrawal=withdrawal,
        read_back=lambda _, result: result.id,
    )
