"""Commands for webhooks, and the translation of changes of the changelog to events for each webhook."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from newsapi.cache import dependencies
from newsapi.changelog import offsets as changelog_offsets
from newsapi.content.presentation.presentation import FULL_ACCESS, ArticlePresenter
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import facet_slugs, snapshots
from newsapi.db.database import Connection, Database, Session
from newsapi.db.types import uuid7
from newsapi.errors import FieldError, InvalidBody, NotFound
from newsapi.keys import audit
from newsapi.keys import commands as key_commands
from newsapi.keys.commands import Caller
from newsapi.sync import receipts
from newsapi.webhooks import queries
from newsapi.webhooks import signing as wire
from newsapi.webhooks.schemas import CACHE_INVALIDATED, IMPORT_FINISHED, PING

Found = TypeVar("Found")
Then = Callable[[Session, dict[str, Any]], Found]

MAX_WEBHOOKS_PER_KEY: Final = 100
"""Maximum number of webhooks of a key."""

SECRET_OVERLAP: Final = timedelta(hours=24)
"""How long the old secret of a webhook signs deliveries together with the new one."""

MAX_KEYS_PER_EVENT: Final = 400
"""Maximum number of surrogate keys in one `cache.invalidated` event."""


def create(
    database: Database, caller: Caller, values: Mapping[str, Any], *, now: datetime, read_back: Then[Found]
) -> Found:
    """Create a webhook.

    Args:
        database: The database.
        caller: The key that owns the webhook.
        values: The validated fields of the request body.
        now: The time of creation.
        read_back: Builds the result inside the transaction, from the columns of the webhook and its secret.

    Returns:
        What `read_back` returns.

    Raises:
        InvalidBody: The key has too many webhooks.
    """
    columns = {"id": uuid7(), "owner": caller.name, "secret": wire.generate_secret(), "created_at": now, **values}
    with database.transaction() as session:
        if queries.count_webhooks(session.connection(), caller.name) >= MAX_WEBHOOKS_PER_KEY:
            raise InvalidBody([FieldError("", f"this key already has {MAX_WEBHOOKS_PER_KEY} webhooks")])
        queries.insert_webhook(session, **columns)
        _note(session, caller, "create", columns["id"], now)
        return read_back(session, columns)


def change(
    database: Database, caller: Caller, id_: UUID, values: Mapping[str, Any], *, now: datetime
) -> dict[str, Any]:
    """Update a webhook and return its columns; raise NotFound."""
    with database.transaction() as session:
        columns = get_own(session.connection(), caller, id_) | dict(values)
        if values:
            queries.update_webhook(session, id_, **values)
            _note(session, caller, "update", id_, now)
    return columns


def rotate(database: Database, caller: Caller, id_: UUID, *, now: datetime) -> dict[str, Any]:
    """Generate a new secret and return the columns of the webhook; the old secret also signs for a day.

    Args:
        database: The database.
        caller: The key that owns the webhook, or one with the scope `admin`.
        id_: The webhook.
        now: The time of the rotation.

    Returns:
        The columns of the webhook, with the new secret.
    """
    with database.transaction() as session:
        columns = get_own(session.connection(), caller, id_)
        new_columns = {
            "secret": wire.generate_secret(),
            "previous_secret": columns["secret"],
            "previous_secret_expires_at": now + SECRET_OVERLAP,
        }
        queries.update_webhook(session, id_, **new_columns)
        _note(session, caller, "rotate", id_, now)
    return columns | new_columns


def remove(database: Database, caller: Caller, id_: UUID, *, now: datetime) -> None:
    """Delete a webhook with its pending deliveries; raise NotFound."""
    with database.transaction() as session:
        get_own(session.connection(), caller, id_)
        queries.delete_webhook(session, id_)
        _note(session, caller, "delete", id_, now)


def ping(database: Database, caller: Caller, id_: UUID, *, now: datetime) -> UUID:
    """Queue a `webhook.ping` event, whatever the webhook subscribes to, and return its id; raise NotFound."""
    with database.transaction() as session:
        get_own(session.connection(), caller, id_)
        row = _row(id_, None, PING, wire.build_event(PING, now, {"webhook": str(id_)}), now)
        queries.insert_deliveries(session, [row])
    return UUID(str(row["id"]))


def queue_import_finished(session: Session, id_: UUID, state: str, api_url: str, *, now: datetime) -> None:
    """Queue an `import.finished` event for all webhooks that subscribe to it.

    The event has the current position of the changelog, so it is sent when every node knows what the import wrote. It
    has no counts: a client with the required scope reads them from the import.

    Args:
        session: The transaction that ends the import.
        id_: The import.
        state: Its final state.
        api_url: The base of the link to the import.
        now: The time of the event.
    """
    connection = session.connection()
    seq = changelog_offsets.changelog_head(connection).seq
    data = {"seq": seq, "id": str(id_), "state": state, "links": {"self": f"{api_url}/v1/imports/{id_}"}}
    body = wire.build_event(IMPORT_FINISHED, now, data)
    webhook_ids = [
        webhook.id for webhook in queries.list_eligible(connection, now) if IMPORT_FINISHED in webhook.events
    ]
    queries.insert_deliveries(
        session, [_row(webhook_id, seq, IMPORT_FINISHED, body, now) for webhook_id in webhook_ids]
    )


def redeliver(database: Database, caller: Caller, id_: UUID, delivery_id: UUID, *, now: datetime) -> None:
    """Queue a delivery again under the same event id; raise NotFound."""
    with database.transaction() as session:
        get_own(session.connection(), caller, id_)
        if not queries.requeue(session, id_, delivery_id, now):
            raise NotFound


def visible_owner(caller: Caller) -> str | None:
    """Return the owner whose webhooks a caller sees; None for those of all owners."""
    return None if "admin" in caller.scopes else caller.name


def get_own(connection: Connection, caller: Caller, id_: UUID) -> dict[str, Any]:
    """Return the columns of a webhook of the caller, or of any owner for the scope `admin`; raise NotFound."""
    row = queries.get_webhook(connection, id_, visible_owner(caller))
    if row is None:
        raise NotFound
    return dict(row._mapping)  # noqa: SLF001 (the documented way to the names of a row's columns)


def _note(session: Session, caller: Caller, action: str, id_: UUID, now: datetime) -> None:
    audit.insert_entry(session, occurred_at=now, actor=caller.name, action=action, kind="webhook", subject_id=id_)


# --- from changes to events -------------------------------------------------------------------------------------------


def plan_deliveries(
    connection: Connection,
    webhook_rows: Sequence[Any],
    changes: Sequence[Any],
    presentation: ArticlePresenter,
    *,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return the deliveries of the events that changes are for each webhook.

    Args:
        connection: A connection to the database.
        webhook_rows: The eligible webhooks.
        changes: Rows of the changelog, at least one, in order.
        presentation: Builds the URLs of the events.
        now: The time at which the deliveries are due.

    Returns:
        Rows for the table of deliveries.
    """
    facet_names = facet_slugs.slugs_of_facets(connection, {facet for row in changes for facet in _facets(row)})
    payloads = _event_payloads(connection, changes, facet_names, presentation)
    callers = {} if presentation.public == FULL_ACCESS else key_commands.list_owners(connection)
    last_seq, all_invalidations = changes[-1].seq, _invalidations(changes, payloads)
    deliveries = []
    for webhook in webhook_rows:
        entitlement = _licence(connection, callers.get(webhook.owner))
        term_filters = _filter(connection, webhook) + entitlement
        for row in changes:
            type_ = _type(row, facet_names, term_filters)
            if type_ in webhook.events:
                body = wire.build_event(type_, row.committed_at, payloads[row.seq])
                deliveries.append(_row(webhook.id, row.seq, type_, body, now))
        if CACHE_INVALIDATED in webhook.events:
            bodies = all_invalidations
            if entitlement:
                bodies = _invalidations(_recipients(changes, facet_names, entitlement), payloads)
            deliveries += [_row(webhook.id, last_seq, CACHE_INVALIDATED, body, now) for body in bodies]
    return deliveries


def _filter(connection: Connection, webhook: Any) -> list[TermFilter]:
    """Return the filter of a webhook: at most one term filter, with the brands and sections together."""
    brands, sections = webhook.brands or (), webhook.sections or ()
    if not brands and not sections:
        return []
    return [_terms(connection, "brand", brands) | _terms(connection, "section", sections)]


def _licence(connection: Connection, caller: Caller | None) -> list[TermFilter]:
    """Return the entitlement of a key: one term filter for its brands and one for its sections."""
    filters = {} if caller is None else caller.entitlement_filters
    return [_terms(connection, kind, slugs) for kind, slugs in filters.items()]


def _terms(connection: Connection, kind: str, slugs: Sequence[str]) -> TermFilter:
    """Return brands or sections by their current slugs."""
    return frozenset((kind, slug) for slug in receipts.current_slugs(connection, kind, slugs)) if slugs else frozenset()


def _row(webhook_id: UUID, seq: int | None, type_: str, body: str, now: datetime) -> dict[str, Any]:
    """Return the row of a pending delivery."""
    return {
        "id": uuid7(),
        "webhook_id": webhook_id,
        "seq": seq,
        "type": type_,
        "body": body,
        "state": "pending",
        "attempts": 0,
        "next_attempt_at": now,
        "created_at": now,
    }


FacetNames = Mapping[int, Collection[tuple[str, str]]]
"""Kinds and slugs of terms, by facet."""

TermFilter = frozenset[tuple[str, str]]
"""Kinds and slugs of terms: an article passes the filter if it has one of them."""


def _facets(row: Any) -> Iterable[int]:
    return (*row.facets_before, *row.facets_after)


def _type(row: Any, facet_names: FacetNames, filters: Collection[TermFilter]) -> str:
    """Return the event type of a change for a client with these filters; empty if it is no event for the client."""
    if row.kind in {"related", "search"}:
        return ""
    if row.kind != "article":
        return "" if _is_term_outside(row, filters) else f"{row.kind}.updated"
    was_inside = _within(row.facets_before, facet_names, filters)
    is_inside = _within(row.facets_after, facet_names, filters)
    if row.action == "delete":
        return f"article.{_EVENT_OF_REASON.get(row.reason, row.reason)}" if was_inside else ""
    if is_inside:
        return f"article.{row.reason}" if was_inside or row.reason == "published" else "article.published"
    return "article.out_of_scope" if was_inside else ""


def _is_term_outside(row: Any, filters: Collection[TermFilter]) -> bool:
    """Return whether a filter names terms of this kind, but not the changed one under its new or old slug."""
    names = {(row.kind, row.slug), (row.kind, row.previous_slug)}
    return any(names.isdisjoint(terms) and row.kind in {kind for kind, _ in terms} for terms in filters)


_EVENT_OF_REASON: Final = {"rights": "withdrawn"}
"""Event types for reasons of the changelog that have none of their own; the payload has the reason itself."""


def _within(facets: Collection[int], facet_names: FacetNames, filters: Collection[TermFilter]) -> bool:
    """Return whether an article with these facets passes all filters; without facets it is not public."""
    if not filters:
        return bool(facets)
    terms = {term for facet in facets for term in facet_names.get(facet, ())}
    return not any(terms.isdisjoint(group) for group in filters)


def _event_payloads(
    connection: Connection, changes: Sequence[Any], facet_names: FacetNames, presentation: ArticlePresenter
) -> dict[int, dict[str, Any]]:
    """Return the payload of the event of each change, by `seq`."""
    ids = {row.subject_id for row in changes if row.kind == "article"}
    records = {
        record["id"]: record
        for record in article_queries.get_many(connection, [*ids], include_unpublished=True).records
    }
    withdrawals = snapshots.withdrawals(connection, ids)
    return {
        row.seq: _of_article(row, facet_names, records[row.subject_id], withdrawals.get(row.subject_id), presentation)
        if row.kind == "article" and row.subject_id in records
        else _of_term(row, facet_names, presentation)
        for row in changes
    }


def _of_article(
    row: Any, facet_names: FacetNames, record: dict[str, Any], withdrawal: Any, presentation: ArticlePresenter
) -> dict[str, Any]:
    is_deleted = row.action == "delete"
    return {
        **_base(row, facet_names),
        "version": row.version,
        "reason": row.reason,
        "gone": withdrawal if is_deleted else None,
        "url": presentation.article_url({**record, "slug": row.slug}),
        "links": {"self": f"{presentation.api}/v1/articles/{row.slug}"},
    }


def _of_term(row: Any, facet_names: FacetNames, presentation: ArticlePresenter) -> dict[str, Any]:
    return {**_base(row, facet_names), "links": {"self": f"{presentation.api}/v1/{row.kind}s/{row.slug}"}}


def _base(row: Any, facet_names: FacetNames) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "id": str(row.subject_id),
        "slug": row.slug,
        "previous_slug": row.previous_slug,
        "tags": sorted({*dependencies.surrogate_keys_of_change(row, facet_names)}),
    }


def _recipients(changes: Sequence[Any], facet_names: FacetNames, entitlement: Collection[TermFilter]) -> list[Any]:
    """Return the changes that a client with this entitlement may know of."""
    return [row for row in changes if row.kind != "article" or _type(row, facet_names, entitlement)]


def _invalidations(changes: Sequence[Any], payloads: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """Return the bodies of as many `cache.invalidated` events as the surrogate keys of the changes need."""
    surrogate_keys = sorted({surrogate_key for row in changes for surrogate_key in payloads[row.seq]["tags"]})
    return [
        wire.build_event(
            CACHE_INVALIDATED,
            changes[-1].committed_at,
            {"seq": changes[-1].seq, "tags": surrogate_keys[start : start + MAX_KEYS_PER_EVENT]},
        )
        for start in range(0, len(surrogate_keys), MAX_KEYS_PER_EVENT)
    ]
