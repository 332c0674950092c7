"""Full-text search and suggestions."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.cache import dependencies
from newsapi.cache.cached_response import CachedResponse
from newsapi.content.article_types import ArticleRow
from newsapi.content.context import app_context
from newsapi.content.presentation import visibility_of_caller
from newsapi.content.presentation.list_request import ArticleListRequest, parse_ranked_request
from newsapi.content.presentation.presentation import BodyAccess
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import facets
from newsapi.content.queries import terms as term_queries
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.queries.listings import ListQuery
from newsapi.content.queries.terms import Kind
from newsapi.db.database import Connection
from newsapi.db.types import latest_time
from newsapi.errors import CursorInvalid, FieldError, InvalidParameter
from newsapi.search import highlights, planner, query_parser, results, spelling
from newsapi.search.planner import SearchPlan, SearchScope
from newsapi.search.query_parser import ParsedQuery
from newsapi.search.schemas import SearchHit, SearchList, SearchParams, Suggestion, Suggestions, SuggestParams
from newsapi.text import html
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

_SUGGEST_SCAN = 20_000
"""Number of the latest indexed articles, approximately, whose headlines are suggested."""


@blueprint.route("/search")
class Search(MethodView):
    """Full-text search."""

    @blueprint.doc(operationId="searchArticles", summary="Search articles")
    @blueprint.arguments(SearchParams(), location="query", error_status_code=400)
    @blueprint.response(200, SearchList)
    def get(self, query: pagination.Query) -> Response:
        """Return the articles that match `q`, best first.

        All words must match; `"two words"` is a phrase, and `-word` excludes a word. Accents, case, elision (dell'auto,
        l'Audi) and inflection are ignored. Names and aliases of brands and authors are recognized. The last word may be
        the beginning of a word. No text is rejected as malformed.
        """
        request = _parse_request(query)
        return cached_response(
            request.articles.canonical_url,
            request.articles.page_params,
            lambda connection: _search(connection, request),
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
        url = pagination.canonical_url(SUGGEST, query, _SUGGEST_DEFAULTS)
        return cached_response(url, query, lambda connection: _suggest(connection, query))


_SUGGEST_DEFAULTS = defaults_of(SuggestParams)
_CURSOR = ListCursor("search", SearchParams())


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A request for a page of results.

    Attributes:
        articles: The filters and the page.
        text: Words that the articles contain.
        facets: Facets to count the results by; None without counts.
        after: Sort key after which the page starts; None on the first page.
        backward: Whether the page ends before that key instead.
    """

    articles: ArticleListRequest
    text: str
    facets: Collection[str] | None
    after: int | None = None
    backward: bool = False

    def cursor(self, after: int | None, *, backward: bool) -> str | None:
        """Return the cursor of the page that starts after a sort key, or ends before it; None for None."""
        return None if after is None else self.articles.cursor((after, backward))


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
    counted_facets = query.get("facets")
    if articles.position is None:
        return SearchRequest(articles, articles.search_text, counted_facets)
    try:
        after, backward = articles.position
        return SearchRequest(articles, articles.search_text, counted_facets, int(after), bool(backward))
    except (ValueError, TypeError) as error:
        raise CursorInvalid(pagination.MADE_BY_OLDER_RELEASE) from error


def _search(connection: Connection, request: SearchRequest) -> CachedResponse:
    articles = request.articles
    snapshot = facets.resolve_filters(connection, articles.filters)
    parsed, list_query = query_parser.parse_query(request.text), articles.list_query
    body_access = visibility_of_caller.body_access(connection)
    plan = planner.plan_search(
        connection, parsed, snapshot, list_query, SearchScope(phrases_in_bodies=body_access.is_whole)
    )
    page = results.ranked_page(connection, plan, limit=articles.limit, after=request.after, backward=request.backward)
    scores = {hit.id: hit.score for hit in page.hits}
    article_page = article_queries.get_many(connection, list(scores), {"body_html"})
    count = results.count_results(connection, plan) if articles.total else None
    cursors = (request.cursor(page.next, backward=False), request.cursor(page.prev, backward=True))
    dump = compile_dump(SearchHit)
    items = [dump(_hit(record, scores, plan, body_access)) for record in article_page.records]
    body = articles.response_body(items, cursors, count)
    body["did_you_mean"] = None
    if request.after is None and not page.hits:
        # Callers who may not read bodies get suggestions from headlines only, so that no word of a body is disclosed.
        headlines_only = not body_access.is_whole
        body["did_you_mean"] = _did_you_mean(
            connection, parsed, plan, snapshot, list_query, headlines_only=headlines_only
        )
    if request.facets is not None:
        body["facets"], body["facets_exact"] = results.facet_counts(connection, plan, request.facets)
    return _build_response(connection, snapshot, body, article_page, articles.surrogate_keys())


def _build_response(
    connection: Connection,
    snapshot: ReadSnapshot,
    body: dict[str, Any],
    article_page: article_queries.ArticlePage,
    surrogate_keys: tuple[str, ...],
) -> CachedResponse:
    search_dependencies = dependencies.search_dependencies(snapshot.everything, snapshot.terms.values())
    return CachedResponse(
        body=dump_json(body),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=latest_time({results.changelog_time(connection), article_page.changed_at}),
        dependencies=frozenset({*search_dependencies, *dependencies.name_dependencies(article_page.records)}),
        surrogate_keys=surrogate_keys,
        link=pagination.link_header(body["links"]) if "links" in body else None,
    )


def _hit(record: ArticleRow, scores: dict[UUID, float], plan: SearchPlan, body_access: BodyAccess) -> ArticleRow:
    presentation, language = app_context().presentation, record["language"]
    highlight_terms = plan.highlight_terms(language)
    body_text = html.html_to_text(presentation.body(record, body_access) or "")
    record["score"] = scores[record["id"]]
    record["highlights"] = {
        "headline": highlights.highlight(record["headline"], highlight_terms, language),
        "standfirst": highlights.highlight(record["standfirst"] or "", highlight_terms, language),
        "body": highlights.snippets(body_text, highlight_terms, language),
    }
    return presentation.summary(record)


def _did_you_mean(
    connection: Connection,
    parsed: ParsedQuery,
    plan: SearchPlan,
    snapshot: ReadSnapshot,
    list_query: ListQuery,
    *,
    headlines_only: bool,
) -> str | None:
    """Return the query with its unknown words respelled, or None if no such query has results.

    Args:
        connection: A read transaction.
        parsed: The query, which has no results.
        plan: Plan of the query.
        snapshot: Snapshot of the read, with the resolved filters.
        list_query: The other filters of the search.
        headlines_only: Whether the respelled query must match headlines.
    """
    unknown_words = plan.unknown()
    respelled = spelling.suggest_spelling(connection, unknown_words) if len(unknown_words) <= _MAX_UNKNOWN_WORDS else {}
    if len(respelled) < len(unknown_words) or not respelled:
        return None
    other_plan = planner.plan_search(
        connection, parsed.with_words(respelled), snapshot, list_query, SearchScope(headlines_only=headlines_only)
    )
    page = results.ranked_page(connection, other_plan, limit=1, after=None, backward=False)
    return other_plan.parsed_query.to_text() if page.hits else None


def _suggest(connection: Connection, query: pagination.Query) -> CachedResponse:
    snapshot = facets.resolve_filters(connection, {})
    prefix, limit = fold(query["q"]), query["limit"]
    suggestions: list[dict[str, object]] = []
    for kind in _KINDS if prefix else ():
        matches = term_queries.suggest_terms(connection, kind, prefix, _NAMES_SHOWN)
        suggestions += [_suggestion(kind, slug, name) for slug, name in matches]
    parsed = query_parser.parse_query(query["q"])
    plan = planner.plan_search(
        connection, parsed, snapshot, ListQuery(), SearchScope(headlines_only=True, min_documents=_SUGGEST_SCAN)
    )
    hits = results.ranked_page(connection, plan, limit=limit, after=None, backward=False).hits
    article_page = article_queries.get_many(connection, [hit.id for hit in hits])
    if article_page.records:
        suggestions = suggestions[: limit // 2]  # the other half is for headlines
    suggestions += [_suggestion("article", record["slug"], record["headline"]) for record in article_page.records]
    dump = compile_dump(Suggestion)
    body = {"data": [dump(suggestion) for suggestion in suggestions[:limit]]}
    return _build_response(connection, snapshot, body, article_page, (dependencies.ALL_ARTICLES,))


def _suggestion(kind: str, slug: str, name: str) -> dict[str, object]:
    url = f"{app_context().settings.api_url}/v1/{kind}s/{slug}"
    return {"type": kind, "slug": slug, "name": name, "links": {"self": url}}
