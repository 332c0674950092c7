"""The current API key, and the audit log."""

from __future__ import annotations

from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.api import bodies, paging
from newsapi.api.access import writer
from newsapi.api.answers import private
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.cache.answer import Answer
from newsapi.schemas.desk import Deed, DeedList, DeedQuery, Me, MeOne
from newsapi.schemas.dump import compiled, json
from newsapi.store import deeds, partners
from newsapi.store.database import Connection

blueprint = Blueprint("watching", __name__, url_prefix="/v1", description="The current API key and the audit log")


DAYS = 31
"""Days of usage that are shown."""


@blueprint.route("/me")
class TheKey(MethodView):
    """The current API key."""

    @blueprint.doc(operationId="getMe", summary="Get the current API key", **bodies.keyed())
    @blueprint.response(200, MeOne)
    @blueprint.write()
    def get(self) -> Response:
        """Return the public prefix, the scopes, the rate limit and the daily usage of the key that sends the request.

        `requests_per_minute` is null if there is no limit. Requests are counted within a few seconds; days are in UTC.
        """
        bodies.plain()
        caller, default_limits = writer(), parts().settings.rate_limits
        parts().usage.write()
        with parts().database.reading() as connection:
            rows = partners.use(connection, caller.id, DAYS)
        record = {
            "prefix": caller.prefix,
            "scopes": sorted(caller.scopes),
            "requests_per_minute": default_limits and (caller.rate or default_limits[1]),
            "filter": {"brands": caller.brands or (), "sections": caller.sections or ()},
            "body": caller.body,
            "usage": [{"day": row.day, "requests": row.requests} for row in rows],
        }
        return Response(json({"data": compiled(Me)(record)}), content_type=bodies.JSON)


@blueprint.route("/audit")
class Audit(MethodView):
    """The audit log."""

    @blueprint.doc(operationId="listDeeds", summary="List audit entries", **bodies.keyed())
    @blueprint.arguments(DeedQuery(), location="query", error_status_code=400)
    @blueprint.response(200, DeedList)
    @blueprint.write(400, 410)
    def get(self, query: paging.Query) -> Response:
        """Return the writes of this API and of the scheduler, newest first. Imports write no entry for each record."""
        return private("/v1/audit", query, lambda connection: _page(connection, query))


def _page(connection: Connection, query: paging.Query) -> Answer:
    actor, subject, before = query.get("by"), query.get("subject"), None
    if "cursor" in query:
        actor, subject_hex, last_hex = paging.behind(query, "deeds")
        subject, before = subject_hex and UUID(subject_hex), UUID(last_hex)
    rows = deeds.page(connection, limit=query["limit"] + 1, before=before, by=actor, subject=subject)
    cursor_values = ("deeds", actor, subject and subject.hex)
    return paging.last_first(connection, "/v1/audit", query, rows, compiled(Deed), *cursor_values)
