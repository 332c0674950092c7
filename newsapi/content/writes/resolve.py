"""Resolution of an incoming article against the stored one: what is written, and why the public sees a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from uuid import UUID

from newsapi.content.queries.snapshots import TIMES, ArticleSnapshot
from newsapi.content.writes import local_changes
from newsapi.content.writes.articles import ArticleWrite
from newsapi.content.writes.drafts import LISTS, TERM_KIND_OF_FIELD, ArticleDraft
from newsapi.db.types import latest_time, uuid7
from newsapi.errors import FieldError, InvalidParameter, WithdrawalInfo
from newsapi.text.json_types import JsonValue
from newsapi.web.wire import format_instant

References = Mapping[str, Mapping[str, UUID]]
"""The ids of terms, by kind and slug."""


class WriteOrigin(Enum):
    """Where a write comes from, which decides what it may change."""

    EDITOR = auto()
    """A request of an editor: its changes are kept by later imports."""
    PROCESS = auto()
    """The scheduler or a merge of terms: no change that imports keep."""
    IMPORT = auto()
    """An import: fields that editors changed stay, and articles that were never imported."""
    OVERWRITING_IMPORT = auto()
    """An import that replaces what editors changed."""


@dataclass(frozen=True, slots=True)
class ExistingArticles:
    """Snapshots of the stored articles that drafts may match.

    Attributes:
        by_slug: The articles by current or former slug.
        by_id: The articles by id.
        by_source_id: The articles by their identity in the source of an import.
        match_slugs: Whether a draft without an id updates the article that has its slug. If not, it only matches an
            article that was imported from the same record.
    """

    by_slug: Mapping[str, ArticleSnapshot]
    by_id: Mapping[UUID, ArticleSnapshot]
    by_source_id: Mapping[str, ArticleSnapshot] = field(default_factory=dict)
    match_slugs: bool = True

    def match(self, draft: ArticleDraft) -> ArticleSnapshot | None:
        """Return the article that a draft updates: the one with its id, its identity in the source or its slug."""
        if draft.id and (draft.id in self.by_id or not draft.source_id):
            return self.by_id.get(draft.id)
        if draft.source_id:
            return self.by_source_id.get(draft.source_id)
        owner = self.by_slug.get(draft.slug)
        if owner is None or self.match_slugs or owner.import_digest == draft.source_digest:
            return owner
        return None

    def all_named(self, draft: ArticleDraft) -> list[ArticleSnapshot]:
        """Return every article that has an id of the draft, or has or had one of its slugs."""
        snapshots = [self.by_slug.get(slug) for slug in (draft.slug, *draft.previous_slugs)]
        snapshots.append(self.by_id.get(draft.id) if draft.id else None)
        snapshots.append(self.by_source_id.get(draft.source_id) if draft.source_id else None)
        return [snapshot for snapshot in snapshots if snapshot]


def resolve(
    draft: ArticleDraft,
    existing: ExistingArticles,
    term_ids: References,
    now: datetime,
    origin: WriteOrigin = WriteOrigin.PROCESS,
) -> ArticleWrite:
    """Resolve a draft against the stored articles and terms.

    Args:
        draft: The article as it came in.
        existing: The stored articles that have its id or slugs.
        term_ids: The ids of the terms that it refers to.
        now: The time of the write.
        origin: Where the draft comes from.

    Returns:
        The article before and after the write, with the reason of the change; `after` is `before` if nothing changes.

    Raises:
        InvalidParameter: A term does not exist, or a slug or the identity belongs to another article.
    """
    before = existing.match(draft)
    after = _after(draft, before, _links(draft, term_ids), now, origin)
    _check_names(draft, after, existing)
    if before is None:
        return ArticleWrite(after, None, _change_reason(after, None))
    left_fields: tuple[str, ...] = ()
    if origin is WriteOrigin.IMPORT:
        if before.import_digest is None and (left_fields := local_changes.find_differences(before, after)):
            return ArticleWrite(before, before, None, left_fields)
        left_fields = tuple(after.local_changes or ())
    if after.same_content(before):
        return ArticleWrite(before, before, None, left_fields, after.local_changes)
    if origin is WriteOrigin.EDITOR:
        after.local_changes = local_changes.record_edit(before, after)
    if draft.values["updated_at"] is None:
        after.values["updated_at"] = now
    after.version = before.version + 1
    return ArticleWrite(after, before, _change_reason(after, before), left_fields)


def _check_names(draft: ArticleDraft, after: ArticleSnapshot, existing: ExistingArticles) -> None:
    """Raise InvalidParameter if a slug or the identity of the draft belongs to another article."""
    errors = []
    owner = existing.by_source_id.get(draft.source_id) if draft.source_id else None
    if owner and owner.id != after.id:
        errors.append(FieldError("/source_id", f"belongs to another article, {owner.values['slug']}"))
    owner = existing.by_slug.get(after.values["slug"])
    if owner and owner.id != after.id and owner.values["slug"] == after.values["slug"]:
        errors.append(FieldError("/slug", f"is the slug of another article, {owner.id}"))
    for number, slug in enumerate(draft.previous_slugs):
        owner = existing.by_slug.get(slug)
        if owner and owner.id != after.id:
            errors.append(
                FieldError(f"/previous_slugs/{number}", f"belongs to another article, {owner.values['slug']}")
            )
    if errors:
        raise InvalidParameter(errors)


def _links(draft: ArticleDraft, term_ids: References) -> dict[str, list[UUID]]:
    """Return the ids of the terms by field; raise InvalidParameter for terms that do not exist."""
    links: dict[str, list[UUID]] = {}
    errors = []
    for name, slugs in draft.references.items():
        ids = []
        for number, slug in enumerate(slugs):
            id_ = term_ids[TERM_KIND_OF_FIELD[name]].get(slug)
            if id_ is None:
                pointer = f"/{name}/{number}" if name in LISTS else f"/{name}"
                errors.append(FieldError(pointer, f"there is no {TERM_KIND_OF_FIELD[name]} {slug}"))
            elif id_ not in ids:  # two slugs may lead to one term
                ids.append(id_)
        links[name] = ids
    if errors:
        raise InvalidParameter(errors)
    return links


def _after(
    draft: ArticleDraft,
    before: ArticleSnapshot | None,
    links_by_field: dict[str, list[UUID]],
    now: datetime,
    origin: WriteOrigin,
) -> ArticleSnapshot:
    values = dict(draft.values)
    for name in local_changes.TERM_FIELDS:
        values[f"{name}_id"] = next(iter(links_by_field[name]), None)
    links = {name: links_by_field[name] for name in LISTS}
    if values["status"] == "published" and values["published_at"] > now and not _was_published_then(values, before):
        values["status"] = "scheduled"  # it is published by the scheduler, as a change of its own
    changes = None
    if before and origin is WriteOrigin.IMPORT:
        changes = local_changes.keep_local_changes(values, links, before, now)
        if before.local_changes:
            values |= _later_times(draft, before)
    elif before and origin is not WriteOrigin.OVERWRITING_IMPORT:
        changes = before.local_changes
    values.setdefault("bans", before.values["bans"] if before else None)  # import records need not contain them
    # The brand of an article is not also one of its mentions.
    links["mentions"] = [id_ for id_ in links["mentions"] if id_ != values["brand_id"]]
    if before and draft.id is None and draft.source_id is None:
        values["slug"] = before.values["slug"]  # the record may use a former slug of the article
    values["updated_at"] = values["updated_at"] or _updated_at(values, before, now)
    values["materially_updated_at"] = values["materially_updated_at"] or _materially_updated_at(values, before)
    snapshot = ArticleSnapshot(
        id=before.id if before else draft.id or uuid7(),
        values=values,
        links=links,
        import_digest=draft.source_digest,
        local_changes=changes,
        source_id=draft.source_id or (before.source_id if before else None),
        former_slugs=_former_slugs(draft, before, values["slug"]),
    )
    snapshot.withdrawal = _withdrawal(snapshot, before, now)
    return snapshot


def _was_published_then(values: Mapping[str, object], before: ArticleSnapshot | None) -> bool:
    """Return whether the article is public since the same time; if that is in the future, a clock was set back."""
    return before is not None and before.is_public and before.values["published_at"] == values["published_at"]


def _later_times(draft: ArticleDraft, before: ArticleSnapshot) -> dict[str, datetime | None]:
    """Return the times of a record, or those of editors' changes if they are later."""
    return {
        name: latest_time([draft.values[name], before.values[name]]) if draft.values[name] else None for name in TIMES
    }


def _updated_at(values: Mapping[str, JsonValue], before: ArticleSnapshot | None, now: datetime) -> datetime:
    updated_at: datetime = before.values["updated_at"] if before else values["published_at"] or now
    return updated_at


def _materially_updated_at(values: Mapping[str, JsonValue], before: ArticleSnapshot | None) -> datetime | None:
    """Return the default: the latest of the stored time, the publication time and the times of corrections."""
    times = [before.values["materially_updated_at"] if before else None, values["published_at"]]
    times += [datetime.fromisoformat(correction["at"]).astimezone(UTC) for correction in values["corrections"]]
    return latest_time(times)


def _former_slugs(draft: ArticleDraft, before: ArticleSnapshot | None, slug: str) -> frozenset[str]:
    former = frozenset(draft.previous_slugs)
    if before:
        former |= before.former_slugs
    if before and (before.is_public or before.withdrawal):  # slugs that were never public are not redirected
        former |= {before.values["slug"]}
    return former - {slug}


def _withdrawal(after: ArticleSnapshot, before: ArticleSnapshot | None, now: datetime) -> WithdrawalInfo | None:
    """Return the withdrawal info of an article that was public and is not; None for all others."""
    if after.is_public:
        return None
    withdrawn = after.values["status"] == "withdrawn"
    was_public = before.is_public if before else withdrawn and (after.values["published_at"] or now) < now
    if not was_public:
        return before.withdrawal if before else None
    return {
        "at": format_instant(now),
        "action": "withdrawn" if withdrawn else "unpublished",
        "reason": "other",
        "note": None,
        "replaced_by": None,
    }


def _change_reason(after: ArticleSnapshot, before: ArticleSnapshot | None) -> str | None:
    """Return why the public sees a change; None if it sees none."""
    was_public = before is not None and before.is_public
    if not after.is_public:
        return after.withdrawal["action"] if after.withdrawal and (was_public or before is None) else None
    if not was_public or before is None:
        return "published"
    return "corrected" if after.values["corrections"] != before.values["corrections"] else "updated"
