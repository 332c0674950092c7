"""What the desk does to brands, authors, sections and tags: make, change, rename, take away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from newsapi.actions import patches
from newsapi.actions.keys import Caller
from newsapi.actions.writing import Desk, Done
from newsapi.errors import BadBody, Fault, InUse, Invalid, NotFound, VersionMissing, VersionStale
from newsapi.schemas.taxonomy import AuthorNew, BrandNew, TermNew
from newsapi.store import deeds, log, merges, vocabulary
from newsapi.store.database import Session
from newsapi.store.taxonomy import Kind
from newsapi.text.slugs import slugify

T = TypeVar("T")
Then = Callable[[Session, Done], T]
SCHEMAS: dict[str, type[TermNew]] = {"brand": BrandNew, "author": AuthorNew, "section": TermNew, "tag": TermNew}


def create(desk: Desk, caller: Caller, kind: Kind, body: Mapping[str, Any], then: Then[T]) -> T:
    """Make a term; without a slug it gets one of its name. Raises BadBody, InUse."""
    values = patches.loaded(SCHEMAS[kind](), body)
    values["slug"] = values["slug"] or slugify(values["name"])
    with desk.turn() as (session, now):
        if vocabulary.bears(session, kind, values["slug"]):
            raise InUse(f"Another {kind} has the slug {values['slug']}.")
        return _bring(session, caller, kind, None, values, now=now, action="create", then=then)


def amend(
    desk: Desk,
    caller: Caller,
    kind: Kind,
    slug: str,
    patch: Mapping[str, Any],
    *,
    then: Then[T],
    versions: Sequence[int] | None,
) -> T:
    """Merge a patch into a term; raises BadBody, NotFound, InUse, VersionMissing, VersionStale."""
    with desk.turn() as (session, now):
        row = _present(session, kind, slug)
        if versions is not None and not versions:
            raise VersionMissing
        if versions and row.version not in versions:
            raise VersionStale(row.version)
        gone = [name for name in ("slug", "name") if name in patch and patch[name] is None]
        if gone:
            raise BadBody([Fault(f"/{name}", "cannot be taken away") for name in gone])
        whole = patches.merged(vocabulary.document(session, kind, row), patch)
        values = patches.loaded(SCHEMAS[kind](), whole)
        other = vocabulary.bears(session, kind, values["slug"])
        if other is not None and other.id != row.id:
            raise InUse(f"Another {kind} has the slug {values['slug']}.")
        return _bring(session, caller, kind, row, values, now=now, action="update", then=then)


def remove(desk: Desk, caller: Caller, kind: Kind, slug: str) -> int:
    """Take a term away for good; answer the number in the log. Raises NotFound, InUse where anything bears it."""
    with desk.turn() as (session, now):
        row = _present(session, kind, slug)
        if vocabulary.is_used(session, kind, row.id):
            raise InUse(f"Articles or brands depend on this {kind}; merge it into another one instead.")
        if merges.open_with(session.connection(), row.id):
            raise InUse(f"This {kind} is being merged.")
        id_ = row.id
        numbers = log.append(session, vocabulary.remove(session, kind, id_), now=now)
        deeds.note(
            session, at=now, by=caller.name, action="delete", kind=kind, subject_id=id_, slug=slug, seq=numbers.last
        )
    return numbers.last


def _present(session: Session, kind: Kind, slug: str) -> Any:
    row = vocabulary.named(session, kind, slug)
    if row is None:
        raise NotFound
    return row


def _bring(
    session: Session,
    caller: Caller,
    kind: Kind,
    row: Any,
    values: Mapping[str, Any],
    *,
    now: datetime,
    action: str,
    then: Then[T],
) -> T:
    try:
        outcome, told = vocabulary.bring(session, kind, row, values, now)
    except Invalid as error:
        raise BadBody(error.faults) from error
    row = row or vocabulary.bears(session, kind, values["slug"])
    seq = 0
    if outcome != "unchanged":
        seq = log.append(session, told, now=now).last
        deeds.note(
            session,
            at=now,
            by=caller.name,
            action=action,
            kind=kind,
            subject_id=row.id,
            slug=row.slug,
            version=row.version,
            seq=seq,
        )
    return then(session, Done(id=row.id, slug=row.slug, version=row.version, seq=seq))
