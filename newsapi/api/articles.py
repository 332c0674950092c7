"""Articles over HTTP: the list, one, and what is related to it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import Schema

from newsapi.actions.related import keep
from newsapi.api import crosslinks, paging, sight
from newsapi.api.answers import cached
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.cache import tags
from newsapi.cache.answer import Answer
from newsapi.errors import Fault, Invalid, NotFound, Withdrawn
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
from newsapi.schemas.dump import Dump, compiled, json
from newsapi.schemas.narrowed import PartialArticleList, PartialArticleOne
from newsapi.schemas.presentation import WHOLE, Sharing
from newsapi.schemas.queries import ASIDE, ONE_NAME, ArticleQuery, OneArticleQuery, Read, RelatedQuery
from newsapi.search import queries
from newsapi.store import articles, facets, found, hidden, listing, related, search, taxonomy
from newsapi.store.articles import Record
from newsapi.store.database import Connection
from newsapi.store.hidden import Sight
from newsapi.store.listing import Turn
from newsapi.store.related import Made
from newsapi.store.search import Search
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
        sight.check(query)
        return cached(paging.address(PATH, query), query, lambda connection: _list(connection, query, turn))


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
        named, path = naming(which)
        return cached(paging.address(path, query), query, lambda connection: _one(connection, named, query))


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
        named, path = naming(which)
        return cached(
            paging.address(f"{path}/jsonld", query), query, lambda connection: _jsonld(connection, named, query)
        )


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
        named, path = naming(which)
        address = paging.address(f"{path}/related", query, limit=RELATED)
        return cached(address, query, lambda connection: _related(connection, named, query, path))


def _list(connection: Connection, query: paging.Query, turn: Turn | None) -> Answer:
    wanted = paging.facets(query)
    truth = facets.truth(connection, wanted)
    asked = paging.question(query, turn)
    seen = sight.of_list(connection, query)
    shape = {"limit": query["limit"], "wanted": _wanted(query)}
    if (sought := _sought(connection, query, truth, asked)) is None:
        page = sight.page(connection, truth, asked, seen, wanted, **shape)
    else:
        page = found.by_time(connection, sought, asked, **shape)
    more = {}
    if query["total"]:
        counted = found.count(connection, sought) if sought else _count(connection, truth, asked, seen, wanted)
        more = _total(counted)
    times, words = _include(connection, page.records, query.get("include", ()))
    if sought is not None:
        words |= tags.of_search(truth.everything, truth.terms.values())
    linked = crosslinks.link(connection, page.records)
    turns = (paging.cursor(query, page.next), paging.cursor(query, page.prev))
    body = paging.envelope(PATH, query, _shown(page.records, query, sight.sharing(connection)), turns, **more)
    return Answer(
        body=json(body),
        seq=truth.seq,
        mark=truth.mark,
        changed_at=latest({truth.touched_at(), page.changed_at, linked.changed_at, *times}),
        words=frozenset(
            {*tags.of_list(query, truth.filters, truth.everything), *tags.names(page.records), *words, *linked.words}
        ),
        tags=paging.tags(query),
        link=paging.link_header(body["links"]),
    )


def _sought(connection: Connection, query: paging.Query, truth: facets.Truth, asked: listing.Question) -> Search | None:
    """What `q` means; None without one. Raises Invalid beside what it cannot be combined with."""
    if "q" not in query:
        return None
    if alone := sorted({"status", "preview"} & {*query}):
        raise Invalid([Fault("q", f"cannot be combined with {alone[0]}: only what is published can be searched")])
    bodies = sight.sharing(connection).is_whole
    return search.understand(connection, queries.read(query["q"]), truth, asked, bodies=bodies)


def _one(connection: Connection, which: str | UUID, query: paging.Query) -> Answer:
    found, seen = _found(connection, which, query)
    include, presentation = query.get("include", ()), parts().presentation
    wanted = EVERYTHING if {"blocks", "jsonld"} & {*include} else _wanted(query) or EVERYTHING
    page = articles.by_ids(connection, [found.id], wanted, hidden=seen is not None)
    linked = crosslinks.link(connection, page.records)
    sharing = WHOLE if seen else sight.sharing(connection)
    record = presentation.article(page.records[0], sharing)
    times, keys = {page.changed_at, linked.changed_at}, [tags.article(found.id), tags.slug(record["slug"])]
    words: set[tags.Word] = {*keys, *tags.names([record]), *linked.words}
    if "related" in include:
        exclude = query.get("related_exclude", ())
        read = _read_next(connection, found.id, record, query, limit=query["related_limit"], exclude=exclude)
        record["related"] = [presentation.summary(item) for item in read.records]
        times.add(read.changed_at)
        keys.append(tags.related(found.id))
        words |= _words_of(found.id, read)
    if "blocks" in include:
        record["blocks"] = blocks(record["body_html"] or "")
    if "jsonld" in include:
        record["jsonld"] = _news_article(record)
    more_times, more_words = _include(connection, [record], [name for name in include if name in FULL])
    return Answer(
        body=json({"data": _dump(query, ArticleWithRelated)(record)}),
        seq=found.seq,
        mark=found.mark,
        changed_at=latest(times | more_times),
        words=frozenset(words | more_words),
        tags=tuple(keys),
        language=record["language"],
        version=record["version"],
    )


def _found(connection: Connection, which: str | UUID, query: paging.Query) -> tuple[articles.Found, Sight | None]:
    """Look an article up for who asks; answer also what he sees of it that others do not, None if that is nothing."""
    seen = sight.of_article(connection, query)
    if seen is None:
        return articles.find(connection, which), None
    try:
        return articles.find(connection, which), None
    except (NotFound, Withdrawn):
        found = articles.find_any(connection, which)
        if seen.article not in {None, found.id}:
            raise
        return found, seen


def _news_article(record: Record) -> dict[str, Any]:
    """The article as search engines read it."""
    found = parts()
    free = found.settings.public_body == "full"
    return jsonld.article(record, publisher=found.settings.publisher, free=free, page_of=found.presentation.page_of)


def _jsonld(connection: Connection, which: str | UUID, query: paging.Query) -> Answer:
    found, seen = _found(connection, which, query)
    page = articles.by_ids(connection, [found.id], EVERYTHING, hidden=seen is not None)
    linked = crosslinks.link(connection, page.records)
    record = parts().presentation.article(page.records[0], WHOLE if seen else sight.sharing(connection))
    return Answer(
        body=jsonld.script_safe(json(_news_article(record))),
        seq=found.seq,
        mark=found.mark,
        changed_at=latest({page.changed_at, linked.changed_at}),
        words=frozenset({tags.article(found.id), *tags.names([record]), *linked.words}),
        tags=(tags.article(found.id),),
        language=record["language"],
        media_type=LD_JSON,
    )


def _related(connection: Connection, which: str | UUID, query: paging.Query, path: str) -> Answer:
    found, seen = _found(connection, which, query)
    record = articles.by_ids(connection, [found.id], hidden=True).records[0] if seen or "preview" in query else {}
    exclude = query.get("exclude", ())
    page = _read_next(connection, found.id, record, query, limit=query["limit"], exclude=exclude)
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
        words=frozenset({tags.article(found.id), *_words_of(found.id, page)}),
        tags=(tags.related(found.id),),
        link=paging.link_header(links),
    )


def _read_next(
    connection: Connection,
    id_: UUID,
    record: Record,
    query: paging.Query,
    *,
    limit: int,
    exclude: Collection[str],
) -> related.Related:
    """What is related to an article: for who sees it before others, the newest of its brand as they will be then."""
    seen = sight.of_list(connection, query) or (None if record.get("status", "published") == "published" else Sight())
    if seen is None:
        return related.of_article(connection, id_, limit=limit, exclude=exclude, keep=_keep)
    wanted = {"brand": (record["brand"]["slug"],)} if record["brand"] else {}
    truth = facets.truth(connection, wanted)
    page = hidden.page(connection, truth, listing.Question(), seen, wanted, limit=limit + len(exclude) + 1)
    fresh = {"kind": "fresh", "weight": 1.0, "terms": []}
    relation = {"score": 0.0, "level": "recent", "reasons": [fresh]}
    others = [one for one in page.records if one["id"] != id_ and one["slug"] not in exclude]
    shown = [{**one, "relation": relation} for one in others[:limit]]
    return related.Related(shown, page.changed_at, frozenset(), frozenset())


def _words_of(article: UUID, listed: related.Related) -> set[tags.Word]:
    """What decides on a related list: the list, each article that it shows, and what may come to stand there."""
    shown = {tags.article(record["id"]) for record in listed.records}
    if listed.facets:
        shown.add(tags.ARTICLES)  # for CDNs, which know no facets
    return {tags.related(article), *shown, *tags.names(listed.records), *map(tags.slug, listed.slugs), *listed.facets}


def _keep(made: Made) -> bool:
    return keep(parts().database, made)


RELATED = RelatedQuery().load({})["limit"]


def naming(which: str) -> tuple[str | UUID, str]:
    """Tell an id from a slug; answer the path of either in its one form too.

    What is neither is looked up as the empty slug, which nothing has.
    """
    named = UUID(which) if is_uuid(which) else which if is_slug(which) else ""
    return named, f"{PATH}/{quote(which, safe='') if named == '' else named}"


def _wanted(query: paging.Query) -> Collection[str]:
    """The fields that `fields` asks for, without what is inside them; none where it is not given."""
    return {path.partition(".")[0] for path in query.get("fields", ())}


def _count(
    connection: Connection, truth: facets.Truth, asked: listing.Question, seen: Sight | None, wanted: dict[str, Any]
) -> int:
    whole = replace(asked, turn=None)
    count = listing.count(connection, truth, whole) if seen is None or seen.public else 0
    return count if seen is None else count + hidden.count(connection, whole, seen, wanted)


def _total(count: int) -> dict[str, Any]:
    return {"total": min(count, listing.COUNTED), "total_is_lower_bound": count > listing.COUNTED}


def _include(
    connection: Connection, records: list[Record], names: Collection[str]
) -> tuple[set[datetime | None], set[tags.Word]]:
    """Put full brands, authors and sections in the place of the short ones.

    Answer when they last changed, and the words for their names and their counts.
    """
    times: set[datetime | None] = set()
    words: set[tags.Word] = set()
    for name in names:
        kind: Any = name.removesuffix("s") if name == "authors" else name
        short = [term for record in records for term in _listed(record[name])]
        full = taxonomy.by_slugs(connection, kind, [term["slug"] for term in short]) if short else {}
        for term in full.values():
            parts().presentation.term(kind, term)
            times |= {term["changed_at"], term["at"]}
            words |= {term["facet_id"], *tags.above(term)}
        for record in records:
            found = [full[term["slug"]] for term in _listed(record[name])]
            record[name] = found if name == "authors" else found[0] if found else None
    return times, words


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _shown(records: list[Record], query: paging.Query, sharing: Sharing) -> list[Record]:
    """Complete the records of a list and narrow them to what was asked for."""
    presentation = parts().presentation
    if "fields" in query:
        dump = _dump(query, Article)
        return [dump(presentation.article(record, sharing)) for record in records]
    dump = _dump(query, ArticleSummary)
    return [dump(presentation.summary(record)) for record in records]


def _dump(query: paging.Query, schema: type[Schema]) -> Dump:
    """The function that shapes an article as `fields` and `include` ask."""
    include = query.get("include", ())
    instead = frozenset((name, FULL[name]) for name in include if name in FULL)
    paths = frozenset(query.get("fields", ()))
    return compiled(schema, paths | {"id", *({*ASIDE} & {*include})} if paths else paths, instead)
