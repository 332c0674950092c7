"""Commands that change articles. Each is one transaction that also writes a revision, an audit entry and a change.

Each command acquires the write lock of the changelog before it reads, so that no update is lost. Its callback
`read_back` is called last, inside the transaction, and builds the response from exactly what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from newsapi.content.queries import revisions, snapshots
from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.writes import drafts, patches, resolve, writer
from newsapi.content.writes.articles import ArticleWrite
from newsapi.content.writes.drafts import Draft
from newsapi.content.writes.hooks import WriteTransaction
from newsapi.content.writes.resolve import ExistingArticles
from newsapi.content.writes.writer import WriteContext, WriteResult
from newsapi.db.database import Session
from newsapi.editing import transitions
from newsapi.editing.versions import Versions, require_version
from newsapi.errors import (
    FieldError,
    InvalidBody,
    InvalidParameter,
    NotFound,
    ResourceInUse,
)
from newsapi.keys import audit
from newsapi.text.slugs import MAX_SLUG_LENGTH, slugify
from newsapi.web.caller import Caller
from newsapi.web.wire import format_instant

T = TypeVar("T")
ReadBack = Callable[[Session, WriteResult], T]
ArticleName = str | UUID
MAX_SLUG_ATTEMPTS = 200
"""Numbered slugs that are looked up in one query."""


def create(context: WriteContext, caller: Caller, body: Mapping[str, Any], read_back: ReadBack[T]) -> T:
    """Create an article.

    Args:
        context: Database, settings and clock.
        caller: The key that the revision and the audit entry name.
        body: The request body. Without a slug, one is made from the headline, with a number if it is taken.
        read_back: Builds the result inside the transaction.

    Returns:
        What `read_back` returns.

    Raises:
        InvalidBody: The body is invalid.
        ResourceInUse: The slug of the body is taken, or no numbered slug is free.
        ScopeMissing: The status of the article requires the scope `content:publish`.
    """
    values = patches.load_new(body)
    status, given_slug = values["status"], values["slug"]
    transitions.check_scope(caller, None, status, is_rescheduled=False)
    values["slug"] = given_slug or slugify(values["headline"])
    draft = drafts.make_draft(values, context.settings)
    with context.write_transaction() as write:
        session, now = write.session, write.now
        if status == "published" and draft.values["published_at"] is None:
            draft.values["published_at"] = now
        if given_slug is None:
            slug = _unused_slug(session, draft.slug)
            draft = replace(draft, slug=slug, values={**draft.values, "slug": slug})
        return _resolve_and_persist(write, draft, None, caller=caller, action="create", read_back=read_back)


def update(
    context: WriteContext,
    caller: Caller,
    slug_or_id: ArticleName,
    body: Mapping[str, Any],
    read_back: ReadBack[T],
    *,
    versions: Versions,
) -> T:
    """Merge a patch into an article.

    Args:
        context: Database, settings and clock.
        caller: The key that the revision and the audit entry name.
        slug_or_id: The article.
        body: A merge patch (RFC 7396), with `update_type` and `correction`.
        read_back: Builds the result inside the transaction.
        versions: The versions that the client expects.

    Returns:
        What `read_back` returns.

    Raises:
        InvalidBody: The patch or the patched article is invalid.
        NotFound: There is no such article.
        PreconditionRequired: The client sent no version.
        VersionConflict: The article has another version.
        TransitionNotAllowed: The status cannot change to that of the patch.
        ScopeMissing: The change requires the scope `content:publish`.
        ResourceInUse: The new slug is taken.
    """
    options, patch = patches.split_update(body, context.settings)
    with context.write_transaction() as write:
        session, now = write.session, write.now
        before = _existing(session, slug_or_id)
        require_version(before.version, versions, is_required=True)
        draft = patches.apply_patch(before, patch, context.settings)
        if patch.get("status") == "published" and "published_at" not in patch:
            draft.values["published_at"] = min(
                draft.values["published_at"] or now, now
            )  # publish now, not as scheduled
        _update(draft, before, options, now)
        _check_move(caller, before, draft)
        return _resolve_and_persist(write, draft, before, caller=caller, action="update", read_back=read_back)


def withdraw(
    context: WriteContext,
    caller: Caller,
    slug_or_id: ArticleName,
    withdrawal: Mapping[str, Any],
    read_back: ReadBack[T],
    *,
    versions: Versions,
) -> T:
    """Withdraw an article: readers get 410, the record is kept.

    Args:
        context: Database, settings and clock.
        caller: The key that the revision and the audit entry name.
        slug_or_id: The article.
        withdrawal: `reason`, `note` and `replaced_by` (a slug); the last two may be None.
        read_back: Builds the result inside the transaction.
        versions: The versions that the client expects; an empty sequence is accepted.

    Returns:
        What `read_back` returns.

    Raises:
        InvalidParameter: `replaced_by` is not another published article.
        NotFound: There is no such article.
        VersionConflict: The article has another version.
        TransitionNotAllowed: The status cannot change to `withdrawn`.
        ScopeMissing: The change requires the scope `content:publish`.
    """
    with context.write_transaction() as write:
        session = write.session
        before = _existing(session, slug_or_id)
        require_version(before.version, versions)
        if slug := withdrawal["replaced_by"]:
            by_slug, _ = snapshots.find_by_slugs_or_ids(session, {slug}, ())
            if slug not in by_slug or not by_slug[slug].is_public or by_slug[slug].id == before.id:
                raise InvalidParameter(
                    [FieldError("replaced_by", "must be the slug of another article that is published")]
                )
        draft = patches.draft_of(before)
        draft.values["status"] = "withdrawn"
        _check_move(caller, before, draft)
        return _resolve_and_persist(
            write,
            draft,
            before,
            caller=caller,
            action="withdraw",
            read_back=read_back,
            withdrawal=withdrawal,
        )


def restore(
    context: WriteContext,
    caller: Caller,
    slug_or_id: ArticleName,
    number: int,
    read_back: ReadBack[T],
    *,
    versions: Versions,
) -> T:
    """Restore the content of a revision; status, publication time, slug and corrections stay as they are.

    Args:
        context: Database, settings and clock.
        caller: The key that the revision and the audit entry name.
        slug_or_id: The article.
        number: The number of the revision.
        read_back: Builds the result inside the transaction.
        versions: The versions that the client expects; an empty sequence is accepted.

    Returns:
        What `read_back` returns.

    Raises:
        NotFound: There is no such article or revision.
        VersionConflict: The article has another version.
        InvalidBody: The revision refers to a term that no longer exists.
    """
    with context.write_transaction() as write:
        session = write.session
        before = _existing(session, slug_or_id)
        require_version(before.version, versions)
        row = revisions.get_revision(session.connection(), before.id, number)
        if row is None:
            raise NotFound
        draft = patches.draft_of(before)
        content = {name: value for name, value in row.content.items() if name not in NOT_RESTORED_FIELDS}
        for name, value in content.items():
            if name in draft.references:
                draft.references[name] = value if isinstance(value, list) else [value] if value else []
            elif name in draft.values:
                draft.values[name] = value
        return _resolve_and_persist(write, draft, before, caller=caller, action="restore", read_back=read_back)


NOT_RESTORED_FIELDS = frozenset(
    "slug status published_at published_precision updated_at materially_updated_at corrections picks bans".split()
)
"""Fields that restoring a revision leaves as they are: slug, status, times, corrections and the related picks."""


def set_related_picks(
    context: WriteContext,
    caller: Caller,
    slug_or_id: ArticleName,
    picks: Mapping[str, Any],
    read_back: ReadBack[T],
    *,
    versions: Versions,
) -> T:
    """Set the related picks of an article.

    Args:
        context: Database, settings and clock.
        caller: The key that the revision and the audit entry name.
        slug_or_id: The article.
        picks: `slugs`, the articles that come first in the related list, and `ban`, those that never appear in it.
        read_back: Builds the result inside the transaction.
        versions: The versions that the client expects; an empty sequence is accepted.

    Returns:
        What `read_back` returns.

    Raises:
        InvalidBody: A slug is not that of another article.
        NotFound: There is no such article.
        VersionConflict: The article has another version.
    """
    with context.write_transaction() as write:
        session = write.session
        before = _existing(session, slug_or_id)
        require_version(before.version, versions)
        named = [("slugs", slug) for slug in picks["slugs"]] + [("ban", slug) for slug in picks["ban"]]
        by_slug, _ = snapshots.find_by_slugs_or_ids(session, {slug for _, slug in named}, ())
        missing = [
            FieldError(f"/{field}/{picks[field].index(slug)}", f"there is no other article {slug}")
            for field, slug in named
            if slug not in by_slug or by_slug[slug].id == before.id
        ]
        if missing:
            raise InvalidBody(missing)
        draft = patches.draft_of(before)
        draft.values["picks"] = [by_slug[slug].values["slug"] for slug in picks["slugs"]]
        draft.values["bans"] = [by_slug[slug].values["slug"] for slug in picks["ban"]]
        return _resolve_and_persist(write, draft, before, caller=caller, action="pick", read_back=read_back)


def _unused_slug(session: Session, slug: str) -> str:
    """Return the slug if no article has or had it, else the first unused one with a number appended."""
    short = slug[: MAX_SLUG_LENGTH - 5].rstrip("-")
    for start in range(2, 10_000, MAX_SLUG_ATTEMPTS):
        candidates = [slug, *(f"{short}-{number}" for number in range(start, start + MAX_SLUG_ATTEMPTS))]
        taken = snapshots.used_slugs(session, candidates)
        for candidate in candidates:
            if candidate not in taken:
                return candidate
    raise ResourceInUse(f"Too many articles have the slug {slug} with a number; send another slug.")


def _existing(session: Session, slug_or_id: ArticleName) -> ArticleSnapshot:
    if isinstance(slug_or_id, UUID):
        _, by_id = snapshots.find_by_slugs_or_ids(session, (), {slug_or_id})
        snapshot = by_id.get(slug_or_id)
    else:
        by_slug, _ = snapshots.find_by_slugs_or_ids(session, {slug_or_id}, ())
        snapshot = by_slug.get(slug_or_id)
    if snapshot is None:
        raise NotFound
    return snapshot


def _update(draft: Draft, before: ArticleSnapshot, options: Mapping[str, Any], now: datetime) -> None:
    """Apply the update type: a major update or a correction moves `materially_updated_at`, a minor one does not."""
    if options["update_type"] == "major":
        draft.values["materially_updated_at"] = now
    elif options["update_type"] == "correction":
        correction = {"at": format_instant(now), "text": options["correction"]}
        corrections = [*before.values["corrections"], correction]
        draft.values.update(corrections=corrections, materially_updated_at=now)


def _check_move(caller: Caller, before: ArticleSnapshot, draft: Draft) -> None:
    old_status, new_status = before.values["status"], draft.values["status"]
    if new_status == "scheduled" and draft.values["published_at"] is None:
        raise InvalidBody([FieldError("/published_at", "must be given if the status is scheduled")])
    is_rescheduled = draft.values["published_at"] != before.values["published_at"]
    transitions.check_scope(caller, old_status, new_status, is_rescheduled=is_rescheduled)
    transitions.check_transition(old_status, new_status)


def _resolve_and_persist(
    write: WriteTransaction,
    draft: Draft,
    before: ArticleSnapshot | None,
    *,
    caller: Caller,
    action: str,
    read_back: ReadBack[T],
    withdrawal: Mapping[str, Any] | None = None,
) -> T:
    """Resolve the draft against the database, persist it with an audit entry, and return what `read_back` returns."""
    session, now = write.session, write.now
    _publish(draft, before, now)
    term_ids = writer.resolve_references(session, [draft])
    _check_slug(session, draft, before)
    existing = ExistingArticles({}, {before.id: before} if before else {})
    try:
        item = resolve.resolve(draft, existing, term_ids, now)
    except InvalidParameter as error:
        raise InvalidBody(error.faults) from error
    if before:
        transitions.check_transition(before.values["status"], item.after.values["status"])
    rights = item.after.values["rights"] or {}
    if item.after.is_public and (end := rights.get("expires_at")) and datetime.fromisoformat(end) <= now:
        raise InvalidBody([FieldError("/rights/expires_at", "has passed: the article can no longer be published")])
    return persist_and_audit(
        write, item, term_ids, actor=caller.name, action=action, withdrawal=withdrawal, read_back=read_back
    )


def _check_slug(session: Session, draft: Draft, before: ArticleSnapshot | None) -> None:
    """Raise ResourceInUse if another article has the slug now; one that only had it before loses it."""
    by_slug, _ = snapshots.find_by_slugs_or_ids(session, {draft.slug}, ())
    owner = by_slug.get(draft.slug)
    if owner and owner.values["slug"] == draft.slug and (before is None or owner.id != before.id):
        raise ResourceInUse(f"Another article has the slug {draft.slug}.")


def _publish(draft: Draft, before: ArticleSnapshot | None, now: datetime) -> None:
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
    *,
    actor: str,
    action: str,
    read_back: ReadBack[T],
    withdrawal: Mapping[str, Any] | None = None,
) -> T:
    """Persist a resolved article and its audit entry, unless nothing changed.

    Args:
        write: The transaction, with its time and hooks.
        item: The article before and after the change.
        term_ids: The ids of the terms that it refers to.
        actor: Who history and audit entry name.
        action: The action of the audit entry.
        read_back: Builds the result inside the transaction.
        withdrawal: `reason`, `note` and `replaced_by` of an article that stops being public.

    Returns:
        What `read_back` returns.
    """
    session, after = write.session, item.after
    seq = 0
    if after is not item.before:
        if withdrawal and after.withdrawal and item.reason:
            after.withdrawal |= withdrawal
        seqs = writer.persist_articles(write, [item], term_ids, actor=actor)
        seq = seqs.last
        audit.insert_entry(
            session,
            occurred_at=write.now,
            actor=actor,
            action=action,
            kind="article",
            subject_id=after.id,
            slug=after.values["slug"],
            version=after.version,
            seq=seq if item.reason else None,
        )
    return read_back(session, WriteResult(id=after.id, slug=after.values["slug"], version=after.version, seq=seq))
