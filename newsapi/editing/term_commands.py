"""Commands that change brands, authors, sections and tags: create, update, rename and delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol, TypeVar
from uuid import UUID

from newsapi.changelog import writer as changelog_writer
from newsapi.content.queries.terms import Kind
from newsapi.content.schemas.terms import AuthorCreate, BrandCreate, SectionCreate, TagCreate
from newsapi.content.writes import patches
from newsapi.content.writes import terms as term_writes
from newsapi.content.writes.hooks import WriteTransaction
from newsapi.content.writes.writer import WriteContext, WriteResult
from newsapi.db.database import Session
from newsapi.editing import queries
from newsapi.editing.persistence import ReadBack, WriteRecord
from newsapi.errors import (
    FieldError,
    InvalidBody,
    InvalidParameter,
    NotFound,
    ResourceInUse,
)
from newsapi.keys import audit
from newsapi.text.slugs import slugify
from newsapi.web.caller import Caller
from newsapi.web.preconditions import VersionPrecondition
from newsapi.web.wire import load_body

T = TypeVar("T")
SCHEMAS: Final[Mapping[str, type[TagCreate]]] = {
    "brand": BrandCreate,
    "author": AuthorCreate,
    "section": SectionCreate,
    "tag": TagCreate,
}


class TermName(NamedTuple):
    """A term: its kind, and its current or a former slug."""

    kind: Kind
    slug: str


class StoredTerm(Protocol):
    """The columns of a stored term that the commands read."""

    id: UUID
    slug: str
    version: int


def create(context: WriteContext, caller: Caller, kind: Kind, body: Mapping[str, object], read_back: ReadBack[T]) -> T:
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
    values = load_body(SCHEMAS[kind](), body)
    values["slug"] = values["slug"] or slugify(values["name"])
    with context.write_transaction() as write:
        session = write.session
        if term_writes.get_by_current_slug(session, kind, values["slug"]):
            raise ResourceInUse(f"Another {kind} has the slug {values['slug']}.")
        row, seq = _upsert_and_audit(write, kind, None, values, WriteRecord("create", caller.name))
        return read_back(session, WriteResult(id=row.id, slug=row.slug, version=row.version, seq=seq))


def update(
    context: WriteContext,
    caller: Caller,
    term: TermName,
    patch: Mapping[str, object],
    read_back: ReadBack[T],
    *,
    precondition: VersionPrecondition,
) -> T:
    """Merge a patch into a term.

    Args:
        context: Database, settings and clock.
        caller: The key that the audit entry names.
        term: The term.
        patch: A merge patch (RFC 7396).
        read_back: Builds the result inside the transaction.
        precondition: The versions that the client accepts; required.

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
        session, kind = write.session, term.kind
        row = _get_term(session, term)
        precondition.check(row.version, required=True)
        removed = [name for name in ("slug", "name") if name in patch and patch[name] is None]
        if removed:
            raise InvalidBody([FieldError(f"/{name}", "cannot be null") for name in removed])
        document = patches.merge_patch(term_writes.term_document(session, kind, row), patch)
        values = load_body(SCHEMAS[kind](), document)
        owner = term_writes.get_by_current_slug(session, kind, values["slug"])
        if owner is not None and owner.id != row.id:
            raise ResourceInUse(f"Another {kind} has the slug {values['slug']}.")
        written, seq = _upsert_and_audit(write, kind, row, values, WriteRecord("update", caller.name))
        return read_back(session, WriteResult(id=written.id, slug=written.slug, version=written.version, seq=seq))


def delete(context: WriteContext, caller: Caller, term: TermName) -> int:
    """Delete a term.

    Args:
        context: Database, settings and clock.
        caller: The key that the audit entry names.
        term: The term.

    Returns:
        The position of the last change in the changelog.

    Raises:
        NotFound: There is no such term.
        ResourceInUse: Articles or brands refer to the term, or it is part of an open merge.
    """
    with context.write_transaction() as write:
        session, now = write.session, write.now
        kind, row = term.kind, _get_term(session, term)
        if term_writes.is_used(session, kind, row.id):
            raise ResourceInUse(f"Articles or brands refer to this {kind}; merge it into another one instead.")
        if queries.has_open_merge(session.connection(), row.id):
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
            slug=term.slug,
            seq=seqs.last,
        )
    return seqs.last


def _get_term(session: Session, term: TermName) -> StoredTerm:
    row: StoredTerm | None = term_writes.get_by_any_slug(session, term.kind, term.slug)
    if row is None:
        raise NotFound
    return row


def _upsert_and_audit(
    write: WriteTransaction, kind: Kind, row: StoredTerm | None, values: Mapping[str, object], record: WriteRecord
) -> tuple[StoredTerm, int]:
    """Write a term with its changes and its audit entry.

    Args:
        write: The transaction, with its time and hooks.
        kind: The kind of the term.
        row: The stored term; None if it is new.
        values: The fields of the term.
        record: What the audit entry records.

    Returns:
        The written term, and the `seq` of its last change; 0 if nothing changed.

    Raises:
        InvalidBody: The parent of a brand is not allowed.
    """
    session = write.session
    try:
        outcome, changes = term_writes.upsert_term(session, kind, row, values, write.now)
    except InvalidParameter as error:
        raise InvalidBody(error.faults) from error
    written: StoredTerm = row or term_writes.get_by_current_slug(session, kind, str(values["slug"]))
    seq = 0
    if outcome != "unchanged":
        seq = changelog_writer.append_changes(session, changes, now=write.now).last
        audit.insert_entry(
            session,
            occurred_at=write.now,
            actor=record.actor,
            action=record.action,
            kind=kind,
            subject_id=written.id,
            slug=written.slug,
            version=written.version,
            seq=seq,
        )
    return written, seq
