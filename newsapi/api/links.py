"""Preview links of an article: made, told of, revoked."""

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

blueprint = Blueprint("links", __name__, url_prefix=PATH, description="Preview links")

LINK = LinkIn()


@blueprint.route("/<which>/preview-links", parameters=[WHICH])
class PreviewLinks(MethodView):
    """All links of an article."""

    @blueprint.doc(operationId="listPreviewLinks", summary="The preview links of an article", **bodies.keyed())
    @blueprint.response(200, LinkList)
    @blueprint.write(404)
    def get(self, which: str) -> Response:
        """The last hundred, the last first; tokens are told once and not here."""
        bodies.plain()
        name, path = naming(which)

        def build(connection: Connection) -> Answer:
            found = articles.find_any(connection, name)
            rows = [dict(row._mapping) for row in links.of_article(connection, found.id)]  # noqa: SLF001 (documented)
            dump = compiled(Link)
            body = {"data": [dump({**row, "revoked": row["revoked_at"] is not None}) for row in rows]}
            return Answer(body=json(body), seq=found.seq, mark=found.mark)

        return private(path, {}, build)

    @blueprint.doc(operationId="createPreviewLink", summary="Make a preview link", **bodies.taken(LinkIn))
    @blueprint.response(201, LinkOne)
    @blueprint.write(404)
    def post(self, which: str) -> Response:
        """Whoever has it sees the article before the public, and lists as they will be at `as_of`."""
        asked = patches.loaded(LINK, bodies.body(needed=False))
        name, _ = naming(which)
        made = previews.create(
            parts().desk, writer(), name, lives=timedelta(seconds=asked["expires_in"]), as_of=asked["as_of"]
        )
        shown = parts().presentation
        api_url = f"{shown.api}{PATH}/{made.record['slug']}?preview={made.token}"
        page = shown.article_url(made.record)
        record: dict[str, Any] = {
            **{name: getattr(made, name) for name in ("id", "token", "as_of", "created_at", "expires_at")},
            "by": writer().name,
            "revoked": False,
            "url": f"{page}{'&' if '?' in page else '?'}preview={made.token}",
            "api_url": api_url,
        }
        return Response(json({"data": compiled(Link)(record)}), 201, content_type=bodies.JSON)


@blueprint.route(
    "/<which>/preview-links/<uuid:link>",
    parameters=[
        WHICH,
        {"in": "path", "name": "link", "description": "Id of the link", "schema": {"type": "string", "format": "uuid"}},
    ],
)
class OnePreviewLink(MethodView):
    """One link."""

    @blueprint.doc(operationId="revokePreviewLink", summary="Revoke a preview link", **bodies.keyed())
    @blueprint.response(204)
    @blueprint.write(404)
    def delete(self, which: str, link: UUID) -> Response:
        """From now on it is answered as one that has expired."""
        bodies.plain()
        previews.revoke(parts().desk, writer(), naming(which)[0], link)
        return bodies.sent(Reply(204, {}, ""))
