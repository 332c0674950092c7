"""Searching over HTTP: what is found, and what may be meant before all is typed."""

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

blueprint = Blueprint("search", __name__, url_prefix="/v1", description="What was written, by its words")

PATH, SUGGEST = "/v1/search", "/v1/suggest"
_KINDS: tuple[Kind, ...] = ("brand", "tag", "author")
_NAMES_SHOWN = 3
_MISSPELT = 3
"""Words that stand nowhere: of more it is no spelling that is wrong."""

_NEWEST = 20_000
"""Among so many of the articles indexed last, or some more, headlines are suggested."""


@blueprint.route("/search")
class Searching(MethodView):
    """A search."""

    @blueprint.doc(operationId="searchArticles", summary="Articles that have some words, the best first")
    @blueprint.arguments(SearchQuery(), location="query", error_status_code=400)
    @blueprint.response(200, SearchList)
    def get(self, query: paging.Query) -> Response:
        """Accents, case, elision and inflection do not matter; names and aliases of brands and authors are understood.

        The last word may be the start of one. Of nothing that is typed it can be said that it is wrong.
        """
        query, key, back = _turned(query)
        if "q" not in query:
            raise Invalid([Fault("q", "must be given: 1 to 200 printable characters")])
        return cached(paging.address(PATH, query), query, lambda connection: _search(connection, query, key, back=back))


@blueprint.route("/suggest")
class Suggesting(MethodView):
    """What may be meant."""

    @blueprint.doc(operationId="suggest", summary="Names and headlines that begin as what was typed")
    @blueprint.arguments(SuggestQuery(), location="query", error_status_code=400)
    @blueprint.response(200, Suggestions)
    def get(self, query: paging.Query) -> Response:
        """Brands, tags, authors, and headlines of what was written last."""
        address = paging.address(SUGGEST, query, limit=SUGGESTED)
        return cached(address, query, lambda connection: _suggest(connection, query))


SUGGESTED = SuggestQuery().load({"q": "a"})["limit"]
_HELD = SearchQuery()


def _turned(query: paging.Query) -> tuple[paging.Query, int | None, bool]:
    """The query with what its cursor holds, where the page starts, and whether it is read towards the first one."""
    if "cursor" not in query:
        return query, None, False
    value = parts().cursors.read(query["cursor"], now=parts().now())
    try:
        where, filters, key, back = value
        if where != "search":
            raise BadCursor("This cursor belongs to another list.")
        held = _HELD.load(filters)
        key, back = int(key), bool(back)
    except (ValueError, TypeError) as error:
        raise BadCursor("This cursor belongs to an older release; start again without one.") from error
    shape = {name: value for name, value in query.items() if name in BESIDE_CURSOR}
    return {**held, **shape}, key, back


def _cursor(query: paging.Query, key: int | None, *, back: bool) -> str | None:
    if key is None:
        return None
    held = {name: text for name, text in paging.canonical(query).items() if name not in BESIDE_CURSOR}
    return parts().cursors.write(["search", held, key, back], now=parts().now())


def _search(connection: Connection, query: paging.Query, key: int | None, *, back: bool) -> Answer:
    truth = facets.truth(connection, paging.facets(query))
    asked, of_list = queries.read(query["q"]), paging.question({"sort": "-published_at", **query}, None)
    sharing = sight.sharing(connection)
    sought = search.understand(connection, asked, truth, of_list, bodies=sharing.is_whole)
    page = found.page(connection, sought, limit=query["limit"], after=key, back=back)
    scores = {hit.id: hit.score for hit in page.hits}
    read = articles.by_ids(connection, list(scores), {"body_html"})
    more: dict[str, Any] = {}
    if query["total"]:
        count = found.count(connection, sought)
        more = {"total": min(count, COUNTED), "total_is_lower_bound": count > COUNTED}
    turns = (_cursor(query, page.next, back=False), _cursor(query, page.prev, back=True))
    dump = compiled(SearchHit)
    data = [dump(_hit(record, scores, sought, sharing)) for record in read.records]
    body = paging.envelope(PATH, query, data, turns, **more)
    nothing = key is None and not page.hits
    body["did_you_mean"] = None
    if nothing:
        # A word of a body is told to nobody who may not read it.
        body["did_you_mean"] = _meant(connection, asked, sought, truth, of_list, headlines=not sharing.is_whole)
    if "facets" in query:
        body["facets"], body["facets_exact"] = found.spread(connection, sought, query["facets"])
    return _answer(connection, truth, body, read, query)


def _answer(
    connection: Connection,
    truth: Truth,
    body: dict[str, Any],
    read: articles.Page,
    query: paging.Query,
) -> Answer:
    return Answer(
        body=json(body),
        seq=truth.seq,
        mark=truth.mark,
        changed_at=latest({found.last_change(connection), read.changed_at}),
        words=frozenset({*tags.of_search(truth.everything, truth.terms.values()), *tags.names(read.records)}),
        tags=paging.tags(query),
        link=paging.link_header(body["links"]) if "links" in body else None,
    )


def _hit(record: Record, scores: dict[Any, float], sought: Search, sharing: Sharing) -> Record:
    presentation, language = parts().presentation, record["language"]
    wanted = sought.marked(language)
    record["score"] = scores[record["id"]]
    record["highlights"] = {
        "headline": highlights.marked(record["headline"], wanted, language),
        "standfirst": highlights.marked(record["standfirst"] or "", wanted, language),
        "body": highlights.fragments(markup.to_text(presentation.body(record, sharing) or ""), wanted, language),
    }
    return presentation.summary(record)


def _meant(
    connection: Connection, asked: Asked, sought: Search, truth: Truth, of_list: Question, *, headlines: bool
) -> str | None:
    """What would be found if a word or two were spelled another way; None where that would find nothing either.

    With `headlines`, what would be found by its headline.
    """
    unknown = sought.unknown()
    spelled = search.spelled(connection, unknown) if len(unknown) <= _MISSPELT else {}
    if len(spelled) < len(unknown) or not spelled:
        return None
    other = search.understand(connection, asked.with_words(spelled), truth, of_list, headlines=headlines)
    there = found.page(connection, other, limit=1, after=None, back=False)
    return other.asked.written() if there.hits else None


def _suggest(connection: Connection, query: paging.Query) -> Answer:
    truth = facets.truth(connection, {})
    api, typed = parts().settings.api_url, fold(query["q"])
    shown: list[dict[str, Any]] = []
    for kind in _KINDS if typed else ():
        named = taxonomy.begun(connection, kind, typed, _NAMES_SHOWN)
        shown += [_suggestion(api, kind, slug, name) for slug, name in named]
    asked = queries.read(query["q"])
    sought = search.understand(connection, asked, truth, Question(), headlines=True, most=_NEWEST)
    hits = found.page(connection, sought, limit=query["limit"], after=None, back=False).hits
    articles_ = articles.by_ids(connection, [hit.id for hit in hits])
    shown = shown[: query["limit"] // 2 if articles_.records else None]
    shown += [_suggestion(api, "article", record["slug"], record["headline"]) for record in articles_.records]
    dump = compiled(Suggestion)
    body = {"data": [dump(one) for one in shown[: query["limit"]]]}
    return _answer(connection, truth, body, articles_, {})


def _suggestion(api: str, kind: str, slug: str, name: str) -> dict[str, Any]:
    return {"type": kind, "slug": slug, "name": name, "links": {"self": f"{api}/v1/{kind}s/{slug}"}}
