"""Article reads: the list, one article, its JSON-LD and its related articles."""

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

blueprint = Blueprint("articles", __name__, url_prefix="/v1/articles", description="Read published articles")

PATH = "/v1/articles"
WHICH = {"in": "path", "name": "which", "description": "Slug or id of the article", "schema": ONE_NAME}
LD_JSON = "application/ld+json"
EVERYTHING = frozenset(Article().dump_fields)


@blueprint.route("")
class Articles(MethodView):
    """The list of articles."""

    @blueprint.doc(operationId="listArticles", summary="List articles")
    @blueprint.arguments(ArticleQuery(), location="query", error_status_code=400)
    @blueprint.response(
        200,
        {"anyOf": [ArticleList, PartialArticleList]},
        description="A page of article summaries, or of the requested fields with `fields`",
    )
    def get(self, query: paging.Query) -> Response:
        """Return a page of articles, newest first unless `sort` is given.

        Different filters are combined with AND; comma-separated values of one filter are alternatives (OR).
        """
        query, page_start = paging.with_cursor(query)
        sight.check(query)
        return cached(paging.address(PATH, query), query, lambda connection: _list(connection, query, page_start))


@blueprint.route("/<which>", parameters=[WHICH])
class OneArticle(MethodView):
    """One article."""

    @blueprint.doc(operationId="getArticle", summary="Get an article")
    @blueprint.arguments(OneArticleQuery(), location="query", error_status_code=400)
    @blueprint.response(
        200,
        {"anyOf": [ArticleOne, PartialArticleOne]},
        description="The full article, or the requested fields with `fields`",
    )
    @blueprint.alt_response(308, description="The slug has changed; `Location` is the URL with the current slug")
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="The article does not exist")
    @blueprint.alt_response(410, "DEFAULT_ERROR", description="The article was published and is no longer public")
    def get(self, query: paging.Query, which: str) -> Response:
        """Return the full article with this slug or id.

        `include=related` adds the articles to read next, so that one request is enough for an article page.
        """
        name, path = naming(which)
        return cached(paging.address(path, query), query, lambda connection: _one(connection, name, query))


@blueprint.route("/<which>/jsonld", parameters=[WHICH])
class JsonLd(MethodView):
    """One article as JSON-LD."""

    @blueprint.doc(operationId="getArticleJsonLd", summary="Get an article as schema.org JSON-LD")
    @blueprint.arguments(Read(), location="query", error_status_code=400)
    @blueprint.response(200, {"type": "object"}, content_type=LD_JSON)
    @blueprint.alt_response(308, description="The slug has changed; `Location` is the URL with the current slug")
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="The article does not exist")
    @blueprint.alt_response(410, "DEFAULT_ERROR", description="The article was published and is no longer public")
    def get(self, query: paging.Query, which: str) -> Response:
        """Return a schema.org `NewsArticle`, escaped so that it can be copied into a `script` element unchanged."""
        name, path = naming(which)
        return cached(
            paging.address(f"{path}/jsonld", query), query, lambda connection: _jsonld(connection, name, query)
        )


@blueprint.route("/<which>/related", parameters=[WHICH])
class Related(MethodView):
    """Related articles."""

    @blueprint.doc(operationId="listRelatedArticles", summary="List related articles")
    @blueprint.arguments(RelatedQuery(), location="query", error_status_code=400)
    @blueprint.response(200, RelatedList)
    @blueprint.alt_response(308, description="The slug has changed; `Location` is the URL with the current slug")
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="The article does not exist")
    @blueprint.alt_response(410, "DEFAULT_ERROR", description="The article was published and is no longer public")
    def get(self, query: paging.Query, which: str) -> Response:
        """Return the articles to read next, best first.

        The editors' picks come first, then the related articles of the same brand, then recent articles that fill the
        list. `relation` gives the score, the level and the reasons of each article. The list contains neither the
        article itself nor near-duplicates or translations of it.
        """
        name, path = naming(which)
        url = paging.address(f"{path}/related", query, limit=RELATED)
        return cached(url, query, lambda connection: _related(connection, name, query, path))


def _list(connection: Connection, query: paging.Query, page_start: Turn | None) -> Answer:
    facet_slugs = paging.facets(query)
    snapshot = facets.truth(connection, facet_slugs)
    list_query = paging.question(query, page_start)
    extra_visibility = sight.of_list(connection, query)
    plan = _sought(connection, query, snapshot, list_query)
    limit, field_names = query["limit"], _wanted(query)
    if plan is None:
        page = sight.page(
            connection, snapshot, list_query, extra_visibility, facet_slugs, limit=limit, wanted=field_names
        )
    else:
        page = found.by_time(connection, plan, list_query, limit=limit, wanted=field_names)
    total = {}
    if query["total"]:
        if plan is None:
            count = _count(connection, snapshot, list_query, extra_visibility, facet_slugs)
        else:
            count = found.count(connection, plan)
        total = _total(count)
    times, depends_on = _include(connection, page.records, query.get("include", ()))
    if plan is not None:
        depends_on |= tags.of_search(snapshot.everything, snapshot.terms.values())
    crosslinks_result = crosslinks.link(connection, page.records)
    times |= {snapshot.touched_at(), page.changed_at, crosslinks_result.changed_at}
    depends_on.update(tags.of_list(query, snapshot.filters, snapshot.everything))
    depends_on.update(tags.names(page.records), crosslinks_result.words)
    cursors = (paging.cursor(query, page.next), paging.cursor(query, page.prev))
    items = _shown(page.records, query, sight.sharing(connection))
    body = paging.envelope(PATH, query, items, cursors, **total)
    return Answer(
        body=json(body),
        seq=snapshot.seq,
        mark=snapshot.mark,
        changed_at=latest(times),
        words=frozenset(depends_on),
        tags=paging.tags(query),
        link=paging.link_header(body["links"]),
    )


def _sought(
    connection: Connection, query: paging.Query, snapshot: facets.Truth, list_query: listing.Question
) -> Search | None:
    """Return the search plan of `q`, or None without `q`.

    Raises:
        InvalidParameter: `q` is combined with `status` or `preview`.
    """
    if "q" not in query:
        return None
    if conflicting := sorted({"status", "preview"} & {*query}):
        raise Invalid([Fault("q", f"cannot be combined with {conflicting[0]}: only published articles are searchable")])
    bodies = sight.sharing(connection).is_whole
    return search.understand(connection, queries.read(query["q"]), snapshot, list_query, bodies=bodies)


def _one(connection: Connection, name: str | UUID, query: paging.Query) -> Answer:
    ref, extra_visibility = _found(connection, name, query)
    include, presentation = query.get("include", ()), parts().presentation
    # `blocks` and `jsonld` are derived from the full article, whatever `fields` asks for.
    field_names = EVERYTHING if {"blocks", "jsonld"} & {*include} else _wanted(query) or EVERYTHING
    page = articles.by_ids(connection, [ref.id], field_names, hidden=extra_visibility is not None)
    crosslinks_result = crosslinks.link(connection, page.records)
    body_access = WHOLE if extra_visibility else sight.sharing(connection)
    record = presentation.article(page.records[0], body_access)
    times = {page.changed_at, crosslinks_result.changed_at}
    surrogate_keys = [tags.article(ref.id), tags.slug(record["slug"])]
    depends_on: set[tags.Word] = {*surrogate_keys, *tags.names([record]), *crosslinks_result.words}
    if "related" in include:
        exclude = query.get("related_exclude", ())
        result = _read_next(connection, ref.id, record, query, limit=query["related_limit"], exclude=exclude)
        record["related"] = [presentation.summary(item) for item in result.records]
        times.add(result.changed_at)
        surrogate_keys.append(tags.related(ref.id))
        depends_on |= _words_of(ref.id, result)
    if "blocks" in include:
        record["blocks"] = blocks(record["body_html"] or "")
    if "jsonld" in include:
        record["jsonld"] = _news_article(record)
    term_times, term_dependencies = _include(connection, [record], [name for name in include if name in FULL])
    return Answer(
        body=json({"data": _dump(query, ArticleWithRelated)(record)}),
        seq=ref.seq,
        mark=ref.mark,
        changed_at=latest(times | term_times),
        words=frozenset(depends_on | term_dependencies),
        tags=tuple(surrogate_keys),
        language=record["language"],
        version=record["version"],
    )


def _found(connection: Connection, name: str | UUID, query: paging.Query) -> tuple[articles.Found, Sight | None]:
    """Find an article that the caller may see.

    Returns:
        The article, and the visibility by which the caller sees it; None if the article is public.

    Raises:
        NotFound: The caller may see no article of this name.
        NoLongerPublic: The article was public, and the caller may not see it now.
    """
    extra_visibility = sight.of_article(connection, query)
    if extra_visibility is None:
        return articles.find(connection, name), None
    try:
        return articles.find(connection, name), None
    except (NotFound, Withdrawn):
        ref = articles.find_any(connection, name)
        if extra_visibility.article not in {None, ref.id}:
            raise
        return ref, extra_visibility


def _news_article(record: Record) -> dict[str, Any]:
    """Return the article as a schema.org NewsArticle."""
    context = parts()
    is_free = context.settings.public_body == "full"
    return jsonld.article(
        record, publisher=context.settings.publisher, free=is_free, page_of=context.presentation.page_of
    )


def _jsonld(connection: Connection, name: str | UUID, query: paging.Query) -> Answer:
    ref, extra_visibility = _found(connection, name, query)
    page = articles.by_ids(connection, [ref.id], EVERYTHING, hidden=extra_visibility is not None)
    crosslinks_result = crosslinks.link(connection, page.records)
    body_access = WHOLE if extra_visibility else sight.sharing(connection)
    record = parts().presentation.article(page.records[0], body_access)
    return Answer(
        body=jsonld.script_safe(json(_news_article(record))),
        seq=ref.seq,
        mark=ref.mark,
        changed_at=latest({page.changed_at, crosslinks_result.changed_at}),
        words=frozenset({tags.article(ref.id), *tags.names([record]), *crosslinks_result.words}),
        tags=(tags.article(ref.id),),
        language=record["language"],
        media_type=LD_JSON,
    )


def _related(connection: Connection, name: str | UUID, query: paging.Query, path: str) -> Answer:
    ref, extra_visibility = _found(connection, name, query)
    record = {}
    if extra_visibility or "preview" in query:
        record = articles.by_ids(connection, [ref.id], hidden=True).records[0]
    exclude = query.get("exclude", ())
    result = _read_next(connection, ref.id, record, query, limit=query["limit"], exclude=exclude)
    presentation, dump = parts().presentation, compiled(RelatedArticle)
    links = {"self": paging.address(f"{path}/related", query, limit=RELATED), "next": None, "prev": None}
    body = {
        "data": [dump(presentation.summary(record)) for record in result.records],
        "page": {"limit": query["limit"], "next": None, "prev": None},
        "links": {**links, "article": f"{presentation.api}{path}"},
    }
    return Answer(
        body=json(body),
        seq=ref.seq,
        mark=ref.mark,
        changed_at=result.changed_at,
        words=frozenset({tags.article(ref.id), *_words_of(ref.id, result)}),
        tags=(tags.related(ref.id),),
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
    """Return the related articles of an article.

    For a preview, or for an unpublished article, these are the newest articles of its brand, unpublished ones included
    as far as the caller may see them.
    """
    extra_visibility = sight.of_list(connection, query)
    if extra_visibility is None and record.get("status", "published") != "published":
        extra_visibility = Sight()
    if extra_visibility is None:
        return related.of_article(connection, id_, limit=limit, exclude=exclude, keep=_keep)
    facet_slugs = {"brand": (record["brand"]["slug"],)} if record["brand"] else {}
    snapshot = facets.truth(connection, facet_slugs)
    page = hidden.page(
        connection, snapshot, listing.Question(), extra_visibility, facet_slugs, limit=limit + len(exclude) + 1
    )
    reason = {"kind": "fresh", "weight": 1.0, "terms": []}
    relation = {"score": 0.0, "level": "recent", "reasons": [reason]}
    others = [other for other in page.records if other["id"] != id_ and other["slug"] not in exclude]
    records = [{**other, "relation": relation} for other in others[:limit]]
    return related.Related(records, page.changed_at, frozenset(), frozenset())


def _words_of(article_id: UUID, result: related.Related) -> set[tags.Word]:
    """Return the dependencies of a related list: the list, its articles, and the facets that may change its members."""
    listed = {tags.article(record["id"]) for record in result.records}
    if result.facets:
        listed.add(tags.ARTICLES)  # for CDNs, whose surrogate keys know no facets
    names = {*tags.names(result.records), *map(tags.slug, result.slugs)}
    return {tags.related(article_id), *listed, *names, *result.facets}


def _keep(new_list: Made) -> bool:
    return keep(parts().database, new_list)


RELATED = RelatedQuery().load({})["limit"]


def naming(which: str) -> tuple[str | UUID, str]:
    """Parse the article name of a path.

    Returns:
        The id, or the slug, or "" (which no article has) if the text is neither; and the canonical path of the article.
    """
    name = UUID(which) if is_uuid(which) else which if is_slug(which) else ""
    return name, f"{PATH}/{quote(which, safe='') if name == '' else name}"


def _wanted(query: paging.Query) -> Collection[str]:
    """Return the top-level fields that `fields` names; empty without `fields`."""
    return {path.partition(".")[0] for path in query.get("fields", ())}


def _count(
    connection: Connection,
    snapshot: facets.Truth,
    list_query: listing.Question,
    extra_visibility: Sight | None,
    facet_slugs: dict[str, Any],
) -> int:
    whole_list = replace(list_query, turn=None)
    if extra_visibility is None:
        return listing.count(connection, snapshot, whole_list)
    count = listing.count(connection, snapshot, whole_list) if extra_visibility.public else 0
    return count + hidden.count(connection, whole_list, extra_visibility, facet_slugs)


def _total(count: int) -> dict[str, Any]:
    return {"total": min(count, listing.COUNTED), "total_is_lower_bound": count > listing.COUNTED}


def _include(
    connection: Connection, records: list[Record], names: Collection[str]
) -> tuple[set[datetime | None], set[tags.Word]]:
    """Replace the short brands, authors and sections of records by the full ones.

    Args:
        connection: A read transaction.
        records: Article records; changed in place.
        names: The fields to expand: "brand", "authors", "section".

    Returns:
        When the terms last changed, and the dependencies on their names and counts.
    """
    times: set[datetime | None] = set()
    depends_on: set[tags.Word] = set()
    for name in names:
        kind: Any = name.removesuffix("s") if name == "authors" else name
        slugs = [term["slug"] for record in records for term in _listed(record[name])]
        full_terms = taxonomy.by_slugs(connection, kind, slugs) if slugs else {}
        for term in full_terms.values():
            parts().presentation.term(kind, term)
            times |= {term["changed_at"], term["at"]}
            depends_on |= {term["facet_id"], *tags.above(term)}
        for record in records:
            expanded = [full_terms[term["slug"]] for term in _listed(record[name])]
            if name == "authors":
                record[name] = expanded
            else:
                record[name] = expanded[0] if expanded else None
    return times, depends_on


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [value] if value else []


def _shown(records: list[Record], query: paging.Query, body_access: Sharing) -> list[Record]:
    """Return the items of a list as they are sent: summaries, or the fields that `fields` names."""
    presentation = parts().presentation
    if "fields" in query:
        dump = _dump(query, Article)
        return [dump(presentation.article(record, body_access)) for record in records]
    dump = _dump(query, ArticleSummary)
    return [dump(presentation.summary(record)) for record in records]


def _dump(query: paging.Query, schema: type[Schema]) -> Dump:
    """Return the function that serializes an article with the fields that `fields` and `include` name."""
    include = query.get("include", ())
    expanded = frozenset((name, FULL[name]) for name in include if name in FULL)
    paths = frozenset(query.get("fields", ()))
    if paths:
        paths |= {"id", *({*ASIDE} & {*include})}
    return compiled(schema, paths, expanded)
