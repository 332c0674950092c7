"""Articles over HTTP: the list, one, and what is related to it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import Schema

from newsapi.api import paging
from newsapi.api.answers import cached, json
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.cache.pages import Answer
from newsapi.feeds import jsonld
from newsapi.model.base import latest
from newsapi.schemas.articles import (
    FULL,
    Article,
    ArticleList,
    ArticleOne,
    ArticleSummary,
    ArticleWithRelated,
    RelatedArticle,
    RelatedList,
)
from newsapi.schemas.dump import Dump, compiled
from newsapi.schemas.narrowed import PartialArticleList, PartialArticleOne
from newsapi.schemas.queries import ASIDE, ONE_NAME, ArticleQuery, OneArticleQuery, Read, RelatedQuery
from newsapi.store import articles, facets, listing, related, taxonomy
from newsapi.store.articles import Found, Record
from newsapi.store.database import Connection
from newsapi.store.facets import Truth
from newsapi.store.listing import Turn
from newsapi.text.blocks import blocks
from newsapi.text.slugs import is_slug, is_uuid

blueprint = Blueprint("articles", __name__, url_prefix="/v1/articles", description="What was written")

PATH = "/v1/articles"
WHICH = {"in": "path", "name": "which", "description": "Slug or id of the article", "schema": ONE_NAME}
LD_JSON = "application/ld+json"
EVERYTHING = frozenset(Article().dump_fields)


@blueprint.route("")
class Articles(MethodView):
    """All articles."""

    @blueprint.doc(operationId="listArticles", summary="A page of articles")
    @blueprint.arguments(ArticleQuery(), location="query", error_status_code=400)
    @blueprint.response(
        200, {"anyOf": [ArticleList, PartialArticleList]}, description="A page; with `fields`, parts of it"
    )
    def get(self, query: paging.Query) -> Response:
        """A page of articles, newest first if not sorted otherwise. Commas in a filter mean any of."""
        query, turn = paging.with_cursor(query)
        with parts().database.reading() as connection:
            truth = facets.truth(connection, paging.facets(query), min_seq=query["min_seq"])
            stand = _AmongOthers(truth, truth.everything.seq) if "include" in query else truth
            return cached(connection, paging.address(PATH, query), stand, lambda: _list(connection, truth, query, turn))


@blueprint.route("/<which>", parameters=[WHICH])
class OneArticle(MethodView):
    """One article."""

    @blueprint.doc(operationId="getArticle", summary="One article")
    @blueprint.arguments(OneArticleQuery(), location="query", error_status_code=400)
    @blueprint.response(200, {"anyOf": [ArticleOne, PartialArticleOne]}, description="All of it; with `fields`, parts")
    @blueprint.alt_response(308, description="It has another slug now")
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="There is none")
    @blueprint.alt_response(410, "DEFAULT_ERROR", description="It was published and is no more")
    def get(self, query: paging.Query, which: str) -> Response:
        """An article by its slug or id, in full, and with `include=related` what to read next."""
        with parts().database.reading() as connection:
            found = articles.find(connection, _named(which), min_seq=query["min_seq"])
            alone = {"blocks", "jsonld"}.issuperset(query.get("include", ()))
            stand = found if alone else _AmongOthers(found, found.lists_seq)
            address = paging.address(f"{PATH}/{found.id}", query)
            return cached(connection, address, stand, lambda: _one(connection, found, query))


@blueprint.route("/<which>/jsonld", parameters=[WHICH])
class JsonLd(MethodView):
    """One article for search engines."""

    @blueprint.doc(operationId="getArticleJsonLd", summary="One article as schema.org has it")
    @blueprint.arguments(Read(), location="query", error_status_code=400)
    @blueprint.response(200, {"type": "object"}, content_type=LD_JSON)
    @blueprint.alt_response(308, description="It has another slug now")
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="There is none")
    @blueprint.alt_response(410, "DEFAULT_ERROR", description="It was published and is no more")
    def get(self, query: paging.Query, which: str) -> Response:
        """A NewsArticle of schema.org, safe to stand in a `script` element as it is."""
        with parts().database.reading() as connection:
            found = articles.find(connection, _named(which), min_seq=query["min_seq"])
            address = paging.address(f"{PATH}/{found.id}/jsonld", query)
            return cached(connection, address, found, lambda: _jsonld(connection, found))


@blueprint.route("/<which>/related", parameters=[WHICH])
class Related(MethodView):
    """What to read next."""

    @blueprint.doc(operationId="listRelatedArticles", summary="What to read after an article")
    @blueprint.arguments(RelatedQuery(), location="query", error_status_code=400)
    @blueprint.response(200, RelatedList)
    @blueprint.alt_response(308, description="It has another slug now")
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="There is no such article")
    @blueprint.alt_response(410, "DEFAULT_ERROR", description="It was published and is no more")
    def get(self, query: paging.Query, which: str) -> Response:
        """Articles of the same brand, then of its group, each with the reasons why it stands here."""
        with parts().database.reading() as connection:
            found = articles.find(connection, _named(which), min_seq=query["min_seq"])
            path = f"{PATH}/{which}"
            address = paging.address(f"{path}/related", query, limit=RELATED)
            stand = _AmongOthers(found, found.lists_seq)
            return cached(connection, address, stand, lambda: _related(connection, found, query, path))


class _AmongOthers:
    """What is shown with a related list, or with the counts of its brand: it changes with any list."""

    def __init__(self, own: Found | Truth, lists_seq: int) -> None:
        self.seq, self.mark = own.seq, own.mark
        self.touched = max(own.touched, lists_seq)


def _list(connection: Connection, truth: Truth, query: paging.Query, turn: Turn | None) -> Answer:
    asked = paging.question(query, turn)
    page = articles.page(connection, truth, asked, limit=query["limit"], wanted=_wanted(query))
    more = _total(listing.count(connection, truth, replace(asked, turn=None))) if query["total"] else {}
    times = {truth.touched_at(), page.changed_at, *_include(connection, page.records, query.get("include", ()))}
    turns = (paging.cursor(query, page.next), paging.cursor(query, page.prev))
    body = paging.envelope(PATH, query, _shown(page.records, query), turns, **more)
    return Answer(
        body=json(body),
        seq=truth.seq,
        mark=truth.mark,
        changed_at=latest(times),
        tags=paging.tags(query),
        link=paging.link_header(body["links"]),
    )


def _one(connection: Connection, found: Found, query: paging.Query) -> Answer:
    include, presentation = query.get("include", ()), parts().presentation
    wanted = EVERYTHING if {"blocks", "jsonld"} & {*include} else _wanted(query) or EVERYTHING
    page = articles.by_ids(connection, [found.id], wanted)
    record = presentation.article(page.records[0])
    times, tags = {page.changed_at}, [f"article:{found.id}", f"slug:{record['slug']}"]
    if "related" in include:
        exclude = query.get("related_exclude", ())
        read = related.of_article(connection, found.id, limit=query["related_limit"], exclude=exclude)
        record["related"] = [presentation.summary(item) for item in read.records]
        times.add(read.changed_at)
        tags.append(f"related:{found.id}")
    if "blocks" in include:
        record["blocks"] = blocks(record["body_html"])
    if "jsonld" in include:
        record["jsonld"] = _news_article(record)
    times |= _include(connection, [record], [name for name in include if name in FULL])
    return Answer(
        body=json({"data": _dump(query, ArticleWithRelated)(record)}),
        seq=found.seq,
        mark=found.mark,
        changed_at=latest(times),
        tags=tuple(tags),
        language=record["language"],
    )


def _news_article(record: Record) -> dict[str, Any]:
    """The article as search engines read it."""
    found = parts()
    return jsonld.article(record, publisher=found.settings.publisher, page_of=found.presentation.page_of)


def _jsonld(connection: Connection, found: Found) -> Answer:
    page = articles.by_ids(connection, [found.id], EVERYTHING)
    record = parts().presentation.article(page.records[0])
    return Answer(
        body=jsonld.script_safe(json(_news_article(record))),
        seq=found.seq,
        mark=found.mark,
        changed_at=page.changed_at,
        tags=(f"article:{found.id}",),
        language=record["language"],
        media_type=LD_JSON,
    )


def _related(connection: Connection, found: Found, query: paging.Query, path: str) -> Answer:
    page = related.of_article(connection, found.id, limit=query["limit"], exclude=query.get("exclude", ()))
    presentation, dump = parts().presentation, compiled(RelatedArticle)
    links = {"self": paging.address(f"{path}/related", query, limit=RELATED), "next": None, "prev": None}
    body = {
        "data": [dump(presentation.summary(record)) for record in page.records],
        "page": {"limit": query["limit"], "next": None, "prev": None},
        "links": {**links, "article": f"{presentation.api}{path}"},
    }
    return Answer(
        body=json(body),
        seq=found.seq,
        mark=found.mark,
        changed_at=page.changed_at,
        tags=(f"related:{found.id}",),
        link=paging.link_header(links),
    )


RELATED = RelatedQuery().load({})["limit"]


def _named(which: str) -> str | UUID:
    """Tell an id from a slug. What is neither is looked up as the empty slug, which nothing has."""
    return UUID(which) if is_uuid(which) else which if is_slug(which) else ""


def _wanted(query: paging.Query) -> Collection[str]:
    """The fields that `fields` asks for, without what is inside them; none where it is not given."""
    return {path.partition(".")[0] for path in query.get("fields", ())}


def _total(count: int) -> dict[str, Any]:
    return {"total": min(count, listing.COUNTED), "total_is_lower_bound": count > listing.COUNTED}


def _include(connection: Connection, records: list[Record], names: Collection[str]) -> set[datetime | None]:
    """Put full brands, authors and sections in the place of the short ones; answer when they last changed."""
    times: set[datetime | None] = set()
    for name in names:
        kind: Any = name.removesuffix("s") if name == "authors" else name
        short = [term for record in records for term in _listed(record[name])]
        full = taxonomy.by_slugs(connection, kind, [term["slug"] for term in short]) if short else {}
        for slug in full:
            parts().presentation.term(kind, full[slug])
            times |= {full[slug]["changed_at"], full[slug]["at"]}
        for record in records:
            found = [full[term["slug"]] for term in _listed(record[name])]
            record[name] = found if name == "authors" else found[0] if found else None
    return times


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _shown(records: list[Record], query: paging.Query) -> list[Record]:
    """Complete the records of a list and narrow them to what was asked for."""
    complete = parts().presentation.article if "fields" in query else parts().presentation.summary
    dump = _dump(query, Article if "fields" in query else ArticleSummary)
    return [dump(complete(record)) for record in records]


def _dump(query: paging.Query, schema: type[Schema]) -> Dump:
    """The function that shapes an article as `fields` and `include` ask."""
    include = query.get("include", ())
    instead = frozenset((name, FULL[name]) for name in include if name in FULL)
    paths = frozenset(query.get("fields", ()))
    return compiled(schema, paths | {"id", *({*ASIDE} & {*include})} if paths else paths, instead)
