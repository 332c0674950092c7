"""Merges of a brand, author, section or tag into another: articles in batches, then the term itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from newsapi.changelog import writer as changelog_writer
from newsapi.content.queries import snapshots
from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.queries.terms import Kind
from newsapi.content.writes import patches, resolve, writer
from newsapi.content.writes import terms as term_writes
from newsapi.content.writes.drafts import TERM_KIND_OF_FIELD, ArticleDraft
from newsapi.content.writes.hooks import WriteTransaction
from newsapi.content.writes.resolve import ExistingArticles
from newsapi.content.writes.writer import WriteContext
from newsapi.db.types import uuid7
from newsapi.editing import queries
from newsapi.editing.queries import MergeRow
from newsapi.errors import FieldError, InvalidBody, NotFound, ResourceInUse
from newsapi.keys import audit
from newsapi.web.caller import Caller

BATCH_SIZE: Final = 200
"""Articles in one transaction, which limits how long other writers wait."""


def request_merge(context: WriteContext, caller: Caller, kind: Kind, slug: str, into: str) -> UUID:
    """Queue a merge for the worker.

    Args:
        context: Database, settings and clock.
        caller: The key that the audit entry names.
        kind: The kind of both terms.
        slug: The term that is merged.
        into: The slug of the term that remains.

    Returns:
        The id of the merge.

    Raises:
        NotFound: The term that is merged does not exist.
        InvalidBody: The other term does not exist, is the same one, or is a child of the merged brand.
        ResourceInUse: One of the terms is part of another merge.
    """
    with context.write_transaction() as write:
        session, now = write.session, write.now
        ids = term_writes.resolve_slugs(session, kind, [slug, into])
        if slug not in ids:
            raise NotFound
        if into not in ids or ids[into] == ids[slug]:
            raise InvalidBody([FieldError("/into", f"must be the slug of another {kind}")])
        source_id, target_id = ids[slug], ids[into]
        connection = session.connection()
        if queries.has_open_merge(connection, source_id) or queries.has_open_merge(connection, target_id):
            raise ResourceInUse("One of the two is already being merged.")
        if kind == "brand" and term_writes.is_descendant(session, target_id, source_id):
            raise InvalidBody([FieldError("/into", f"{into} is a child of {slug}; move it first")])
        id_ = uuid7()
        merge = MergeRow(
            id=id_,
            kind=kind,
            source_id=source_id,
            target_id=target_id,
            source=slug,
            target=into,
            state="queued",
            moved_count=0,
            requested_by=caller.name,
            created_at=now,
            updated_at=now,
        )
        queries.insert_merge(session, merge)
        audit.insert_entry(
            session, occurred_at=now, actor=caller.name, action="merge", kind=kind, subject_id=source_id, slug=slug
        )
    return id_


def run_slice(context: WriteContext) -> int:
    """Move one batch of articles of the next open merge, or finish the merge if there are none left.

    Args:
        context: Database, settings and clock.

    Returns:
        The number of articles moved, 1 if a merge was finished, 0 if there is no open merge.
    """
    with context.database.read_transaction() as connection:
        if not queries.has_any_open_merge(connection):
            return 0
    with context.write_transaction() as write:
        session, now = write.session, write.now
        merge = queries.find_next_open_merge(session.connection())
        if merge is None:
            return 0
        snapshots_by_id = snapshots.list_by_term(session, merge.kind, merge.source_id, BATCH_SIZE)
        for snapshot in snapshots_by_id.values():
            _move(write, merge, snapshot)
        if not snapshots_by_id:
            changes = term_writes.merge_into(write, merge.kind, merge.source_id, merge.target_id)
            changelog_writer.append_changes(session, changes, now=now)
        queries.save_merge_progress(
            session, merge.id, "running" if snapshots_by_id else "done", moved=len(snapshots_by_id), now=now
        )
    return len(snapshots_by_id) or 1


def _move(write: WriteTransaction, merge: MergeRow, before: ArticleSnapshot) -> None:
    """Replace the merged term of an article by the one that remains."""
    old, new = term_writes.slugs_of(write.session, merge.kind, (merge.source_id, merge.target_id))
    draft = patches.draft_of(before)
    changed = {
        field: list(dict.fromkeys(new if slug == old else slug for slug in slugs))
        for field, slugs in draft.references.items()
        if TERM_KIND_OF_FIELD[field] == merge.kind
    }
    draft = replace(draft, references=draft.references | changed)
    _write(write, draft, before, merge.requested_by)


def _write(write: WriteTransaction, draft: ArticleDraft, before: ArticleSnapshot, actor: str) -> None:
    term_ids = writer.resolve_references(write.session, [draft])
    item = resolve.resolve(draft, ExistingArticles({}, {before.id: before}), term_ids, write.now)
    if item.after is not before:
        writer.persist_articles(write, [item], term_ids, actor=actor)
