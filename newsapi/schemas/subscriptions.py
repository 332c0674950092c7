"""Subscriptions on the wire: what is typed into the box, what a token does, and what people see of themselves."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from marshmallow import ValidationError, fields, validate

from newsapi.schemas.boxes import FREQUENCIES, Consent
from newsapi.schemas.queries import Paged
from newsapi.schemas.wire import In, Instant, LanguageTag, Line, Out, PageInfo, PageLinks, WebAddress, open_enum
from newsapi.text import mailboxes, phrases

STATES = ("pending", "active", "ended")
BOUNCED = ("bounce", "complaint")


class Email(fields.String):
    """An e-mail address, alone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(["must be a text"])
        try:
            return mailboxes.address(value)
        except ValueError as error:
            raise ValidationError([str(error)]) from error


class Zone(fields.String):
    """The name of a time zone."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or value not in _zones():
            raise ValidationError(["is not a time zone of the IANA database, such as Europe/Rome"])
        return value


@cache
def _zones() -> set[str]:
    return available_timezones()


def _frequency(**kwargs: Any) -> fields.String:
    one_of = validate.OneOf(FREQUENCIES, error=f"must be one of {', '.join(FREQUENCIES)}")
    return fields.String(validate=one_of, **kwargs)


def _token() -> Line:
    return Line(max_length=200, required=True, metadata={"description": "From the link in a mail"})


class SubscriptionIn(In):
    """What is typed into the box, and what stood beside it."""

    email = Email(required=True, metadata={"format": "email", "maxLength": mailboxes.LONGEST})
    frequency = _frequency(load_default=FREQUENCIES[0])
    language = LanguageTag(load_default=None, metadata={"description": "In which mails are written: `it` or `en`"})
    time_zone = Zone(
        load_default=None, metadata={"description": "By whose clock digests come", "example": "Europe/Rome"}
    )
    consent_version = Line(
        max_length=100, load_default=None, metadata={"description": "`subscription.consent.version` of what was shown"}
    )
    source_url = WebAddress(load_default=None, metadata={"description": "The page that the box stood on"})


class TokenIn(In):
    """What a link in a mail bears."""

    token = _token()


class ChoiceIn(In):
    """How often one subscription is written about; null ends it."""

    id = fields.UUID(required=True)
    frequency = _frequency(required=True, allow_none=True)


class PreferencesIn(TokenIn):
    """Whose choices, and what to change: what is left out stays."""

    language = fields.String(validate=validate.OneOf(phrases.LANGUAGES))
    time_zone = Zone()
    subscriptions = fields.List(fields.Nested(ChoiceIn), load_default=list, validate=validate.Length(max=1_000))


class BounceIn(In):
    """An address that mail does not reach, or whose owner complained."""

    email = Email(required=True, metadata={"format": "email"})
    kind = fields.String(required=True, validate=validate.OneOf(BOUNCED))


class BouncesIn(In):
    """What the mail provider tells."""

    bounces = fields.List(fields.Nested(BounceIn), required=True, validate=validate.Length(min=1, max=1_000))


class Request(Out):
    """That it was taken."""

    state = fields.String(required=True, metadata={"example": "requested"})


class RequestOne(Out):
    """The same for everybody: whether the address is known, nobody is told."""

    data = fields.Nested(Request, required=True)


class Subscription(Out):
    """What somebody follows, and the receipt of their consent."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata=open_enum("brand", "section", "author"))
    slug = fields.String(required=True)
    name = fields.String(required=True)
    frequency = fields.String(required=True, metadata=open_enum(*FREQUENCIES))
    state = fields.String(required=True, metadata=open_enum(*STATES))
    consent_version = fields.String(required=True)
    source_url = fields.String(required=True, allow_none=True)
    requested_at = Instant(required=True)
    confirmed_at = Instant(required=True, allow_none=True)
    ended_at = Instant(required=True, allow_none=True)


class Subscriber(Out):
    """A person, and what they follow."""

    id = fields.UUID(required=True)
    email = fields.String(
        required=True, allow_none=True, metadata={"description": "Null once nothing is followed any more"}
    )
    language = fields.String(required=True, metadata=open_enum(*phrases.LANGUAGES))
    time_zone = fields.String(required=True)
    created_at = Instant(required=True)
    subscriptions = fields.List(fields.Nested(Subscription), required=True)


class SubscriberOne(Out):
    """One person."""

    data = fields.Nested(Subscriber, required=True)


class Mail(Out):
    """A mail about an article that was sent, or is planned; kept for thirty days."""

    article_id = fields.UUID(required=True)
    state = fields.String(required=True, metadata=open_enum("pending", "sent", "dropped", "failed"))
    due_at = Instant(required=True)
    sent_at = Instant(required=True, allow_none=True)


class Exported(Subscriber):
    """All that is kept of a person: what ended is here too, what they agreed to, and what was sent."""

    consents = fields.List(fields.Nested(Consent), required=True)
    mails = fields.List(fields.Nested(Mail), required=True)


class ExportOne(Out):
    """All that is kept of one person."""

    data = fields.Nested(Exported, required=True)


class SubscriberList(Out):
    """People whose address is kept, the last first."""

    data = fields.List(fields.Nested(Subscriber), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class SubscribersQuery(Paged):
    """`GET /v1/subscribers`."""
