"""The current API key, and the audit log."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.cache.cached_response import CachedResponse
from newsapi.db.database import Connection
from newsapi.keys import audit, queries
from newsapi.keys.schemas import AuditEntryList, AuditEntrySchema, AuditParams, CurrentKeyResponse, CurrentKeySchema
from newsapi.web import pagination, write_requests
from newsapi.web.authorization import require_caller
from newsapi.web.blueprint import Blueprint
from newsapi.web.context import app_context
from newsapi.web.fast_dump import compile_dump, dump_json
from newsapi.web.responses import private_response

blueprint = Blueprint("audit", __name__, url_prefix="/v1", description="The current API key and the audit log")

USAGE_DAYS: Final = 31
"""Days of usage that are returned."""


@blueprint.route("/me")
class CurrentKey(MethodView):
    """The current API key."""

    @blueprint.doc(operationId="getCurrentKey", summary="Get the current API key", **write_requests.requires_key())
    @blueprint.response(200, CurrentKeyResponse)
    @blueprint.documents_errors()
    def get(self) -> Response:
        """Return the public prefix, the scopes, the rate limit and the daily usage of the key that sends the request.

        `requests_per_minute` is null if there is no limit. Requests are counted within a few seconds; days are in UTC.
        """
        write_requests.reject_query_params()
        caller, default_limits = require_caller(), app_context().settings.rate_limits
        app_context().usage.write()
        with app_context().database.read_transaction() as connection:
            rows = queries.list_usage(connection, caller.id, USAGE_DAYS)
        record = {
            "prefix": caller.prefix,
            "scopes": sorted(caller.scopes),
            "requests_per_minute": default_limits and (caller.rate or default_limits[1]),
            "filter": {"brands": caller.brands or (), "sections": caller.sections or ()},
            "body": caller.body,
            "usage": [{"day": row.day, "requests": row.request_count} for row in rows],
        }
        return Response(dump_json({"data": compile_dump(CurrentKeySchema)(record)}), content_type=write_requests.JSON)


@blueprint.route("/audit")
class Audit(MethodView):
    """The audit log."""

    @blueprint.doc(operationId="listAuditEntries", summary="List audit entries", **write_requests.requires_key())
    @blueprint.arguments(AuditParams(), location="query", error_status_code=400)
    @blueprint.response(200, AuditEntryList)
    @blueprint.documents_errors(400, 410)
    def get(self, query: pagination.Query) -> Response:
        """Return the writes of this API and of the scheduler, newest first. Imports write no entry for each record."""
        return private_response("/v1/audit", query, lambda connection: _page(connection, query))


def _page(connection: Connection, query: pagination.Query) -> CachedResponse:
    actor, subject, before = query.get("by"), query.get("subject"), None
    if "cursor" in query:
        actor, subject_hex, last_hex = pagination.cursor_payload(query, "deeds")
        subject, before = subject_hex and UUID(subject_hex), UUID(last_hex)
    rows = audit.list_entries(connection, limit=query["limit"] + 1, before=before, actor=actor, subject=subject)
    cursor_values = ("deeds", actor, subject and subject.hex)
    return pagination.newest_first_page(
        connection, "/v1/audit", query, rows, compile_dump(AuditEntrySchema), *cursor_values
    )
