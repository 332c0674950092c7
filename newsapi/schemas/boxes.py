"""The box that subscribes an e-mail address, as a brand shows it."""

from __future__ import annotations

from marshmallow import fields

from newsapi.schemas.wire import Out, open_enum

FOLLOWED = ("brand", "section", "author")
"""What can be followed by e-mail."""

FREQUENCIES = ("immediate", "daily", "weekly")


class Consent(Out):
    """The text to show beside the box."""

    version = fields.String(required=True, metadata={"description": "To be sent with what is typed in"})
    text = fields.String(required=True)
    language = fields.String(required=True)


class Box(Out):
    """What the box that subscribes an address has to offer."""

    frequencies = fields.List(
        fields.String(metadata=open_enum(*FREQUENCIES)),
        required=True,
        metadata={"description": "None where no mail is sent: leave the box out then"},
    )
    consent = fields.Nested(Consent, required=True)
