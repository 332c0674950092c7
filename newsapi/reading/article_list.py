"""The response of the list of articles."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import orjson

from newsapi.cache import dependencies
from newsapi.cache.cached_response import CachedResponse
from newsapi.content.article_types import ArticleRow
from newsapi.content.context import app_context
from newsapi.content.presentation import crosslinks, visibility_of_caller
from newsapi.content.presentation.list_request import ArticleListRequest
from newsapi.content.presentation.presentation import BodyAccess
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import facets, listings
from newsapi.content.queries.articles import ArticlePage
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.schemas.articles import ArticleSchema, ArticleSummary
from newsapi.content.schemas.cards import ArticleCard
from newsapi.db.database import Connection
from newsapi.db.types import latest_time
from newsapi.errors import FieldError, InvalidParameter
from newsapi.reading.expansion import article_dump, expand_terms
from newsapi.search import index_queries, query_parser, time_order
from newsapi.search import planner as search_planner
from newsapi.search.freshness import IndexRead
from newsapi.search.planner import SearchScope
from newsapi.text.json_types import JsonObject
from newsapi.web import pagination
from newsapi.web.fast_dump import compile_dump, dump_json


def build_list(
    connection: Connection, request: ArticleListRequest, index_read: IndexRead | None = None
) -> CachedResponse:
    """Return the response of a page of the list.

    Args:
        connection: A read transaction.
        request: The page that is requested.
        index_read: The read of the search index, for a request with `q`.

    Raises:
        InvalidParameter: `q` is combined with `status` or `preview`, or the preview token does not exist.
        TokenExpired: The preview link has expired or was revoked.
        SearchUnavailable: The search index cannot be read.
        SnapshotOutdated: The search index is of a newer snapshot, from which the response should be built.
    """
    snapshot = facets.resolve_filters(connection, request.filters)
    if request.is_plain:
        return _build_plain_list(connection, request, snapshot)
    listed = (
        _read_page(connection, request, snapshot)
        if index_read is None
        else _search_page(connection, request, snapshot, index_read)
    )
    page, depends_on = listed.page, {*listed.dependencies}
    expansion = expand_terms(connection, page.records, request.include)
    crosslinks_result = crosslinks.add_crosslinks(connection, page.records)
    depends_on |= request.dependencies(snapshot) | expansion.dependencies
    depends_on.update(dependencies.name_dependencies(page.records), crosslinks_result.dependencies)
    items = _present(page.records, request, visibility_of_caller.body_access(connection))
    body = request.response_body(items, request.cursors(page), listed.total)
    return CachedResponse(
        body=dump_json(body),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=latest_time(
            {snapshot.changed_at(), page.changed_at, crosslinks_result.changed_at, *expansion.change_times}
        ),
        dependencies=frozenset(depends_on),
        surrogate_keys=request.surrogate_keys(),
        link=pagination.link_header(body["links"]),
        expires_at=listed.expires_at,
        is_shareable=listed.is_complete,
    )


def _build_plain_list(connection: Connection, request: ArticleListRequest, snapshot: ReadSnapshot) -> CachedResponse:
    """Return the response of a page of public summaries or cards, of which most are usually serialized already."""
    page = article_queries.list_ids(connection, snapshot, request.list_query, limit=request.limit)
    context = app_context()
    listed = context.listed_cards if request.profile == "card" else context.listed_articles
    articles = listed.find(connection, page.ids, snapshot)
    count = listings.count_articles(connection, snapshot, request.list_query) if request.total else None
    body = request.response_body([orjson.Fragment(article.item) for article in articles], request.cursors(page), count)
    return CachedResponse(
        body=dump_json(body),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=latest_time({snapshot.changed_at(), *(article.changed_at for article in articles)}),
        dependencies=frozenset(request.dependencies(snapshot).union(*(article.names for article in articles))),
        surrogate_keys=request.surrogate_keys(),
        link=pagination.link_header(body["links"]),
    )


class _ListedPage(NamedTuple):
    """A page of a list.

    Attributes:
        page: The page.
        total: The number of articles on the whole list, if the request asks for it.
        dependencies: What a search depends on in addition to the list.
        is_complete: Whether the search index has every article as it is.
        expires_at: Unix time at which a page that is not complete expires.
    """

    page: ArticlePage
    total: int | None
    dependencies: Collection[dependencies.Dependency] = ()
    is_complete: bool = True
    expires_at: float | None = None


def _read_page(connection: Connection, request: ArticleListRequest, snapshot: ReadSnapshot) -> _ListedPage:
    """Return a page without a search."""
    extra_visibility = visibility_of_caller.list_visibility(connection, request)
    page = visibility_of_caller.list_page(connection, snapshot, request, extra_visibility, request.field_names)
    if not request.total:
        return _ListedPage(page, None)
    count = visibility_of_caller.count_articles(connection, snapshot, request, extra_visibility)
    return _ListedPage(page, count)


def _search_page(
    connection: Connection, request: ArticleListRequest, snapshot: ReadSnapshot, index_read: IndexRead
) -> _ListedPage:
    """Return a page of a search.

    Raises:
        InvalidParameter: `q` is combined with `status` or `preview`.
    """
    conflicting = {"status": request.statuses, "preview": request.preview_token}
    if conflicts := sorted(name for name, value in conflicting.items() if value is not None):
        raise InvalidParameter(
            [FieldError("q", f"cannot be combined with {conflicts[0]}: only published articles are searchable")]
        )
    scope = SearchScope(phrases_in_bodies=visibility_of_caller.body_access(connection).is_whole)
    parsed = query_parser.parse_query(request.search_text or "")
    with index_read.view(connection, snapshot) as view:
        plan = search_planner.plan_search(connection, view, parsed, snapshot, request.list_query, scope=scope)
        page = time_order.time_sorted_page(
            connection, view, plan.index_query, request.list_query, limit=request.limit, wanted=request.field_names
        )
        count = index_queries.count(view.searcher, plan.index_query.matching()) if request.total else None
    # Any change may add an article to a search or remove one.
    page = page._replace(changed_at=latest_time({page.changed_at, snapshot.committed_at}))
    depends_on = dependencies.search_dependencies(snapshot.everything, snapshot.terms.values())
    return _ListedPage(page, count, depends_on, view.is_complete, view.expires_at)


def _present(records: list[ArticleRow], request: ArticleListRequest, body_access: BodyAccess) -> list[JsonObject]:
    """Return the items of a list as they are sent: summaries, cards, or the fields that `fields` names."""
    presentation = app_context().presentation
    if request.fields:
        dump = article_dump(ArticleSchema, request.fields, request.include)
        return [dump(presentation.article(record, body_access)) for record in records]
    if request.profile == "card":
        card_dump = compile_dump(ArticleCard)
        return [card_dump(presentation.card(record)) for record in records]
    dump = article_dump(ArticleSummary, frozenset(), request.include)
    return [dump(presentation.summary(record)) for record in records]
