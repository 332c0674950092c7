"""Schemas of what a write reports: content of the body that is not stored."""

from __future__ import annotations

from marshmallow import fields

from newsapi.web.wire import OutputSchema, open_enum

REMOVAL_KINDS = (
    "script",
    "style",
    "form",
    "embed",
    "image",
    "audio",
    "video",
    "link",
    "drawing",
    "formula",
    "template",
    "noscript",
    "element",
    "nesting",
)


class RemovedContent(OutputSchema):
    """Content of one kind that was removed from the body of a write, or replaced by a link."""

    kind = fields.String(
        required=True,
        metadata=open_enum(
            *REMOVAL_KINDS,
            description="`embed` is a frame, player or post of a host that is not allowed; if it has an address, a link"
            " replaces it",
        ),
    )
    count = fields.Integer(required=True)
    first = fields.String(
        required=True, metadata={"description": "The first one: its URL or, if it has none, the name of its element"}
    )


class WriteMeta(OutputSchema):
    """What became of the request."""

    removed = fields.List(
        fields.Nested(RemovedContent),
        required=True,
        metadata={"description": "Content that is not in the stored body; presentational markup is not counted"},
    )
