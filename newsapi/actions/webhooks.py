"""Webhooks: made, changed, rotated, removed; and which events changes of the log are, for whom."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from newsapi.actions.keys import Caller
from newsapi.cache import tags
from newsapi.errors import BadBody, Fault, NotFound
from newsapi.feeds import webhooks as wire
from newsapi.model.base import uuid7
from newsapi.schemas.presentation import Presentation
from newsapi.schemas.webhooks import INVALIDATED, PING
from newsapi.store import articles, deeds, states, webhooks, words
from newsapi.store.database import Connection, Database, Session

Found = TypeVar("Found")
Then = Callable[[Session, dict[str, Any]], Found]

MOST: Final = 100
"""Webhooks that a key may have."""

OVERLAP: Final = timedelta(hours=24)
"""How long a secret goes on signing beside the one that took its place."""

WORDS: Final = 400
"""Words that one `cache.invalidated` names."""


def create(database: Database, caller: Caller, values: Mapping[str, Any], *, now: datetime, then: Then[Found]) -> Found:
    """Make a webhook; answer what `then` makes of its columns, the secret among them, in the same transaction.

    Raises BadBody where the key has too many.
    """
    columns = {"id": uuid7(), "by": caller.name, "secret": wire.new_secret(), "created_at": now, **values}
    with database.transaction() as session:
        if webhooks.count(session.connection(), caller.name) >= MOST:
            raise BadBody([Fault("", f"this key has {MOST} webhooks already")])
        webhooks.add(session, **columns)
        _note(session, caller, "create", columns["id"], now)
        return then(session, columns)


def change(
    database: Database, caller: Caller, id_: UUID, values: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Change a webhook; answer its columns. Raises NotFound."""
    with database.transaction() as session:
        columns = own(session.connection(), caller, id_) | dict(values)
        if values:
            webhooks.change(session, id_, **values)
            _note(session, caller, "update", id_, now)
    return columns


def rotate(database: Database, caller: Caller, id_: UUID, *, now: datetime) -> dict[str, Any]:
    """Give a webhook a new secret; the one it has signs beside it for a day. Raises NotFound."""
    with database.transaction() as session:
        columns = own(session.connection(), caller, id_)
        new = {"secret": wire.new_secret(), "former_secret": columns["secret"], "former_until": now + OVERLAP}
        webhooks.change(session, id_, **new)
        _note(session, caller, "rotate", id_, now)
    return columns | new


def remove(database: Database, caller: Caller, id_: UUID, *, now: datetime) -> None:
    """Remove a webhook; what was still to be delivered is not. Raises NotFound."""
    with database.transaction() as session:
        own(session.connection(), caller, id_)
        webhooks.remove(session, id_)
        _note(session, caller, "delete", id_, now)


def ping(database: Database, caller: Caller, id_: UUID, *, now: datetime) -> UUID:
    """Send an event that means nothing, whatever the webhook listens to; answer its id. Raises NotFound."""
    with database.transaction() as session:
        own(session.connection(), caller, id_)
        row = _row(id_, None, PING, wire.body(PING, now, {"webhook": str(id_)}), now)
        webhooks.plan(session, [row])
    return UUID(str(row["id"]))


def redeliver(database: Database, caller: Caller, id_: UUID, delivery: UUID, *, now: datetime) -> None:
    """Have an event delivered once more, under the id it has. Raises NotFound."""
    with database.transaction() as session:
        own(session.connection(), caller, id_)
        if not webhooks.again(session, id_, delivery, now):
            raise NotFound


def whose(caller: Caller) -> str | None:
    """Whose webhooks a caller sees: None for everybody's."""
    return None if "admin" in caller.scopes else caller.name


def own(connection: Connection, caller: Caller, id_: UUID) -> dict[str, Any]:
    """Answer a webhook of the caller's; `admin` sees those of all. Raises NotFound."""
    row = webhooks.one(connection, id_, whose(caller))
    if row is None:
        raise NotFound
    return dict(row._mapping)  # noqa: SLF001 (documented)


def _note(session: Session, caller: Caller, action: str, id_: UUID, now: datetime) -> None:
    deeds.note(session, at=now, by=caller.name, action=action, kind="webhook", subject_id=id_)


# --- from changes to events -------------------------------------------------------------------------------------------


def planned(
    connection: Connection, hooks: Sequence[Any], changed: Sequence[Any], shown: Presentation, *, now: datetime
) -> list[dict[str, Any]]:
    """Answer the deliveries that changes, one at least, mean for these webhooks: as rows to be kept."""
    named = words.of_facets(connection, {facet for row in changed for facet in _facets(row)})
    told = _told(connection, changed, named, shown)
    last, invalidations = changed[-1], _invalidations(changed, told)
    found = []
    for hook in hooks:
        wanted = {("brand", slug) for slug in hook.brands or ()} | {("section", slug) for slug in hook.sections or ()}
        for change_ in changed:
            type_ = _type(change_, named, wanted)
            if type_ in hook.events:
                at, data = change_.at, told[change_.seq]
                found.append(_row(hook.id, change_.seq, type_, wire.body(type_, at, data), now))
        if INVALIDATED in hook.events:
            found += [_row(hook.id, last.seq, INVALIDATED, body, now) for body in invalidations]
    return found


def _row(hook: UUID, seq: int | None, type_: str, body: str, now: datetime) -> dict[str, Any]:
    row = {"id": uuid7(), "webhook_id": hook, "seq": seq, "type": type_, "body": body}
    return row | {"state": "pending", "attempts": 0, "due_at": now, "created_at": now}


Named = Mapping[int, Collection[tuple[str, str]]]


def _facets(row: Any) -> Iterable[int]:
    return (*row.facets_before, *row.facets_after)


def _type(row: Any, named: Named, wanted: Collection[tuple[str, str]]) -> str:
    """The event that a change is for who wants only some brands or sections; empty where it is none."""
    if row.kind == "related":
        return ""
    if row.kind != "article":
        kinds = {kind for kind, _ in wanted}
        outside = row.kind in kinds and not {(row.kind, row.slug), (row.kind, row.previous_slug)} & {*wanted}
        return "" if outside else f"{row.kind}.updated"
    before, after = (_within(facets, named, wanted) for facets in (row.facets_before, row.facets_after))
    if row.action == "delete":
        return f"article.{_REASONS.get(row.reason, row.reason)}" if before else ""
    if after:
        return f"article.{row.reason}" if before or row.reason == "published" else "article.published"
    return "article.out_of_scope" if before else ""


_REASONS: Final = {"rights": "withdrawn"}
"""Reasons of the log that are told as another event, and as themselves in its body."""


def _within(facets: Iterable[int], named: Named, wanted: Collection[tuple[str, str]]) -> bool:
    return bool([*facets]) if not wanted else any(term in wanted for facet in facets for term in named.get(facet, ()))


def _told(
    connection: Connection, changed: Sequence[Any], named: Named, shown: Presentation
) -> dict[int, dict[str, Any]]:
    """What an event tells of each change, by its number."""
    ids = {row.subject_id for row in changed if row.kind == "article"}
    there = {record["id"]: record for record in articles.by_ids(connection, [*ids], hidden=True).records}
    gone = states.gone(connection, ids)
    return {
        row.seq: _of_article(row, named, there[row.subject_id], gone.get(row.subject_id), shown)
        if row.kind == "article" and row.subject_id in there
        else _of_term(row, named, shown)
        for row in changed
    }


def _of_article(row: Any, named: Named, record: dict[str, Any], gone: Any, shown: Presentation) -> dict[str, Any]:
    is_out = row.action == "delete"
    return {
        **_base(row, named),
        "version": row.version,
        "reason": row.reason,
        "gone": gone if is_out else None,
        "url": shown.article_url({**record, "slug": row.slug}),
        "links": {"self": f"{shown.api}/v1/articles/{row.slug}"},
    }


def _of_term(row: Any, named: Named, shown: Presentation) -> dict[str, Any]:
    return {**_base(row, named), "links": {"self": f"{shown.api}/v1/{row.kind}s/{row.slug}"}}


def _base(row: Any, named: Named) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "id": str(row.subject_id),
        "slug": row.slug,
        "previous_slug": row.previous_slug,
        "tags": sorted({*tags.dropped(row, named)}),
    }


def _invalidations(changed: Sequence[Any], told: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """The bodies that tell what is true no more since these changes: as many as it takes."""
    touched = sorted({word for each in told.values() for word in each["tags"]})
    last = changed[-1]
    return [
        wire.body(INVALIDATED, last.at, {"seq": last.seq, "tags": touched[start : start + WORDS]})
        for start in range(0, len(touched), WORDS)
    ]
