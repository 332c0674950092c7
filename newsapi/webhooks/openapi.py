"""The section `webhooks` of the OpenAPI document: the calls that receivers of events get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from newsapi.web.blueprint import Api
from newsapi.web.wire import OutputSchema
from newsapi.webhooks import schemas
from newsapi.webhooks.event_types import CACHE_INVALIDATED, EVENT_TYPES, IMPORT_FINISHED, PING, EventType

_HEADERS: Final = {
    "webhook-id": ("Id of the event; the same for all attempts", {"type": "string", "format": "uuid"}),
    "webhook-timestamp": ("Unix time of the attempt, in seconds", {"type": "string", "pattern": "^[0-9]+$"}),
    "webhook-signature": (
        "`v1,` and the base64 of HMAC-SHA256 over `ID.TIMESTAMP.BODY`; one for each secret, separated by spaces",
        {"type": "string", "pattern": "^v1,"},
    ),
}
"""Description and schema of the headers of Standard Webhooks."""

_SCHEMAS: Final = {
    CACHE_INVALIDATED: schemas.InvalidationEvent,
    IMPORT_FINISHED: schemas.ImportEvent,
    PING: schemas.PingEvent,
}
"""Schemas of the events that are not about one article or term."""


def document_webhooks(api: Api) -> None:
    """Add a path item for each event type to the OpenAPI document, by the name of the event type."""
    for name, (description, schema) in _HEADERS.items():
        header = {"description": description, "required": True, "schema": schema, "name": name}
        api.spec.components.parameter(name, "header", header)
    resolver = api.ma_plugin.resolver
    api.webhooks = {
        event_type.name: {"post": _operation(event_type, resolver.resolve_schema_dict(schema_of(event_type)))}
        for event_type in EVENT_TYPES
    }


def schema_of(event_type: EventType) -> type[OutputSchema]:
    """Return the schema of the body of an event."""
    if event_type.kind is None:
        return _SCHEMAS[event_type.name]
    return schemas.ArticleEvent if event_type.kind == "article" else schemas.TermEvent


def _operation(event_type: EventType, body: Mapping[str, object]) -> dict[str, object]:
    words = event_type.name.replace(".", " ").replace("_", " ").title().replace(" ", "")
    return {
        "operationId": f"on{words}",
        "summary": event_type.sent_when,
        "description": f"{event_type.sent_when}. The signed call is repeated until it succeeds.",
        "tags": ["webhooks"],
        "security": [],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in _HEADERS],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "2XX": {"description": "The event was received."},
            "410": {"description": "The event is not wanted and is not sent again."},
            "default": {"description": "The event was not received and is sent again later."},
        },
    }
