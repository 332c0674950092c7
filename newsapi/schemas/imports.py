"""Imports over the API: asked for, and told of."""

from __future__ import annotations

from marshmallow import fields, validate

from newsapi.schemas.queries import Paged
from newsapi.schemas.wire import In, Instant, Out, PageInfo, PageLinks

FORMATS = ("ndjson", "wxr", "rss")
STATES = ("queued", "running", "done", "failed", "cancelled")


class ImportQuery(In):
    """`POST /v1/imports`."""

    format = fields.String(
        load_default="ndjson",
        validate=validate.OneOf(FORMATS, error=f"must be one of {', '.join(FORMATS)}"),
        metadata={"description": "What the body is: NDJSON, a WordPress export (WXR), or RSS or Atom"},
    )
    map = fields.String(
        load_default=None,
        validate=validate.Length(max=20_000, error="is longer than 20000 characters"),
        metadata={"description": "Of wxr and rss: a mapping of categories and defaults, as JSON"},
    )


class ImportsQuery(Paged):
    """`GET /v1/imports`."""


class Refusal(Out):
    """What is wrong with a record: on which line it begins, at which place of it."""

    line = fields.Integer(required=True)
    pointer = fields.String(required=True, metadata={"description": "JSON pointer (RFC 6901) into the record"})
    message = fields.String(required=True)


class Import(Out):
    """An import: how far it is, and what became of its records so far."""

    id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    format = fields.String(required=True, validate=validate.OneOf(FORMATS))
    size = fields.Integer(required=True, metadata={"description": "Bytes of the file"})
    offset = fields.Integer(required=True, metadata={"description": "Bytes that are done"})
    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    rejected = fields.Integer(required=True)
    errors = fields.List(
        fields.Nested(Refusal), required=True, metadata={"description": "The first hundred; `rejected` counts all"}
    )
    by = fields.String(required=True, metadata={"description": "The key that asked for it"})
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class ImportOne(Out):
    """One import."""

    data = fields.Nested(Import, required=True)


class ImportList(Out):
    """Imports, the last first."""

    data = fields.List(fields.Nested(Import), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)
