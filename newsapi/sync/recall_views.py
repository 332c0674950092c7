"""Recall receipts: partners acknowledge that they have deleted a withdrawn article."""

from __future__ import annotations

from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.cache.cached_response import CachedResponse
from newsapi.content.context import app_context
from newsapi.content.presentation.article_paths import ARTICLES_PATH
from newsapi.db.database import Connection
from newsapi.sync import recalls
from newsapi.sync.schemas import RecallReceiptResponse, RecallReceiptSchema, RecallResponse, RecallSchema
from newsapi.web import write_requests
from newsapi.web.authorization import require_caller
from newsapi.web.blueprint import Blueprint
from newsapi.web.fast_dump import compile_dump, dump_json
from newsapi.web.idempotency import StoredResponse
from newsapi.web.params import id_param
from newsapi.web.responses import private_response

blueprint = Blueprint(
    "recalls", __name__, url_prefix=ARTICLES_PATH, description="Recalls of withdrawn articles and their acknowledgement"
)


@blueprint.route("/<uuid:article_id>/recall-receipts", parameters=[id_param("article", "article_id")])
class RecallReceipts(MethodView):
    """The receipts of a recall."""

    @blueprint.doc(operationId="getRecall", summary="Get the status of a recall", **write_requests.requires_key())
    @blueprint.response(200, RecallResponse)
    @blueprint.documents_errors(404, 409)
    def get(self, article_id: UUID) -> Response:
        """Return the keys with the scope `partner:read` that have acknowledged the recall, and those that have not."""
        write_requests.reject_query_params()

        def build(connection: Connection) -> CachedResponse:
            status = recalls.recall_status(connection, article_id, app_context().now())
            record = {
                **status.recall._asdict(),
                "acknowledged": [entry._asdict() for entry in status.acknowledged],
                "missing": [entry._asdict() for entry in status.missing],
            }
            return CachedResponse(body=dump_json({"data": compile_dump(RecallSchema)(record)}), seq=status.recall.seq)

        return private_response(f"{ARTICLES_PATH}/{article_id}/recall-receipts", {}, build)

    @blueprint.doc(operationId="acknowledgeRecall", summary="Acknowledge a recall", **write_requests.documents_body())
    @blueprint.response(201, RecallReceiptResponse)
    @blueprint.alt_response(200, schema=RecallReceiptResponse, description="The key has acknowledged the recall before")
    @blueprint.documents_errors(404, 409)
    def post(self, article_id: UUID) -> Response:
        """Confirm that your copies of the article are deleted. Repeating has no effect; the body may be empty."""
        write_requests.json_body(required=False)
        result = recalls.acknowledge(app_context().write_context, require_caller(), article_id)
        record = {"id": article_id, "seq": result.recall.seq, "at": result.at}
        body = dump_json({"data": compile_dump(RecallReceiptSchema)(record)}).decode()
        return write_requests.write_response(StoredResponse(201 if result.is_new else 200, {}, body))
