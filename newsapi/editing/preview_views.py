"""Preview links of an article: list, create and revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.cache.cached_response import CachedResponse
from newsapi.content.context import app_context
from newsapi.content.presentation.article_paths import ARTICLES_PATH, SLUG_OR_ID_PARAM, parse_name
from newsapi.content.queries import preview_links as links
from newsapi.content.queries.articles import ArticleRef
from newsapi.content.writes import previews
from newsapi.db.database import Connection
from newsapi.editing.article_views import editor_response
from newsapi.editing.schemas import PreviewLinkCreate, PreviewLinkList, PreviewLinkResponse, PreviewLinkSchema
from newsapi.web import wire, write_requests
from newsapi.web.authorization import require_caller
from newsapi.web.blueprint import Blueprint
from newsapi.web.fast_dump import compile_dump, dump_json
from newsapi.web.idempotency import StoredResponse
from newsapi.web.params import id_param

blueprint = Blueprint(
    "preview-links", __name__, url_prefix=ARTICLES_PATH, description="Preview links to unpublished articles"
)

LINK_SCHEMA: Final = PreviewLinkCreate()


@blueprint.route("/<slug_or_id>/preview-links", parameters=[SLUG_OR_ID_PARAM])
class PreviewLinks(MethodView):
    """The preview links of an article."""

    @blueprint.doc(
        operationId="listPreviewLinks", summary="List the preview links of an article", **write_requests.requires_key()
    )
    @blueprint.response(200, PreviewLinkList)
    @blueprint.documents_errors(404)
    def get(self, slug_or_id: str) -> Response:
        """Return the latest 100 links, newest first. Tokens are shown only on creation."""

        def build(connection: Connection, ref: ArticleRef) -> CachedResponse:
            rows = [dict(row._mapping) for row in links.list_for_article(connection, ref.id)]  # noqa: SLF001 (documented)
            dump = compile_dump(PreviewLinkSchema)
            body = {"data": [dump({**row, "revoked": row["revoked_at"] is not None}) for row in rows]}
            return CachedResponse(body=dump_json(body), seq=ref.seq, nonce=ref.nonce)

        return editor_response(slug_or_id, build)

    @blueprint.doc(
        operationId="createPreviewLink",
        summary="Create a preview link",
        description="Create a link that shows the article before publication to anyone who has it. Lists read with its"
        " token show what will be public at `as_of`.",
        **write_requests.documents_body(PreviewLinkCreate),
    )
    @blueprint.response(201, PreviewLinkResponse)
    @blueprint.documents_errors(404)
    def post(self, slug_or_id: str) -> Response:
        """Create a preview link."""
        values = wire.load_body(LINK_SCHEMA, write_requests.json_body(required=False))
        name, _ = parse_name(slug_or_id)
        lifetime = timedelta(seconds=values["expires_in"])
        created = previews.create(
            app_context().write_context, require_caller(), name, lifetime=lifetime, as_of=values["as_of"]
        )
        presentation = app_context().presentation
        record: dict[str, object] = {
            "id": created.id,
            "token": created.token,
            "as_of": created.as_of,
            "created_at": created.created_at,
            "expires_at": created.expires_at,
            "created_by": require_caller().name,
            "revoked": False,
            "url": presentation.preview_url(created.record, created.token),
            "api_url": f"{presentation.api}{ARTICLES_PATH}/{created.record['slug']}?preview={created.token}",
        }
        return Response(
            dump_json({"data": compile_dump(PreviewLinkSchema)(record)}), 201, content_type=write_requests.JSON
        )


@blueprint.route(
    "/<slug_or_id>/preview-links/<uuid:link_id>", parameters=[SLUG_OR_ID_PARAM, id_param("preview link", "link_id")]
)
class OnePreviewLink(MethodView):
    """One preview link."""

    @blueprint.doc(operationId="revokePreviewLink", summary="Revoke a preview link", **write_requests.requires_key())
    @blueprint.response(204)
    @blueprint.documents_errors(404)
    def delete(self, slug_or_id: str, link_id: UUID) -> Response:
        """Revoke a link. Requests with its token then fail with 410, as after its expiry."""
        write_requests.reject_query_params()
        previews.revoke(app_context().write_context, require_caller(), parse_name(slug_or_id)[0], link_id)
        return write_requests.write_response(StoredResponse(204, {}, ""))
