"""Webhooks on the wire: what is asked for, and what is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields, validate, validates_schema

from newsapi.schemas.queries import Paged
from newsapi.schemas.wire import In, Instant, Out, PageInfo, PageLinks, WebAddress, no_repeats, open_enum, slug_list

INVALIDATED: Final = "cache.invalidated"
IMPORTED: Final = "import.finished"
PING: Final = "webhook.ping"
EVENTS: Final = (
    *(f"article.{name}" for name in ("published", "updated", "corrected", "unpublished", "withdrawn", "out_of_scope")),
    *(f"{kind}.updated" for kind in ("brand", "section", "author", "tag")),
    INVALIDATED,
    IMPORTED,
    PING,
)
"""Every event there is."""

STATES = ("active", "paused")
DELIVERY_STATES = ("pending", "delivered", "dead")


def _events(*, required: bool) -> fields.List[str]:
    return fields.List(
        fields.String(validate=validate.OneOf(EVENTS, error=f"is none of {', '.join(EVENTS)}")),
        required=required,
        validate=[validate.Length(min=1, error="must name one event at least"), no_repeats],
        metadata={"description": "What is told"},
    )


class Callable(WebAddress):
    """An address that can be called: nothing in it is meant for a browser."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        parts = urlsplit(text)
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise ValidationError(["must be without a user, a password and a fragment"])
        return text


class FilterIn(In):
    """Brands and sections; an article that bears one of them is meant."""

    brand = slug_list(100)
    section = slug_list(100)


class WebhookIn(In):
    """`POST /v1/webhooks`."""

    url = Callable(required=True)
    events = _events(required=True)
    filter = fields.Nested(FilterIn, allow_none=True, load_default=None)


class WebhookPatch(WebhookIn):
    """`PATCH /v1/webhooks/{id}`: what is left out stays."""

    url = Callable()
    events = _events(required=False)
    filter = fields.Nested(FilterIn, allow_none=True)
    state = fields.String(
        validate=validate.OneOf(STATES, error=f"must be one of {', '.join(STATES)}"),
        metadata={"description": "A webhook that is paused is called no more until it is active again"},
    )

    @validates_schema
    def _is_something(self, data: Mapping[str, Any], **_: object) -> None:
        """Whoever changes nothing has misspelled something."""
        if not data:
            raise ValidationError(["must name something to change"])


class Filter(Out):
    """Brands and sections; an article that bears one of them is meant."""

    brand = fields.List(fields.String(), required=True)
    section = fields.List(fields.String(), required=True)


class Webhook(Out):
    """A webhook."""

    id = fields.UUID(required=True)
    url = fields.Url(required=True)
    events = fields.List(fields.String(metadata=open_enum(*EVENTS)), required=True)
    filter = fields.Nested(Filter, required=True, allow_none=True)
    state = fields.String(required=True, metadata=open_enum(*STATES))
    failing_since = Instant(required=True, allow_none=True)
    created_at = Instant(required=True)
    secret = fields.String(metadata={"description": "With what calls are signed; told once, when it is made"})


class WebhookOne(Out):
    """One webhook."""

    data = fields.Nested(Webhook, required=True)


class WebhookList(Out):
    """The webhooks of the key that asks."""

    data = fields.List(fields.Nested(Webhook), required=True)


class Ping(Out):
    """An event that was put in line."""

    id = fields.UUID(required=True)


class PingOne(Out):
    """An event that was put in line."""

    data = fields.Nested(Ping, required=True)


class Delivery(Out):
    """One event for one webhook."""

    id = fields.UUID(required=True, metadata={"description": "The `webhook-id` of each try"})
    type = fields.String(required=True, metadata=open_enum(*EVENTS))
    seq = fields.Integer(required=True, allow_none=True)
    state = fields.String(required=True, metadata=open_enum(*DELIVERY_STATES))
    attempts = fields.Integer(required=True)
    status = fields.Integer(required=True, allow_none=True, metadata={"description": "What was answered last"})
    error = fields.String(required=True, allow_none=True, metadata={"description": "Why there was no answer"})
    created_at = Instant(required=True)
    tried_at = Instant(required=True, allow_none=True)
    due_at = Instant(required=True, allow_none=True, metadata={"description": "When it is tried next"})


class DeliveryList(Out):
    """Deliveries, the last first."""

    data = fields.List(fields.Nested(Delivery), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class DeliveryQuery(Paged):
    """`GET …/deliveries`."""

    state = fields.String(
        validate=validate.OneOf(DELIVERY_STATES, error=f"must be one of {', '.join(DELIVERY_STATES)}"),
        metadata={"description": "Only those in this state"},
    )
