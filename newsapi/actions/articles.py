"""Commands that change articles. Each is one transaction that also writes a revision, an audit entry and a change.

Each command acquires the write lock of the changelog before it reads, so that no update is lost. Its callback
`read_back` is called last, inside the transaction, and builds the response from exactly what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from newsapi.actions import decisions, drafts, moves, patches, writing
from newsapi.actions.decisions import Present
from newsapi.actions.drafts import Draft
from newsapi.actions.keys import Caller
from newsapi.actions.writing import Desk, Done
from newsapi.errors import BadBody, Fault, InUse, Invalid, NotFound, VersionMissing, VersionStale
from newsapi.schemas.wire import written
from newsapi.store import deeds, revisions, states
from newsapi.store.bulk import Written
from newsapi.store.database import Session
from newsapi.store.states import State
from newsapi.text.slugs import LONGEST, slugify

T = TypeVar("T")
Then = Callable[[Session, Done], T]
Which = str | UUID
Versions = Sequence[int] | None
"""The versions of `If-Match`: empty if the header is missing, None if it is `*` (any version)."""

NAMES_TRIED = 200
"""Numbered slugs that are looked up in one query."""


def create(desk: Desk, caller: Caller, body: Mapping[str, Any], then: Then[T]) -> T:
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
    values = patches.new(body)
    status, given_slug = values["status"], values["slug"]
    moves.check_scope(caller, None, status, other_hour=False)
    values["slug"] = given_slug or slugify(values["headline"])
    draft = drafts.drafted(values, desk.settings)
    with desk.turn() as (session, now):
        if status == "published" and draft.values["published_at"] is None:
            draft.values["published_at"] = now
        if given_slug is None:
            slug = _free(session, draft.slug)
            draft = replace(draft, slug=slug, values={**draft.values, "slug": slug})
        return _write(session, draft, None, now=now, caller=caller, action="create", read_back=then)


def amend(desk: Desk, caller: Caller, which: Which, body: Mapping[str, Any], then: Then[T], *, versions: Versions) -> T:
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
    options, patch = patches.split(body, desk.settings)
    with desk.turn() as (session, now):
        before = _present(session, which)
        _check_version(before, versions, needed=True)
        draft = patches.patched(before, patch, desk.settings)
        if patch.get("status") == "published" and "published_at" not in patch:
            draft.values["published_at"] = min(
                draft.values["published_at"] or now, now
            )  # publish now, not as scheduled
        _update(draft, before, options, now)
        _check_move(caller, before, draft)
        return _write(session, draft, before, now=now, caller=caller, action="update", read_back=then)


def withdraw(
    desk: Desk, caller: Caller, which: Which, why: Mapping[str, Any], then: Then[T], *, versions: Versions
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
    with desk.turn() as (session, now):
        before = _present(session, which)
        _check_version(before, versions)
        if slug := why["replaced_by"]:
            by_slug, _ = states.existing(session, {slug}, ())
            if slug not in by_slug or not by_slug[slug].is_public or by_slug[slug].id == before.id:
                raise Invalid([Fault("replaced_by", "must be the slug of another article that is published")])
        draft = patches.unchanged(before)
        draft.values["status"] = "withdrawn"
        _check_move(caller, before, draft)
        return _write(session, draft, before, now=now, caller=caller, action="withdraw", read_back=then, withdrawal=why)


def restore(desk: Desk, caller: Caller, which: Which, number: int, then: Then[T], *, versions: Versions) -> T:
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
    with desk.turn() as (session, now):
        before = _present(session, which)
        _check_version(before, versions)
        row = revisions.one(session.connection(), before.id, number)
        if row is None:
            raise NotFound
        draft = patches.unchanged(before)
        content = {name: value for name, value in row.content.items() if name not in KEPT}
        for name, value in content.items():
            if name in draft.references:
                draft.references[name] = value if isinstance(value, list) else [value] if value else []
            elif name in draft.values:
                draft.values[name] = value
        return _write(session, draft, before, now=now, caller=caller, action="restore", read_back=then)


KEPT = frozenset(
    "slug status published_at published_precision updated_at materially_updated_at corrections picks bans".split()
)
"""Fields that restoring a revision leaves as they are: slug, status, times, corrections and the related picks."""


def pick(
    desk: Desk, caller: Caller, which: Which, picked: Mapping[str, Any], then: Then[T], *, versions: Versions
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
    with desk.turn() as (session, now):
        before = _present(session, which)
        _check_version(before, versions)
        named = [("slugs", slug) for slug in picked["slugs"]] + [("ban", slug) for slug in picked["ban"]]
        by_slug, _ = states.existing(session, {slug for _, slug in named}, ())
        missing = [
            Fault(f"/{field}/{picked[field].index(slug)}", f"there is no other article {slug}")
            for field, slug in named
            if slug not in by_slug or by_slug[slug].id == before.id
        ]
        if missing:
            raise BadBody(missing)
        draft = patches.unchanged(before)
        draft.values["picks"] = [by_slug[slug].values["slug"] for slug in picked["slugs"]]
        draft.values["bans"] = [by_slug[slug].values["slug"] for slug in picked["ban"]]
        return _write(session, draft, before, now=now, caller=caller, action="pick", read_back=then)


def _free(session: Session, slug: str) -> str:
    """Return the slug if no article has or had it, else the first unused one with a number appended."""
    short = slug[: LONGEST - 5].rstrip("-")
    for start in range(2, 10_000, NAMES_TRIED):
        candidates = [slug, *(f"{short}-{number}" for number in range(start, start + NAMES_TRIED))]
        taken = states.slugs_taken(session, candidates)
        for candidate in candidates:
            if candidate not in taken:
                return candidate
    raise InUse(f"Too many articles have the slug {slug} with a number; send another slug.")


def _present(session: Session, slug_or_id: Which) -> State:
    if isinstance(slug_or_id, UUID):
        _, by_id = states.existing(session, (), {slug_or_id})
        snapshot = by_id.get(slug_or_id)
    else:
        by_slug, _ = states.existing(session, {slug_or_id}, ())
        snapshot = by_slug.get(slug_or_id)
    if snapshot is None:
        raise NotFound
    return snapshot


def _check_version(before: State, versions: Versions, *, needed: bool = False) -> None:
    if versions is None:
        return
    if not versions:
        if needed:
            raise VersionMissing
        return
    if before.version not in versions:
        raise VersionStale(before.version)


def _update(draft: Draft, before: State, options: Mapping[str, Any], now: datetime) -> None:
    """Apply the update type: a major update or a correction moves `materially_updated_at`, a minor one does not."""
    if options["update_type"] == "major":
        draft.values["materially_updated_at"] = now
    elif options["update_type"] == "correction":
        correction = {"at": written(now), "text": options["correction"]}
        corrections = [*before.values["corrections"], correction]
        draft.values.update(corrections=corrections, materially_updated_at=now)


def _check_move(caller: Caller, before: State, draft: Draft) -> None:
    old_status, new_status = before.values["status"], draft.values["status"]
    if new_status == "scheduled" and draft.values["published_at"] is None:
        raise BadBody([Fault("/published_at", "must be given if the status is scheduled")])
    is_rescheduled = draft.values["published_at"] != before.values["published_at"]
    moves.check_scope(caller, old_status, new_status, other_hour=is_rescheduled)
    moves.check(old_status, new_status)


def _write(
    session: Session,
    draft: Draft,
    before: State | None,
    *,
    now: datetime,
    caller: Caller,
    action: str,
    read_back: Then[T],
    withdrawal: Mapping[str, Any] | None = None,
) -> T:
    """Resolve the draft against the database, persist it with an audit entry, and return what `read_back` returns."""
    _publish(draft, before, now)
    term_ids = writing.references(session, [draft])
    _check_slug(session, draft, before)
    existing = Present({}, {before.id: before} if before else {})
    try:
        item = decisions.decided(draft, existing, term_ids, now)
    except Invalid as error:
        raise BadBody(error.faults) from error
    if before:
        moves.check(before.values["status"], item.after.values["status"])
    rights = item.after.values["rights"] or {}
    if item.after.is_public and (end := rights.get("expires_at")) and datetime.fromisoformat(end) <= now:
        raise BadBody([Fault("/rights/expires_at", "has passed: the article can no longer be published")])
    return finish(session, item, term_ids, now=now, by=caller.name, action=action, why=withdrawal, then=read_back)


def _check_slug(session: Session, draft: Draft, before: State | None) -> None:
    """Raise ResourceInUse if another article has the slug now; one that only had it before loses it."""
    by_slug, _ = states.existing(session, {draft.slug}, ())
    owner = by_slug.get(draft.slug)
    if owner and owner.values["slug"] == draft.slug and (before is None or owner.id != before.id):
        raise InUse(f"Another article has the slug {draft.slug}.")


def _publish(draft: Draft, before: State | None, now: datetime) -> None:
    """Set the times of an article that becomes public; publishing it again counts as a material update."""
    values = draft.values
    if values["status"] != "published" or (before and before.is_public):
        return
    values["published_at"] = values["published_at"] or now
    if values["materially_updated_at"] is None:
        was_public_before = before is not None and before.gone is not None
        values["materially_updated_at"] = now if was_public_before else values["published_at"]


def finish(
    session: Session,
    item: Written,
    found: decisions.References,
    *,
    now: datetime,
    by: str,
    action: str,
    then: Then[T],
    why: Mapping[str, Any] | None = None,
) -> T:
    """Persist a resolved article and its audit entry, unless nothing changed.

    Args:
        session: A transaction that holds the write lock.
        item: The article before and after the change.
        term_ids: The ids of the terms that it refers to.
        now: The time of the write.
        actor: Who history and audit entry name.
        action: The action of the audit entry.
        read_back: Builds the result inside the transaction.
        withdrawal: `reason`, `note` and `replaced_by` of an article that stops being public.

    Returns:
        What `read_back` returns.
    """
    after = item.after
    seq = 0
    if after is not item.before:
        if why and after.gone and item.reason:
            after.gone |= why
        seqs = writing.write(session, [item], found, now=now, by=by)
        seq = seqs.last
        deeds.note(
            session,
            at=now,
            by=by,
            action=action,
            kind="article",
            subject_id=after.id,
            slug=after.values["slug"],
            version=after.version,
            seq=seq if item.reason else None,
        )
    return then(session, Done(id=after.id, slug=after.values["slug"], version=after.version, seq=seq))
