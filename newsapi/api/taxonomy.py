"""Brands, authors, sections and tags over HTTP: four lists by name and their items, all alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields

from newsapi.api import access, paging
from newsapi.api.answers import cached
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.cache import tags
from newsapi.cache.answer import Answer
from newsapi.errors import BadCursor
from newsapi.model.base import latest
from newsapi.schemas import taxonomy as wire
from newsapi.schemas.articles import ArticleList, ArticleSummary
from newsapi.schemas.dump import compiled, json
from newsapi.schemas.queries import ONE_NAME, TermQuery, TermsQuery
from newsapi.schemas.wire import Out
from newsapi.store import articles, facets, taxonomy, vocabulary
from newsapi.store.database import Connection
from newsapi.store.listing import Question
from newsapi.store.taxonomy import Kind, Place
from newsapi.text.folding import fold
from newsapi.text.slugs import is_slug


@dataclass(frozen=True)
class Noun:
    """One of the four: its names, its schemas, and what it is."""

    kind: Kind
    item: type[Schema]
    page: type[Schema]
    text: str

    @property
    def path(self) -> str:
        """Where its list is."""
        return f"/v1/{self.kind}s"


NOUNS = (
    Noun("brand", wire.Brand, wire.BrandList, "Makes, and groups of makes"),
    Noun("author", wire.Author, wire.AuthorList, "Who signs articles"),
    Noun("section", wire.Section, wire.SectionList, "Parts of the site"),
    Noun("tag", wire.Term, wire.TermList, "Keywords"),
)


def _blueprint(noun: Noun) -> Blueprint:
    """Make the two routes of a noun."""
    blueprint = Blueprint(f"{noun.kind}s", __name__, url_prefix=noun.path, description=noun.text)
    title = noun.kind.title()
    which = {"in": "path", "name": "slug", "description": f"Slug of the {noun.kind}", "schema": ONE_NAME}
    with_articles = type(f"{title}WithArticles", (noun.item,), {"articles": fields.Nested(ArticleList)})
    one = type(f"{title}One", (Out,), {"data": fields.Nested(with_articles, required=True)})

    @blueprint.route("")
    class Terms(MethodView):
        """All of them."""

        @blueprint.doc(operationId=f"list{title}s", summary=f"A page of {noun.kind}s")
        @blueprint.arguments(TermsQuery(), location="query", error_status_code=400)
        @blueprint.response(200, noun.page)
        def get(self, query: paging.Query) -> Response:
            """A page sorted by name."""
            return _list(noun, query)

    @blueprint.route("/<slug>", parameters=[which])
    class OneTerm(MethodView):
        """One of them."""

        @blueprint.doc(operationId=f"get{title}", summary=f"One {noun.kind}")
        @blueprint.arguments(TermQuery(), location="query", error_status_code=400)
        @blueprint.response(200, one)
        @blueprint.alt_response(308, description="It has another slug now")
        @blueprint.alt_response(404, "DEFAULT_ERROR", description="There is none")
        def get(self, query: paging.Query, slug: str) -> Response:
            """One by its slug, and with `include=articles` its newest articles."""
            return _one(noun, with_articles, query, slug)

    return blueprint


def _list(noun: Noun, query: paging.Query) -> Response:
    words, place = query.get("q"), None
    if "cursor" in query:
        words, place = _place(noun, query["cursor"])
    return cached(
        paging.address(noun.path, query),
        query,
        lambda connection: _page(connection, noun, query, words=words, place=place),
    )


def _page(connection: Connection, noun: Noun, query: paging.Query, *, words: str | None, place: Place | None) -> Answer:
    truth = facets.truth(connection, {})
    folded = None if words is None else fold(words)
    found = taxonomy.Terms([])
    if folded != "":  # words that leave nothing when folded ("!?") stand in no name
        found = taxonomy.page(connection, noun.kind, words=folded, place=place, limit=query["limit"])
    dump = compiled(noun.item)
    counts = [record["facet_id"] for record in found.records]
    data = [dump(parts().presentation.term(noun.kind, record)) for record in found.records]
    turns = (_cursor(noun, words, found.next), _cursor(noun, words, found.prev))
    body = paging.envelope(noun.path, query, data, turns)
    return Answer(
        body=json(body),
        seq=truth.seq,
        mark=truth.mark,
        changed_at=latest((truth.terms[noun.kind].at, found.changed_at)),
        words=frozenset(
            {truth.terms[noun.kind].id, *counts, *(word for term in found.records for word in tags.above(term))}
        ),
        tags=("articles", f"{noun.kind}s"),
        link=paging.link_header(body["links"]),
    )


def _one(noun: Noun, schema: type[Schema], query: paging.Query, slug: str) -> Response:
    known = slug if is_slug(slug) else ""  # looked up as the empty slug, which nothing has
    address = paging.address(f"{noun.path}/{known or quote(slug, safe='')}", query)
    return cached(address, query, lambda connection: _term(connection, noun, query, schema=schema, slug=known))


def _term(connection: Connection, noun: Noun, query: paging.Query, *, schema: type[Schema], slug: str) -> Answer:
    presentation = parts().presentation
    truth = facets.truth(connection, {noun.kind: (slug,)})
    found = taxonomy.by_slug(connection, noun.kind, slug, truth)
    record, times = found.records[0], {found.changed_at, truth.touched_at()}
    key = tags.name(noun.kind, slug)
    words: set[tags.Word] = {key, record["facet_id"], *tags.above(record)}
    if "articles" in query.get("include", ()):
        page = articles.page(connection, truth, Question(), limit=20)
        listed = {"limit": 20, "sort": "-published_at", noun.kind: (slug,)}
        turns = (paging.cursor(listed, page.next), None)
        summaries = [compiled(ArticleSummary)(presentation.summary(item)) for item in page.records]
        record["articles"] = paging.envelope("/v1/articles", listed, summaries, turns)
        times.add(page.changed_at)
        words.update(tags.names(page.records))
    shown = compiled(schema)(presentation.term(noun.kind, record))
    caller = access.caller()
    if noun.kind == "author" and caller and caller.may("drafts:read"):
        shown["email"] = vocabulary.email(connection, record["slug"])
    return Answer(
        body=json({"data": shown}),
        seq=truth.seq,
        mark=truth.mark,
        changed_at=latest(times),
        words=frozenset(words),
        tags=(key,),
        version=record["version"],
    )


def _place(noun: Noun, cursor: str) -> tuple[str | None, Place]:
    value = parts().cursors.read(cursor, now=parts().now())
    if value[0] != noun.kind:
        raise BadCursor("This cursor belongs to another list.")
    return value[1], Place(*value[2:])


def _cursor(noun: Noun, words: str | None, place: Place | None) -> str | None:
    if place is None:
        return None
    value: list[Any] = [noun.kind, words, *place]
    return parts().cursors.write(value, now=parts().now())


blueprints = [_blueprint(noun) for noun in NOUNS]
