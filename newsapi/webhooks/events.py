"""Events: the deliveries of the changes of the changelog to each webhook, and the event of a finished import."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NotRequired, TypedDict
from uuid import UUID

from newsapi.cache import dependencies
from newsapi.changelog import offsets as changelog_offsets
from newsapi.changelog.reader import ChangeRow
from newsapi.content.presentation.presentation import FULL_ACCESS, ArticlePresenter
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import facet_slugs, snapshots
from newsapi.content.queries import terms as term_queries
from newsapi.db.database import Connection, Session
from newsapi.errors import WithdrawalInfo
from newsapi.keys import commands as key_commands
from newsapi.web.caller import Caller
from newsapi.webhooks import queries, signing
from newsapi.webhooks.event_types import (
    ARTICLE_EVENT_OF_REASON,
    ARTICLE_OUT_OF_SCOPE,
    ARTICLE_PUBLISHED,
    CACHE_INVALIDATED,
    IMPORT_FINISHED,
    RECALLS,
    TERM_EVENT_OF_KIND,
)
from newsapi.webhooks.queries import NewDelivery, WebhookRow

MAX_KEYS_PER_EVENT: Final = 400
"""Maximum number of surrogate keys in one `cache.invalidated` event."""

MAX_KEYS_BYTES: Final = signing.MAX_BODY_BYTES - 500
"""Maximum size of the surrogate keys of one `cache.invalidated` event as JSON; the other members need less than 500."""


class ChangeData(TypedDict):
    """The part of the `data` of an event that all changes have.

    `tags` are surrogate keys. `cdn_purged` is there, and false, only if the CDN may still serve outdated responses.
    """

    cdn_purged: NotRequired[bool]
    seq: int
    id: str
    slug: str
    previous_slug: str | None
    tags: list[str]


class TermEventData(ChangeData):
    """The `data` of an event of a brand, author, section or tag."""

    links: dict[str, str]


class ArticleEventData(TermEventData):
    """The `data` of an event of an article. `gone` is set if the article is no longer public."""

    version: int | None
    reason: str
    gone: WithdrawalInfo | None
    url: str | None


EventData = TermEventData | ArticleEventData


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
    body = signing.build_event(IMPORT_FINISHED, now, data)
    subscribed = [row for row in queries.list_eligible(connection, now) if IMPORT_FINISHED in row.events]
    queries.insert_deliveries(
        session,
        [
            # Where the articles have events, this one is sent after them.
            _delivery(row, seq, IMPORT_FINISHED, body, now=now, is_bulk=row.include_imports)
            for row in subscribed
        ],
    )


# --- from changes to events -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What to plan.

    Attributes:
        webhooks: The eligible webhooks.
        changes: Rows of the changelog, at least one, in order.
        unpurged: The changes for which the CDN may still serve outdated responses.
        now: The time at which the deliveries are due.
    """

    webhooks: Sequence[WebhookRow]
    changes: Sequence[ChangeRow]
    unpurged: Collection[int]
    now: datetime


def plan_deliveries(connection: Connection, request: PlanRequest, presentation: ArticlePresenter) -> list[NewDelivery]:
    """Return the deliveries of the events that changes are for each webhook.

    Args:
        connection: A connection to the database.
        request: The webhooks and the changes.
        presentation: Builds the URLs of the events.

    Returns:
        The deliveries to insert.
    """
    changes, now = request.changes, request.now
    facet_names = facet_slugs.slugs_of_facets(connection, {facet for row in changes for facet in _facets(row)})
    common = {row.seq: _change_data(row, facet_names, request.unpurged) for row in changes}
    with_events = [row for row in changes if any(_may_have_event(row, webhook) for webhook in request.webhooks)]
    payloads = _event_payloads(connection, with_events, common, presentation)
    callers = {} if presentation.public == FULL_ACCESS else key_commands.list_owners(connection)
    deliveries = []
    for webhook in request.webhooks:
        entitlement = _entitlement_filters(connection, callers.get(webhook.owner))
        term_filters = _filter(connection, webhook) + entitlement
        for row in changes:
            type_ = _event_type(row, facet_names, term_filters) if _may_have_event(row, webhook) else ""
            is_wanted = type_ in webhook.events and (type_ in RECALLS or webhook.include_imports or not row.is_bulk)
            if is_wanted:
                body = signing.build_event(type_, row.committed_at, payloads[row.seq])
                delivery = _delivery(webhook, row.seq, type_, body, now=now, is_bulk=row.is_bulk)
                deliveries.append(replace(delivery, traceparent=row.traceparent))
        if CACHE_INVALIDATED in webhook.events:
            known = _recipients(changes, facet_names, entitlement) if entitlement else changes
            is_bulk = all(row.is_bulk for row in changes)
            deliveries += [
                _delivery(webhook, changes[-1].seq, CACHE_INVALIDATED, body, now=now, is_bulk=is_bulk)
                for body in _invalidations(known, common)
            ]
    return deliveries


def _may_have_event(row: ChangeRow, webhook: WebhookRow) -> bool:
    """Return whether a change can be an event for a webhook: of an import only recalls are, unless it asks for all."""
    return webhook.include_imports or not row.is_bulk or not set(row.facets_before) <= set(row.facets_after)


def _filter(connection: Connection, webhook: WebhookRow) -> list[TermFilter]:
    """Return the filter of a webhook: at most one term filter, with the brands and sections together."""
    brands, sections = webhook.brands or (), webhook.sections or ()
    if not brands and not sections:
        return []
    return [_terms(connection, "brand", brands) | _terms(connection, "section", sections)]


def _entitlement_filters(connection: Connection, caller: Caller | None) -> list[TermFilter]:
    """Return the entitlement of a key: one term filter for its brands and one for its sections."""
    filters = {} if caller is None else caller.entitlement_filters
    return [_terms(connection, kind, slugs) for kind, slugs in filters.items()]


def _terms(connection: Connection, kind: str, slugs: Sequence[str]) -> TermFilter:
    """Return brands or sections by their current slugs."""
    return (
        frozenset((kind, slug) for slug in term_queries.current_slugs(connection, kind, slugs))
        if slugs
        else frozenset()
    )


def _delivery(webhook: WebhookRow, seq: int, type_: str, body: str, *, now: datetime, is_bulk: bool) -> NewDelivery:
    return NewDelivery(webhook_id=webhook.id, seq=seq, type=type_, body=body, created_at=now, is_bulk=is_bulk)


FacetNames = Mapping[int, Collection[tuple[str, str]]]
"""Kinds and slugs of terms, by facet."""

TermFilter = frozenset[tuple[str, str]]
"""Kinds and slugs of terms: an article passes the filter if it has one of them."""


def _facets(row: ChangeRow) -> Iterable[int]:
    return (*row.facets_before, *row.facets_after)


def _event_type(row: ChangeRow, facet_names: FacetNames, filters: Collection[TermFilter]) -> str:
    """Return the event type of a change for a client with these filters; empty if it is no event for the client."""
    if row.kind != "article":
        event_type = TERM_EVENT_OF_KIND.get(row.kind, "")  # related lists and search results have no events
        return "" if _is_term_outside(row, filters) else event_type
    was_inside = _within(row.facets_before, facet_names, filters)
    is_inside = _within(row.facets_after, facet_names, filters)
    event_type = ARTICLE_EVENT_OF_REASON.get(row.reason, "")
    if row.action == "delete":
        return event_type if was_inside else ""
    if is_inside:
        return event_type if was_inside else ARTICLE_PUBLISHED
    return ARTICLE_OUT_OF_SCOPE if was_inside else ""


def _is_term_outside(row: ChangeRow, filters: Collection[TermFilter]) -> bool:
    """Return whether a filter names terms of this kind, but not the changed one under its new or old slug."""
    names = {(row.kind, row.slug), (row.kind, row.previous_slug)}
    return any(names.isdisjoint(terms) and row.kind in {kind for kind, _ in terms} for terms in filters)


def _within(facets: Collection[int], facet_names: FacetNames, filters: Collection[TermFilter]) -> bool:
    """Return whether an article with these facets passes all filters; without facets it is not public."""
    if not filters:
        return bool(facets)
    terms = {term for facet in facets for term in facet_names.get(facet, ())}
    return not any(terms.isdisjoint(group) for group in filters)


def _event_payloads(
    connection: Connection,
    changes: Sequence[ChangeRow],
    common: Mapping[int, ChangeData],
    presentation: ArticlePresenter,
) -> dict[int, EventData]:
    """Return the payload of the event of each change, by `seq`; `common` is the part that all changes have."""
    ids = {row.subject_id for row in changes if row.kind == "article"}
    if not changes:
        return {}
    records = {
        record["id"]: record
        for record in article_queries.get_many(connection, [*ids], include_unpublished=True).records
    }
    withdrawals = snapshots.list_withdrawals(connection, ids)
    return {
        row.seq: _article_data(
            row, common[row.seq], records[row.subject_id], withdrawals.get(row.subject_id), presentation
        )
        if row.kind == "article" and row.subject_id in records
        else _term_data(row, common[row.seq], presentation)
        for row in changes
    }


def _article_data(
    row: ChangeRow,
    common: ChangeData,
    record: Mapping[str, object],
    withdrawal: WithdrawalInfo | None,
    presentation: ArticlePresenter,
) -> ArticleEventData:
    return {
        **common,
        "version": row.version,
        "reason": row.reason,
        "gone": withdrawal if row.action == "delete" else None,
        "url": presentation.article_url({**record, "slug": row.slug}),
        "links": {"self": f"{presentation.api}/v1/articles/{row.slug}"},
    }


def _term_data(row: ChangeRow, common: ChangeData, presentation: ArticlePresenter) -> TermEventData:
    return {**common, "links": {"self": f"{presentation.api}/v1/{row.kind}s/{row.slug}"}}


def _change_data(row: ChangeRow, facet_names: FacetNames, unpurged: Collection[int]) -> ChangeData:
    data: ChangeData = {
        "seq": row.seq,
        "id": str(row.subject_id),
        "slug": row.slug,
        "previous_slug": row.previous_slug,
        "tags": sorted({*dependencies.surrogate_keys_of_change(row, facet_names)}),
    }
    if row.seq in unpurged:
        data["cdn_purged"] = False
    return data


def _recipients(
    changes: Sequence[ChangeRow], facet_names: FacetNames, entitlement: Collection[TermFilter]
) -> list[ChangeRow]:
    """Return the changes that a client with this entitlement may know of."""
    return [row for row in changes if row.kind != "article" or _event_type(row, facet_names, entitlement)]


def _invalidations(changes: Sequence[ChangeRow], common: Mapping[int, ChangeData]) -> list[str]:
    """Return the bodies of as many `cache.invalidated` events as the surrogate keys of the changes need."""
    surrogate_keys = sorted({surrogate_key for row in changes for surrogate_key in common[row.seq]["tags"]})
    is_unpurged = any("cdn_purged" in common[row.seq] for row in changes)
    return [
        signing.build_event(
            CACHE_INVALIDATED,
            changes[-1].committed_at,
            {"seq": changes[-1].seq, "tags": batch, **({"cdn_purged": False} if is_unpurged else {})},
        )
        for batch in _key_batches(surrogate_keys)
    ]


def _key_batches(surrogate_keys: Iterable[str]) -> Iterator[list[str]]:
    """Yield surrogate keys in batches that fit into one event."""
    batch: list[str] = []
    size = 0
    for surrogate_key in surrogate_keys:
        length = len(surrogate_key) + len('"",')
        if batch and (len(batch) == MAX_KEYS_PER_EVENT or size + length > MAX_KEYS_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(surrogate_key)
        size += length
    if batch:
        yield batch
