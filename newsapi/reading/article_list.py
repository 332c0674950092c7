"""The response of the list of articles."""

from __future__ import annotations

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
from newsapi.db.database import Connection
from newsapi.db.types import latest_time
from newsapi.errors import FieldError, InvalidParameter
from newsapi.reading.expansion import article_dump, expand_terms
from newsapi.search import planner as search_planner
from newsapi.search import query_parser
from newsapi.search import results as search_results
from newsapi.search.planner import SearchPlan, SearchScope
from newsapi.text.json_types import JsonObject
from newsapi.web import pagination
from newsapi.web.fast_dump import dump_json


def build_list(connection: Connection, request: ArticleListRequest) -> CachedResponse:
    """Return the response of a page of the list.

    Args:
        connection: A read transaction.
        request: The page that is requested.

    Raises:
        InvalidParameter: `q` is combined with `status` or `preview`, or the preview token does not exist.
        TokenExpired: The preview link has expired or was revoked.
    """
    snapshot = facets.resolve_filters(connection, request.filters)
    if request.is_plain:
        return _build_plain_list(connection, request, snapshot)
    page, count, depends_on = _read_page(connection, request, snapshot)
    expansion = expand_terms(connection, page.records, request.include)
    crosslinks_result = crosslinks.add_crosslinks(connection, page.records)
    depends_on |= request.dependencies(snapshot) | expansion.dependencies
    depends_on.update(dependencies.name_dependencies(page.records), crosslinks_result.dependencies)
    items = _present(page.records, request, visibility_of_caller.body_access(connection))
    body = request.response_body(items, request.cursors(page), count)
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
    )


def _build_plain_list(connection: Connection, request: ArticleListRequest, snapshot: ReadSnapshot) -> CachedResponse:
    """Return the response of a page of public summaries, of which most are usually serialized already."""
    page = article_queries.list_summary_rows(connection, snapshot, request.list_query, limit=request.limit)
    articles = app_context().listed_articles.of_page(connection, page)
    count = listings.count_articles(connection, snapshot, request.list_query) if request.total else None
    body = request.response_body([article.item for article in articles], request.cursors(page), count)
    return CachedResponse(
        body=dump_json(body),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=latest_time({snapshot.changed_at(), *(article.changed_at for article in articles)}),
        dependencies=frozenset(request.dependencies(snapshot).union(*(article.names for article in articles))),
        surrogate_keys=request.surrogate_keys(),
        link=pagination.link_header(body["links"]),
    )


def _read_page(
    connection: Connection, request: ArticleListRequest, snapshot: ReadSnapshot
) -> tuple[ArticlePage, int | None, set[dependencies.Dependency]]:
    """Read a page, of a search or without one.

    Returns:
        The page, the number of articles on the whole list if the request asks for it, and the dependencies of a search.
    """
    extra_visibility = visibility_of_caller.list_visibility(connection, request)
    plan = _plan_search(connection, request, snapshot)
    if plan is None:
        page = visibility_of_caller.list_page(connection, snapshot, request, extra_visibility, request.field_names)
        count = (
            visibility_of_caller.count_articles(connection, snapshot, request, extra_visibility)
            if request.total
            else None
        )
        return page, count, set()
    page = search_results.time_sorted_page(
        connection, plan, request.list_query, limit=request.limit, wanted=request.field_names
    )
    count = search_results.count_results(connection, plan) if request.total else None
    return page, count, dependencies.search_dependencies(snapshot.everything, snapshot.terms.values())


def _plan_search(connection: Connection, request: ArticleListRequest, snapshot: ReadSnapshot) -> SearchPlan | None:
    """Return the search plan of `q`, or None without `q`.

    Raises:
        InvalidParameter: `q` is combined with `status` or `preview`.
    """
    if request.search_text is None:
        return None
    conflicting = {"status": request.statuses, "preview": request.preview_token}
    if conflicts := sorted(name for name, value in conflicting.items() if value is not None):
        raise InvalidParameter(
            [FieldError("q", f"cannot be combined with {conflicts[0]}: only published articles are searchable")]
        )
    bodies = visibility_of_caller.body_access(connection).is_whole
    parsed = query_parser.parse_query(request.search_text)
    return search_planner.plan_search(
        connection, parsed, snapshot, request.list_query, SearchScope(phrases_in_bodies=bodies)
    )


def _present(records: list[ArticleRow], request: ArticleListRequest, body_access: BodyAccess) -> list[JsonObject]:
    """Return the items of a list as they are sent: summaries, or the fields that `fields` names."""
    presentation = app_context().presentation
    if request.fields:
        dump = article_dump(ArticleSchema, request.fields, request.include)
        return [dump(presentation.article(record, body_access)) for record in records]
    dump = article_dump(ArticleSummary, frozenset(), request.include)
    return [dump(presentation.summary(record)) for record in records]
