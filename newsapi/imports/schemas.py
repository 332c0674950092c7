"""Schemas of imports: requests and job reports."""

from __future__ import annotations

from marshmallow import fields, validate

from newsapi.imports.registry import DEFAULT_FORMAT, FORMATS_BY_NAME, IMPORT_FORMATS
from newsapi.web.params import PageParams
from newsapi.web.wire import InputSchema, Instant, OutputSchema, PageInfo, PageLinks

_TITLES = [import_format.title for import_format in IMPORT_FORMATS]
STATES = ("queued", "running", "done", "failed", "cancelled")


class ImportParams(InputSchema):
    """Parameters of `POST /v1/imports`."""

    format = fields.String(
        load_default=DEFAULT_FORMAT.name,
        validate=validate.OneOf(tuple(FORMATS_BY_NAME), error=f"must be one of {', '.join(FORMATS_BY_NAME)}"),
        metadata={"description": f"Format of the body: {', '.join(_TITLES[:-1])}, or {_TITLES[-1]}"},
    )
    map = fields.String(
        load_default=None,
        validate=validate.Length(max=20_000, error="is longer than 20000 characters"),
        metadata={"description": "For wxr and rss: mapping of categories, and default values, as JSON"},
    )


class ImportListParams(PageParams):
    """Parameters of `GET /v1/imports`."""


class RejectedRecord(OutputSchema):
    """An error in a record."""

    line = fields.Integer(required=True, metadata={"description": "Line of the file on which the record begins"})
    pointer = fields.String(required=True, metadata={"description": "JSON pointer (RFC 6901) into the record"})
    message = fields.String(required=True)


class ImportSchema(OutputSchema):
    """An import job: its progress, and the results so far."""

    id = fields.UUID(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    format = fields.String(required=True, validate=validate.OneOf(tuple(FORMATS_BY_NAME)))
    size = fields.Integer(attribute="size_bytes", required=True, metadata={"description": "Size of the file in bytes"})
    offset = fields.Integer(required=True, metadata={"description": "Number of bytes processed"})
    created = fields.Integer(required=True, metadata={"description": "Number of records created"})
    updated = fields.Integer(required=True, metadata={"description": "Number of records updated"})
    unchanged = fields.Integer(required=True, metadata={"description": "Number of records that changed nothing"})
    rejected = fields.Integer(required=True, metadata={"description": "Number of records rejected"})
    errors = fields.List(
        fields.Nested(RejectedRecord),
        required=True,
        metadata={"description": "The first 100 errors; `rejected` counts all"},
    )
    by = fields.String(attribute="created_by", required=True, metadata={"description": "The key that started it"})
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class ImportResponse(OutputSchema):
    """A single import job."""

    data = fields.Nested(ImportSchema, required=True)


class ImportList(OutputSchema):
    """Import jobs, newest first."""

    data = fields.List(fields.Nested(ImportSchema), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)
