"""Resolution of an incoming article against the stored one: what is written, and why the public sees a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.writes.articles import ArticleWrite
from newsapi.content.writes.drafts import LISTS, TERM_KIND_OF_FIELD, ArticleDraft
from newsapi.db.types import latest_time, uuid7
from newsapi.errors import FieldError, InvalidParameter, WithdrawalInfo
from newsapi.text.json_types import JsonValue
from newsapi.web.wire import format_instant

References = Mapping[str, Mapping[str, UUID]]
"""The ids of terms, by kind and slug."""


@dataclass(frozen=True, slots=True)
class ExistingArticles:
    """Snapshots of the stored articles that drafts may match, by current or former slug and by id."""

    by_slug: Mapping[str, ArticleSnapshot]
    by_id: Mapping[UUID, ArticleSnapshot]

    def match(self, draft: ArticleDraft) -> ArticleSnapshot | None:
        """Return the article that a draft updates: the one with its id or, without an id, with its slug."""
        return self.by_id.get(draft.id) if draft.id else self.by_slug.get(draft.slug)

    def all_named(self, draft: ArticleDraft) -> list[ArticleSnapshot]:
        """Return every article that has the draft's id, or has or had one of its slugs."""
        snapshots = [self.by_slug.get(slug) for slug in (draft.slug, *draft.previous_slugs)]
        snapshots.append(self.by_id.get(draft.id) if draft.id else None)
        return [snapshot for snapshot in snapshots if snapshot]


def resolve(draft: ArticleDraft, existing: ExistingArticles, term_ids: References, now: datetime) -> ArticleWrite:
    """Resolve a draft against the stored articles and terms.

    Args:
        draft: The article as it came in.
        existing: The stored articles that have its id or slugs.
        term_ids: The ids of the terms that it refers to.
        now: The time of the write.

    Returns:
        The article before and after the write, with the reason of the change; `after` is `before` if nothing changes.

    Raises:
        InvalidParameter: A term does not exist, or a slug belongs to another article.
    """
    before = existing.match(draft)
    links = _links(draft, term_ids)
    after = _after(draft, before, links, now)
    _check_slugs(draft, after, existing)
    if before is None:
        return ArticleWrite(after, None, _change_reason(after, None))
    if after.same_content(before):
        return ArticleWrite(before, before, None)
    if draft.values["updated_at"] is None:
        after.values["updated_at"] = now
    after.version = before.version + 1
    return ArticleWrite(after, before, _change_reason(after, before))


def _check_slugs(draft: ArticleDraft, after: ArticleSnapshot, existing: ExistingArticles) -> None:
    errors = []
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
    for field, slugs in draft.references.items():
        ids = []
        for number, slug in enumerate(slugs):
            id_ = term_ids[TERM_KIND_OF_FIELD[field]].get(slug)
            if id_ is None:
                pointer = f"/{field}/{number}" if field in LISTS else f"/{field}"
                errors.append(FieldError(pointer, f"there is no {TERM_KIND_OF_FIELD[field]} {slug}"))
            elif id_ not in ids:  # two slugs may lead to one term
                ids.append(id_)
        links[field] = ids
    if errors:
        raise InvalidParameter(errors)
    # The brand of an article is not also one of its mentions.
    links["mentions"] = [id_ for id_ in links["mentions"] if id_ not in links["brand"]]
    return links


def _after(
    draft: ArticleDraft, before: ArticleSnapshot | None, links: dict[str, list[UUID]], now: datetime
) -> ArticleSnapshot:
    values = dict(draft.values)
    values.setdefault("bans", before.values["bans"] if before else None)  # import records do not contain them
    for field in ("brand", "section"):
        values[f"{field}_id"] = next(iter(links[field]), None)
    if before and before.values["slug"] != draft.slug and draft.id is None:
        values["slug"] = before.values["slug"]  # the record uses a former slug of the article
    if values["status"] == "published" and values["published_at"] > now and not _was_published_then(values, before):
        values["status"] = "scheduled"  # it is published by the scheduler, as a change of its own
    values["updated_at"] = values["updated_at"] or _updated_at(values, before, now)
    values["materially_updated_at"] = values["materially_updated_at"] or _materially_updated_at(values, before)
    snapshot = ArticleSnapshot(
        id=before.id if before else draft.id or uuid7(),
        values=values,
        links={field: links[field] for field in LISTS},
        import_digest=draft.source_digest,
        former_slugs=_former_slugs(draft, before, values["slug"]),
    )
    snapshot.withdrawal = _withdrawal(snapshot, before, now)
    return snapshot


def _was_published_then(values: Mapping[str, object], before: ArticleSnapshot | None) -> bool:
    """Return whether the article is public since the same time; if that is in the future, a clock was set back."""
    return before is not None and before.is_public and before.values["published_at"] == values["published_at"]


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
