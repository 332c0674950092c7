"""Who may do what, and who did what: the key that asks, and the deeds of all."""

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

blueprint = Blueprint("watching", __name__, url_prefix="/v1", description="Keys, and what was done with them")


DAYS = 31
"""Days whose use is told."""


@blueprint.route("/me")
class TheKey(MethodView):
    """The key that asks."""

    @blueprint.doc(operationId="getMe", summary="What this key may do", **bodies.keyed())
    @blueprint.response(200, MeOne)
    @blueprint.write()
    def get(self) -> Response:
        """Its open part, its scopes, how many requests a minute it may make (null: any number), and how many it made.

        A request counts a few seconds after it was made, at the latest; days are those of UTC.
        """
        bodies.plain()
        who, usual = writer(), parts().settings.rate_limits
        parts().usage.write()
        with parts().database.reading() as connection:
            use = partners.use(connection, who.id, DAYS)
        found = {
            "prefix": who.prefix,
            "scopes": sorted(who.scopes),
            "requests_per_minute": usual and (who.rate or usual[1]),
            "filter": {"brands": who.brands or (), "sections": who.sections or ()},
            "body": who.body,
            "usage": [{"day": row.day, "requests": row.requests} for row in use],
        }
        return Response(json({"data": compiled(Me)(found)}), content_type=bodies.JSON)


@blueprint.route("/audit")
class Audit(MethodView):
    """What was done."""

    @blueprint.doc(operationId="listDeeds", summary="Who did what when", **bodies.keyed())
    @blueprint.arguments(DeedQuery(), location="query", error_status_code=400)
    @blueprint.response(200, DeedList)
    @blueprint.write(400, 410)
    def get(self, query: paging.Query) -> Response:
        """Every write over this API and by the schedule, the last first; of imports only what they left is kept."""
        return private("/v1/audit", query, lambda connection: _page(connection, query))


def _page(connection: Connection, query: paging.Query) -> Answer:
    by, subject, before = query.get("by"), query.get("subject"), None
    if "cursor" in query:
        by, about, place = paging.behind(query, "deeds")
        subject, before = about and UUID(about), UUID(place)
    rows = deeds.page(connection, limit=query["limit"] + 1, before=before, by=by, subject=subject)
    held = ("deeds", by, subject and subject.hex)
    return paging.last_first(connection, "/v1/audit", query, rows, compiled(Deed), *held)
