"""The subscription offer: what a site needs to show the email subscription form of a brand."""

from __future__ import annotations

from marshmallow import fields

from newsapi.web.wire import OutputSchema, open_enum

FOLLOWABLE_KINDS = ("brand", "section", "author")
"""Kinds of terms that readers can subscribe to by email."""

FREQUENCIES = ("immediate", "daily", "weekly")


class ConsentSchema(OutputSchema):
    """The consent text to show next to the subscription form."""

    version = fields.String(required=True, metadata={"description": "Send it as `consent_version` with the form"})
    text = fields.String(required=True)
    language = fields.String(required=True)


class SubscriptionOffer(OutputSchema):
    """What the subscription form of a brand can offer."""

    frequencies = fields.List(
        fields.String(metadata=open_enum(*FREQUENCIES)),
        required=True,
        metadata={"description": "Empty where email is not configured: do not show the form"},
    )
    consent = fields.Nested(ConsentSchema, required=True)
