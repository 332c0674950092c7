"""Schemas of email subscriptions: requests, tokens, preferences, and what is stored about a subscriber."""

from __future__ import annotations

from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from marshmallow import ValidationError, fields, validate

from newsapi.content.schemas.subscription_offer import FREQUENCIES, ConsentSchema
from newsapi.subscriptions import addresses, messages
from newsapi.web.params import PageParams
from newsapi.web.wire import (
    InputSchema,
    Instant,
    LanguageTag,
    OutputSchema,
    PageInfo,
    PageLinks,
    SingleLineText,
    WebAddress,
    open_enum,
)

STATES: Final = ("pending", "active", "ended")
BOUNCE_KINDS: Final = ("bounce", "complaint")


class Email(fields.String):
    """A single email address."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        if not isinstance(value, str):
            raise ValidationError(["must be a string"])
        try:
            return addresses.parse_email(value)
        except ValueError as error:
            raise ValidationError([str(error)]) from error


class TimeZoneName(fields.String):
    """The name of an IANA time zone."""

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        if not isinstance(value, str) or value not in _zones():
            raise ValidationError(["must be an IANA time zone, such as Europe/Rome"])
        return value


@cache
def _zones() -> set[str]:
    return available_timezones()


def _frequency(**kwargs: Any) -> fields.String:
    is_frequency = validate.OneOf(FREQUENCIES, error=f"must be one of {', '.join(FREQUENCIES)}")
    return fields.String(validate=is_frequency, **kwargs)


def _token() -> SingleLineText:
    return SingleLineText(max_length=200, required=True, metadata={"description": "Token of a link in an email"})


class SubscriptionInput(InputSchema):
    """The contents of a subscription form."""

    email = Email(required=True, metadata={"format": "email", "maxLength": addresses.MAX_EMAIL_LENGTH})
    frequency = _frequency(load_default=FREQUENCIES[0])
    language = LanguageTag(load_default=None, metadata={"description": "Language of the emails: `it` or `en`"})
    time_zone = TimeZoneName(
        load_default=None, metadata={"description": "Time zone for the delivery of digests", "example": "Europe/Rome"}
    )
    consent_version = SingleLineText(
        max_length=100,
        load_default=None,
        metadata={"description": "`subscription.consent.version` of the consent text that was shown"},
    )
    source_url = WebAddress(load_default=None, metadata={"description": "URL of the page with the form"})


class TokenInput(InputSchema):
    """The token of a link in an email."""

    token = _token()


class SubscriptionChange(InputSchema):
    """A new frequency for a subscription; null ends it."""

    id = fields.UUID(required=True)
    frequency = _frequency(required=True, allow_none=True)


class PreferencesInput(TokenInput):
    """Changes to the preferences of the token's subscriber; omitted fields stay unchanged."""

    language = fields.String(validate=validate.OneOf(messages.LANGUAGES))
    time_zone = TimeZoneName()
    subscriptions = fields.List(
        fields.Nested(SubscriptionChange), load_default=list, validate=validate.Length(max=1_000)
    )


class BounceInput(InputSchema):
    """An address that bounced, or whose owner complained."""

    email = Email(required=True, metadata={"format": "email"})
    kind = fields.String(required=True, validate=validate.OneOf(BOUNCE_KINDS))


class BouncesInput(InputSchema):
    """Bounces and complaints reported by the email provider."""

    bounces = fields.List(fields.Nested(BounceInput), required=True, validate=validate.Length(min=1, max=1_000))


class SubscriptionAccepted(OutputSchema):
    """Confirmation that the request was accepted."""

    state = fields.String(required=True, metadata={"example": "requested"})


class SubscriptionAcceptedResponse(OutputSchema):
    """Accepted. The response is the same whether or not the address is known."""

    data = fields.Nested(SubscriptionAccepted, required=True)


class SubscriptionSchema(OutputSchema):
    """A subscription, with the record of its consent."""

    id = fields.UUID(required=True)
    kind = fields.String(
        required=True,
        metadata=open_enum("brand", "section", "author", description="Kind of the term that is subscribed to"),
    )
    slug = fields.String(required=True)
    name = fields.String(required=True)
    frequency = fields.String(required=True, metadata=open_enum(*FREQUENCIES))
    state = fields.String(required=True, metadata=open_enum(*STATES))
    consent_version = fields.String(
        required=True, metadata={"description": "Version of the consent text that was agreed to"}
    )
    source_url = fields.String(
        required=True, allow_none=True, metadata={"description": "URL of the page with the form"}
    )
    requested_at = Instant(required=True)
    confirmed_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)


class SubscriberSchema(OutputSchema):
    """A person and their subscriptions."""

    id = fields.UUID(required=True)
    email = fields.String(
        required=True, allow_none=True, metadata={"description": "Null after all subscriptions have ended"}
    )
    language = fields.String(required=True, metadata=open_enum(*messages.LANGUAGES))
    time_zone = fields.String(required=True)
    created_at = Instant(required=True)
    subscriptions = fields.List(fields.Nested(SubscriptionSchema), required=True)


class SubscriberResponse(OutputSchema):
    """A single subscriber."""

    data = fields.Nested(SubscriberSchema, required=True)


class AlertEmail(OutputSchema):
    """An email about an article, sent or planned; kept for 30 days."""

    article_id = fields.UUID(required=True)
    state = fields.String(required=True, metadata=open_enum("pending", "sent", "dropped", "failed"))
    due_at = Instant(required=True)
    sent_at = Instant(required=True, allow_none=True)


class SubscriberExport(SubscriberSchema):
    """All data stored about a subscriber, including ended subscriptions, consent texts and emails."""

    consents = fields.List(fields.Nested(ConsentSchema), required=True)
    mails = fields.List(fields.Nested(AlertEmail), required=True)


class SubscriberExportResponse(OutputSchema):
    """All data stored about a subscriber."""

    data = fields.Nested(SubscriberExport, required=True)


class SubscriberList(OutputSchema):
    """Subscribers whose address is stored, newest first."""

    data = fields.List(fields.Nested(SubscriberSchema), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class SubscriberListParams(PageParams):
    """Parameters of `GET /v1/subscribers`."""
