"""The responses of one article and of its JSON-LD."""

from __future__ import annotations

from newsapi.cache import dependencies
from newsapi.cache.cached_response import CachedResponse
from newsapi.content.article_types import ArticleRow
from newsapi.content.context import app_context
from newsapi.content.presentation import crosslinks, visibility_of_caller
from newsapi.content.presentation.crosslinks import CrosslinkResult
from newsapi.content.presentation.presentation import FULL_ACCESS
from newsapi.content.queries import adjacent
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import terms as term_queries
from newsapi.content.queries.adjacent import AdjacentArticles
from newsapi.content.queries.articles import ArticleRef
from newsapi.content.queries.unpublished import Visibility
from newsapi.content.schemas.articles import ALL_FIELDS, ArticleWithRelated
from newsapi.db.database import Connection
from newsapi.db.types import latest_time
from newsapi.reading import jsonld
from newsapi.reading.article_request import ArticleRequest, find_visible
from newsapi.reading.expansion import article_dump, expand_terms
from newsapi.reading.related_articles import list_related, related_dependencies
from newsapi.text.blocks import parse_blocks
from newsapi.web.fast_dump import dump_json

LD_JSON = "application/ld+json"


def build_article(connection: Connection, request: ArticleRequest) -> CachedResponse:
    """Return the response of one article.

    Args:
        connection: A read transaction.
        request: The article and the parts of it that are requested.

    Raises:
        NotFound: The caller may see no article of this name.
        NoLongerPublic: The article was public, and the caller may not see it now.
        Renamed: The name is a former slug.
    """
    ref, extra_visibility = find_visible(connection, request.name, request.preview_token)
    # `blocks` and `jsonld` are derived from the full article, whatever `fields` asks for.
    is_whole = bool({"blocks", "jsonld"} & {*request.include}) or not request.fields
    field_names = ALL_FIELDS if is_whole else frozenset(path.partition(".")[0] for path in request.fields)
    record, crosslinks_result = _read_article(connection, ref, extra_visibility, field_names)
    times = {crosslinks_result.changed_at}
    surrogate_keys = [dependencies.article_dependency(ref.id), dependencies.slug_dependency(record["slug"])]
    depends_on: set[dependencies.Dependency] = {
        *surrogate_keys,
        *dependencies.name_dependencies([record]),
        *crosslinks_result.dependencies,
    }
    if "related" in request.include and request.related is not None:
        result = list_related(connection, ref.id, record, request.related)
        record["related"] = [app_context().presentation.summary(item) for item in result.records]
        times.add(result.changed_at)
        surrogate_keys.append(dependencies.related_dependency(ref.id))
        depends_on |= related_dependencies(ref.id, result)
    if "adjacent" in request.include:
        found = adjacent.find_adjacent(connection, ref.id) if extra_visibility is None else adjacent.NONE
        record["adjacent"] = _present_adjacent(found)
        times.add(found.changed_at)
        depends_on |= {*found.facets, *dependencies.name_dependencies(found.records)}
        depends_on.update(dependencies.article_dependency(other["id"]) for other in found.records)
    if "blocks" in request.include:
        record["blocks"] = parse_blocks(record["body_html"] or "")
    if "jsonld" in request.include:
        record["jsonld"] = _news_article(connection, record)
    expansion = expand_terms(connection, [record], request.include)
    return CachedResponse(
        body=dump_json({"data": article_dump(ArticleWithRelated, request.fields, request.include)(record)}),
        seq=ref.seq,
        nonce=ref.nonce,
        changed_at=latest_time(times | expansion.change_times),
        dependencies=frozenset(depends_on | expansion.dependencies),
        surrogate_keys=tuple(surrogate_keys),
        language=record["language"],
        version=record["version"],
    )


def _present_adjacent(found: AdjacentArticles) -> dict[str, dict[str, ArticleRow | None] | None]:
    """Return the neighbours of an article as the field `adjacent`."""
    summaries = {record["id"]: app_context().presentation.summary(record) for record in found.records}
    return {
        term: {side: summaries.get(id_) if id_ else None for side, id_ in found.ids[term].items()}
        if term in found.ids
        else None
        for term in adjacent.TERMS
    }


def build_jsonld(connection: Connection, request: ArticleRequest) -> CachedResponse:
    """Return the response of an article's JSON-LD.

    Args:
        connection: A read transaction.
        request: The article.

    Raises:
        NotFound: The caller may see no article of this name.
        NoLongerPublic: The article was public, and the caller may not see it now.
        Renamed: The name is a former slug.
    """
    ref, extra_visibility = find_visible(connection, request.name, request.preview_token)
    record, crosslinks_result = _read_article(connection, ref, extra_visibility, ALL_FIELDS)
    return CachedResponse(
        body=jsonld.script_safe(dump_json(_news_article(connection, record))),
        seq=ref.seq,
        nonce=ref.nonce,
        changed_at=crosslinks_result.changed_at,
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


def _read_article(
    connection: Connection, ref: ArticleRef, extra_visibility: Visibility | None, fields: frozenset[str]
) -> tuple[ArticleRow, CrosslinkResult]:
    """Read and complete an article.

    Returns:
        The article, and its dependencies on other articles with the time when it or one of them last changed.
    """
    page = article_queries.get_many(connection, [ref.id], fields, include_unpublished=extra_visibility is not None)
    crosslinks_result = crosslinks.add_crosslinks(connection, page.records)
    body_access = FULL_ACCESS if extra_visibility else visibility_of_caller.body_access(connection)
    record = app_context().presentation.article(page.records[0], body_access)
    changed_at = latest_time({page.changed_at, crosslinks_result.changed_at})
    return record, crosslinks_result._replace(changed_at=changed_at)


def _news_article(connection: Connection, record: ArticleRow) -> jsonld.SchemaOrgNode:
    """Return the article as a schema.org NewsArticle."""
    context = app_context()
    slugs = [author["slug"] for author in record["authors"]]
    authors = term_queries.get_terms(connection, "author", slugs) if slugs else {}
    is_free = context.settings.public_body == "full"
    return jsonld.news_article(
        {**record, "authors": [authors[slug] for slug in slugs]},
        publisher=context.settings.publisher,
        accessible_for_free=is_free,
        site_url_of=context.presentation.site_url,
    )
