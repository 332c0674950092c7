"""Delta sync: the changes since a cursor, and a cursor that continues after them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, TypedDict
from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.cache import dependencies
from newsapi.cache.cached_response import CachedResponse
from newsapi.changelog import reader
from newsapi.changelog.exits import OUT_OF_SCOPE
from newsapi.changelog.reader import ChangeInfo
from newsapi.content.context import app_context
from newsapi.content.presentation import crosslinks, visibility_of_caller
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import facets, snapshots, terms
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.schemas.articles import ALL_FIELDS, ArticleSchema
from newsapi.db.database import Connection
from newsapi.db.types import latest_time
from newsapi.errors import CursorExpired, CursorInvalid, WithdrawalInfo
from newsapi.sync import delta
from newsapi.sync.delta import Event, FilterGroup
from newsapi.sync.schemas import ALLOWED_WITH_CURSOR, ChangeListParams, Changes
from newsapi.text.json_types import JsonObject
from newsapi.web import pagination
from newsapi.web.blueprint import Blueprint
from newsapi.web.fast_dump import compile_dump, dump_json
from newsapi.web.params import defaults_of
from newsapi.web.responses import cached_response, long_poll

blueprint = Blueprint("changes", __name__, url_prefix="/v1/changes", description="Mirror articles with delta sync")

PATH: Final = "/v1/changes"
CURSOR_PERIODS: Final = 14
"""Periods of 30 days for which a cursor is valid after the one it was made in: 400 days at least."""

PARTNER_FILTERS: Final = ("brand", "section", "author", "tag", "format", "language")
_DEFAULTS: Final = defaults_of(ChangeListParams)

IDLE_CURSOR_ADVANCE: Final = 1_000
"""Changes outside the filter after which the cursor of an empty page advances. Until then it stays the same."""


@dataclass(frozen=True, slots=True)
class SyncPosition:
    """Position of a client in the changelog.

    Attributes:
        after: The `seq` of the last change that the client has received.
        nonce: Nonce of that change; None if the client gave only `since`.
        former_filters: For each filter, the ids of all facets that its values have stood for; None if the client gave
            only `since`.
        entitlement: Hash of what the client's key may see; None if everyone gets full bodies.
    """

    after: int = 0
    nonce: int | None = None
    former_filters: Mapping[str, list[int]] | None = None
    entitlement: str | None = None


@blueprint.route("")
class AllChanges(MethodView):
    """The changes."""

    @blueprint.doc(operationId="listChanges", summary="List changes for delta sync")
    @blueprint.arguments(ChangeListParams(), location="query", error_status_code=400)
    @blueprint.response(200, Changes)
    @blueprint.alt_response(
        410, "DEFAULT_ERROR", description="The cursor is no longer valid: start again without a cursor"
    )
    def get(self, query: pagination.Query) -> Response:
        """Return the latest change of each article that changed, entered the filter or left it, ordered by `seq`.

        Start without a cursor and apply every change: upserts and deletes. Store the `cursor` of each response and send
        it with the next request. Your copy then equals the published articles of the filter: those that were withdrawn
        or left the filter are deleted from it. Repeated changes are possible; applying them again is harmless. A page
        may hold fewer changes than `limit`; continue until `has_more` is false.

        Filters apply to articles. Add `brand`, `section`, `author` or `tag` to `types` to receive changes of names.
        """
        query, position = _apply_cursor(query)
        wait_seconds = query.pop("wait")
        url = pagination.canonical_url(PATH, query, _DEFAULTS)
        if wait_seconds:
            return long_poll(url, query, lambda connection: _build_page(connection, query, position), wait_seconds)
        return cached_response(url, query, lambda connection: _build_page(connection, query, position))


def _apply_cursor(query: pagination.Query) -> tuple[pagination.Query, SyncPosition]:
    """Return the query with the filters of its cursor, and the position of the client.

    Raises:
        CursorInvalid: The cursor is malformed, or was made for another list or by an older release.
        CursorExpired: The cursor is too old.
    """
    if "cursor" not in query:
        return query, SyncPosition(query.get("since", 0))
    value = app_context().cursors.read(query["cursor"], now=app_context().now(), periods=CURSOR_PERIODS)
    try:
        list_name, filters, after, nonce, former_filters, entitlement = value
        if list_name != "changes":
            raise CursorInvalid("This cursor belongs to another list.")
        beside_cursor = {name: text for name, text in query.items() if name in ALLOWED_WITH_CURSOR}
        return {**ChangeListParams().load(filters), **beside_cursor}, SyncPosition(
            after, nonce, former_filters, entitlement
        )
    except (ValueError, TypeError) as error:
        raise CursorInvalid("This cursor was made by an older release. Start again without a cursor.") from error


class SyncScope(NamedTuple):
    """The articles that a client follows.

    Attributes:
        snapshot: Snapshot of the read, with the resolved filters of the query.
        groups: The facets of each filter: those of the query, and those of the key (named "own ...").
        entitlement: Hash of what the key may see; None if everyone gets full bodies.
    """

    snapshot: ReadSnapshot
    groups: dict[str, FilterGroup]
    entitlement: str | None


def scope(
    connection: Connection, query: pagination.Query, former_filters: Mapping[str, list[int]] | None = None
) -> SyncScope:
    """Resolve the filters of a query and those of the caller's key.

    Args:
        connection: A read transaction.
        query: Parsed query parameters.
        former_filters: For each filter, the facet ids that its values stood for before, from the cursor.

    Returns:
        The scope; without any filter it has one group "all", which holds every article.
    """
    snapshot = facets.resolve_filters(connection, {name: query[name] for name in PARTNER_FILTERS if name in query})
    groups = {name: _group(resolved, former_filters, name) for name, resolved in snapshot.filters.items()}
    entitlement = visibility_of_caller.entitlement_filters()
    if entitlement:
        key_filters = facets.resolve_filters(connection, entitlement).filters
        groups |= {
            f"own {name}": _group(resolved, former_filters, f"own {name}") for name, resolved in key_filters.items()
        }
    entitlement_hash = None
    if app_context().settings.public_body != "full":
        body_access = visibility_of_caller.body_access(connection)
        text = repr((body_access.entitled_level, body_access.default_level, sorted(entitlement.items())))
        entitlement_hash = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
    return SyncScope(
        snapshot, groups or {"all": _group([snapshot.everything], former_filters, "all")}, entitlement_hash
    )


def _group(
    resolved: Collection[facets.FacetState], former_filters: Mapping[str, list[int]] | None, name: str
) -> FilterGroup:
    current = frozenset(facet.id for facet in resolved)
    former = (former_filters or {}).get(name, ())
    return FilterGroup(current, current | {*former}, sum(facet.article_count for facet in resolved))


def _build_page(connection: Connection, query: pagination.Query, position: SyncPosition) -> CachedResponse:
    sync_scope = scope(connection, query, position.former_filters)
    snapshot = sync_scope.snapshot
    after = _start(connection, sync_scope, position)
    kinds = query.get("types", ("article",))
    page = delta.events_page(
        connection, list(sync_scope.groups.values()), kinds, after, snapshot.seq, limit=query["limit"]
    )
    infos = reader.get_changes(connection, {event.seq for event in page.events} | {page.until, after})
    if position.nonce is not None and after == position.after and delta.nonce_at(infos, after) != position.nonce:
        raise CursorExpired  # the database was restored, and its changelog continued differently from there
    completed = _complete_events(connection, query, page.events, infos)
    has_more = page.until < snapshot.seq
    until = page.until
    if not page.events and not has_more and snapshot.seq - after <= IDLE_CURSOR_ADVANCE:
        until = after
    body = {
        "data": completed.data,
        "cursor": _cursor(query, sync_scope, until, delta.nonce_at(infos, until)),
        "has_more": has_more,
    }
    name_facets = [snapshot.terms[kind] for kind in kinds if kind in snapshot.terms]
    return CachedResponse(
        body=dump_json(body),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=latest_time({snapshot.changed_at(), *(facet.changed_at for facet in name_facets), *completed.times}),
        dependencies=_dependencies(query, snapshot, (facet.id for facet in name_facets), completed),
        surrogate_keys=(dependencies.ALL_ARTICLES,),
        is_shareable=not has_more,
        has_no_news=not page.events and not has_more,
    )


def _start(connection: Connection, sync_scope: SyncScope, position: SyncPosition) -> int:
    """Return the `seq` after which the client continues.

    A slug may have come to stand for another facet since the cursor was made. If facets were added to the filter, the
    result is 0: the client receives the whole filter again. If facets left the filter and still have articles, the
    articles to delete cannot be determined any more, and the client must start again.

    Raises:
        CursorExpired: The client must start again without a cursor.
    """
    if position.after > sync_scope.snapshot.seq:
        raise CursorExpired
    if position.nonce is not None and position.entitlement != sync_scope.entitlement:
        raise CursorExpired
    if position.nonce is None or position.former_filters is None:
        return position.after
    former = frozenset[int]().union(
        *(group.current_and_former_facets - group.now for group in sync_scope.groups.values())
    )
    if former and delta.count_members(connection, former):
        raise CursorExpired
    is_known = all(group.now <= {*position.former_filters.get(name, ())} for name, group in sync_scope.groups.items())
    return position.after if is_known else 0


def _cursor(query: pagination.Query, sync_scope: SyncScope, until: int, nonce: int | None) -> str:
    """Return the cursor that continues after the change `until`."""
    facet_ids = {name: sorted(group.current_and_former_facets) for name, group in sync_scope.groups.items()}
    held_params = {name: value for name, value in query.items() if name not in ALLOWED_WITH_CURSOR and name != "since"}
    value = ["changes", pagination.canonical_params(held_params), until, nonce, facet_ids, sync_scope.entitlement]
    return app_context().cursors.write(value, now=app_context().now())


class ChangeEvent(TypedDict):
    """A change as the API returns it."""

    seq: int
    type: str
    action: str
    reason: str
    id: UUID
    slug: str
    previous_slug: str | None
    version: int | None
    changed_at: datetime
    article: JsonObject | None
    gone: WithdrawalInfo | None
    name: dict[str, str] | None


class _CompletedEvents(NamedTuple):
    data: list[ChangeEvent]
    depends_on: set[dependencies.Dependency]
    times: set[datetime | None]


def _dependencies(
    query: pagination.Query, snapshot: ReadSnapshot, name_facets: Iterable[int], completed: _CompletedEvents
) -> frozenset[dependencies.Dependency]:
    filter_values = {name: query[name] for name in snapshot.filters}
    of_filters = dependencies.list_dependencies(filter_values, snapshot.filters, snapshot.everything)
    return frozenset({*of_filters, dependencies.TOMBSTONES, *name_facets, *completed.depends_on})


def _complete_events(
    connection: Connection, query: pagination.Query, events: list[Event], infos: dict[int, ChangeInfo]
) -> _CompletedEvents:
    """Add articles, withdrawals and names to the events of a page."""
    paths = frozenset(query.get("fields", ()))
    page = _articles(connection, _ids(events, "article", "upsert"), paths)
    crosslinks_result = crosslinks.add_crosslinks(connection, page.records)
    body_access, presentation = visibility_of_caller.body_access(connection), app_context().presentation
    dump = compile_dump(ArticleSchema, paths | {"id"} if paths else paths)
    records = {record["id"]: record for record in page.records}
    bodies = {id_: dump(presentation.article(record, body_access)) for id_, record in records.items()}
    deleted = _ids(events, "article", "delete")
    withdrawals = snapshots.list_withdrawals(connection, deleted)
    names = _names(connection, events)
    data: list[ChangeEvent] = []
    for event in events:
        info, record = infos[event.seq], records.get(event.id)
        reason = event.reason or info.reason
        data.append({
            "seq": event.seq,
            "type": event.kind,
            "action": event.action,
            "reason": reason,
            "id": event.id,
            "slug": record["slug"] if record else info.slug,
            "previous_slug": info.previous_slug,
            "version": record["version"] if record else info.version,
            "changed_at": info.at,
            "article": bodies.get(event.id),
            "gone": withdrawals.get(event.id) if reason != OUT_OF_SCOPE else None,
            "name": names.get(event.id),
        })  # fmt: skip
    depends_on = {*dependencies.name_dependencies(page.records), *crosslinks_result.dependencies}
    times = {page.changed_at, crosslinks_result.changed_at, *(infos[event.seq].at for event in events)}
    return _CompletedEvents(data, depends_on, times)


def _ids(events: list[Event], kind: str, action: str) -> list[UUID]:
    return [event.id for event in events if event.kind == kind and event.action == action]


def _articles(connection: Connection, ids: Sequence[UUID], paths: frozenset[str]) -> article_queries.ArticlePage:
    """Return the articles of a page with the fields that `paths` names, or with all fields.

    The ids are padded to a power of two by repeating the last one, because the database caches one statement for each
    number of ids.
    """
    if not ids:
        return article_queries.ArticlePage([])
    field_names = {path.partition(".")[0] for path in paths} or ALL_FIELDS
    padded_length = 1 << (len(ids) - 1).bit_length()
    padding = [ids[-1]] * (padded_length - len(ids))
    return article_queries.get_many(connection, [*ids, *padding], field_names)


def _names(connection: Connection, events: list[Event]) -> dict[UUID, dict[str, str]]:
    names: dict[UUID, dict[str, str]] = {}
    for kind in sorted({event.kind for event in events} - {"article"}):
        ids = _ids(events, kind, "upsert")
        names |= terms.term_refs(connection, kind, ids) if ids else {}
    return names
