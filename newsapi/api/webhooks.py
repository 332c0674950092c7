"""Webhooks: endpoints, secrets, test pings and deliveries."""

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
from newsapi.store.database import Connection, Session

PATH = "/v1/webhooks"
blueprint = Blueprint("webhooks", __name__, url_prefix=PATH, description="Webhook endpoints and deliveries")

NEW, CHANGE = WebhookIn(), WebhookPatch()
WHICH = {"in": "path", "name": "id", "description": "Id of the webhook", "schema": {"type": "string", "format": "uuid"}}
DELIVERY = {**WHICH, "name": "delivery", "description": "Id of the delivery"}


@blueprint.route("")
class Webhooks(MethodView):
    """The webhooks of a key."""

    @blueprint.doc(operationId="listWebhooks", summary="List webhooks", **bodies.keyed())
    @blueprint.response(200, WebhookList)
    @blueprint.write()
    def get(self) -> Response:
        """Return the webhooks of this key, or of all keys with the scope `admin`, oldest first and without secrets."""
        bodies.plain()
        caller = writer()

        def build(connection: Connection) -> Answer:
            rows = webhooks.all_of(connection, actions.whose(caller))
            return _answer(connection, {"data": [_shown(dict(row._mapping)) for row in rows]})  # noqa: SLF001

        return private(PATH, {}, build)

    @blueprint.doc(operationId="createWebhook", summary="Create a webhook", **bodies.taken(WebhookIn, once=True))
    @blueprint.response(201, WebhookOne)
    @blueprint.write()
    def post(self) -> Response:
        """Create a webhook. Only this response shows the secret that signs its requests (Standard Webhooks)."""
        columns = _columns(patches.loaded(NEW, bodies.body()))
        context, caller = parts(), writer()

        def create(save: Keep) -> Reply:
            def read_back(session: Session, row: Mapping[str, Any]) -> Reply:
                return save(session, _made(row))

            return actions.create(context.database, caller, columns, now=context.now(), then=read_back)

        return bodies.once(create)


@blueprint.route("/<uuid:id>", parameters=[WHICH])
class OneWebhook(MethodView):
    """One webhook."""

    @blueprint.doc(operationId="getWebhook", summary="Get a webhook", **bodies.keyed())
    @blueprint.response(200, WebhookOne)
    @blueprint.write(404)
    def get(self, id: UUID) -> Response:  # noqa: A002 (the name in the path)
        """Return a webhook without its secret."""
        bodies.plain()
        caller = writer()

        def build(connection: Connection) -> Answer:
            return _answer(connection, {"data": _shown(actions.own(connection, caller, id))})

        return private(f"{PATH}/{id}", {}, build)

    @blueprint.doc(
        operationId="updateWebhook",
        summary="Update a webhook",
        **bodies.taken(WebhookPatch, media_type=bodies.PATCH),
    )
    @blueprint.response(200, WebhookOne)
    @blueprint.write(404)
    def patch(self, id: UUID) -> Response:  # noqa: A002
        """Update a webhook; omitted fields stay. Setting `state` to `active` resumes it and resets `failing_since`."""
        columns = _columns(patches.loaded(CHANGE, bodies.body(bodies.PATCH)))
        webhook = actions.change(parts().database, writer(), id, columns, now=parts().now())
        return bodies.sent(Reply(200, {}, json({"data": _shown(webhook)}).decode()))

    @blueprint.doc(operationId="deleteWebhook", summary="Delete a webhook", **bodies.keyed())
    @blueprint.response(204)
    @blueprint.write(404)
    def delete(self, id: UUID) -> Response:  # noqa: A002
        """Delete a webhook and its pending deliveries."""
        bodies.plain()
        actions.remove(parts().database, writer(), id, now=parts().now())
        return bodies.sent(Reply(204, {}, ""))


@blueprint.route("/<uuid:id>/ping", parameters=[WHICH])
class Pinged(MethodView):
    """A test delivery."""

    @blueprint.doc(operationId="pingWebhook", summary="Send a test event to a webhook", **bodies.keyed())
    @blueprint.response(202, PingOne)
    @blueprint.write(404)
    def post(self, id: UUID) -> Response:  # noqa: A002
        """Send the event `webhook.ping`; the deliveries of the webhook show the outcome."""
        bodies.body(needed=False)
        event = actions.ping(parts().database, writer(), id, now=parts().now())
        return bodies.sent(Reply(202, {}, json({"data": {"id": event}}).decode()))


@blueprint.route("/<uuid:id>/rotate", parameters=[WHICH])
class Rotated(MethodView):
    """The secret of a webhook."""

    @blueprint.doc(operationId="rotateWebhook", summary="Rotate the secret of a webhook", **bodies.keyed())
    @blueprint.response(200, WebhookOne)
    @blueprint.write(404)
    def post(self, id: UUID) -> Response:  # noqa: A002
        """Create a new secret. Only this response shows it. For 24 hours, requests are signed with both secrets."""
        bodies.body(needed=False)
        columns = actions.rotate(parts().database, writer(), id, now=parts().now())
        return bodies.sent(Reply(200, {}, _made(columns).body))


@blueprint.route("/<uuid:id>/deliveries", parameters=[WHICH])
class Deliveries(MethodView):
    """The deliveries of a webhook."""

    @blueprint.doc(operationId="listDeliveries", summary="List the deliveries of a webhook", **bodies.keyed())
    @blueprint.arguments(DeliveryQuery(), location="query", error_status_code=400)
    @blueprint.response(200, DeliveryList)
    @blueprint.write(400, 404)
    def get(self, query: paging.Query, id: UUID) -> Response:  # noqa: A002
        """Return the deliveries, newest first. Completed deliveries are kept for 30 days."""
        caller = writer()
        path = f"{PATH}/{id}/deliveries"

        def build(connection: Connection) -> Answer:
            actions.own(connection, caller, id)
            return _deliveries(connection, id, path, query)

        return private(path, query, build)


@blueprint.route("/<uuid:id>/deliveries/<uuid:delivery>/redeliver", parameters=[WHICH, DELIVERY])
class Redelivered(MethodView):
    """A repeated delivery."""

    @blueprint.doc(operationId="redeliver", summary="Redeliver an event", **bodies.keyed())
    @blueprint.response(202, PingOne)
    @blueprint.write(404)
    def post(self, id: UUID, delivery: UUID) -> Response:  # noqa: A002
        """Send an event again at once, whatever its state, with the same `webhook-id`."""
        bodies.body(needed=False)
        actions.redeliver(parts().database, writer(), id, delivery, now=parts().now())
        return bodies.sent(Reply(202, {}, json({"data": {"id": delivery}}).decode()))


def _made(columns: Mapping[str, Any]) -> Reply:
    headers = {"Location": f"{parts().settings.api_url}{PATH}/{columns['id']}"}
    return Reply(201, headers, json({"data": {**_shown(columns), "secret": columns["secret"]}}).decode())


def _columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a webhook from the values of a request.

    Raises:
        InvalidBody: The URL must not be called.
    """
    columns = dict(values)
    if "url" in columns:
        _callable(columns["url"])
    if "filter" in columns:
        filters = columns.pop("filter") or {}
        columns |= {"brands": filters.get("brand") or None, "sections": filters.get("section") or None}
    state = columns.pop("state", None)
    if state is not None:
        columns["paused_at"] = parts().now() if state == "paused" else None
    if state == "active":
        columns["failing_since"] = None
    return columns


def _callable(url: str) -> None:
    """Check that a URL may be called. A host name that cannot be resolved now is accepted: it may be resolved later.

    Raises:
        InvalidBody: The URL leads to an address that webhooks must not reach.
    """
    url_parts = urlsplit(url)
    try:
        allows_private = parts().settings.webhook_private == "allow"
        calls.addresses(url_parts.hostname or "", url_parts.port or 443, private=allows_private)
    except calls.Forbidden as error:
        raise BadBody([Fault("/url", f"cannot be called: {error}")]) from error
    except OSError:
        return


def _shown(columns: Mapping[str, Any]) -> dict[str, Any]:
    filters = {"brand": columns.get("brands") or [], "section": columns.get("sections") or []}
    record: dict[str, Any] = {
        "failing_since": None,
        **{name: value for name, value in columns.items() if name != "secret"},
        "filter": filters if any(filters.values()) else None,
        "state": "paused" if columns.get("paused_at") else "active",
    }
    return dict(compiled(Webhook)(record))


def _answer(connection: Connection, body: dict[str, Any]) -> Answer:
    snapshot = facets.truth(connection, {})
    return Answer(body=json(body), seq=snapshot.seq, mark=snapshot.mark)


def _deliveries(connection: Connection, id_: UUID, path: str, query: paging.Query) -> Answer:
    state, before = query.get("state"), None
    if "cursor" in query:
        state, last_hex = paging.behind(query, "deliveries", id_.hex)
        before = UUID(last_hex)
    rows = webhooks.deliveries(connection, id_, before=before, limit=query["limit"] + 1, state=state)
    return paging.last_first(connection, path, query, rows, _delivery, "deliveries", id_.hex, state)


def _delivery(record: Mapping[str, Any]) -> dict[str, Any]:
    due_at = record["due_at"] if record["state"] == "pending" else None
    return compiled(Delivery)({**record, "due_at": due_at})
