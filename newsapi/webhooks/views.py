"""Webhooks: endpoints, secrets, test pings and deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from flask import Response
from flask.views import MethodView

from newsapi.cache.cached_response import CachedResponse
from newsapi.content.queries import facets
from newsapi.db.database import Connection, Session
from newsapi.errors import FieldError, InvalidBody
from newsapi.web import pagination, write_requests
from newsapi.web.authorization import require_caller
from newsapi.web.blueprint import Blueprint
from newsapi.web.context import app_context
from newsapi.web.fast_dump import compile_dump, dump_json
from newsapi.web.idempotency import SaveResponse, StoredResponse
from newsapi.web.params import PageParams, id_param
from newsapi.web.responses import private_response
from newsapi.web.wire import load_body
from newsapi.webhooks import commands, queries
from newsapi.webhooks.queries import WebhookColumns, WebhookRow
from newsapi.webhooks.schemas import (
    DeliveryList,
    DeliveryListParams,
    DeliverySchema,
    PingResponse,
    WebhookInput,
    WebhookList,
    WebhookPatch,
    WebhookResponse,
    WebhookSchema,
)
from newsapi.worker import safe_http

PATH: Final = "/v1/webhooks"
blueprint = Blueprint("webhooks", __name__, url_prefix=PATH, description="Webhook endpoints and deliveries")

CREATE_SCHEMA: Final = WebhookInput()
PATCH_SCHEMA: Final = WebhookPatch()
ID_PARAM: Final = id_param("webhook")
DELIVERY_ID_PARAM: Final = id_param("delivery", "delivery_id")


@blueprint.route("")
class Webhooks(MethodView):
    """The webhooks of a key."""

    @blueprint.doc(operationId="listWebhooks", summary="List webhooks", **write_requests.requires_key())
    @blueprint.arguments(PageParams(), location="query", error_status_code=400)
    @blueprint.response(200, WebhookList)
    @blueprint.documents_errors(400)
    def get(self, query: pagination.Query) -> Response:
        """Return the webhooks of this key, or of all keys with the scope `admin`, oldest first and without secrets."""
        caller = require_caller()
        return private_response(
            PATH, query, lambda connection: _webhook_page(connection, commands.visible_owner(caller), query)
        )

    @blueprint.doc(
        operationId="createWebhook",
        summary="Create a webhook",
        **write_requests.documents_body(WebhookInput, with_idempotency_key=True),
    )
    @blueprint.response(201, WebhookResponse)
    @blueprint.documents_errors()
    def post(self) -> Response:
        """Create a webhook. Only this response shows the secret that signs its requests (Standard Webhooks)."""
        columns = _columns(load_body(CREATE_SCHEMA, write_requests.json_body()))
        context, caller = app_context(), require_caller()

        def create(save: SaveResponse) -> StoredResponse:
            def read_back(session: Session, webhook: WebhookRow) -> StoredResponse:
                return save(session, _created_response(webhook))

            return commands.create(context.database, caller, columns, now=context.now(), read_back=read_back)

        return write_requests.idempotent(create)


@blueprint.route("/<uuid:id>", parameters=[ID_PARAM])
class OneWebhook(MethodView):
    """One webhook."""

    @blueprint.doc(operationId="getWebhook", summary="Get a webhook", **write_requests.requires_key())
    @blueprint.response(200, WebhookResponse)
    @blueprint.documents_errors(404)
    def get(self, id: UUID) -> Response:  # noqa: A002 (the name in the path)
        """Return a webhook without its secret."""
        write_requests.reject_query_params()
        caller = require_caller()

        def build(connection: Connection) -> CachedResponse:
            return _cached_response(connection, {"data": _webhook_record(commands.get_own(connection, caller, id))})

        return private_response(f"{PATH}/{id}", {}, build)

    @blueprint.doc(
        operationId="updateWebhook",
        summary="Update a webhook",
        **write_requests.documents_body(WebhookPatch, media_type=write_requests.PATCH),
    )
    @blueprint.response(200, WebhookResponse)
    @blueprint.documents_errors(404)
    def patch(self, id: UUID) -> Response:  # noqa: A002
        """Update a webhook; omitted fields stay. Setting `state` to `active` resumes it and resets `failing_since`."""
        columns = _columns(load_body(PATCH_SCHEMA, write_requests.json_body(write_requests.PATCH)))
        webhook = commands.update(app_context().database, require_caller(), id, columns, now=app_context().now())
        return write_requests.write_response(
            StoredResponse(200, {}, dump_json({"data": _webhook_record(webhook)}).decode())
        )

    @blueprint.doc(operationId="deleteWebhook", summary="Delete a webhook", **write_requests.requires_key())
    @blueprint.response(204)
    @blueprint.documents_errors(404)
    def delete(self, id: UUID) -> Response:  # noqa: A002
        """Delete a webhook and its pending deliveries."""
        write_requests.reject_query_params()
        commands.delete(app_context().database, require_caller(), id, now=app_context().now())
        return write_requests.write_response(StoredResponse(204, {}, ""))


@blueprint.route("/<uuid:id>/ping", parameters=[ID_PARAM])
class WebhookPing(MethodView):
    """A test delivery."""

    @blueprint.doc(operationId="pingWebhook", summary="Send a test event to a webhook", **write_requests.requires_key())
    @blueprint.response(202, PingResponse)
    @blueprint.documents_errors(404)
    def post(self, id: UUID) -> Response:  # noqa: A002
        """Send the event `webhook.ping`; the deliveries of the webhook show the outcome."""
        write_requests.json_body(required=False)
        event = commands.ping(app_context().database, require_caller(), id, now=app_context().now())
        return write_requests.write_response(StoredResponse(202, {}, dump_json({"data": {"id": event}}).decode()))


@blueprint.route("/<uuid:id>/rotate", parameters=[ID_PARAM])
class WebhookSecret(MethodView):
    """The secret of a webhook."""

    @blueprint.doc(
        operationId="rotateWebhookSecret", summary="Rotate the secret of a webhook", **write_requests.requires_key()
    )
    @blueprint.response(200, WebhookResponse)
    @blueprint.documents_errors(404)
    def post(self, id: UUID) -> Response:  # noqa: A002
        """Create a new secret. Only this response shows it. For 24 hours, requests are signed with both secrets."""
        write_requests.json_body(required=False)
        webhook = commands.rotate(app_context().database, require_caller(), id, now=app_context().now())
        return write_requests.write_response(StoredResponse(200, {}, _created_response(webhook).body))


@blueprint.route("/<uuid:id>/deliveries", parameters=[ID_PARAM])
class Deliveries(MethodView):
    """The deliveries of a webhook."""

    @blueprint.doc(
        operationId="listDeliveries", summary="List the deliveries of a webhook", **write_requests.requires_key()
    )
    @blueprint.arguments(DeliveryListParams(), location="query", error_status_code=400)
    @blueprint.response(200, DeliveryList)
    @blueprint.documents_errors(400, 404)
    def get(self, query: pagination.Query, id: UUID) -> Response:  # noqa: A002
        """Return the deliveries, newest first. Completed deliveries are kept for 30 days."""
        caller = require_caller()
        path = f"{PATH}/{id}/deliveries"

        def build(connection: Connection) -> CachedResponse:
            commands.get_own(connection, caller, id)
            return _delivery_page(connection, id, path, query)

        return private_response(path, query, build)


@blueprint.route("/<uuid:id>/deliveries/<uuid:delivery_id>/redeliver", parameters=[ID_PARAM, DELIVERY_ID_PARAM])
class DeliveryRetry(MethodView):
    """A repeated delivery."""

    @blueprint.doc(
        operationId="redeliverWebhookDelivery", summary="Redeliver an event", **write_requests.requires_key()
    )
    @blueprint.response(202, PingResponse)
    @blueprint.documents_errors(404)
    def post(self, id: UUID, delivery_id: UUID) -> Response:  # noqa: A002
        """Send an event again at once, whatever its state, with the same `webhook-id`."""
        write_requests.json_body(required=False)
        commands.redeliver(app_context().database, require_caller(), id, delivery_id, now=app_context().now())
        return write_requests.write_response(StoredResponse(202, {}, dump_json({"data": {"id": delivery_id}}).decode()))


def _created_response(webhook: WebhookRow) -> StoredResponse:
    """Return the response that shows the secret of a webhook."""
    headers = {"Location": f"{app_context().settings.api_url}{PATH}/{webhook.id}"}
    body = {"data": {**_webhook_record(webhook), "secret": webhook.secret}}
    return StoredResponse(201, headers, dump_json(body).decode())


def _columns(values: Mapping[str, Any]) -> WebhookColumns:
    """Return the columns of a webhook from the values of a request.

    Raises:
        InvalidBody: The URL must not be called.
    """
    columns: WebhookColumns = {}
    if "url" in values:
        _check_url(values["url"])
        columns["url"] = values["url"]
    if "events" in values:
        columns["events"] = values["events"]
    if "filter" in values:
        filters = values["filter"] or {}
        columns["brands"], columns["sections"] = filters.get("brand") or None, filters.get("section") or None
    if "include_imports" in values:
        columns["include_imports"] = values["include_imports"]
    if "state" in values:
        columns["paused_at"] = app_context().now() if values["state"] == "paused" else None
    if values.get("state") == "active":
        columns["failing_since"] = None
    return columns


def _check_url(url: str) -> None:
    """Check that a URL may be called. A host name that cannot be resolved now is accepted: it may be resolved later.

    Raises:
        InvalidBody: The URL leads to an address that webhooks must not reach.
    """
    url_parts = urlsplit(url)
    try:
        allows_private = app_context().settings.webhook_private == "allow"
        port = url_parts.port or (443 if url_parts.scheme == "https" else 80)
        safe_http.resolve_public(url_parts.hostname or "", port, allow_private=allows_private)
    except safe_http.ForbiddenAddress as error:
        raise InvalidBody([FieldError("/url", f"cannot be called: {error}")]) from error
    except OSError:
        return


def _webhook_record(webhook: WebhookRow) -> dict[str, Any]:
    """Return a webhook as the API returns it, without its secret."""
    filters = {"brand": webhook.brands or [], "section": webhook.sections or []}
    columns = {name: value for name, value in webhook._asdict().items() if name != "secret"}
    state = "active" if webhook.paused_at is None else "paused"
    return compile_dump(WebhookSchema)(
        {**columns, "filter": filters if any(filters.values()) else None, "state": state}
    )


def _cached_response(connection: Connection, body: Mapping[str, object]) -> CachedResponse:
    snapshot = facets.resolve_filters(connection, {})
    return CachedResponse(body=dump_json(body), seq=snapshot.seq, nonce=snapshot.nonce)


def _webhook_page(connection: Connection, owner: str | None, query: pagination.Query) -> CachedResponse:
    after = UUID(pagination.cursor_payload(query, "webhooks")[0]) if "cursor" in query else None
    webhooks = queries.list_webhooks(connection, owner, after=after, limit=query["limit"] + 1)
    page, next_cursor = webhooks[: query["limit"]], None
    if len(webhooks) > len(page):
        next_cursor = app_context().cursors.write(["webhooks", page[-1].id.hex], now=app_context().now())
    body = pagination.list_response(PATH, query, [_webhook_record(webhook) for webhook in page], (next_cursor, None))
    response = _cached_response(connection, body)
    response.link = pagination.link_header(body["links"])
    return response


def _delivery_page(connection: Connection, id_: UUID, path: str, query: pagination.Query) -> CachedResponse:
    state, before = query.get("state"), None
    if "cursor" in query:
        state, last_hex = pagination.cursor_payload(query, "deliveries", id_.hex)
        before = UUID(last_hex)
    rows = queries.list_deliveries(connection, id_, before=before, limit=query["limit"] + 1, state=state)
    return pagination.newest_first_page(connection, path, query, rows, _delivery_record, "deliveries", id_.hex, state)


def _delivery_record(record: Mapping[str, Any]) -> dict[str, Any]:
    due_at = record["next_attempt_at"] if record["state"] == "pending" else None
    return compile_dump(DeliverySchema)({**record, "next_attempt_at": due_at})
