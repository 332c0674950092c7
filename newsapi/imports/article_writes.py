"""Writes of imported articles, in batches: each record is matched with a stored article, which is created or updated.

A record is the article that has its `id`, or else its `source_id`, the identity in the source. Only records of NDJSON
without either are matched by slug. A record that needs a new article whose slug is taken gets a slug with a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from newsapi.content.queries import snapshots
from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.writes import articles as article_writes
from newsapi.content.writes import writer
from newsapi.content.writes.articles import ArticleWrite
from newsapi.content.writes.drafts import ArticleDraft, DraftKey
from newsapi.content.writes.hooks import WriteTransaction
from newsapi.content.writes.resolve import ExistingArticles, References, resolve
from newsapi.content.writes.unused_slugs import find_unused_slug, is_numbered
from newsapi.content.writes.writer import resolve_references
from newsapi.db.database import Session
from newsapi.errors import FieldError, InvalidParameter, ResourceInUse
from newsapi.imports.import_run import ImportRun
from newsapi.imports.record_notes import Omission

MAX_NAMES_PER_LOOKUP: Final = 10_000
"""Names in one look-up; SQLite allows about three times as many values in one statement."""


def write_articles(run: ImportRun, session: Session, drafts: Sequence[ArticleDraft]) -> None:
    """Write consecutive articles; if two records name the same article, the second is written after the first."""
    now = run.now()
    remaining = drafts
    while remaining:
        candidates = _non_conflicting_prefix(remaining)
        existing = _find_existing(session, candidates, match_slugs=run.record_format.matches_slugs)
        batch = _WriteBatch(
            run, existing, resolve_references(session, candidates), WriteTransaction(session, now, run.hooks)
        )
        count = 0
        for draft in candidates:
            if not batch.take(draft):
                break
            count += 1
        batch.write()
        remaining = remaining[count:]


def _find_existing(session: Session, drafts: Sequence[ArticleDraft], *, match_slugs: bool) -> ExistingArticles:
    source_ids = {draft.source_id for draft in drafts if draft.source_id}
    ids_by_source_id = snapshots.find_by_source_ids(session, source_ids)
    slugs = {slug for draft in drafts for slug in (draft.slug, *draft.previous_slugs)}
    ids = {draft.id for draft in drafts if draft.id} | set(ids_by_source_id.values())
    by_slug, by_id = snapshots.find_by_slugs_or_ids(session, slugs, ids)
    by_source_id = {source_id: by_id[id_] for source_id, id_ in ids_by_source_id.items()}
    return ExistingArticles(by_slug, by_id, by_source_id, match_slugs)


def _non_conflicting_prefix(drafts: Sequence[ArticleDraft]) -> Sequence[ArticleDraft]:
    """Return the first drafts, up to one that shares a name with another or exceeds the limit of a look-up."""
    seen_keys: set[DraftKey] = set()
    count = 0
    for number, draft in enumerate(drafts):
        keys = draft.keys()
        count += len(keys) + sum(map(len, draft.references.values()))
        if number and (count > MAX_NAMES_PER_LOOKUP or seen_keys & keys):
            return drafts[:number]
        seen_keys |= keys
    return drafts


class _WriteBatch:
    """Articles that are written together; no two drafts of a batch match the same stored article."""

    def __init__(
        self, run: ImportRun, existing: ExistingArticles, term_ids: References, write: WriteTransaction
    ) -> None:
        self._run, self._existing, self._term_ids, self._write = run, existing, term_ids, write
        self._names: set[DraftKey] = set()
        self._writes: list[ArticleWrite] = []
        self._unchanged: list[tuple[UUID, bytes, Mapping[str, str] | None]] = []

    def take(self, draft: ArticleDraft) -> bool:
        """Resolve a draft; return False if this batch must be written first, as it writes an article of that name."""
        names = draft.keys() | {snapshot.id for snapshot in self._existing.all_named(draft)}
        if names & self._names:
            return False
        before = self._existing.match(draft)
        try:
            draft = self._with_usable_slugs(draft, before)
            item = resolve(draft, self._existing, self._term_ids, self._write.now, self._run.origin)
        except InvalidParameter as error:
            if before and self._run.is_superseded(draft.source_line, before.import_digest):
                self._run.report.articles.add("unchanged")
            else:
                self._reject(draft, error.faults)
            return True
        if item.before and item.after is not item.before and self._is_set_aside(draft, item.before):
            return True
        self._names |= names | draft.keys()
        self._add(draft, item)
        return True

    def write(self) -> None:
        """Write the changed articles, and the import digests of the unchanged ones."""
        if self._writes:
            writer.persist_articles(self._write, self._writes, self._term_ids, actor=self._run.actor, in_bulk=True)
        article_writes.update_import_states(self._write.session, self._unchanged)

    def _add(self, draft: ArticleDraft, item: ArticleWrite) -> None:
        """Add an article to the batch and to the report."""
        report, before = self._run.report, item.before
        line = self._run.record_format.source_line(draft.source_line)
        for removal in draft.removals:
            report.add_omission(line, Omission(removal.kind, removal.detail), removal.count)
        if item.left_fields:
            report.add_left_article(line, item.after.values["slug"], item.left_fields)
        if before is None or item.after is not before:
            self._writes.append(item)
            report.articles.add("updated" if before else "created")
            return
        report.articles.add("unchanged")
        # An article that was never imported stays so if it differs from the record or is a draft: it is the editors'.
        is_imported = before.import_digest is not None
        if draft.source_digest and (is_imported or not (item.left_fields or before.values["status"] == "draft")):
            self._unchanged.append((before.id, draft.source_digest, item.local_changes))

    def _with_usable_slugs(self, draft: ArticleDraft, before: ArticleSnapshot | None) -> ArticleDraft:
        """Return the draft with a slug that no other article has, and without former slugs that lead to other ones.

        Raises:
            InvalidParameter: The record is matched by its slug, which an article of another source has.
        """
        existing = self._existing
        if draft.id or (existing.match_slugs and not draft.source_id):
            if before and before.source_id and not (draft.id or draft.source_id):
                message = f"is the slug of an article of another source, {before.source_id}; give its id or source_id"
                raise InvalidParameter([FieldError("/slug", message)])
            return draft
        before_id = before.id if before else None

        def is_taken(slug: str) -> bool:
            owner = existing.by_slug.get(slug)
            return owner is not None and owner.id != before_id

        slug = self._find_slug(draft, before) if is_taken(draft.slug) else draft.slug
        for number, former_slug in enumerate(draft.previous_slugs):
            if is_taken(former_slug):
                pointer = f"/previous_slugs/{number}"
                self._run.warn(draft.source_line, pointer, f"{former_slug} leads to another article and is left out")
        former_slugs = tuple(name for name in draft.previous_slugs if name != slug and not is_taken(name))
        return replace(draft, slug=slug, values=draft.values | {"slug": slug}, previous_slugs=former_slugs)

    def _find_slug(self, draft: ArticleDraft, before: ArticleSnapshot | None) -> str:
        """Return the slug of an article whose own one is taken: the stored one, or a new one with a number."""
        if before is not None:
            slug: str = before.values["slug"]
            if is_numbered(slug, draft.slug):
                return slug
        else:
            try:
                slug = find_unused_slug(self._write.session, draft.slug, reserved=self._names)
            except ResourceInUse as error:
                raise InvalidParameter([FieldError("/slug", str(error))]) from error
        self._run.warn(draft.source_line, "/slug", f"{draft.slug} is taken by another article; {slug} is used")
        return slug

    def _is_set_aside(self, draft: ArticleDraft, before: ArticleSnapshot) -> bool:
        """Return whether another record of this file counts for the article, and report it."""
        run = self._run
        other_line = run.line_index.last_line_with(before.import_digest) if before.import_digest else 0
        if not other_line or before.import_digest == draft.source_digest:
            return False
        other_place = f"line {run.record_format.source_line(other_line)}"
        repeated_items = run.record_format.repeated_items
        if repeated_items == "reject":
            message = f"stands for the article of {other_place} of this file; the same article cannot occur twice"
            self._reject(draft, [FieldError("/source_id", message)])
            return True
        is_later = draft.source_line > other_line
        if repeated_items == "latest":
            is_later = (_updated_at(draft), draft.source_line) > (before.values["updated_at"], other_line)
        if draft.source_id:
            verb = "replaces" if is_later else "is replaced by"
            run.warn(draft.source_line, "/source_id", f"{verb} the record of {other_place}, which is the same article")
        if not is_later:
            run.report.articles.add("unchanged")
        return not is_later

    def _reject(self, draft: ArticleDraft, errors: Sequence[FieldError]) -> None:
        self._run.reject_record(draft.source_line, errors, name=draft.values["headline"])


def _updated_at(draft: ArticleDraft) -> datetime:
    """Return when the record of a feed was updated; without times, it counts as the first."""
    updated_at: datetime | None = draft.values["updated_at"] or draft.values["published_at"]
    return updated_at or _BEGINNING


_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
