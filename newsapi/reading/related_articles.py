"""The response of the related articles of an article."""

from __future__ import annotations

from uuid import UUID

from newsapi.cache import dependencies
from newsapi.cache.cached_response import CachedResponse
from newsapi.content.article_types import ArticleRow
from newsapi.content.context import app_context
from newsapi.content.presentation import visibility_of_caller
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import facets, unpublished
from newsapi.content.queries.listings import ListQuery
from newsapi.content.queries.unpublished import MixedListQuery, Visibility
from newsapi.content.schemas.articles import RelatedArticle
from newsapi.db.database import Connection
from newsapi.reading.article_request import RelatedRequest, RelatedSelection, find_visible
from newsapi.related import lists as related_lists
from newsapi.related.lists import RelatedResult
from newsapi.related.maintenance import save_list
from newsapi.related.stored_lists import NewRelatedList
from newsapi.web import pagination
from newsapi.web.fast_dump import compile_dump, dump_json


def build_related(connection: Connection, request: RelatedRequest) -> CachedResponse:
    """Return the response of the related articles of an article.

    Args:
        connection: A read transaction.
        request: The article, and which of its related articles are requested.

    Raises:
        NotFound: The caller may see no article of this name.
        NoLongerPublic: The article was public, and the caller may not see it now.
        Renamed: The name is a former slug.
    """
    preview_token = request.related.preview_token
    ref, extra_visibility = find_visible(connection, request.name, preview_token)
    article = None
    if extra_visibility or preview_token is not None:
        article = article_queries.get_many(connection, [ref.id], include_unpublished=True).records[0]
    result = list_related(connection, ref.id, article, request.related)
    presentation, dump = app_context().presentation, compile_dump(RelatedArticle)
    links = {"self": request.canonical_url, "next": None, "prev": None}
    body = {
        "data": [dump(presentation.summary(record)) for record in result.records],
        "page": {"limit": request.related.limit, "next": None, "prev": None},
        "links": {**links, "article": f"{presentation.api}{request.article_path}"},
    }
    return CachedResponse(
        body=dump_json(body),
        seq=ref.seq,
        nonce=ref.nonce,
        changed_at=result.changed_at,
        dependencies=frozenset({dependencies.article_dependency(ref.id), *related_dependencies(ref.id, result)}),
        surrogate_keys=(dependencies.related_dependency(ref.id),),
        link=pagination.link_header(links),
    )


def list_related(
    connection: Connection, id_: UUID, article: ArticleRow | None, selection: RelatedSelection
) -> RelatedResult:
    """Return the related articles of an article.

    For a preview, or for an unpublished article, these are the newest articles of its brand, unpublished ones included
    as far as the caller may see them.

    Args:
        connection: A read transaction.
        id_: Id of the article.
        article: The article; None if it is public and there is no preview token.
        selection: Which related articles are requested.
    """
    extra_visibility = visibility_of_caller.preview_visibility(connection, selection.preview_token)
    if extra_visibility is None and article is not None and article["status"] != "published":
        extra_visibility = Visibility()
    if extra_visibility is None or article is None:
        return related_lists.get_related(
            connection, id_, limit=selection.limit, exclude=selection.exclude, save=_save_related
        )
    facet_slugs = {"brand": (article["brand"]["slug"],)} if article["brand"] else {}
    snapshot = facets.resolve_filters(connection, facet_slugs)
    mixed = MixedListQuery(extra_visibility, ListQuery(), facet_slugs)
    page = unpublished.mixed_page(connection, snapshot, mixed, limit=selection.limit + len(selection.exclude) + 1)
    reason = {"kind": "fresh", "weight": 1.0, "terms": []}
    relation = {"score": 0.0, "level": "recent", "reasons": [reason]}
    others = [other for other in page.records if other["id"] != id_ and other["slug"] not in selection.exclude]
    records: list[ArticleRow] = [{**other, "relation": relation} for other in others[: selection.limit]]
    return RelatedResult(records, page.changed_at, frozenset(), frozenset())


def related_dependencies(article_id: UUID, result: RelatedResult) -> set[dependencies.Dependency]:
    """Return the dependencies of a related list: the list, its articles, and the facets that may change its members."""
    listed = {dependencies.article_dependency(record["id"]) for record in result.records}
    if result.facets:
        listed.add(dependencies.ALL_ARTICLES)  # for CDNs, whose surrogate keys know no facets
    names = {*dependencies.name_dependencies(result.records), *map(dependencies.slug_dependency, result.slugs)}
    return {dependencies.related_dependency(article_id), *listed, *names, *result.facets}


def _save_related(new_list: NewRelatedList) -> bool:
    return save_list(app_context().database, new_list)
