"""Webhooks: made, changed, rotated, removed; and which events changes of the log are, for whom."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from newsapi.actions import keys
from newsapi.actions.keys import Caller
from newsapi.cache import tags
from newsapi.errors import BadBody, Fault, NotFound
from newsapi.feeds import webhooks as wire
from newsapi.model.base import uuid7
from newsapi.schemas.presentation import WHOLE, Presentation
from newsapi.schemas.webhooks import IMPORTED, INVALIDATED, PING
from newsapi.store import articles, deeds, partners, places, states, webhooks, words
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


def tell_import(session: Session, id_: UUID, state: str, api: str, *, now: datetime) -> None:
    """Tell who listens how an import ended: when every node knows what it wrote. Whoever may asks for its counts."""
    connection = session.connection()
    seq = places.head(connection).seq
    data = {"seq": seq, "id": str(id_), "state": state, "links": {"self": f"{api}/v1/imports/{id_}"}}
    body = wire.body(IMPORTED, now, data)
    hooks = [hook.id for hook in webhooks.told(connection, now) if IMPORTED in hook.events]
    webhooks.plan(session, [_row(hook, seq, IMPORTED, body, now) for hook in hooks])


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
    callers = {} if shown.public == WHOLE else keys.named(connection)
    last, invalidations = changed[-1], _invalidations(changed, told)
    found = []
    for hook in hooks:
        licence = _licence(connection, callers.get(hook.by))
        wanted = [*_filter(connection, hook), *licence]
        for change_ in changed:
            type_ = _type(change_, named, wanted)
            if type_ in hook.events:
                at, data = change_.at, told[change_.seq]
                found.append(_row(hook.id, change_.seq, type_, wire.body(type_, at, data), now))
        if INVALIDATED in hook.events:
            own = _invalidations(_meant(changed, named, licence), told) if licence else invalidations
            found += [_row(hook.id, last.seq, INVALIDATED, body, now) for body in own]
    return found


def _filter(connection: Connection, hook: Any) -> list[Group]:
    """What a webhook asks for: one of all these terms."""
    asked = {"brand": hook.brands or (), "section": hook.sections or ()}
    return [frozenset().union(*(_terms(connection, *each) for each in asked.items()))] if any(asked.values()) else []


def _licence(connection: Connection, caller: Caller | None) -> list[Group]:
    """What a key is for: a brand of these and a section of these."""
    found = {} if caller is None else caller.licence
    return [_terms(connection, *each) for each in found.items()]


def _terms(connection: Connection, kind: str, slugs: Sequence[str]) -> Group:
    """Brands or sections by the slugs they have now."""
    return frozenset((kind, slug) for slug in partners.present(connection, kind, slugs)) if slugs else frozenset()


def _row(hook: UUID, seq: int | None, type_: str, body: str, now: datetime) -> dict[str, Any]:
    row = {"id": uuid7(), "webhook_id": hook, "seq": seq, "type": type_, "body": body}
    return row | {"state": "pending", "attempts": 0, "due_at": now, "created_at": now}


Named = Mapping[int, Collection[tuple[str, str]]]
Group = frozenset[tuple[str, str]]
"""Terms of which an article has to bear one."""


def _facets(row: Any) -> Iterable[int]:
    return (*row.facets_before, *row.facets_after)


def _type(row: Any, named: Named, wanted: Collection[Group]) -> str:
    """The event that a change is for who wants what bears one term of each group; empty where it is none."""
    if row.kind in {"related", "search"}:
        return ""
    if row.kind != "article":
        own = {(row.kind, row.slug), (row.kind, row.previous_slug)}
        outside = any(own.isdisjoint(group) and row.kind in {kind for kind, _ in group} for group in wanted)
        return "" if outside else f"{row.kind}.updated"
    before, after = (_within(facets, named, wanted) for facets in (row.facets_before, row.facets_after))
    if row.action == "delete":
        return f"article.{_REASONS.get(row.reason, row.reason)}" if before else ""
    if after:
        return f"article.{row.reason}" if before or row.reason == "published" else "article.published"
    return "article.out_of_scope" if before else ""


_REASONS: Final = {"rights": "withdrawn"}
"""Reasons of the log that are told as another event, and as themselves in its body."""


def _within(facets: Collection[int], named: Named, wanted: Collection[Group]) -> bool:
    if not wanted:
        return bool(facets)
    terms = {term for facet in facets for term in named.get(facet, ())}
    return not any(terms.isdisjoint(group) for group in wanted)


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


def _meant(changed: Sequence[Any], named: Named, licence: Collection[Group]) -> list[Any]:
    """Which changes are told to whom not all articles are for."""
    return [row for row in changed if row.kind != "article" or _type(row, named, licence)]


def _invalidations(changed: Sequence[Any], told: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """The bodies that tell what is true no more since these changes: as many as it takes."""
    touched = sorted({word for row in changed for word in told[row.seq]["tags"]})
    return [
        wire.body(INVALIDATED, changed[-1].at, {"seq": changed[-1].seq, "tags": touched[start : start + WORDS]})
        for start in range(0, len(touched), WORDS)
    ]
