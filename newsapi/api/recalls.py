"""Receipts of recalls over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.actions import recalls
from newsapi.actions.repeats import Reply
from newsapi.api import bodies
from newsapi.api.access import writer
from newsapi.api.answers import private
from newsapi.api.articles import PATH
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.cache.answer import Answer
from newsapi.schemas.dump import compiled, json
from newsapi.schemas.partners import Recall, RecallOne, Receipt, ReceiptOne
from newsapi.store.database import Connection

blueprint = Blueprint("recalls", __name__, url_prefix=PATH, description="Recalls, and who acted on them")

WHICH = {
    "in": "path",
    "name": "article",
    "description": "Id of the article",
    "schema": {"type": "string", "format": "uuid"},
}


@blueprint.route("/<uuid:article>/recall-receipts", parameters=[WHICH])
class Receipts(MethodView):
    """Who acted on a recall."""

    @blueprint.doc(operationId="getRecall", summary="Who acted on a recall, and who has yet to", **bodies.keyed())
    @blueprint.response(200, RecallOne)
    @blueprint.write(404, 409)
    def get(self, article: UUID) -> Response:
        """Of the keys with partner:read: those that acknowledged it, and those that have not."""
        bodies.plain()

        def build(connection: Connection) -> Answer:
            found = recalls.standing(connection, article, parts().now())
            shown: dict[str, Any] = {
                **found.recall._asdict(),
                "acknowledged": [_shown(*one) for one in found.acknowledged],
                "missing": [_shown(*one) for one in found.missing],
            }
            return Answer(body=json({"data": compiled(Recall)(shown)}), seq=found.recall.seq)

        return private(f"{PATH}/{article}/recall-receipts", {}, build)

    @blueprint.doc(operationId="acknowledgeRecall", summary="Acknowledge a recall", **bodies.taken())
    @blueprint.response(201, ReceiptOne)
    @blueprint.alt_response(200, schema=ReceiptOne, description="It was acknowledged before")
    @blueprint.write(404, 409)
    def post(self, article: UUID) -> Response:
        """Say that your copies are gone. Again it has no other effect; a body is not needed."""
        bodies.body(needed=False)
        noted = recalls.acknowledge(parts().desk, writer(), article)
        shown = {"id": article, "seq": noted.recall.seq, "at": noted.at}
        body = json({"data": compiled(Receipt)(shown)}).decode()
        return bodies.sent(Reply(201 if noted.is_new else 200, {}, body))


def _shown(key: str, name: str, at: datetime | None) -> dict[str, Any]:
    return {"key": key, "name": name, "at": at}
