"""Article reads: the list, one article, its JSON-LD and its related articles."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView
from marshmallow import Schema

from newsapi.cache import dependencies
from newsapi.cache.cached_response import CachedResponse
from newsapi.content.context import app_context
from newsapi.content.presentation import crosslinks, visibility_of_caller
from newsapi.content.presentation.article_paths import ARTICLES_PATH, SLUG_OR_ID_PARAM, parse_name
from newsapi.content.presentation.presentation import FULL_ACCESS, BodyAccess
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import facets, listings, unpublished
from newsapi.content.queries import terms as term_queries
from newsapi.content.queries.articles import Record
from newsapi.content.queries.listings import PageStart
from newsapi.content.queries.unpublished import Visibility
from newsapi.content.schemas.articles import (
    ALL_FIELDS,
    EXPANDABLE_REFS,
    ArticleList,
    ArticleResponse,
    ArticleSchema,
    ArticleSummary,
    ArticleWithRelated,
    RelatedArticle,
    RelatedListSchema,
)
from newsapi.content.schemas.params import EXTRA_INCLUDES, ArticleListParams, ArticleParams, RelatedParams
from newsapi.content.schemas.partial import PartialArticleList, PartialArticleResponse
from newsapi.db.database import Connection
from newsapi.db.types import latest_time
from newsapi.errors import FieldError, InvalidParameter, NoLongerPublic, NotFound
from newsapi.reading import jsonld
from newsapi.related import lists as related_lists
from newsapi.related.maintenance import save_list
from newsapi.related.stored_lists import NewRelatedList
from newsapi.search import planner as search_planner
from newsapi.search import query_parser
from newsapi.search import results as search_results
from newsapi.search.planner import SearchPlan, SearchScope
from newsapi.text.blocks import parse_blocks
from newsapi.web import pagination
from newsapi.web.blueprint import Blueprint
from newsapi.web.fast_dump import DumpFunction, compile_dump, dump_json
from newsapi.web.params import ReadParams
from newsapi.web.responses import cached_response

blueprint = Blueprint("articles", __name__, url_prefix="/v1/articles", description="Read published articles")

LD_JSON = "application/ld+json"


@blueprint.route("")
class Articles(MethodView):
    """The list of articles."""

    @blueprint.doc(operationId="listArticles", summary="List articles")
    @blueprint.arguments(ArticleListParams(), location="query", error_status_code=400)
    @blueprint.response(
        200,
        {"anyOf": [ArticleList, PartialArticleList]},
        description="A page of article summaries, or of the requested fields with `fields`",
    )
    def get(self, query: pagination.Query) -> Response:
        """Return a page of articles, newest first unless `sort` is given.

        Different filters are combined with AND; comma-separated values of one filter are alternatives (OR).
        """
        query, page_start = pagination.apply_cursor(query)
        visibility_of_caller.reject_editor_params(query)
        return cached_response(
            pagination.canonical_url(ARTICLES_PATH, query),
            query,
            lambda connection: _list(connection, query, page_start),
        )


@blueprint.route("/<slug_or_id>", parameters=[SLUG_OR_ID_PARAM])
class OneArticle(MethodView):
    """One article."""

    @blueprint.doc(operationId="getArticle", summary="Get an article")
    @blueprint.arguments(ArticleParams(), location="query", error_status_code=400)
    @blueprint.response(
        200,
        {"anyOf": [ArticleResponse, PartialArticleResponse]},
        description="The full article, or the requested fields with `fields`",
    )
    @blueprint.alt_response(308, description="The slug has changed; `Location` is the URL with the current slug")
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="The article does not exist")
    @blueprint.alt_response(410, "DEFAULT_ERROR", description="The article was published and is no longer public")
    def get(self, query: pagination.Query, slug_or_id: str) -> Response:
        """Return the full article with this slug or id.

        `include=related` adds the articles to read next, so that one request is enough for an article page.
        """
        name, path = parse_name(slug_or_id)
        return cached_response(
            pagination.canonical_url(path, query), query, lambda connection: _article(connection, name, query)
        )


@blueprint.route("/<slug_or_id>/jsonld", parameters=[SLUG_OR_ID_PARAM])
class JsonLd(MethodView):
    """One article as JSON-LD."""

    @blueprint.doc(operationId="getArticleJsonLd", summary="Get an article as schema.org JSON-LD")
    @blueprint.arguments(ReadParams(), location="query", error_status_code=400)
    @blueprint.response(200, {"type": "object"}, content_type=LD_JSON)
    @blueprint.alt_response(308, description="The slug has changed; `Location` is the URL with the current slug")
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="The article does not exist")
    @blueprint.alt_response(410, "DEFAULT_ERROR", description="The article was published and is no longer public")
    def get(self, query: pagination.Query, slug_or_id: str) -> Response:
        """Return a schema.org `NewsArticle`, escaped so that it can be copied into a `script` element unchanged."""
        name, path = parse_name(slug_or_id)
        return cached_response(
            pagination.canonical_url(f"{path}/jsonld", query),
            query,
            lambda connection: _jsonld(connection, name, query),
        )


@blueprint.route("/<slug_or_id>/related", parameters=[SLUG_OR_ID_PARAM])
class Related(MethodView):
    """Related articles."""

    @blueprint.doc(operationId="listRelatedArticles", summary="List related articles")
    @blueprint.arguments(RelatedParams(), location="query", error_status_code=400)
    @blueprint.response(200, RelatedListSchema)
    @blueprint.alt_response(308, description="The slug has changed; `Location` is the URL with the current slug")
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="The article does not exist")
    @blueprint.alt_response(410, "DEFAULT_ERROR", description="The article was published and is no longer public")
    def get(self, query: pagination.Query, slug_or_id: str) -> Response:
        """Return the articles to read next, best first.

        The editors' picks come first, then the related articles of the same brand, then recent articles that fill the
        list. `relation` gives the score, the level and the reasons of each article. The list contains neither the
        article itself nor near-duplicates or translations of it.
        """
        name, path = parse_name(slug_or_id)
        url = pagination.canonical_url(f"{path}/related", query, default_limit=RELATED)
        return cached_response(url, query, lambda connection: _related(connection, name, query, path))


def _list(connection: Connection, query: pagination.Query, page_start: PageStart | None) -> CachedResponse:
    facet_slugs = pagination.facet_filters(query)
    snapshot = facets.resolve_filters(connection, facet_slugs)
    list_query = pagination.list_query(query, page_start)
    extra_visibility = visibility_of_caller.list_visibility(connection, query)
    plan = _search_of(connection, query, snapshot, list_query)
    limit, field_names = query["limit"], _requested_fields(query)
    if plan is None:
        page = visibility_of_caller.page(
            connection, snapshot, list_query, extra_visibility, facet_slugs, limit=limit, fields=field_names
        )
    else:
        page = search_results.time_sorted_page(connection, plan, list_query, limit=limit, wanted=field_names)
    total = {}
    if query["total"]:
        if plan is None:
            count = _count(connection, snapshot, list_query, extra_visibility, facet_slugs)
        else:
            count = search_results.count_results(connection, plan)
        total = _total(count)
    times, depends_on = _include(connection, page.records, query.get("include", ()))
    if plan is not None:
        depends_on |= dependencies.search_dependencies(snapshot.everything, snapshot.terms.values())
    crosslinks_result = crosslinks.add_crosslinks(connection, page.records)
    times |= {snapshot.changed_at(), page.changed_at, crosslinks_result.changed_at}
    depends_on.update(dependencies.list_dependencies(query, snapshot.filters, snapshot.everything))
    depends_on.update(dependencies.name_dependencies(page.records), crosslinks_result.dependencies)
    cursors = (pagination.make_cursor(query, page.next), pagination.make_cursor(query, page.prev))
    items = _present(page.records, query, visibility_of_caller.body_access(connection))
    body = pagination.list_response(ARTICLES_PATH, query, items, cursors, **total)
    return CachedResponse(
        body=dump_json(body),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=latest_time(times),
        dependencies=frozenset(depends_on),
        surrogate_keys=pagination.surrogate_keys(query),
        link=pagination.link_header(body["links"]),
    )


def _search_of(
    connection: Connection, query: pagination.Query, snapshot: facets.ReadSnapshot, list_query: listings.ListQuery
) -> SearchPlan | None:
    """Return the search plan of `q`, or None without `q`.

    Raises:
        InvalidParameter: `q` is combined with `status` or `preview`.
    """
    if "q" not in query:
        return None
    if conflicting := sorted({"status", "preview"} & {*query}):
        raise InvalidParameter(
            [FieldError("q", f"cannot be combined with {conflicting[0]}: only published articles are searchable")]
        )
    bodies = visibility_of_caller.body_access(connection).is_whole
    return search_planner.plan_search(
        connection, query_parser.parse_query(query["q"]), snapshot, list_query, SearchScope(phrases_in_bodies=bodies)
    )


def _article(connection: Connection, name: str | UUID, query: pagination.Query) -> CachedResponse:
    ref, extra_visibility = _found(connection, name, query)
    include, presentation = query.get("include", ()), app_context().presentation
    # `blocks` and `jsonld` are derived from the full article, whatever `fields` asks for.
    field_names = ALL_FIELDS if {"blocks", "jsonld"} & {*include} else _requested_fields(query) or ALL_FIELDS
    page = article_queries.get_many(connection, [ref.id], field_names, include_unpublished=extra_visibility is not None)
    crosslinks_result = crosslinks.add_crosslinks(connection, page.records)
    body_access = FULL_ACCESS if extra_visibility else visibility_of_caller.body_access(connection)
    record = presentation.article(page.records[0], body_access)
    times = {page.changed_at, crosslinks_result.changed_at}
    surrogate_keys = [dependencies.article_dependency(ref.id), dependencies.slug_dependency(record["slug"])]
    depends_on: set[dependencies.Dependency] = {
        *surrogate_keys,
        *dependencies.name_dependencies([record]),
        *crosslinks_result.dependencies,
    }
    if "related" in include:
        exclude = query.get("related_exclude", ())
        result = _related_records(connection, ref.id, record, query, limit=query["related_limit"], exclude=exclude)
        record["related"] = [presentation.summary(item) for item in result.records]
        times.add(result.changed_at)
        surrogate_keys.append(dependencies.related_dependency(ref.id))
        depends_on |= _related_dependencies(ref.id, result)
    if "blocks" in include:
        record["blocks"] = parse_blocks(record["body_html"] or "")
    if "jsonld" in include:
        record["jsonld"] = _news_article(record)
    term_times, term_dependencies = _include(
        connection, [record], [name for name in include if name in EXPANDABLE_REFS]
    )
    return CachedResponse(
        body=dump_json({"data": _dump(query, ArticleWithRelated)(record)}),
        seq=ref.seq,
        nonce=ref.nonce,
        changed_at=latest_time(times | term_times),
        dependencies=frozenset(depends_on | term_dependencies),
        surrogate_keys=tuple(surrogate_keys),
        language=record["language"],
        version=record["version"],
    )


def _found(
    connection: Connection, name: str | UUID, query: pagination.Query
) -> tuple[article_queries.ArticleRef, Visibility | None]:
    """Find an article that the caller may see.

    Returns:
        The article, and the visibility by which the caller sees it; None if the article is public.

    Raises:
        NotFound: The caller may see no article of this name.
        NoLongerPublic: The article was public, and the caller may not see it now.
    """
    extra_visibility = visibility_of_caller.article_visibility(connection, query)
    if extra_visibility is None:
        return article_queries.get_public(connection, name), None
    try:
        return article_queries.get_public(connection, name), None
    except (NotFound, NoLongerPublic):
        ref = article_queries.get_any(connection, name)
        if extra_visibility.article not in {None, ref.id}:
            raise
        return ref, extra_visibility


def _news_article(record: Record) -> dict[str, Any]:
    """Return the article as a schema.org NewsArticle."""
    context = app_context()
    is_free = context.settings.public_body == "full"
    return jsonld.news_article(
        record,
        publisher=context.settings.publisher,
        accessible_for_free=is_free,
        site_url_of=context.presentation.site_url,
    )


def _jsonld(connection: Connection, name: str | UUID, query: pagination.Query) -> CachedResponse:
    ref, extra_visibility = _found(connection, name, query)
    page = article_queries.get_many(connection, [ref.id], ALL_FIELDS, include_unpublished=extra_visibility is not None)
    crosslinks_result = crosslinks.add_crosslinks(connection, page.records)
    body_access = FULL_ACCESS if extra_visibility else visibility_of_caller.body_access(connection)
    record = app_context().presentation.article(page.records[0], body_access)
    return CachedResponse(
        body=jsonld.script_safe(dump_json(_news_article(record))),
        seq=ref.seq,
        nonce=ref.nonce,
        changed_at=latest_time({page.changed_at, crosslinks_result.changed_at}),
        dependencies=frozenset(
            {
                dependencies.article_dependency(ref.id),
                *dependencies.name_dependencies([record]),
                *crosslinks_result.dependencies,
            }
        ),
        surrogate_keys=(dependencies.article_dependency(ref.id),),
        language=record["language"],
        media_type=LD_JSON,
    )


def _related(connection: Connection, name: str | UUID, query: pagination.Query, path: str) -> CachedResponse:
    ref, extra_visibility = _found(connection, name, query)
    record = {}
    if extra_visibility or "preview" in query:
        record = article_queries.get_many(connection, [ref.id], include_unpublished=True).records[0]
    exclude = query.get("exclude", ())
    result = _related_records(connection, ref.id, record, query, limit=query["limit"], exclude=exclude)
    presentation, dump = app_context().presentation, compile_dump(RelatedArticle)
    links = {
        "self": pagination.canonical_url(f"{path}/related", query, default_limit=RELATED),
        "next": None,
        "prev": None,
    }
    body = {
        "data": [dump(presentation.summary(record)) for record in result.records],
        "page": {"limit": query["limit"], "next": None, "prev": None},
        "links": {**links, "article": f"{presentation.api}{path}"},
    }
    return CachedResponse(
        body=dump_json(body),
        seq=ref.seq,
        nonce=ref.nonce,
        changed_at=result.changed_at,
        dependencies=frozenset({dependencies.article_dependency(ref.id), *_related_dependencies(ref.id, result)}),
        surrogate_keys=(dependencies.related_dependency(ref.id),),
        link=pagination.link_header(links),
    )


def _related_records(
    connection: Connection,
    id_: UUID,
    record: Record,
    query: pagination.Query,
    *,
    limit: int,
    exclude: Collection[str],
) -> related_lists.RelatedResult:
    """Return the related articles of an article.

    For a preview, or for an unpublished article, these are the newest articles of its brand, unpublished ones included
    as far as the caller may see them.
    """
    extra_visibility = visibility_of_caller.list_visibility(connection, query)
    if extra_visibility is None and record.get("status", "published") != "published":
        extra_visibility = Visibility()
    if extra_visibility is None:
        return related_lists.get_related(connection, id_, limit=limit, exclude=exclude, save=_save_related)
    facet_slugs = {"brand": (record["brand"]["slug"],)} if record["brand"] else {}
    snapshot = facets.resolve_filters(connection, facet_slugs)
    page = unpublished.mixed_page(
        connection, snapshot, listings.ListQuery(), extra_visibility, facet_slugs, limit=limit + len(exclude) + 1
    )
    reason = {"kind": "fresh", "weight": 1.0, "terms": []}
    relation = {"score": 0.0, "level": "recent", "reasons": [reason]}
    others = [other for other in page.records if other["id"] != id_ and other["slug"] not in exclude]
    records = [{**other, "relation": relation} for other in others[:limit]]
    return related_lists.RelatedResult(records, page.changed_at, frozenset(), frozenset())


def _related_dependencies(article_id: UUID, result: related_lists.RelatedResult) -> set[dependencies.Dependency]:
    """Return the dependencies of a related list: the list, its articles, and the facets that may change its members."""
    listed = {dependencies.article_dependency(record["id"]) for record in result.records}
    if result.facets:
        listed.add(dependencies.ALL_ARTICLES)  # for CDNs, whose surrogate keys know no facets
    names = {*dependencies.name_dependencies(result.records), *map(dependencies.slug_dependency, result.slugs)}
    return {dependencies.related_dependency(article_id), *listed, *names, *result.facets}


def _save_related(new_list: NewRelatedList) -> bool:
    return save_list(app_context().database, new_list)


RELATED = RelatedParams().load({})["limit"]


def _requested_fields(query: pagination.Query) -> Collection[str]:
    """Return the top-level fields that `fields` names; empty without `fields`."""
    return {path.partition(".")[0] for path in query.get("fields", ())}


def _count(
    connection: Connection,
    snapshot: facets.ReadSnapshot,
    list_query: listings.ListQuery,
    extra_visibility: Visibility | None,
    facet_slugs: dict[str, Any],
) -> int:
    whole_list = replace(list_query, page_start=None)
    if extra_visibility is None:
        return listings.count_articles(connection, snapshot, whole_list)
    count = listings.count_articles(connection, snapshot, whole_list) if extra_visibility.public else 0
    return count + unpublished.count_unpublished(connection, whole_list, extra_visibility, facet_slugs)


def _total(count: int) -> dict[str, Any]:
    return {"total": min(count, listings.MAX_EXACT_COUNT), "total_is_lower_bound": count > listings.MAX_EXACT_COUNT}


def _include(
    connection: Connection, records: list[Record], names: Collection[str]
) -> tuple[set[datetime | None], set[dependencies.Dependency]]:
    """Replace the short brands, authors and sections of records by the full ones.

    Args:
        connection: A read transaction.
        records: Article records; changed in place.
        names: The fields to expand: "brand", "authors", "section".

    Returns:
        When the terms last changed, and the dependencies on their names and counts.
    """
    times: set[datetime | None] = set()
    depends_on: set[dependencies.Dependency] = set()
    for name in names:
        kind: Any = name.removesuffix("s") if name == "authors" else name
        slugs = [term["slug"] for record in records for term in _listed(record[name])]
        full_terms = term_queries.get_terms(connection, kind, slugs) if slugs else {}
        for term in full_terms.values():
            app_context().presentation.term(kind, term)
            times |= {term["changed_at"], term["list_changed_at"]}
            depends_on |= {term["facet_id"], *dependencies.parent_dependency(term)}
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


def _present(records: list[Record], query: pagination.Query, body_access: BodyAccess) -> list[Record]:
    """Return the items of a list as they are sent: summaries, or the fields that `fields` names."""
    presentation = app_context().presentation
    if "fields" in query:
        dump = _dump(query, ArticleSchema)
        return [dump(presentation.article(record, body_access)) for record in records]
    dump = _dump(query, ArticleSummary)
    return [dump(presentation.summary(record)) for record in records]


def _dump(query: pagination.Query, schema: type[Schema]) -> DumpFunction:
    """Return the function that serializes an article with the fields that `fields` and `include` name."""
    include = query.get("include", ())
    expanded = frozenset((name, EXPANDABLE_REFS[name]) for name in include if name in EXPANDABLE_REFS)
    paths = frozenset(query.get("fields", ()))
    if paths:
        paths |= {"id", *({*EXTRA_INCLUDES} & {*include})}
    return compile_dump(schema, paths, expanded)
