"""Full-text search and suggestions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.cache import dependencies
from newsapi.cache.cached_response import CachedResponse
from newsapi.content.context import app_context
from newsapi.content.presentation import visibility_of_caller
from newsapi.content.presentation.list_request import ArticleListRequest, parse_list_request, parse_ranked_request
from newsapi.content.presentation.listed_articles import ListedArticle
from newsapi.content.queries import facets
from newsapi.content.queries import terms as term_queries
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.queries.listings import ListQuery
from newsapi.content.queries.terms import Kind
from newsapi.db.database import Connection
from newsapi.db.types import latest_time
from newsapi.errors import CursorInvalid, FieldError, InvalidParameter
from newsapi.search import facet_counts, planner, query_parser, ranking, spelling, time_order
from newsapi.search.context import begin_search
from newsapi.search.freshness import IndexRead, IndexView
from newsapi.search.index_queries import count
from newsapi.search.planner import SearchPlan, SearchScope
from newsapi.search.query_parser import ParsedQuery
from newsapi.search.ranking import RankedPage, RankStart
from newsapi.search.schemas import SearchList, SearchParams, Suggestion, Suggestions, SuggestParams
from newsapi.text.folding import fold
from newsapi.web import pagination
from newsapi.web.blueprint import Blueprint
from newsapi.web.fast_dump import compile_dump, dump_json
from newsapi.web.pagination import ListCursor
from newsapi.web.params import defaults_of
from newsapi.web.responses import cached_response

blueprint = Blueprint("search", __name__, url_prefix="/v1", description="Search articles")

PATH, SUGGEST = "/v1/search", "/v1/suggest"
_KINDS: tuple[Kind, ...] = ("brand", "tag", "author")
_NAMES_SHOWN = 3
_MAX_UNKNOWN_WORDS = 3
"""Unknown words up to which a spelling is suggested; more are not a matter of spelling."""


@blueprint.route("/search")
class Search(MethodView):
    """Full-text search."""

    @blueprint.doc(operationId="searchArticles", summary="Search articles")
    @blueprint.arguments(SearchParams(), location="query", error_status_code=400)
    @blueprint.response(200, SearchList)
    def get(self, query: pagination.Query) -> Response:
        """Return the articles that match `q`, best first unless `sort` is given.

        All words must match; `"two words"` is a phrase, and `-word` excludes a word. Accents, case, elision (dell'auto,
        l'Audi) and inflection are ignored. Names and aliases of brands and authors are recognized. The last word may be
        the beginning of a word. No text is rejected as malformed. If nothing is found because of a misspelled word, the
        results are those of the corrected query in `did_you_mean`, and `corrected_from` is the text that was sent.
        """
        request, index_read = _parse_request(query), begin_search()
        return cached_response(
            request.articles.canonical_url,
            request.articles.page_params,
            lambda connection: _search(connection, index_read, request),
        )


@blueprint.route("/suggest")
class Suggest(MethodView):
    """Suggestions while typing."""

    @blueprint.doc(operationId="suggestTerms", summary="Suggest names and headlines")
    @blueprint.arguments(SuggestParams(), location="query", error_status_code=400)
    @blueprint.response(200, Suggestions)
    def get(self, query: pagination.Query) -> Response:
        """Return brands, tags and authors, then recent articles, that match the beginning of a text.

        A name or alias matches if one of its words begins with `q`; an article matches by its headline.
        """
        url, index_read = pagination.canonical_url(SUGGEST, query, _SUGGEST_DEFAULTS), begin_search()
        return cached_response(url, query, lambda connection: _suggest(connection, index_read, query))


_SUGGEST_DEFAULTS = defaults_of(SuggestParams)
_CURSOR = ListCursor("search", SearchParams())


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A request for a page of results.

    Attributes:
        articles: The filters and the page.
        text: Words that the articles contain.
        facets: Facets to count the results by; None without counts.
        start: Where a page by relevance starts; None on the first page.
    """

    articles: ArticleListRequest
    text: str
    facets: Collection[str] | None
    start: RankStart | None = None

    @property
    def is_by_time(self) -> bool:
        """Whether the newest results come first."""
        return self.articles.params.get("sort") == "-published_at"

    def with_text(self, text: str) -> SearchRequest:
        """Return the request for the results of another text, whose pages lead to one another."""
        return replace(self, text=text, articles=replace(self.articles, params={**self.articles.params, "q": text}))

    def cursor(self, start: RankStart | None) -> str | None:
        """Return the cursor of the page with this start; None for None."""
        if start is None:
            return None
        score, id_ = start.key
        return self.articles.cursor((score, f"{id_:032x}", start.rank, start.backward))


def _parse_request(query: pagination.Query) -> SearchRequest:
    """Return the parsed request of a search.

    Raises:
        InvalidParameter: There is no `q`; a cursor brings its own.
        CursorInvalid: The cursor is malformed, or was made for another list or by an older release.
        CursorExpired: The cursor is too old.
    """
    articles = parse_ranked_request(PATH, query, _CURSOR)
    if articles.search_text is None:
        raise InvalidParameter([FieldError("q", "is required: 1 to 200 printable characters")])
    request = SearchRequest(articles, articles.search_text, query.get("facets"))
    if request.is_by_time:
        return replace(request, articles=parse_list_request(PATH, query, _CURSOR))
    if articles.position is None:
        return request
    try:
        score, id_, rank, backward = articles.position
        start = RankStart((int(score), int(id_, 16)), max(0, int(rank)), bool(backward))
    except (ValueError, TypeError) as error:
        raise CursorInvalid(pagination.MADE_BY_OLDER_RELEASE) from error
    return replace(request, start=start)


def _search(connection: Connection, index_read: IndexRead, request: SearchRequest) -> CachedResponse:
    snapshot = facets.resolve_filters(connection, request.articles.filters)
    with index_read.view(connection, snapshot) as view:
        return _build_results(_Search(connection, view, snapshot, request.articles.list_query), request)


def _build_results(search: _Search, request: SearchRequest) -> CachedResponse:
    connection, view, articles = search.connection, search.view, request.articles
    body_access = visibility_of_caller.body_access(connection)
    scope = SearchScope(phrases_in_bodies=body_access.is_whole)
    plan = search.plan(query_parser.parse_query(request.text), scope)
    results, corrected = search.results(plan, request), None
    if articles.is_first_page and not results.scores:
        # Callers who may not read bodies get suggestions from headlines only, so that no word of a body is disclosed.
        corrected = search.did_you_mean(plan, headlines_only=not body_access.is_whole)
    if corrected is not None:
        plan = search.plan(query_parser.parse_query(corrected), scope)
        results = search.results(plan, request.with_text(corrected))
    scores = results.scores
    listed = app_context().listed_articles.find(connection, [*scores], search.snapshot)
    current = [article for article in listed if time_order.is_current(article.columns, articles.list_query)]
    items = view.caches.hits.present(connection, current, scores, plan.words, body_access)
    total = count(view.searcher, plan.index_query.matching()) if articles.total else None
    body = articles.response_body(items, results.cursors, total)
    body["did_you_mean"] = corrected
    body["corrected_from"] = None if corrected is None else request.text
    if request.facets is not None:
        body["facets"] = facet_counts.count_by_facets(connection, view.searcher, plan.index_query, request.facets)
        body["facets_exact"] = True
    return _build_response(search, body, listed, articles.surrogate_keys())


class _Results(NamedTuple):
    """The scores of the results on a page, in their order, and the cursors of the pages on either side."""

    scores: dict[UUID, float]
    cursors: tuple[str | None, str | None]


@dataclass(frozen=True, slots=True)
class _Search:
    """A search of the index as of a snapshot of the database, with the filters of the request."""

    connection: Connection
    view: IndexView
    snapshot: ReadSnapshot
    list_query: ListQuery

    def plan(self, parsed: ParsedQuery, scope: SearchScope) -> SearchPlan:
        return planner.plan_search(self.connection, self.view, parsed, self.snapshot, self.list_query, scope=scope)

    def results(self, plan: SearchPlan, request: SearchRequest) -> _Results:
        articles, searcher, query = request.articles, self.view.searcher, plan.index_query
        if request.is_by_time:
            times = time_order.positions_page(searcher, query, articles.list_query, limit=articles.limit)
            ids = [position.id for position in times.positions]
            scores = ranking.scores_of(searcher, query, ids, newest=self.view.newest)
            return _Results({id_: scores[id_] for id_ in ids}, articles.cursors(times))
        page = self.page(plan, limit=articles.limit, start=request.start)
        cursors = request.cursor(page.next), request.cursor(page.prev)
        return _Results({result.id: result.score for result in page.results}, cursors)

    def page(self, plan: SearchPlan, *, limit: int, start: RankStart | None = None) -> RankedPage:
        return ranking.ranked_page(
            self.view.searcher, plan.index_query, newest=self.view.newest, limit=limit, start=start
        )

    def did_you_mean(self, plan: SearchPlan, *, headlines_only: bool) -> str | None:
        """Return the query with its unknown words respelled, or None if no such query has results."""
        unknown = planner.unknown_words(plan)
        if not 0 < len(unknown) <= _MAX_UNKNOWN_WORDS:
            return None
        respelled = spelling.suggest_spelling(
            self.connection, self.view.searcher, unknown, headlines_only=headlines_only
        )
        if len(respelled) < len(unknown):
            return None
        parsed = plan.parsed_query.with_words(respelled)
        respelled_plan = self.plan(parsed, SearchScope(headlines_only=headlines_only))
        return parsed.to_text() if count(self.view.searcher, respelled_plan.index_query.matching()) else None


def _build_response(
    search: _Search,
    body: dict[str, Any],
    listed: Sequence[ListedArticle],
    surrogate_keys: tuple[str, ...],
) -> CachedResponse:
    snapshot = search.snapshot
    search_dependencies = frozenset(dependencies.search_dependencies(snapshot.everything, snapshot.terms.values()))
    return CachedResponse(
        body=dump_json(body),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        # Any change may add an article to a search or remove one.
        changed_at=latest_time({snapshot.committed_at, *(article.changed_at for article in listed)}),
        dependencies=search_dependencies.union(*(article.names for article in listed)),
        surrogate_keys=surrogate_keys,
        link=pagination.link_header(body["links"]) if "links" in body else None,
        expires_at=search.view.expires_at,
        is_shareable=search.view.is_complete,
    )


def _suggest(connection: Connection, index_read: IndexRead, query: pagination.Query) -> CachedResponse:
    snapshot = facets.resolve_filters(connection, {})
    with index_read.view(connection, snapshot) as view:
        return _build_suggestions(_Search(connection, view, snapshot, ListQuery()), query)


def _build_suggestions(search: _Search, query: pagination.Query) -> CachedResponse:
    prefix, limit = fold(query["q"]), query["limit"]
    suggestions: list[dict[str, object]] = []
    for kind in _KINDS if prefix else ():
        matches = term_queries.suggest_terms(search.connection, kind, prefix, _NAMES_SHOWN)
        suggestions += [_suggestion(kind, slug, name) for slug, name in matches]
    plan = search.plan(query_parser.parse_query(query["q"]), SearchScope(headlines_only=True))
    results = search.page(plan, limit=limit).results
    listed = app_context().listed_articles.find(search.connection, [result.id for result in results], search.snapshot)
    if listed:
        suggestions = suggestions[: limit // 2]  # the other half is for headlines
    columns = (article.columns for article in listed)
    suggestions += [_suggestion("article", article["slug"], article["headline"]) for article in columns]
    dump = compile_dump(Suggestion)
    body = {"data": [dump(suggestion) for suggestion in suggestions[:limit]]}
    return _build_response(search, body, listed, (dependencies.ALL_ARTICLES,))


def _suggestion(kind: str, slug: str, name: str) -> dict[str, object]:
    url = f"{app_context().settings.api_url}/v1/{kind}s/{slug}"
    return {"type": kind, "slug": slug, "name": name, "links": {"self": url}}
