"""Commands that change brands, authors, sections and tags: create, update, rename and delete."""

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
    """Create a term.

    Args:
        context: Database, settings and clock.
        caller: The key that the audit entry names.
        kind: The kind of the term.
        body: The request body. Without a slug, one is made from the name.
        read_back: Builds the result inside the transaction.

    Returns:
        What `read_back` returns.

    Raises:
        InvalidBody: The body is invalid.
        ResourceInUse: Another term of the kind has the slug.
    """
    values = patches.loaded(SCHEMAS[kind](), body)
    values["slug"] = values["slug"] or slugify(values["name"])
    with desk.turn() as (session, now):
        if vocabulary.bears(session, kind, values["slug"]):
            raise InUse(f"Another {kind} has the slug {values['slug']}.")
        return _bring(session, caller, kind, None, values, now=now, action="create", read_back=then)


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
    """Merge a patch into a term.

    Args:
        context: Database, settings and clock.
        caller: The key that the audit entry names.
        kind: The kind of the term.
        slug: The current or a former slug of the term.
        patch: A merge patch (RFC 7396).
        read_back: Builds the result inside the transaction.
        versions: The versions of `If-Match`: empty if the header is missing, None if it is `*`.

    Returns:
        What `read_back` returns.

    Raises:
        InvalidBody: The patch or the patched term is invalid.
        NotFound: There is no such term.
        ResourceInUse: Another term of the kind has the new slug.
        PreconditionRequired: The client sent no version.
        VersionConflict: The term has another version.
    """
    with desk.turn() as (session, now):
        row = _present(session, kind, slug)
        if versions is not None and not versions:
            raise VersionMissing
        if versions and row.version not in versions:
            raise VersionStale(row.version)
        removed = [name for name in ("slug", "name") if name in patch and patch[name] is None]
        if removed:
            raise BadBody([Fault(f"/{name}", "cannot be null") for name in removed])
        document = patches.merged(vocabulary.document(session, kind, row), patch)
        values = patches.loaded(SCHEMAS[kind](), document)
        owner = vocabulary.bears(session, kind, values["slug"])
        if owner is not None and owner.id != row.id:
            raise InUse(f"Another {kind} has the slug {values['slug']}.")
        return _bring(session, caller, kind, row, values, now=now, action="update", read_back=then)


def remove(desk: Desk, caller: Caller, kind: Kind, slug: str) -> int:
    """Delete a term.

    Args:
        context: Database, settings and clock.
        caller: The key that the audit entry names.
        kind: The kind of the term.
        slug: The current or a former slug of the term.

    Returns:
        The position of the last change in the changelog.

    Raises:
        NotFound: There is no such term.
        ResourceInUse: Articles or brands refer to the term, or it is part of an open merge.
    """
    with desk.turn() as (session, now):
        row = _present(session, kind, slug)
        if vocabulary.is_used(session, kind, row.id):
            raise InUse(f"Articles or brands refer to this {kind}; merge it into another one instead.")
        if merges.open_with(session.connection(), row.id):
            raise InUse(f"This {kind} is being merged.")
        id_ = row.id
        seqs = log.append(session, vocabulary.remove(session, kind, id_), now=now)
        deeds.note(
            session, at=now, by=caller.name, action="delete", kind=kind, subject_id=id_, slug=slug, seq=seqs.last
        )
    return seqs.last


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
    read_back: Then[T],
) -> T:
    """Write a term with its changes and its audit entry, and return what `read_back` returns; `row` is None if new."""
    try:
        outcome, changes = vocabulary.bring(session, kind, row, values, now)
    except Invalid as error:
        raise BadBody(error.faults) from error
    row = row or vocabulary.bears(session, kind, values["slug"])
    seq = 0
    if outcome != "unchanged":
        seq = log.append(session, changes, now=now).last
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
    return read_back(session, Done(id=row.id, slug=row.slug, version=row.version, seq=seq))
