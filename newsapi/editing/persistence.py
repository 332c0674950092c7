"""Persistence of one edited article: slug, references, revision, audit entry and change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from newsapi.content.queries import snapshots
from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.writes import resolve, writer
from newsapi.content.writes.articles import ArticleWrite
from newsapi.content.writes.drafts import ArticleDraft
from newsapi.content.writes.hooks import WriteTransaction
from newsapi.content.writes.resolve import ExistingArticles, WriteOrigin
from newsapi.content.writes.writer import WriteResult
from newsapi.db.database import Session
from newsapi.editing import transitions
from newsapi.errors import FieldError, InvalidBody, InvalidParameter, ResourceInUse
from newsapi.keys import audit

T = TypeVar("T")
ReadBack = Callable[[Session, WriteResult], T]
"""Builds the result of a command inside its transaction."""


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """What the revision and the audit entry of a write record.

    Attributes:
        action: The action of the audit entry, such as `update`.
        actor: The prefix of the key, or the name of the process.
        withdrawal: `reason`, `note` and `replaced_by` of an article that stops being public.
    """

    action: str
    actor: str
    withdrawal: Mapping[str, str | None] | None = None


def resolve_and_persist(
    write: WriteTransaction,
    draft: ArticleDraft,
    before: ArticleSnapshot | None,
    record: WriteRecord,
    read_back: ReadBack[T],
) -> T:
    """Resolve a draft against the database, and persist it with an audit entry.

    Args:
        write: The transaction, with its time and hooks.
        draft: The article as it is to be.
        before: The stored article; None if it is new.
        record: What the revision and the audit entry record.
        read_back: Builds the result inside the transaction.

    Returns:
        What `read_back` returns.

    Raises:
        InvalidBody: A reference or a date is not allowed.
        ResourceInUse: Another article has the slug.
        TransitionNotAllowed: The status cannot change as the draft requires.
    """
    session, now = write.session, write.now
    _set_publication_times(draft, before, now)
    term_ids = writer.resolve_references(session, [draft])
    _check_slug(session, draft, before)
    existing = ExistingArticles({}, {before.id: before} if before else {})
    try:
        item = resolve.resolve(draft, existing, term_ids, now, WriteOrigin.EDITOR)
    except InvalidParameter as error:
        raise InvalidBody(error.faults) from error
    if before:
        transitions.check_transition(before.values["status"], item.after.values["status"])
    rights = item.after.values["rights"] or {}
    if item.after.is_public and (end := rights.get("expires_at")) and datetime.fromisoformat(end) <= now:
        raise InvalidBody([FieldError("/rights/expires_at", "has passed: the article can no longer be published")])

    def read_back_with_removals(session: Session, result: WriteResult) -> T:
        return read_back(session, replace(result, removals=draft.removals))

    return persist_and_audit(write, item, term_ids, record, read_back_with_removals)


def _check_slug(session: Session, draft: ArticleDraft, before: ArticleSnapshot | None) -> None:
    """Raise ResourceInUse if another article has the slug now; one that only had it before loses it."""
    by_slug, _ = snapshots.find_by_slugs_or_ids(session, {draft.slug}, ())
    owner = by_slug.get(draft.slug)
    if owner and owner.values["slug"] == draft.slug and (before is None or owner.id != before.id):
        raise ResourceInUse(f"Another article has the slug {draft.slug}.")


def _set_publication_times(draft: ArticleDraft, before: ArticleSnapshot | None, now: datetime) -> None:
    """Set the times of an article that becomes public; publishing it again counts as a material update."""
    values = draft.values
    if values["status"] != "published" or (before and before.is_public):
        return
    values["published_at"] = values["published_at"] or now
    if values["materially_updated_at"] is None:
        was_public_before = before is not None and before.withdrawal is not None
        values["materially_updated_at"] = now if was_public_before else values["published_at"]


def persist_and_audit(
    write: WriteTransaction,
    item: ArticleWrite,
    term_ids: resolve.References,
    record: WriteRecord,
    read_back: ReadBack[T],
) -> T:
    """Persist a resolved article and its audit entry, unless nothing changed.

    Args:
        write: The transaction, with its time and hooks.
        item: The article before and after the change.
        term_ids: The ids of the terms that it refers to.
        record: What the revision and the audit entry record.
        read_back: Builds the result inside the transaction.

    Returns:
        What `read_back` returns.
    """
    session, after = write.session, item.after
    seq = 0
    if after is not item.before:
        if record.withdrawal and after.withdrawal and item.reason:
            after.withdrawal = {
                **after.withdrawal,
                "reason": record.withdrawal.get("reason") or after.withdrawal["reason"],
                "note": record.withdrawal.get("note"),
                "replaced_by": record.withdrawal.get("replaced_by"),
            }
        seqs = writer.persist_articles(write, [item], term_ids, actor=record.actor)
        seq = seqs.last
        audit.insert_entry(
            session,
            occurred_at=write.now,
            actor=record.actor,
            action=record.action,
            kind="article",
            subject_id=after.id,
            slug=after.values["slug"],
            version=after.version,
            seq=seq if item.reason else None,
        )
    return read_back(session, WriteResult(id=after.id, slug=after.values["slug"], version=after.version, seq=seq))
