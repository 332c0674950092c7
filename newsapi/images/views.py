"""Images with a problem, for editors."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.cache.cached_response import CachedResponse
from newsapi.db.database import Connection
from newsapi.images import queries
from newsapi.images.queries import FlawedImage
from newsapi.images.schemas import FlawedImageList, FlawedImageParams, FlawedImageSchema
from newsapi.web import pagination, write_requests
from newsapi.web.blueprint import Blueprint
from newsapi.web.context import app_context
from newsapi.web.fast_dump import compile_dump
from newsapi.web.responses import private_response

PATH: Final = "/v1/images"
blueprint = Blueprint("images", __name__, url_prefix=PATH, description="Images that are broken or lack a text")


@blueprint.route("")
class FlawedImages(MethodView):
    """The images with a problem."""

    @blueprint.doc(
        operationId="listFlawedImages", summary="List images with a problem", **write_requests.requires_key()
    )
    @blueprint.arguments(FlawedImageParams(), location="query", error_status_code=400)
    @blueprint.response(200, FlawedImageList)
    @blueprint.documents_errors(400, 410)
    def get(self, query: pagination.Query) -> Response:
        """Return lead images and images of media that are broken or lack an alternative text, newest article first.

        The worker reads each file once, and one that is broken again after a few seconds and then ever more rarely.
        Images of withdrawn articles are left out. `alt: ""` marks a decorative image and is no problem.
        """
        return private_response(PATH, query, lambda connection: _page(connection, query))


def _page(connection: Connection, query: pagination.Query) -> CachedResponse:
    flaw, after = query["problem"], None
    if "cursor" in query:
        flaw, hex_id, position = pagination.cursor_payload(query, "images")
        after = UUID(hex_id), position
    limit = query["limit"]
    rows = queries.list_flawed_images(connection, flaw, after, limit + 1)
    cursor = None
    if len(rows) > limit:
        last = rows[limit - 1]
        values = ["images", flaw, last.article_id.hex, last.position]
        cursor = app_context().cursors.write(values, now=app_context().now())
    dump = compile_dump(FlawedImageSchema)
    return pagination.forward_page(connection, PATH, query, [dump(_record(row, flaw)) for row in rows[:limit]], cursor)


def _record(row: FlawedImage, flaw: str) -> dict[str, object]:
    return {
        "article": {"id": row.article_id, "slug": row.slug, "headline": row.headline, "status": row.status},
        "pointer": row.pointer,
        "url": row.shown["url"],
        "alt": row.shown["alt"],
        "problem": row.problem if flaw == "broken" else flaw,
        "next_check_at": row.check_at,
    }
