"""Recall receipts: partners acknowledge that they have deleted a withdrawn article."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.actions import recalls
from newsapi.actions.repeats import StoredResponse
from newsapi.api import bodies
from newsapi.api.access import require_caller
from newsapi.api.answers import private_response
from newsapi.api.articles import PATH
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import app_context
from newsapi.cache.answer import CachedResponse
from newsapi.schemas.dump import compile_dump, dump_json
from newsapi.schemas.partners import RecallSchema, RecallResponse, RecallReceiptSchema, RecallReceiptResponse
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
class RecallReceipts(MethodView):
    """The receipts of a recall."""

    @blueprint.doc(operationId="getRecall", summary="Get the status of a recall", **bodies.requires_key())
    @blueprint.response(200, RecallResponse)
    @blueprint.documents_errors(404, 409)
    def get(self, article: UUID) -> Response:
        """Return the keys with the scope `partner:read` that have acknowledged the recall, and those that have not."""
        bodies.reject_query_params()

        def build(connection: Connection) -> CachedResponse:
            status = recalls.recall_status(connection, article, app_context().now())
            record: dict[str, Any] = {
                **status.recall._asdict(),
                "acknowledged": [_shown(*receipt) for receipt in status.acknowledged],
                "missing": [_shown(*receipt) for receipt in status.missing],
            }
            return CachedResponse(body=dump_json({"data": compile_dump(RecallSchema)(record)}), seq=status.recall.seq)

        return private_response(f"{PATH}/{article}/recall-receipts", {}, build)

    @blueprint.doc(operationId="acknowledgeRecall", summary="Acknowledge a recall", **bodies.documents_body())
    @blueprint.response(201, RecallReceiptResponse)
    @blueprint.alt_response(200, schema=RecallReceiptResponse, description="The key has acknowledged the recall before")
    @blueprint.documents_errors(404, 409)
    def post(self, article: UUID) -> Response:
        """Confirm that your copies of the article are deleted. Repeating has no effect; the body may be empty."""
        bodies.json_body(required=False)
        result = recalls.acknowledge(app_context().desk, require_caller(), article)
        record = {"id": article, "seq": result.recall.seq, "at": result.at}
        body = dump_json({"data": compile_dump(RecallReceiptSchema)(record)}).decode()
        return bodies.write_response(StoredResponse(201 if result.is_new else 200, {}, body))


def _shown(key: str, name: str, at: datetime | None) -> dict[str, Any]:
    return {"key": key, "name": name, "at": at}
