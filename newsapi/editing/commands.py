"""Commands that change articles. Each is one transaction that also writes a revision, an audit entry and a change.

Each command acquires the write lock of the changelog before it reads, so that no update is lost. Its callback
`read_back` is called last, inside the transaction, and builds the response from exactly what was written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from newsapi.content.queries import revisions, snapshots
from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.writes import drafts, patches
from newsapi.content.writes.drafts import ArticleDraft
from newsapi.content.writes.unused_slugs import find_unused_slug
from newsapi.content.writes.writer import WriteContext
from newsapi.db.database import Session
from newsapi.editing import transitions
from newsapi.editing.persistence import ReadBack, WriteRecord, resolve_and_persist
from newsapi.errors import (
    FieldError,
    InvalidBody,
    InvalidParameter,
    NotFound,
)
from newsapi.text.slugs import slugify
from newsapi.web.caller import Caller
from newsapi.web.preconditions import VersionPrecondition
from newsapi.web.wire import format_instant

T = TypeVar("T")
ArticleName = str | UUID


@dataclass(frozen=True, slots=True)
class EditTarget:
    """The article that a command changes, and who changes it.

    Attributes:
        caller: The key that the revision and the audit entry name.
        name: The slug or id of the article.
        precondition: The versions that the client accepts.
    """

    caller: Caller
    name: ArticleName
    precondition: VersionPrecondition


def create(context: WriteContext, caller: Caller, body: Mapping[str, object], read_back: ReadBack[T]) -> T:
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
            slug = find_unused_slug(session, draft.slug)
            draft = replace(draft, slug=slug, values={**draft.values, "slug": slug})
        return resolve_and_persist(write, draft, None, WriteRecord("create", caller.name), read_back)


def update(context: WriteContext, target: EditTarget, body: Mapping[str, object], read_back: ReadBack[T]) -> T:
    """Merge a patch into an article.

    Args:
        context: Database, settings and clock.
        target: The article and the caller; its precondition is required.
        body: A merge patch (RFC 7396), with `update_type` and `correction`.
        read_back: Builds the result inside the transaction.

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
    update_request = patches.split_update(body, context.settings)
    options, patch = update_request.options, update_request.patch
    with context.write_transaction() as write:
        session, now = write.session, write.now
        before = _get_snapshot(session, target, is_version_required=True)
        draft = patches.apply_patch(before, update_request, context.settings)
        if patch.get("status") == "published" and "published_at" not in patch:
            draft.values["published_at"] = min(
                draft.values["published_at"] or now, now
            )  # publish now, not as scheduled
        _apply_update_type(draft, before, options, now)
        _check_transition(target.caller, before, draft)
        return resolve_and_persist(write, draft, before, WriteRecord("update", target.caller.name), read_back)


def withdraw(
    context: WriteContext, target: EditTarget, withdrawal: Mapping[str, str | None], read_back: ReadBack[T]
) -> T:
    """Withdraw an article: readers get 410, the record is kept.

    Args:
        context: Database, settings and clock.
        target: The article and the caller.
        withdrawal: `reason`, `note` and `replaced_by` (a slug); the last two may be None.
        read_back: Builds the result inside the transaction.

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
        before = _get_snapshot(session, target)
        if slug := withdrawal["replaced_by"]:
            by_slug, _ = snapshots.find_by_slugs_or_ids(session, {slug}, ())
            if slug not in by_slug or not by_slug[slug].is_public or by_slug[slug].id == before.id:
                raise InvalidParameter(
                    [FieldError("replaced_by", "must be the slug of another article that is published")]
                )
        draft = patches.draft_of(before)
        draft.values["status"] = "withdrawn"
        _check_transition(target.caller, before, draft)
        record = WriteRecord("withdraw", target.caller.name, withdrawal)
        return resolve_and_persist(write, draft, before, record, read_back)


def restore(context: WriteContext, target: EditTarget, number: int, read_back: ReadBack[T]) -> T:
    """Restore the content of a revision; status, publication time, slug and corrections stay as they are.

    Args:
        context: Database, settings and clock.
        target: The article and the caller.
        number: The number of the revision.
        read_back: Builds the result inside the transaction.

    Returns:
        What `read_back` returns.

    Raises:
        NotFound: There is no such article or revision.
        VersionConflict: The article has another version.
        InvalidBody: The revision refers to a term that no longer exists.
    """
    with context.write_transaction() as write:
        session = write.session
        before = _get_snapshot(session, target)
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
        return resolve_and_persist(write, draft, before, WriteRecord("restore", target.caller.name), read_back)


NOT_RESTORED_FIELDS: Final = frozenset(
    "slug status published_at published_precision updated_at materially_updated_at corrections picks bans".split()
)
"""Fields that restoring a revision leaves as they are: slug, status, times, corrections and the related picks."""


def set_related_picks(
    context: WriteContext, target: EditTarget, picks: Mapping[str, Sequence[str]], read_back: ReadBack[T]
) -> T:
    """Set the related picks of an article.

    Args:
        context: Database, settings and clock.
        target: The article and the caller.
        picks: `slugs`, the articles that come first in the related list, and `ban`, those that never appear in it.
        read_back: Builds the result inside the transaction.

    Returns:
        What `read_back` returns.

    Raises:
        InvalidBody: A slug is not that of another article.
        NotFound: There is no such article.
        VersionConflict: The article has another version.
    """
    with context.write_transaction() as write:
        session = write.session
        before = _get_snapshot(session, target)
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
        return resolve_and_persist(write, draft, before, WriteRecord("pick", target.caller.name), read_back)


def _get_snapshot(session: Session, target: EditTarget, *, is_version_required: bool = False) -> ArticleSnapshot:
    """Return the article; raise NotFound, or the error of its precondition."""
    name = target.name
    if isinstance(name, UUID):
        _, by_id = snapshots.find_by_slugs_or_ids(session, (), {name})
        snapshot = by_id.get(name)
    else:
        by_slug, _ = snapshots.find_by_slugs_or_ids(session, {name}, ())
        snapshot = by_slug.get(name)
    if snapshot is None:
        raise NotFound
    target.precondition.check(snapshot.version, required=is_version_required)
    return snapshot


def _apply_update_type(
    draft: ArticleDraft, before: ArticleSnapshot, options: Mapping[str, object], now: datetime
) -> None:
    """Apply the update type: a major update or a correction moves `materially_updated_at`, a minor one does not."""
    if options["update_type"] == "major":
        draft.values["materially_updated_at"] = now
    elif options["update_type"] == "correction":
        correction = {"at": format_instant(now), "text": options["correction"]}
        corrections = [*before.values["corrections"], correction]
        draft.values.update(corrections=corrections, materially_updated_at=now)


def _check_transition(caller: Caller, before: ArticleSnapshot, draft: ArticleDraft) -> None:
    old_status, new_status = before.values["status"], draft.values["status"]
    needs_time = new_status == "scheduled" or (new_status == "published" and before.is_public)
    if needs_time and draft.values["published_at"] is None:
        raise InvalidBody([FieldError("/published_at", f"must be given if the status is {new_status}")])
    is_rescheduled = draft.values["published_at"] != before.values["published_at"]
    transitions.check_scope(caller, old_status, new_status, is_rescheduled=is_rescheduled)
    transitions.check_transition(old_status, new_status)
