"""Article reads: the list, one article, its JSON-LD and its related articles."""

from __future__ import annotations

from flask import Response
from flask.views import MethodView

from newsapi.content.presentation import visibility_of_caller
from newsapi.content.presentation.article_paths import ARTICLES_PATH, SLUG_OR_ID_PARAM
from newsapi.content.presentation.list_request import parse_list_request
from newsapi.content.schemas.articles import ArticleList, ArticleResponse, RelatedListSchema
from newsapi.content.schemas.cards import CardList
from newsapi.content.schemas.params import ArticleListParams, ArticleParams, RelatedParams
from newsapi.content.schemas.partial import PartialArticleList, PartialArticleResponse
from newsapi.reading.article_list import build_list
from newsapi.reading.article_request import ARTICLE_DEFAULTS, parse_article_request, parse_related_request
from newsapi.reading.one_article import LD_JSON, build_article, build_jsonld
from newsapi.reading.related_articles import build_related
from newsapi.search.context import begin_search
from newsapi.web import pagination
from newsapi.web.blueprint import Blueprint
from newsapi.web.params import ReadParams
from newsapi.web.responses import cached_response

blueprint = Blueprint("articles", __name__, url_prefix="/v1/articles", description="Read published articles")


@blueprint.route("")
class Articles(MethodView):
    """The list of articles."""

    @blueprint.doc(operationId="listArticles", summary="List articles")
    @blueprint.arguments(ArticleListParams(), location="query", error_status_code=400)
    @blueprint.response(
        200,
        {"anyOf": [ArticleList, PartialArticleList, CardList]},
        description="A page of article summaries, of the requested fields with `fields`, or of cards",
    )
    def get(self, query: pagination.Query) -> Response:
        """Return a page of articles, newest first unless `sort` is given.

        Different filters are combined with AND; comma-separated values of one filter are alternatives (OR).
        """
        request = parse_list_request(ARTICLES_PATH, query)
        visibility_of_caller.reject_editor_params(request)
        index_read = None if request.search_text is None else begin_search()
        return cached_response(
            request.canonical_url, request.page_params, lambda connection: build_list(connection, request, index_read)
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
        request = parse_article_request(slug_or_id, query)
        url = pagination.canonical_url(request.path, query, ARTICLE_DEFAULTS)
        return cached_response(url, query, lambda connection: build_article(connection, request))


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
        request = parse_article_request(slug_or_id, query)
        url = pagination.canonical_url(f"{request.path}/jsonld", query)
        return cached_response(url, query, lambda connection: build_jsonld(connection, request))


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
        request = parse_related_request(slug_or_id, query)
        return cached_response(request.canonical_url, query, lambda connection: build_related(connection, request))
