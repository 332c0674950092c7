"""Schemas of webhooks and their deliveries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields, validate, validates_schema

from newsapi.web.params import PageParams
from newsapi.web.wire import (
    InputSchema,
    Instant,
    OutputSchema,
    PageInfo,
    PageLinks,
    StrictBoolean,
    WebAddress,
    Withdrawal,
    open_enum,
    reject_duplicates,
    slug_list,
)
from newsapi.webhooks.event_types import CACHE_INVALIDATED, EVENT_NAMES, EVENT_TYPES, IMPORT_FINISHED, PING
from newsapi.worker.addresses import InvalidAddress, normalize_url

STATES: Final = ("active", "paused")
INCLUDE_IMPORTS: Final = (
    "Whether an import sends an event for each article and term that it creates or changes. If not, only"
    " `import.finished`, `cache.invalidated` and the events of articles that it withdraws are sent"
)
DELIVERY_STATES: Final = ("pending", "delivered", "dead")


def _events(*, required: bool) -> fields.List[str]:
    return fields.List(
        fields.String(validate=validate.OneOf(EVENT_NAMES, error=f"must be one of {', '.join(EVENT_NAMES)}")),
        required=required,
        validate=[validate.Length(min=1, error="must have at least one event"), reject_duplicates],
        metadata={"description": "Event types to send"},
    )


class CallbackUrl(WebAddress):
    """The URL of a webhook, loaded in the form in which it is called: without credentials and without a fragment."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        parts = urlsplit(text)
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise ValidationError(["must not have a user name, a password or a fragment"])
        try:
            return normalize_url(text)
        except InvalidAddress as error:
            raise ValidationError([f"cannot be called: {error}"]) from error


class FilterInput(InputSchema):
    """Brands and sections; an article matches if it has any of them."""

    brand = slug_list(100)
    section = slug_list(100)


class WebhookInput(InputSchema):
    """Body of `POST /v1/webhooks`."""

    url = CallbackUrl(required=True)
    events = _events(required=True)
    filter = fields.Nested(FilterInput, allow_none=True, load_default=None)
    include_imports = StrictBoolean(load_default=False, metadata={"description": INCLUDE_IMPORTS})


class WebhookPatch(WebhookInput):
    """Body of `PATCH /v1/webhooks/{id}`; omitted fields stay unchanged."""

    url = CallbackUrl()
    events = _events(required=False)
    filter = fields.Nested(FilterInput, allow_none=True)
    include_imports = StrictBoolean(metadata={"description": INCLUDE_IMPORTS})
    state = fields.String(
        validate=validate.OneOf(STATES, error=f"must be one of {', '.join(STATES)}"),
        metadata={"description": "A paused webhook is not called until it is active again"},
    )

    @validates_schema
    def _is_something(self, data: Mapping[str, object], **_: object) -> None:
        """Reject an empty patch."""
        if not data:
            raise ValidationError(["must have at least one field"])


class Filter(OutputSchema):
    """Brands and sections; an article matches if it has any of them."""

    brand = fields.List(fields.String(), required=True)
    section = fields.List(fields.String(), required=True)


class WebhookSchema(OutputSchema):
    """A webhook."""

    id = fields.UUID(required=True)
    url = fields.Url(required=True)
    events = fields.List(fields.String(metadata=open_enum(*EVENT_NAMES)), required=True)
    filter = fields.Nested(Filter, required=True, allow_none=True)
    include_imports = fields.Boolean(required=True, metadata={"description": INCLUDE_IMPORTS})
    state = fields.String(required=True, metadata=open_enum(*STATES))
    failing_since = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "Time of the first failed call since the last success; null if calls do not fail"},
    )
    created_at = Instant(required=True)
    secret = fields.String(
        metadata={"description": "Secret that signs the calls; returned only once, on creation or rotation"}
    )


class WebhookResponse(OutputSchema):
    """A single webhook."""

    data = fields.Nested(WebhookSchema, required=True)


class WebhookList(OutputSchema):
    """The webhooks of the requesting key, oldest first."""

    data = fields.List(fields.Nested(WebhookSchema), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class PingAccepted(OutputSchema):
    """A queued delivery."""

    id = fields.UUID(required=True, metadata={"description": "Id of the delivery"})


class PingResponse(OutputSchema):
    """A queued delivery."""

    data = fields.Nested(PingAccepted, required=True)


class DeliverySchema(OutputSchema):
    """The delivery of one event to one webhook."""

    id = fields.UUID(required=True, metadata={"description": "The `webhook-id` header of every attempt"})
    type = fields.String(required=True, metadata=open_enum(*EVENT_NAMES))
    seq = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "`seq` of the change; null for events that are not about a change"},
    )
    state = fields.String(required=True, metadata=open_enum(*DELIVERY_STATES))
    attempts = fields.Integer(required=True, metadata={"description": "Number of attempts so far"})
    status = fields.Integer(
        attribute="last_status_code",
        required=True,
        allow_none=True,
        metadata={"description": "HTTP status of the last attempt; null if there was no response"},
    )
    error = fields.String(
        attribute="last_error",
        required=True,
        allow_none=True,
        metadata={"description": "Why the last attempt got no response"},
    )
    created_at = Instant(required=True)
    tried_at = Instant(
        attribute="last_attempt_at",
        required=True,
        allow_none=True,
        metadata={"description": "Time of the last attempt"},
    )
    due_at = Instant(
        attribute="next_attempt_at",
        required=True,
        allow_none=True,
        metadata={"description": "Time of the next attempt; null if there is none"},
    )


class DeliveryList(OutputSchema):
    """Deliveries, newest first."""

    data = fields.List(fields.Nested(DeliverySchema), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class DeliveryListParams(PageParams):
    """Parameters of `GET …/deliveries`."""

    state = fields.String(
        validate=validate.OneOf(DELIVERY_STATES, error=f"must be one of {', '.join(DELIVERY_STATES)}"),
        metadata={"description": "Return only deliveries in this state"},
    )


# --- bodies of the events ---------------------------------------------------------------------------------------------


def _type(*names: str) -> fields.String:
    return fields.String(required=True, validate=validate.OneOf(names))


class EventSchema(OutputSchema):
    """Members that all events have."""

    timestamp = Instant(required=True, metadata={"description": "Time of the change, or of the ping"})


class EventLinks(OutputSchema):
    """Links of an event."""

    self = fields.Url(required=True, metadata={"description": "Where to read the present state"})


class InvalidationData(OutputSchema):
    """The surrogate keys of the responses that became outdated."""

    seq = fields.Integer(required=True, metadata={"description": "`seq` of the change: send it as `min_seq`"})
    tags = fields.List(
        fields.String(), required=True, metadata={"description": "Surrogate keys", "example": ["brand:land-rover"]}
    )
    cdn_purged = fields.Boolean(
        metadata={"description": "False if the CDN did not confirm the purge; otherwise absent"}
    )


class TermEventDataSchema(InvalidationData):
    """A changed brand, section, author or tag."""

    id = fields.UUID(required=True)
    slug = fields.String(required=True)
    previous_slug = fields.String(
        required=True, allow_none=True, metadata={"description": "The slug before this change, if it changed the slug"}
    )
    links = fields.Nested(EventLinks, required=True)


class ArticleEventDataSchema(TermEventDataSchema):
    """A changed article, without its content."""

    version = fields.Integer(required=True, allow_none=True)
    reason = fields.String(
        required=True,
        metadata=open_enum(*dict.fromkeys(reason for event_type in EVENT_TYPES for reason in event_type.reasons)),
    )
    gone = fields.Nested(Withdrawal, required=True, allow_none=True)
    url = fields.Url(required=True, allow_none=True, metadata={"description": "URL of the article's page on the site"})


class ImportEventData(OutputSchema):
    """A finished import."""

    seq = fields.Integer(required=True, metadata={"description": "`seq` of the last change at the end of the import"})
    id = fields.UUID(required=True)
    state = fields.String(required=True, metadata=open_enum("done", "failed", "cancelled"))
    links = fields.Nested(EventLinks, required=True)


class PingData(OutputSchema):
    """The webhook that was pinged."""

    webhook = fields.UUID(required=True, metadata={"description": "Id of the webhook"})


class ArticleEvent(EventSchema):
    """An event of an article."""

    type = _type(*(event_type.name for event_type in EVENT_TYPES if event_type.kind == "article"))
    data = fields.Nested(ArticleEventDataSchema, required=True)


class TermEvent(EventSchema):
    """An event of a brand, section, author or tag."""

    type = _type(*(event_type.name for event_type in EVENT_TYPES if event_type.kind not in {None, "article"}))
    data = fields.Nested(TermEventDataSchema, required=True)


class InvalidationEvent(EventSchema):
    """Cached responses became outdated."""

    type = _type(CACHE_INVALIDATED)
    data = fields.Nested(InvalidationData, required=True)


class ImportEvent(EventSchema):
    """An import over HTTP ended."""

    type = _type(IMPORT_FINISHED)
    data = fields.Nested(ImportEventData, required=True)


class PingEvent(EventSchema):
    """A ping was requested."""

    type = _type(PING)
    data = fields.Nested(PingData, required=True)
