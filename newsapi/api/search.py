"""Full-text search and suggestions."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from newsapi.api import paging, sight
from newsapi.api.answers import cached
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.cache import tags
from newsapi.cache.answer import Answer
from newsapi.errors import BadCursor, Fault, Invalid
from newsapi.model.base import latest
from newsapi.schemas.dump import compiled, json
from newsapi.schemas.presentation import Sharing
from newsapi.schemas.queries import BESIDE_CURSOR, SearchQuery, SuggestQuery
from newsapi.schemas.search import SearchHit, SearchList, Suggestion, Suggestions
from newsapi.search import highlights, queries
from newsapi.search.queries import Asked
from newsapi.store import articles, facets, found, search, taxonomy
from newsapi.store.articles import Record
from newsapi.store.database import Connection
from newsapi.store.facets import Truth
from newsapi.store.listing import COUNTED, Question
from newsapi.store.search import Search
from newsapi.store.taxonomy import Kind
from newsapi.text import markup
from newsapi.text.folding import fold

blueprint = Blueprint("search", __name__, url_prefix="/v1", description="Search articles")

PATH, SUGGEST = "/v1/search", "/v1/suggest"
_KINDS: tuple[Kind, ...] = ("brand", "tag", "author")
_NAMES_SHOWN = 3
_MISSPELT = 3
"""Unknown words up to which a spelling is suggested; more are not a matter of spelling."""

_NEWEST = 20_000
"""Number of the latest indexed articles, approximately, whose headlines are suggested."""


@blueprint.route("/search")
class Searching(MethodView):
    """Full-text search."""

    @blueprint.doc(operationId="searchArticles", summary="Search articles")
    @blueprint.arguments(SearchQuery(), location="query", error_status_code=400)
    @blueprint.response(200, SearchList)
    def get(self, query: paging.Query) -> Response:
        """Return the articles that match `q`, best first.

        All words must match; `"two words"` is a phrase, and `-word` excludes a word. Accents, case, elision (dell'auto,
        l'Audi) and inflection are ignored. Names and aliases of brands and authors are recognized. The last word may be
        the beginning of a word. No text is rejected as malformed.
        """
        query, after, backward = _turned(query)
        _require_q(query)
        url = paging.address(PATH, query)
        return cached(url, query, lambda connection: _search(connection, query, after, backward=backward))


@blueprint.route("/suggest")
class Suggesting(MethodView):
    """Suggestions while typing."""

    @blueprint.doc(operationId="suggest", summary="Suggest names and headlines")
    @blueprint.arguments(SuggestQuery(), location="query", error_status_code=400)
    @blueprint.response(200, Suggestions)
    def get(self, query: paging.Query) -> Response:
        """Return brands, tags and authors, then recent articles, that match the beginning of a text.

        A name or alias matches if one of its words begins with `q`; an article matches by its headline.
        """
        url = paging.address(SUGGEST, query, limit=SUGGESTED)
        return cached(url, query, lambda connection: _suggest(connection, query))


SUGGESTED = SuggestQuery().load({"q": "a"})["limit"]
_HELD = SearchQuery()


def _require_q(query: paging.Query) -> None:
    """Raise InvalidParameter if there is no `q`; a cursor brings its own."""
    if "q" not in query:
        raise Invalid([Fault("q", "is required: 1 to 200 printable characters")])


def _turned(query: paging.Query) -> tuple[paging.Query, int | None, bool]:
    """Return the query with the filters of its cursor, the key after which the page starts, and if it goes backward.

    Raises:
        CursorInvalid: The cursor is malformed, or was made for another list or by an older release.
        CursorExpired: The cursor is too old.
    """
    if "cursor" not in query:
        return query, None, False
    value = parts().cursors.read(query["cursor"], now=parts().now())
    try:
        list_name, filters, after, backward = value
        if list_name != "search":
            raise BadCursor("This cursor belongs to another list.")
        held_params = _HELD.load(filters)
        after, backward = int(after), bool(backward)
    except (ValueError, TypeError) as error:
        raise BadCursor("This cursor was made by an older release. Start again without a cursor.") from error
    beside_cursor = {name: value for name, value in query.items() if name in BESIDE_CURSOR}
    return {**held_params, **beside_cursor}, after, backward


def _cursor(query: paging.Query, after: int | None, *, backward: bool) -> str | None:
    if after is None:
        return None
    held_params = {name: text for name, text in paging.canonical(query).items() if name not in BESIDE_CURSOR}
    return parts().cursors.write(["search", held_params, after, backward], now=parts().now())


def _search(connection: Connection, query: paging.Query, after: int | None, *, backward: bool) -> Answer:
    snapshot = facets.truth(connection, paging.facets(query))
    parsed, list_query = queries.read(query["q"]), paging.question({"sort": "-published_at", **query}, None)
    body_access = sight.sharing(connection)
    plan = search.understand(connection, parsed, snapshot, list_query, bodies=body_access.is_whole)
    page = found.page(connection, plan, limit=query["limit"], after=after, back=backward)
    scores = {hit.id: hit.score for hit in page.hits}
    article_page = articles.by_ids(connection, list(scores), {"body_html"})
    total: dict[str, Any] = {}
    if query["total"]:
        count = found.count(connection, plan)
        total = {"total": min(count, COUNTED), "total_is_lower_bound": count > COUNTED}
    cursors = (_cursor(query, page.next, backward=False), _cursor(query, page.prev, backward=True))
    dump = compiled(SearchHit)
    items = [dump(_hit(record, scores, plan, body_access)) for record in article_page.records]
    body = paging.envelope(PATH, query, items, cursors, **total)
    body["did_you_mean"] = None
    if after is None and not page.hits:
        # Callers who may not read bodies get suggestions from headlines only, so that no word of a body is disclosed.
        headlines_only = not body_access.is_whole
        body["did_you_mean"] = _meant(connection, parsed, plan, snapshot, list_query, headlines_only=headlines_only)
    if "facets" in query:
        body["facets"], body["facets_exact"] = found.spread(connection, plan, query["facets"])
    return _answer(connection, snapshot, body, article_page, query)


def _answer(
    connection: Connection,
    snapshot: Truth,
    body: dict[str, Any],
    article_page: articles.Page,
    query: paging.Query,
) -> Answer:
    search_dependencies = tags.of_search(snapshot.everything, snapshot.terms.values())
    return Answer(
        body=json(body),
        seq=snapshot.seq,
        mark=snapshot.mark,
        changed_at=latest({found.last_change(connection), article_page.changed_at}),
        words=frozenset({*search_dependencies, *tags.names(article_page.records)}),
        tags=paging.tags(query),
        link=paging.link_header(body["links"]) if "links" in body else None,
    )


def _hit(record: Record, scores: dict[Any, float], plan: Search, body_access: Sharing) -> Record:
    presentation, language = parts().presentation, record["language"]
    highlight_terms = plan.marked(language)
    body_text = markup.to_text(presentation.body(record, body_access) or "")
    record["score"] = scores[record["id"]]
    record["highlights"] = {
        "headline": highlights.marked(record["headline"], highlight_terms, language),
        "standfirst": highlights.marked(record["standfirst"] or "", highlight_terms, language),
        "body": highlights.fragments(body_text, highlight_terms, language),
    }
    return presentation.summary(record)


def _meant(
    connection: Connection, parsed: Asked, plan: Search, snapshot: Truth, list_query: Question, *, headlines_only: bool
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
    respelled = search.spelled(connection, unknown_words) if len(unknown_words) <= _MISSPELT else {}
    if len(respelled) < len(unknown_words) or not respelled:
        return None
    other_plan = search.understand(
        connection, parsed.with_words(respelled), snapshot, list_query, headlines=headlines_only
    )
    page = found.page(connection, other_plan, limit=1, after=None, back=False)
    return other_plan.asked.written() if page.hits else None


def _suggest(connection: Connection, query: paging.Query) -> Answer:
    snapshot = facets.truth(connection, {})
    prefix, limit = fold(query["q"]), query["limit"]
    suggestions: list[dict[str, Any]] = []
    for kind in _KINDS if prefix else ():
        matches = taxonomy.begun(connection, kind, prefix, _NAMES_SHOWN)
        suggestions += [_suggestion(kind, slug, name) for slug, name in matches]
    parsed = queries.read(query["q"])
    plan = search.understand(connection, parsed, snapshot, Question(), headlines=True, most=_NEWEST)
    hits = found.page(connection, plan, limit=limit, after=None, back=False).hits
    article_page = articles.by_ids(connection, [hit.id for hit in hits])
    if article_page.records:
        suggestions = suggestions[: limit // 2]  # the other half is for headlines
    suggestions += [_suggestion("article", record["slug"], record["headline"]) for record in article_page.records]
    dump = compiled(Suggestion)
    body = {"data": [dump(suggestion) for suggestion in suggestions[:limit]]}
    return _answer(connection, snapshot, body, article_page, {})


def _suggestion(kind: str, slug: str, name: str) -> dict[str, Any]:
    url = f"{parts().settings.api_url}/v1/{kind}s/{slug}"
    return {"type": kind, "slug": slug, "name": name, "links": {"self": url}}
