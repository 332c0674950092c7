"""Webhooks over HTTP: made, changed, tried out; what was delivered and what was not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.actions import patches
from newsapi.actions import webhooks as actions
from newsapi.actions.repeats import Keep, Reply
from newsapi.api import bodies, paging
from newsapi.api.access import writer
from newsapi.api.answers import private
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.cache.answer import Answer
from newsapi.errors import BadBody, Fault
from newsapi.outbox import calls
from newsapi.schemas.dump import compiled, json
from newsapi.schemas.webhooks import (
    Delivery,
    DeliveryList,
    DeliveryQuery,
    PingOne,
    Webhook,
    WebhookIn,
    WebhookList,
    WebhookOne,
    WebhookPatch,
)
from newsapi.store import facets, webhooks
from newsapi.store.database import Connection

PATH = "/v1/webhooks"
blueprint = Blueprint("webhooks", __name__, url_prefix=PATH, description="Whom we call when something happens")

NEW, CHANGE = WebhookIn(), WebhookPatch()
WHICH = {"in": "path", "name": "id", "description": "Id of the webhook", "schema": {"type": "string", "format": "uuid"}}
DELIVERY = {**WHICH, "name": "delivery", "description": "Id of the delivery"}


@blueprint.route("")
class Webhooks(MethodView):
    """All webhooks of a key."""

    @blueprint.doc(operationId="listWebhooks", summary="The webhooks of this key", **bodies.keyed())
    @blueprint.response(200, WebhookList)
    @blueprint.write()
    def get(self) -> Response:
        """The oldest first; `admin` sees those of all keys. Secrets are told once and not here."""
        bodies.plain()
        caller = writer()

        def build(connection: Connection) -> Answer:
            rows = webhooks.all_of(connection, actions.whose(caller))
            return _answer(connection, {"data": [_shown(dict(row._mapping)) for row in rows]})  # noqa: SLF001

        return private(PATH, {}, build)

    @blueprint.doc(operationId="createWebhook", summary="Make a webhook", **bodies.taken(WebhookIn, once=True))
    @blueprint.response(201, WebhookOne)
    @blueprint.write()
    def post(self) -> Response:
        """Calls are signed by the secret that is told here and never again (Standard Webhooks)."""
        values = _columns(patches.loaded(NEW, bodies.body()))
        found, caller = parts(), writer()

        def make(keep: Keep) -> Reply:
            return actions.create(
                found.database, caller, values, now=found.now(), then=lambda session, row: keep(session, _made(row))
            )

        return bodies.once(make)


@blueprint.route("/<uuid:id>", parameters=[WHICH])
class OneWebhook(MethodView):
    """One webhook."""

    @blueprint.doc(operationId="getWebhook", summary="One webhook", **bodies.keyed())
    @blueprint.response(200, WebhookOne)
    @blueprint.write(404)
    def get(self, id: UUID) -> Response:  # noqa: A002 (the name in the path)
        """Without its secret."""
        bodies.plain()
        caller = writer()

        def build(connection: Connection) -> Answer:
            return _answer(connection, {"data": _shown(actions.own(connection, caller, id))})

        return private(f"{PATH}/{id}", {}, build)

    @blueprint.doc(
        operationId="updateWebhook",
        summary="Change a webhook",
        **bodies.taken(WebhookPatch, media_type=bodies.PATCH),
    )
    @blueprint.response(200, WebhookOne)
    @blueprint.write(404)
    def patch(self, id: UUID) -> Response:  # noqa: A002
        """What is left out stays. To make one active that was paused is to begin again: it is no longer failing."""
        values = _columns(patches.loaded(CHANGE, bodies.body(bodies.PATCH)))
        found = actions.change(parts().database, writer(), id, values, now=parts().now())
        return bodies.sent(Reply(200, {}, json({"data": _shown(found)}).decode()))

    @blueprint.doc(operationId="deleteWebhook", summary="Remove a webhook", **bodies.keyed())
    @blueprint.response(204)
    @blueprint.write(404)
    def delete(self, id: UUID) -> Response:  # noqa: A002
        """It is called no more; what was still to be delivered is not."""
        bodies.plain()
        actions.remove(parts().database, writer(), id, now=parts().now())
        return bodies.sent(Reply(204, {}, ""))


@blueprint.route("/<uuid:id>/ping", parameters=[WHICH])
class Pinged(MethodView):
    """A call to try a webhook out."""

    @blueprint.doc(operationId="pingWebhook", summary="Try a webhook out", **bodies.keyed())
    @blueprint.response(202, PingOne)
    @blueprint.write(404)
    def post(self, id: UUID) -> Response:  # noqa: A002
        """It is sent `webhook.ping`; how that went stands in its deliveries."""
        bodies.body(needed=False)
        event = actions.ping(parts().database, writer(), id, now=parts().now())
        return bodies.sent(Reply(202, {}, json({"data": {"id": event}}).decode()))


@blueprint.route("/<uuid:id>/rotate", parameters=[WHICH])
class Rotated(MethodView):
    """Another secret."""

    @blueprint.doc(operationId="rotateWebhook", summary="Give a webhook a new secret", **bodies.keyed())
    @blueprint.response(200, WebhookOne)
    @blueprint.write(404)
    def post(self, id: UUID) -> Response:  # noqa: A002
        """The new one is told here and never again; for 24 hours calls are signed by both."""
        bodies.body(needed=False)
        columns = actions.rotate(parts().database, writer(), id, now=parts().now())
        return bodies.sent(Reply(200, {}, _made(columns).body))


@blueprint.route("/<uuid:id>/deliveries", parameters=[WHICH])
class Deliveries(MethodView):
    """What was delivered, and what was not."""

    @blueprint.doc(operationId="listDeliveries", summary="The deliveries of a webhook", **bodies.keyed())
    @blueprint.arguments(DeliveryQuery(), location="query", error_status_code=400)
    @blueprint.response(200, DeliveryList)
    @blueprint.write(400, 404)
    def get(self, query: paging.Query, id: UUID) -> Response:  # noqa: A002
        """The last first, for thirty days after they were done."""
        caller = writer()
        address = f"{PATH}/{id}/deliveries"

        def build(connection: Connection) -> Answer:
            actions.own(connection, caller, id)
            return _deliveries(connection, id, address, query)

        return private(address, query, build)


@blueprint.route("/<uuid:id>/deliveries/<uuid:delivery>/redeliver", parameters=[WHICH, DELIVERY])
class Redelivered(MethodView):
    """Once more."""

    @blueprint.doc(operationId="redeliver", summary="Deliver an event once more", **bodies.keyed())
    @blueprint.response(202, PingOne)
    @blueprint.write(404)
    def post(self, id: UUID, delivery: UUID) -> Response:  # noqa: A002
        """At once, whatever became of it, under the id it has."""
        bodies.body(needed=False)
        actions.redeliver(parts().database, writer(), id, delivery, now=parts().now())
        return bodies.sent(Reply(202, {}, json({"data": {"id": delivery}}).decode()))


def _made(columns: Mapping[str, Any]) -> Reply:
    where = {"Location": f"{parts().settings.api_url}{PATH}/{columns['id']}"}
    return Reply(201, where, json({"data": {**_shown(columns), "secret": columns["secret"]}}).decode())


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked for, as it is kept; raises BadBody where an address cannot be called."""
    columns = dict(values)
    if "url" in columns:
        _callable(columns["url"])
    if "filter" in columns:
        asked = columns.pop("filter") or {}
        columns |= {"brands": asked.get("brand") or None, "sections": asked.get("section") or None}
    state = columns.pop("state", None)
    if state is not None:
        columns["paused_at"] = parts().now() if state == "paused" else None
        columns |= {"failing_since": None} if state == "active" else {}
    return columns


def _callable(url: str) -> None:
    """Refuse at once what will never be called; a name that cannot be looked up just now is given time."""
    place = urlsplit(url)
    try:
        private_ = parts().settings.webhook_private == "allow"
        calls.addresses(place.hostname or "", place.port or 443, private=private_)
    except calls.Forbidden as error:
        raise BadBody([Fault("/url", f"cannot be called: {error}")]) from error
    except OSError:
        return


def _shown(columns: Mapping[str, Any]) -> dict[str, Any]:
    asked = {"brand": columns.get("brands") or [], "section": columns.get("sections") or []}
    record: dict[str, Any] = {
        "failing_since": None,
        **{name: value for name, value in columns.items() if name != "secret"},
        "filter": asked if any(asked.values()) else None,
        "state": "paused" if columns.get("paused_at") else "active",
    }
    return dict(compiled(Webhook)(record))


def _answer(connection: Connection, body: dict[str, Any]) -> Answer:
    truth = facets.truth(connection, {})
    return Answer(body=json(body), seq=truth.seq, mark=truth.mark)


def _deliveries(connection: Connection, id_: UUID, address: str, query: paging.Query) -> Answer:
    state, before = query.get("state"), None
    if "cursor" in query:
        state, place = paging.behind(query, "deliveries", id_.hex)
        before = UUID(place)
    rows = webhooks.deliveries(connection, id_, before=before, limit=query["limit"] + 1, state=state)
    return paging.last_first(connection, address, query, rows, _delivery, "deliveries", id_.hex, state)


def _delivery(record: Mapping[str, Any]) -> dict[str, Any]:
    due = record["due_at"] if record["state"] == "pending" else None
    return compiled(Delivery)({**record, "due_at": due})
