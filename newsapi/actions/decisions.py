"""Resolution of an incoming article against the stored one: what is written, and why the public sees a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from newsapi.actions.drafts import KIND_OF, LISTS, Draft
from newsapi.errors import Fault, Invalid
from newsapi.model.base import latest, uuid7
from newsapi.schemas.wire import written
from newsapi.store.bulk import Written
from newsapi.store.states import State

References = Mapping[str, Mapping[str, UUID]]
"""The ids of terms, by kind and slug."""


@dataclass(frozen=True, slots=True)
class Present:
    """Snapshots of the stored articles that drafts may match, by current or former slug and by id."""

    by_slug: Mapping[str, State]
    by_id: Mapping[UUID, State]

    def target(self, draft: Draft) -> State | None:
        """Return the article that a draft updates: the one with its id or, without an id, with its slug."""
        return self.by_id.get(draft.id) if draft.id else self.by_slug.get(draft.slug)

    def named(self, draft: Draft) -> list[State]:
        """Return every article that has the draft's id, or has or had one of its slugs."""
        snapshots = [self.by_slug.get(slug) for slug in (draft.slug, *draft.previous_slugs)]
        snapshots.append(self.by_id.get(draft.id) if draft.id else None)
        return [snapshot for snapshot in snapshots if snapshot]


def decided(draft: Draft, present: Present, references: References, now: datetime) -> Written:
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
    before = present.target(draft)
    links = _links(draft, references)
    after = _after(draft, before, links, now)
    _check_slugs(draft, after, present)
    if before is None:
        return Written(after, None, _reason(after, None))
    if after.same_content(before):
        return Written(before, before, None)
    if draft.values["updated_at"] is None:
        after.values["updated_at"] = now
    after.version = before.version + 1
    return Written(after, before, _reason(after, before))


def _check_slugs(draft: Draft, after: State, existing: Present) -> None:
    errors = []
    owner = existing.by_slug.get(after.values["slug"])
    if owner and owner.id != after.id and owner.values["slug"] == after.values["slug"]:
        errors.append(Fault("/slug", f"is the slug of another article, {owner.id}"))
    for number, slug in enumerate(draft.previous_slugs):
        owner = existing.by_slug.get(slug)
        if owner and owner.id != after.id:
            errors.append(Fault(f"/previous_slugs/{number}", f"belongs to another article, {owner.values['slug']}"))
    if errors:
        raise Invalid(errors)


def _links(draft: Draft, term_ids: References) -> dict[str, list[UUID]]:
    """Return the ids of the terms by field; raise InvalidParameter for terms that do not exist."""
    links: dict[str, list[UUID]] = {}
    errors = []
    for field, slugs in draft.references.items():
        ids = []
        for number, slug in enumerate(slugs):
            id_ = term_ids[KIND_OF[field]].get(slug)
            if id_ is None:
                pointer = f"/{field}/{number}" if field in LISTS else f"/{field}"
                errors.append(Fault(pointer, f"there is no {KIND_OF[field]} {slug}"))
            elif id_ not in ids:  # two slugs may lead to one term
                ids.append(id_)
        links[field] = ids
    if errors:
        raise Invalid(errors)
    # The brand of an article is not also one of its mentions.
    links["mentions"] = [id_ for id_ in links["mentions"] if id_ not in links["brand"]]
    return links


def _after(draft: Draft, before: State | None, links: dict[str, list[UUID]], now: datetime) -> State:
    values = dict(draft.values)
    values.setdefault("bans", before.values["bans"] if before else None)  # import records do not contain them
    for field in ("brand", "section"):
        values[f"{field}_id"] = next(iter(links[field]), None)
    if before and before.values["slug"] != draft.slug and draft.id is None:
        values["slug"] = before.values["slug"]  # the record uses a former slug of the article
    if values["status"] == "published" and values["published_at"] > now:
        values["status"] = "scheduled"  # it is published by the scheduler, as a change of its own
    values["updated_at"] = values["updated_at"] or _updated_at(values, before, now)
    values["materially_updated_at"] = values["materially_updated_at"] or _materially_updated_at(values, before)
    snapshot = State(
        id=before.id if before else draft.id or uuid7(),
        values=values,
        links={field: links[field] for field in LISTS},
        import_digest=draft.digest,
        former_slugs=_former_slugs(draft, before, values["slug"]),
    )
    snapshot.gone = _gone(snapshot, before, now)
    return snapshot


def _updated_at(values: Mapping[str, Any], before: State | None, now: datetime) -> datetime:
    updated_at: datetime = before.values["updated_at"] if before else values["published_at"] or now
    return updated_at


def _materially_updated_at(values: Mapping[str, Any], before: State | None) -> datetime | None:
    """Return the default: the latest of the stored time, the publication time and the times of corrections."""
    times = [before.values["materially_updated_at"] if before else None, values["published_at"]]
    times += [datetime.fromisoformat(correction["at"]).astimezone(UTC) for correction in values["corrections"]]
    return latest(times)


def _former_slugs(draft: Draft, before: State | None, slug: str) -> frozenset[str]:
    former = frozenset(draft.previous_slugs)
    if before:
        former |= before.former_slugs
    if before and (before.is_public or before.gone):  # slugs that were never public are not redirected
        former |= {before.values["slug"]}
    return former - {slug}


def _gone(after: State, before: State | None, now: datetime) -> dict[str, Any] | None:
    """Return the withdrawal info of an article that was public and is not; None for all others."""
    if after.is_public:
        return None
    withdrawn = after.values["status"] == "withdrawn"
    was_public = before.is_public if before else withdrawn and (after.values["published_at"] or now) < now
    if not was_public:
        return before.gone if before else None
    action = "withdrawn" if withdrawn else "unpublished"
    return {"at": written(now), "action": action, "reason": "other", "note": None, "replaced_by": None}


def _reason(after: State, before: State | None) -> str | None:
    """Return why the public sees a change; None if it sees none."""
    was_public = before is not None and before.is_public
    if not after.is_public:
        return after.gone["action"] if after.gone and (was_public or before is None) else None
    if not was_public or before is None:
        return "published"
    return "corrected" if after.values["corrections"] != before.values["corrections"] else "updated"
