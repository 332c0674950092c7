"""Merging a brand, author, section or tag into another: some articles in each transaction, then the term itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from newsapi.actions import decisions, patches, writing
from newsapi.actions.decisions import Present
from newsapi.actions.drafts import KIND_OF, Draft
from newsapi.actions.keys import Caller
from newsapi.actions.writing import Desk
from newsapi.errors import BadBody, Fault, InUse, NotFound
from newsapi.model.base import uuid7
from newsapi.store import deeds, log, merges, states, vocabulary
from newsapi.store.database import Session
from newsapi.store.states import State
from newsapi.store.taxonomy import Kind

CHUNK = 200
"""Articles in one transaction: the desk waits for no longer than these take."""


def ask(desk: Desk, caller: Caller, kind: Kind, slug: str, into: str) -> UUID:
    """Ask for a merge; answer its id. Raises NotFound, BadBody, InUse."""
    with desk.turn() as (session, now):
        found = vocabulary.look_up(session, kind, [slug, into])
        if slug not in found:
            raise NotFound
        if into not in found or found[into] == found[slug]:
            raise BadBody([Fault("/into", f"must be the slug of another {kind}")])
        source, target = found[slug], found[into]
        connection = session.connection()
        if merges.open_with(connection, source) or merges.open_with(connection, target):
            raise InUse("One of the two is being merged already.")
        if kind == "brand" and vocabulary.is_below(session, target, source):
            raise BadBody([Fault("/into", f"{into} stands below {slug}; move it first")])
        id_ = uuid7()
        merges.add(
            session,
            id=id_,
            kind=kind,
            source_id=source,
            target_id=target,
            source=slug,
            target=into,
            state="queued",
            moved=0,
            by=caller.name,
            created_at=now,
            updated_at=now,
        )
        deeds.note(session, at=now, by=caller.name, action="merge", kind=kind, subject_id=source, slug=slug)
    return id_


def go_on(desk: Desk) -> int:
    """Move some articles of the first merge that is open, or end it; answer how much was done."""
    with desk.database.reading() as connection:
        if merges.first_open(connection) is None:
            return 0
    with desk.turn() as (session, now):
        merge = merges.first_open(session.connection())
        if merge is None:
            return 0
        found = states.articles_of(session, merge.kind, merge.source_id, CHUNK)
        for state in found.values():
            _move(session, merge, state, now)
        if not found:
            told = vocabulary.absorb(session, merge.kind, merge.source_id, merge.target_id, now)
            log.append(session, told, now=now)
        merges.note(session, merge.id, "running" if found else "done", more=len(found), now=now)
    return len(found) or 1


def _move(session: Session, merge: Any, before: State, now: datetime) -> None:
    """Have one article bear the one term in place of the other."""
    old, new = vocabulary.slugs(session, merge.kind, (merge.source_id, merge.target_id))
    draft = patches.unchanged(before)
    changed = {
        name: list(dict.fromkeys(new if slug == old else slug for slug in slugs))
        for name, slugs in draft.references.items()
        if KIND_OF[name] == merge.kind
    }
    draft = replace(draft, references=draft.references | changed)
    _write(session, draft, before, now, merge.by)


def _write(session: Session, draft: Draft, before: State, now: datetime, by: str) -> None:
    found = writing.references(session, [draft])
    item = decisions.decided(draft, Present({}, {before.id: before}), found, now)
    if item.after is not before:
        writing.write(session, [item], found, now=now, by=by)
