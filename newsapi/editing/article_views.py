"""Article writes: create, update, withdraw, and set related picks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Response
from flask.views import MethodView

from newsapi.cache.cached_response import CachedResponse
from newsapi.content.context import app_context
from newsapi.content.presentation import crosslinks
from newsapi.content.presentation.article_paths import SLUG_OR_ID_PARAM, parse_name
from newsapi.content.presentation.presentation import FULL_ACCESS
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import snapshots
from newsapi.content.queries.articles import ArticleRef
from newsapi.content.schemas.article_inputs import ArticleCreate, ArticlePatch, RelatedPicksUpdate
from newsapi.content.schemas.articles import ALL_FIELDS, EditorArticle, EditorArticleResponse
from newsapi.content.writes.writer import WriteResult
from newsapi.db.database import Connection, Session
from newsapi.editing import commands
from newsapi.editing.commands import EditTarget
from newsapi.editing.schemas import RelatedPicks, RelatedPicksResponse, WithdrawParams
from newsapi.web import wire, write_requests
from newsapi.web.authorization import require_caller
from newsapi.web.blueprint import Blueprint
from newsapi.web.fast_dump import compile_dump, dump_json
from newsapi.web.idempotency import SaveResponse, StoredResponse, without_key
from newsapi.web.responses import private_response

BuildFromRef = Callable[[Connection, ArticleRef], CachedResponse]
"""Builds the response of a read about one article, of any status."""

blueprint = Blueprint(
    "article-editing", __name__, url_prefix="/v1/articles", description="Create, update and withdraw articles"
)

PICKS_SCHEMA: Final = RelatedPicksUpdate()


def article_response(
    status: int, *, location: bool = False, save: SaveResponse = without_key
) -> Callable[[Session, WriteResult], StoredResponse]:
    """Return a function that builds the response of an article write inside the transaction of the write.

    Args:
        status: Status code of the response.
        location: Whether to send a `Location` header with the URL of the article.
        save: Stores the response for its idempotency key.

    Returns:
        The function; it takes the session and the result of the write.
    """

    def read_back(session: Session, result: WriteResult) -> StoredResponse:
        records = article_queries.get_many(
            session.connection(), [result.id], ALL_FIELDS, include_unpublished=True
        ).records
        crosslinks.add_crosslinks(session.connection(), records)
        article = app_context().presentation.article(records[0], FULL_ACCESS)
        body = {"data": compile_dump(EditorArticle)(article), **_meta(result)}
        headers = _headers(result.version, result.seq)
        if location:
            headers["Location"] = f"{app_context().settings.api_url}/v1/articles/{result.slug}"
        return save(session, StoredResponse(status, headers, dump_json(body).decode()))

    return read_back


def _meta(result: WriteResult) -> dict[str, object]:
    """Return the member `meta` of the response: what was removed from the body; no member if nothing was."""
    removed = [{"kind": removal.kind, "count": removal.count, "first": removal.detail} for removal in result.removals]
    return {"meta": {"removed": removed}} if removed else {}


def _headers(version: int, seq: int) -> dict[str, str]:
    """Return the headers of a write: `ETag`, and `Content-Seq` if the write was a public change."""
    headers = {"ETag": f'"v{version}"'}
    if seq:
        headers["Content-Seq"] = str(seq)
    return headers


def edit_target(slug_or_id: str) -> EditTarget:
    """Return the article name of the path, with the caller and the precondition of the request."""
    name, _ = parse_name(slug_or_id)
    return EditTarget(require_caller(), name, write_requests.parse_if_match())


def editor_response(slug_or_id: str, build: BuildFromRef) -> Response:
    """Return the private response of a read about one article, which has no query parameters.

    Args:
        slug_or_id: The article name of the path.
        build: Builds the response; it may raise NotFound.

    Returns:
        The response; 308 if the article has another slug now.

    Raises:
        InvalidParameter: The URL has a query string.
    """
    write_requests.reject_query_params()
    name, path = parse_name(slug_or_id)
    return private_response(path, {}, lambda connection: build(connection, article_queries.get_any(connection, name)))


@blueprint.route("")
class ArticleCollection(MethodView):
    """The collection of articles."""

    @blueprint.doc(
        operationId="createArticle",
        summary="Create an article",
        **write_requests.documents_body(ArticleCreate, with_idempotency_key=True),
    )
    @blueprint.response(201, EditorArticleResponse, headers=write_requests.LOCATION_HEADER)
    @blueprint.documents_errors(409)
    def post(self) -> Response:
        """Create an article; without `status` it is a draft. Without `slug`, the slug is made from the headline."""
        body, caller = write_requests.json_body(), require_caller()
        return write_requests.idempotent(
            lambda save: commands.create(
                app_context().write_context, caller, body, article_response(201, location=True, save=save)
            )
        )


@blueprint.route("/<slug_or_id>", parameters=[SLUG_OR_ID_PARAM])
class ArticleItem(MethodView):
    """One article."""

    @blueprint.doc(
        operationId="updateArticle",
        summary="Update an article",
        **write_requests.documents_body(ArticlePatch, media_type=write_requests.PATCH, versioned=True),
    )
    @blueprint.response(200, EditorArticleResponse, headers=write_requests.ETAG_HEADER)
    @blueprint.documents_errors(404, 409, 412, 428)
    def patch(self, slug_or_id: str) -> Response:
        """Apply a JSON merge patch (RFC 7396): null removes a value, omitted fields stay. `If-Match` is required."""
        body = write_requests.json_body(write_requests.PATCH)
        return write_requests.write_response(
            commands.update(app_context().write_context, edit_target(slug_or_id), body, article_response(200))
        )

    @blueprint.doc(
        operationId="withdrawArticle",
        summary="Withdraw an article",
        description="Remove an article from public view and keep its record. If the article was public, clients get 410"
        " with the reason; otherwise they get 404.",
        **write_requests.documents_body(versioned=True),
    )
    @blueprint.arguments(WithdrawParams(), location="query", error_status_code=400)
    @blueprint.response(200, EditorArticleResponse, headers=write_requests.ETAG_HEADER)
    @blueprint.documents_errors(400, 404, 412)
    def delete(self, query: dict[str, str | None], slug_or_id: str) -> Response:
        """Withdraw an article."""
        return write_requests.write_response(
            commands.withdraw(app_context().write_context, edit_target(slug_or_id), query, article_response(200))
        )


@blueprint.route("/<slug_or_id>/picks", parameters=[SLUG_OR_ID_PARAM])
class EditorsPicks(MethodView):
    """Related picks of an article."""

    @blueprint.doc(
        operationId="getRelatedPicks", summary="Get the related picks of an article", **write_requests.requires_key()
    )
    @blueprint.response(200, RelatedPicksResponse)
    @blueprint.documents_errors(404)
    def get(self, slug_or_id: str) -> Response:
        """Return the slugs of the picked articles in the editors' order, and of the excluded ones."""

        def build(connection: Connection, ref: ArticleRef) -> CachedResponse:
            picks, exclusions, version = snapshots.get_picks(connection, ref.id)
            body = dump_json({"data": compile_dump(RelatedPicks)({"slugs": picks, "ban": exclusions})})
            return CachedResponse(body=body, seq=ref.seq, nonce=ref.nonce, version=version)

        return editor_response(slug_or_id, build)

    @blueprint.doc(
        operationId="setRelatedPicks",
        summary="Set the related picks of an article",
        **write_requests.documents_body(RelatedPicksUpdate, versioned=True),
    )
    @blueprint.response(200, RelatedPicksResponse, headers=write_requests.ETAG_HEADER)
    @blueprint.documents_errors(404, 412)
    def put(self, slug_or_id: str) -> Response:
        """Replace the picks, which come first on the related list in this order, and the exclusions, which never do."""
        values = wire.load_body(PICKS_SCHEMA, write_requests.json_body())

        def read_back(session: Session, result: WriteResult) -> StoredResponse:
            picks, exclusions, version = snapshots.get_picks(session.connection(), result.id)
            body = dump_json({"data": {"slugs": picks, "ban": exclusions}}).decode()
            return StoredResponse(200, _headers(version, result.seq), body)

        return write_requests.write_response(
            commands.set_related_picks(app_context().write_context, edit_target(slug_or_id), values, read_back)
        )
