"""Commands that change brands, authors, sections and tags: create, update, rename and delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from newsapi.changelog import writer as changelog_writer
from newsapi.content.queries.terms import Kind
from newsapi.content.schemas.terms import AuthorCreate, BrandCreate, TagCreate
from newsapi.content.writes import patches
from newsapi.content.writes import terms as term_writes
from newsapi.content.writes.writer import WriteContext, WriteResult
from newsapi.db.database import Session
from newsapi.editing import merge_rows
from newsapi.editing.versions import Versions, require_version
from newsapi.errors import (
    FieldError,
    InvalidBody,
    InvalidParameter,
    NotFound,
    ResourceInUse,
)
from newsapi.keys import audit
from newsapi.text.slugs import slugify
from newsapi.web import wire
from newsapi.web.caller import Caller

T = TypeVar("T")
Then = Callable[[Session, WriteResult], T]
SCHEMAS: dict[str, type[TagCreate]] = {
    "brand": BrandCreate,
    "author": AuthorCreate,
    "section": TagCreate,
    "tag": TagCreate,
}


def create(context: WriteContext, caller: Caller, kind: Kind, body: Mapping[str, Any], read_back: Then[T]) -> T:
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
    values = wire.load_body(SCHEMAS[kind](), body)
    values["slug"] = values["slug"] or slugify(values["name"])
    with context.write_transaction() as write:
        session, now = write.session, write.now
        if term_writes.get_by_current_slug(session, kind, values["slug"]):
            raise ResourceInUse(f"Another {kind} has the slug {values['slug']}.")
        return _upsert_and_audit(session, caller, kind, None, values, now=now, action="create", read_back=read_back)


def update(
    context: WriteContext,
    caller: Caller,
    kind: Kind,
    slug: str,
    patch: Mapping[str, Any],
    *,
    read_back: Then[T],
    versions: Versions,
) -> T:
    """Merge a patch into a term.

    Args:
        context: Database, settings and clock.
        caller: The key that the audit entry names.
        kind: The kind of the term.
        slug: The current or a former slug of the term.
        patch: A merge patch (RFC 7396).
        read_back: Builds the result inside the transaction.
        versions: The versions that the client expects.

    Returns:
        What `read_back` returns.

    Raises:
        InvalidBody: The patch or the patched term is invalid.
        NotFound: There is no such term.
        ResourceInUse: Another term of the kind has the new slug.
        PreconditionRequired: The client sent no version.
        VersionConflict: The term has another version.
    """
    with context.write_transaction() as write:
        session, now = write.session, write.now
        row = _present(session, kind, slug)
        require_version(row.version, versions, is_required=True)
        removed = [name for name in ("slug", "name") if name in patch and patch[name] is None]
        if removed:
            raise InvalidBody([FieldError(f"/{name}", "cannot be null") for name in removed])
        document = patches.merge_patch(term_writes.term_document(session, kind, row), patch)
        values = wire.load_body(SCHEMAS[kind](), document)
        owner = term_writes.get_by_current_slug(session, kind, values["slug"])
        if owner is not None and owner.id != row.id:
            raise ResourceInUse(f"Another {kind} has the slug {values['slug']}.")
        return _upsert_and_audit(session, caller, kind, row, values, now=now, action="update", read_back=read_back)


def remove(context: WriteContext, caller: Caller, kind: Kind, slug: str) -> int:
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
    with context.write_transaction() as write:
        session, now = write.session, write.now
        row = _present(session, kind, slug)
        if term_writes.is_used(session, kind, row.id):
            raise ResourceInUse(f"Articles or brands refer to this {kind}; merge it into another one instead.")
        if merge_rows.open_merge_of(session.connection(), row.id):
            raise ResourceInUse(f"This {kind} is being merged.")
        id_ = row.id
        seqs = changelog_writer.append_changes(session, term_writes.delete_term(write, kind, id_), now=now)
        audit.insert_entry(
            session,
            occurred_at=now,
            actor=caller.name,
            action="delete",
            kind=kind,
            subject_id=id_,
            slug=slug,
            seq=seqs.last,
        )
    return seqs.last


def _present(session: Session, kind: Kind, slug: str) -> Any:
    row = term_writes.get_by_any_slug(session, kind, slug)
    if row is None:
        raise NotFound
    return row


def _upsert_and_audit(
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
        outcome, changes = term_writes.upsert_term(session, kind, row, values, now)
    except InvalidParameter as error:
        raise InvalidBody(error.faults) from error
    row = row or term_writes.get_by_current_slug(session, kind, values["slug"])
    seq = 0
    if outcome != "unchanged":
        seq = changelog_writer.append_changes(session, changes, now=now).last
        audit.insert_entry(
            session,
            occurred_at=now,
            actor=caller.name,
            action=action,
            kind=kind,
            subject_id=row.id,
            slug=row.slug,
            version=row.version,
            seq=seq,
        )
    return read_back(session, WriteResult(id=row.id, slug=row.slug, version=row.version, seq=seq))
