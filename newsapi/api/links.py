"""Preview links of an article: list, create and revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.actions import patches, previews
from newsapi.actions.repeats import Reply
from newsapi.api import bodies
from newsapi.api.access import writer
from newsapi.api.answers import private
from newsapi.api.articles import PATH, WHICH, naming
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.cache.answer import Answer
from newsapi.schemas.desk import Link, LinkIn, LinkList, LinkOne
from newsapi.schemas.dump import compiled, json
from newsapi.store import articles
from newsapi.store import previews as links
from newsapi.store.database import Connection

blueprint = Blueprint("links", __name__, url_prefix=PATH, description="Preview links to unpublished articles")

LINK = LinkIn()


@blueprint.route("/<which>/preview-links", parameters=[WHICH])
class PreviewLinks(MethodView):
    """The preview links of an article."""

    @blueprint.doc(operationId="listPreviewLinks", summary="List the preview links of an article", **bodies.keyed())
    @blueprint.response(200, LinkList)
    @blueprint.write(404)
    def get(self, which: str) -> Response:
        """Return the latest 100 links, newest first. Tokens are shown only on creation."""
        bodies.plain()
        name, path = naming(which)

        def build(connection: Connection) -> Answer:
            ref = articles.find_any(connection, name)
            rows = [dict(row._mapping) for row in links.of_article(connection, ref.id)]  # noqa: SLF001 (documented)
            dump = compiled(Link)
            body = {"data": [dump({**row, "revoked": row["revoked_at"] is not None}) for row in rows]}
            return Answer(body=json(body), seq=ref.seq, mark=ref.mark)

        return private(path, {}, build)

    @blueprint.doc(
        operationId="createPreviewLink",
        summary="Create a preview link",
        description="Create a link that shows the article before publication to anyone who has it. Lists read with its"
        " token show what will be public at `as_of`.",
        **bodies.taken(LinkIn),
    )
    @blueprint.response(201, LinkOne)
    @blueprint.write(404)
    def post(self, which: str) -> Response:
        """Create a preview link."""
        values = patches.loaded(LINK, bodies.body(needed=False))
        name, _ = naming(which)
        lifetime = timedelta(seconds=values["expires_in"])
        created = previews.create(parts().desk, writer(), name, lives=lifetime, as_of=values["as_of"])
        presentation = parts().presentation
        page_url = presentation.article_url(created.record)
        record: dict[str, Any] = {
            "id": created.id,
            "token": created.token,
            "as_of": created.as_of,
            "created_at": created.created_at,
            "expires_at": created.expires_at,
            "by": writer().name,
            "revoked": False,
            "url": f"{page_url}{'&' if '?' in page_url else '?'}preview={created.token}",
            "api_url": f"{presentation.api}{PATH}/{created.record['slug']}?preview={created.token}",
        }
        return Response(json({"data": compiled(Link)(record)}), 201, content_type=bodies.JSON)


@blueprint.route(
    "/<which>/preview-links/<uuid:link>",
    parameters=[
        WHICH,
        {
            "in": "path",
            "name": "link",
            "description": "Id of the preview link",
            "schema": {"type": "string", "format": "uuid"},
        },
    ],
)
class OnePreviewLink(MethodView):
    """One preview link."""

    @blueprint.doc(operationId="revokePreviewLink", summary="Revoke a preview link", **bodies.keyed())
    @blueprint.response(204)
    @blueprint.write(404)
    def delete(self, which: str, link: UUID) -> Response:
        """Revoke a link. Requests with its token then fail with 410, as after its expiry."""
        bodies.plain()
        previews.revoke(parts().desk, writer(), naming(which)[0], link)
        return bodies.sent(Reply(204, {}, ""))
