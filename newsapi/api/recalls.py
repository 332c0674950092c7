"""Recall receipts: partners acknowledge that they have deleted a withdrawn article."""

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

blueprint = Blueprint(
    "recalls", __name__, url_prefix=PATH, description="Recalls of withdrawn articles and their acknowledgement"
)

WHICH = {
    "in": "path",
    "name": "article",
    "description": "Id of the article",
    "schema": {"type": "string", "format": "uuid"},
}


@blueprint.route("/<uuid:article>/recall-receipts", parameters=[WHICH])
class Receipts(MethodView):
    """The receipts of a recall."""

    @blueprint.doc(operationId="getRecall", summary="Get the status of a recall", **bodies.keyed())
    @blueprint.response(200, RecallOne)
    @blueprint.write(404, 409)
    def get(self, article: UUID) -> Response:
        """Return the keys with the scope `partner:read` that have acknowledged the recall, and those that have not."""
        bodies.plain()

        def build(connection: Connection) -> Answer:
            status = recalls.standing(connection, article, parts().now())
            record: dict[str, Any] = {
                **status.recall._asdict(),
                "acknowledged": [_shown(*receipt) for receipt in status.acknowledged],
                "missing": [_shown(*receipt) for receipt in status.missing],
            }
            return Answer(body=json({"data": compiled(Recall)(record)}), seq=status.recall.seq)

        return private(f"{PATH}/{article}/recall-receipts", {}, build)

    @blueprint.doc(operationId="acknowledgeRecall", summary="Acknowledge a recall", **bodies.taken())
    @blueprint.response(201, ReceiptOne)
    @blueprint.alt_response(200, schema=ReceiptOne, description="The key has acknowledged the recall before")
    @blueprint.write(404, 409)
    def post(self, article: UUID) -> Response:
        """Confirm that your copies of the article are deleted. Repeating has no effect; the body may be empty."""
        bodies.body(needed=False)
        result = recalls.acknowledge(parts().desk, writer(), article)
        record = {"id": article, "seq": result.recall.seq, "at": result.at}
        body = json({"data": compiled(Receipt)(record)}).decode()
        return bodies.sent(Reply(201 if result.is_new else 200, {}, body))


def _shown(key: str, name: str, at: datetime | None) -> dict[str, Any]:
    return {"key": key, "name": name, "at": at}
