"""What an incoming article becomes: set against what is there, and why the public sees a change."""

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
"""The ids of terms by kind and slug."""


@dataclass(frozen=True, slots=True)
class Present:
    """The articles that are there: by a slug they have or had, and by id."""

    by_slug: Mapping[str, State]
    by_id: Mapping[UUID, State]

    def target(self, draft: Draft) -> State | None:
        """The article that is meant: the one with this id; without an id, the one that has or had this slug."""
        return self.by_id.get(draft.id) if draft.id else self.by_slug.get(draft.slug)

    def named(self, draft: Draft) -> list[State]:
        """Every article that a draft's id and slugs name, or named once."""
        found = [self.by_slug.get(slug) for slug in (draft.slug, *draft.previous_slugs)]
        found.append(self.by_id.get(draft.id) if draft.id else None)
        return [state for state in found if state]


def decided(draft: Draft, present: Present, references: References, now: datetime) -> Written:
    """Answer what is to be written; where nothing changes, `after` is `before`.

    Raises Invalid for what is not known, and for slugs that belong to another article.
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


def _check_slugs(draft: Draft, after: State, present: Present) -> None:
    faults = []
    owner = present.by_slug.get(after.values["slug"])
    if owner and owner.id != after.id and owner.values["slug"] == after.values["slug"]:
        faults.append(Fault("/slug", f"is the slug of another article, {owner.id}"))
    for number, slug in enumerate(draft.previous_slugs):
        owner = present.by_slug.get(slug)
        if owner and owner.id != after.id:
            faults.append(Fault(f"/previous_slugs/{number}", f"belongs to another article, {owner.values['slug']}"))
    if faults:
        raise Invalid(faults)


def _links(draft: Draft, references: References) -> dict[str, list[UUID]]:
    found: dict[str, list[UUID]] = {}
    faults = []
    for name, slugs in draft.references.items():
        ids = []
        for number, slug in enumerate(slugs):
            id_ = references[KIND_OF[name]].get(slug)
            if id_ is None:
                place = f"/{name}/{number}" if name in LISTS else f"/{name}"
                faults.append(Fault(place, f"there is no {KIND_OF[name]} {slug}"))
            elif id_ not in ids:  # two slugs may lead to one term
                ids.append(id_)
        found[name] = ids
    if faults:
        raise Invalid(faults)
    found["mentions"] = [id_ for id_ in found["mentions"] if id_ not in found["brand"]]  # its own brand goes unsaid
    return found


def _after(draft: Draft, before: State | None, links: dict[str, list[UUID]], now: datetime) -> State:
    values = dict(draft.values)
    values.setdefault("bans", before.values["bans"] if before else None)  # a record may say nothing of them
    for name in ("brand", "section"):
        values[f"{name}_id"] = next(iter(links[name]), None)
    if before and before.values["slug"] != draft.slug and draft.id is None:
        values["slug"] = before.values["slug"]  # the record still speaks of it by a former slug
    if values["status"] == "published" and values["published_at"] > now:
        values["status"] = "scheduled"  # the hour that comes is an event of its own
    values["updated_at"] = values["updated_at"] or _updated_at(values, before, now)
    values["materially_updated_at"] = values["materially_updated_at"] or _materially_updated_at(values, before)
    state = State(
        id=before.id if before else draft.id or uuid7(),
        values=values,
        links={name: links[name] for name in LISTS},
        import_digest=draft.digest,
        former_slugs=_former_slugs(draft, before, values["slug"]),
    )
    state.gone = _gone(state, before, now)
    return state


def _updated_at(values: Mapping[str, Any], before: State | None, now: datetime) -> datetime:
    found: datetime = before.values["updated_at"] if before else values["published_at"] or now
    return found


def _materially_updated_at(values: Mapping[str, Any], before: State | None) -> datetime | None:
    """Where nothing is said: publication, moved on by corrections that are later."""
    times = [before.values["materially_updated_at"] if before else None, values["published_at"]]
    times += [datetime.fromisoformat(item["at"]).astimezone(UTC) for item in values["corrections"]]
    return latest(times)


def _former_slugs(draft: Draft, before: State | None, slug: str) -> frozenset[str]:
    former = frozenset(draft.previous_slugs)
    if before:
        former |= before.former_slugs
    if before and (before.is_public or before.gone):  # what a draft was called before is nobody's business
        former |= {before.values["slug"]}
    return former - {slug}


def _gone(after: State, before: State | None, now: datetime) -> dict[str, Any] | None:
    """Why readers no longer see it: None where they do, or never did."""
    if after.is_public:
        return None
    withdrawn = after.values["status"] == "withdrawn"
    was_public = before.is_public if before else withdrawn and (after.values["published_at"] or now) < now
    if not was_public:
        return before.gone if before else None
    action = "withdrawn" if withdrawn else "unpublished"
    return {"at": written(now), "action": action, "reason": "other", "note": None, "replaced_by": None}


def _reason(after: State, before: State | None) -> str | None:
    """Why the public sees a change; None where it sees none."""
    was_public = before is not None and before.is_public
    if not after.is_public:
        return after.gone["action"] if after.gone and (was_public or before is None) else None
    if not was_public or before is None:
        return "published"
    return "corrected" if after.values["corrections"] != before.values["corrections"] else "updated"
