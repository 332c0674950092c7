"""The scheduler: publishes articles when they are due and withdraws those whose rights expire, never early."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from newsapi.content.queries import snapshots
from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.writes import patches, resolve, writer
from newsapi.content.writes.drafts import ArticleDraft
from newsapi.content.writes.hooks import WriteTransaction
from newsapi.content.writes.resolve import ExistingArticles, WriteOrigin
from newsapi.content.writes.writer import WriteContext
from newsapi.editing import queries
from newsapi.editing.persistence import WriteRecord, persist_and_audit
from newsapi.errors import InvalidParameter

log = structlog.get_logger("newsapi.schedule")

SCHEDULE_ACTOR: Final = "schedule"
"""The actor of revisions and audit entries that the scheduler writes."""

BATCH_SIZE: Final = 100
"""Articles in one transaction, which limits how long other writers wait."""

_DELAY_SECONDS = Histogram(
    "newsapi_scheduled_publication_delay_seconds",
    "Time from the scheduled time of an article to its publication, in seconds",
    buckets=(0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0),
)
_FAILED = Counter(
    "newsapi_scheduled_changes_failed",
    "Attempts to publish a scheduled article, or to withdraw one without rights, that failed because it is invalid",
)


def run_due(context: WriteContext) -> int:
    """Publish articles that are due and withdraw those whose rights have expired.

    A read without the write lock comes first, as most of the time nothing is due. With the lock, the articles are read
    again, by the clock that all writes use: an article that was rescheduled or withdrawn meanwhile is not published.

    Args:
        context: Database, settings and clock.

    Returns:
        The number of articles changed.
    """
    if not _has_due_articles(context):
        return 0
    with context.write_transaction() as write:
        session, now = write.session, write.now
        connection = session.connection()
        ids_to_publish = queries.list_due_for_publication(connection, now, BATCH_SIZE)
        ids_to_withdraw = queries.list_due_for_expiry(connection, now, BATCH_SIZE)
        snapshots_by_id = snapshots.get_snapshots(session, [*ids_to_publish, *ids_to_withdraw])
        published = [id_ for id_ in ids_to_publish if _attempt(write, _publish, snapshots_by_id[id_])]
        withdrawn = [id_ for id_ in ids_to_withdraw if _attempt(write, _expire, snapshots_by_id[id_])]
    for id_ in published:
        _DELAY_SECONDS.observe((now - snapshots_by_id[id_].values["published_at"]).total_seconds())
    return len(published) + len(withdrawn)


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
        _FAILED.inc()
        log.warning("scheduled change failed", article=str(snapshot.id), error=str(error)[:300])
        return False
    return True


def _has_due_articles(context: WriteContext) -> bool:
    with context.database.read_transaction() as connection:
        return queries.has_due_articles(connection, context.clock(connection))


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
    draft: ArticleDraft,
    before: ArticleSnapshot,
    *,
    action: str,
    withdrawal: Mapping[str, str] | None = None,
) -> UUID:
    term_ids = writer.resolve_references(write.session, [draft])
    # An article that was withdrawn because its rights expired stays so at the next import; one that became due does not
    # differ from what was imported.
    origin = WriteOrigin.EDITOR if action == "expire" else WriteOrigin.PROCESS
    item = resolve.resolve(draft, ExistingArticles({}, {before.id: before}), term_ids, write.now, origin)
    if withdrawal and item.reason:
        item = replace(item, reason=withdrawal["reason"])
    record = WriteRecord(action, SCHEDULE_ACTOR, withdrawal)
    return persist_and_audit(write, item, term_ids, record, lambda _, result: result.id)
