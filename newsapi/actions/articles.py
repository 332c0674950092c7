"""What the desk does to articles: each a transaction of its own, with its history, its deed and its change.

Whoever writes waits for the turn first and reads then: so nobody overwrites what he has not seen. `then` is asked last,
inside the transaction, for what is to be answered: it sees exactly what was written.
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
"""The versions that a write may be set against; none given is an empty sequence, and None is any."""

NAMES_TRIED = 200


def create(desk: Desk, caller: Caller, body: Mapping[str, Any], then: Then[T]) -> T:
    """Make an article; without a slug it gets one of its headline, with a number where others have it.

    Raises BadBody, InUse where the slug is taken, ScopeMissing.
    """
    values = patches.new(body)
    status, named = values["status"], values["slug"]
    moves.check_scope(caller, None, status, other_hour=False)
    values["slug"] = named or slugify(values["headline"])
    draft = drafts.drafted(values, desk.settings)
    with desk.turn() as (session, now):
        if status == "published" and draft.values["published_at"] is None:
            draft.values["published_at"] = now
        if named is None:
            slug = _free(session, draft.slug)
            draft = replace(draft, slug=slug, values={**draft.values, "slug": slug})
        return _write(session, draft, None, now=now, caller=caller, action="create", then=then)


def amend(desk: Desk, caller: Caller, which: Which, body: Mapping[str, Any], then: Then[T], *, versions: Versions) -> T:
    """Merge a patch into an article; raises BadBody, NotFound, VersionMissing, VersionStale, MoveNotAllowed, InUse."""
    update, patch = patches.split(body, desk.settings)
    with desk.turn() as (session, now):
        before = _present(session, which)
        _check_version(before, versions, needed=True)
        draft = patches.patched(before, patch, desk.settings)
        if patch.get("status") == "published" and "published_at" not in patch:
            draft.values["published_at"] = min(draft.values["published_at"] or now, now)  # at once
        _update(draft, before, update, now)
        _check_move(caller, before, draft)
        return _write(session, draft, before, now=now, caller=caller, action="update", then=then)


def withdraw(
    desk: Desk, caller: Caller, which: Which, why: Mapping[str, Any], then: Then[T], *, versions: Versions
) -> T:
    """Take an article off the site and keep it; `why` has its `reason`, `note`, `replaced_by`. Raises as amend."""
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
        return _write(session, draft, before, now=now, caller=caller, action="withdraw", then=then, why=why)


def restore(desk: Desk, caller: Caller, which: Which, number: int, then: Then[T], *, versions: Versions) -> T:
    """Bring back what an article said in a revision; its status, time and slug stay. Raises NotFound, BadBody."""
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
        return _write(session, draft, before, now=now, caller=caller, action="restore", then=then)


KEPT = frozenset(
    "slug status published_at published_precision updated_at materially_updated_at corrections picks bans".split()
)
"""What a revision does not bring back: where and when it stands, what was put right, what the editors picked."""


def pick(
    desk: Desk, caller: Caller, which: Which, picked: Mapping[str, Any], then: Then[T], *, versions: Versions
) -> T:
    """Set the editors' related list of an article: the slugs that come first, and those that never come."""
    with desk.turn() as (session, now):
        before = _present(session, which)
        _check_version(before, versions)
        named = [("slugs", slug) for slug in picked["slugs"]] + [("ban", slug) for slug in picked["ban"]]
        by_slug, _ = states.existing(session, {slug for _, slug in named}, ())
        missing = [
            Fault(f"/{place}/{picked[place].index(slug)}", f"there is no other article {slug}")
            for place, slug in named
            if slug not in by_slug or by_slug[slug].id == before.id
        ]
        if missing:
            raise BadBody(missing)
        draft = patches.unchanged(before)
        for name, place in (("picks", "slugs"), ("bans", "ban")):
            draft.values[name] = [by_slug[slug].values["slug"] for slug in picked[place]]
        return _write(session, draft, before, now=now, caller=caller, action="pick", then=then)


def _free(session: Session, slug: str) -> str:
    """A slug that nobody has or had: this one, or with a number behind it."""
    short = slug[: LONGEST - 5].rstrip("-")
    for start in range(2, 10_000, NAMES_TRIED):
        tried = [slug, *(f"{short}-{number}" for number in range(start, start + NAMES_TRIED))]
        taken = states.slugs_taken(session, tried)
        for name in tried:
            if name not in taken:
                return name
    raise InUse(f"There are too many articles called {slug}; give this one a slug of its own.")


def _present(session: Session, which: Which) -> State:
    by_slug, by_id = (
        states.existing(session, (), {which}) if isinstance(which, UUID) else states.existing(session, {which}, ())
    )
    found = by_id.get(which) if isinstance(which, UUID) else by_slug.get(which)
    if found is None:
        raise NotFound
    return found


def _check_version(before: State, versions: Versions, *, needed: bool = False) -> None:
    if versions is None:
        return
    if not versions:
        if needed:
            raise VersionMissing
        return
    if before.version not in versions:
        raise VersionStale(before.version)


def _update(draft: Draft, before: State, update: Mapping[str, Any], now: datetime) -> None:
    """Take the update as what it is: a minor one, a major one, or a correction with its text."""
    if update["update_type"] == "major":
        draft.values["materially_updated_at"] = now
    elif update["update_type"] == "correction":
        correction = {"at": written(now), "text": update["correction"]}
        corrections = [*before.values["corrections"], correction]
        draft.values.update(corrections=corrections, materially_updated_at=now)


def _check_move(caller: Caller, before: State, draft: Draft) -> None:
    start, end = before.values["status"], draft.values["status"]
    if end == "scheduled" and draft.values["published_at"] is None:
        raise BadBody([Fault("/published_at", "must be given where the status is scheduled")])
    hour = draft.values["published_at"] != before.values["published_at"]
    moves.check_scope(caller, start, end, other_hour=hour)
    moves.check(start, end)


def _write(
    session: Session,
    draft: Draft,
    before: State | None,
    *,
    now: datetime,
    caller: Caller,
    action: str,
    then: Then[T],
    why: Mapping[str, Any] | None = None,
) -> T:
    """Decide, write, note the deed; answer what `then` says."""
    _publish(draft, before, now)
    found = writing.references(session, [draft])
    by_slug, _ = states.existing(session, {draft.slug}, ())
    owner = by_slug.get(draft.slug)  # one that only had it lets it go
    if owner and owner.values["slug"] == draft.slug and (before is None or owner.id != before.id):
        raise InUse(f"Another article has the slug {draft.slug}.")
    present = Present({}, {before.id: before} if before else {})
    try:
        item = decisions.decided(draft, present, found, now)
    except Invalid as error:
        raise BadBody(error.faults) from error
    if before:
        moves.check(before.values["status"], item.after.values["status"])
    rights = item.after.values["rights"] or {}
    if item.after.is_public and (end := rights.get("expires_at")) and datetime.fromisoformat(end) <= now:
        raise BadBody([Fault("/rights/expires_at", "has passed: nobody may be shown this any more")])
    return finish(session, item, found, now=now, by=caller.name, action=action, why=why, then=then)


def _publish(draft: Draft, before: State | None, now: datetime) -> None:
    """What comes to readers bears a time, and that is news."""
    values = draft.values
    if values["status"] != "published" or (before and before.is_public):
        return
    values["published_at"] = values["published_at"] or now
    if values["materially_updated_at"] is None:
        was_out = before is not None and before.gone is not None
        values["materially_updated_at"] = now if was_out else values["published_at"]


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
    """Write what was decided, if it is something, and note the deed."""
    after = item.after
    seq = 0
    if after is not item.before:
        if why and after.gone and item.reason:
            after.gone |= why
        numbers = writing.write(session, [item], found, now=now, by=by)
        seq = numbers.last
        told = seq if item.reason else None
        deeds.note(
            session,
            at=now,
            by=by,
            action=action,
            kind="article",
            subject_id=after.id,
            slug=after.values["slug"],
            version=after.version,
            seq=told,
        )
    return then(session, Done(id=after.id, slug=after.values["slug"], version=after.version, seq=seq))
