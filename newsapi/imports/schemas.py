"""Schemas of imports: requests and job reports."""

from __future__ import annotations

from marshmallow import fields, validate

from newsapi.imports.registry import DEFAULT_FORMAT, FORMATS_BY_NAME, IMPORT_FORMATS
from newsapi.web.params import Flag, PageParams
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

    overwrite = Flag(
        load_default=False,
        metadata={
            "type": "boolean",
            "description": "Whether to replace what editors changed since the last import; it also restores articles"
            " that were withdrawn or unpublished",
        },
    )


class ImportListParams(PageParams):
    """Parameters of `GET /v1/imports`."""


class RejectedRecord(OutputSchema):
    """An error or a warning about a record."""

    line = fields.Integer(required=True, metadata={"description": "Line of the file on which the record begins"})
    pointer = fields.String(required=True, metadata={"description": "JSON pointer (RFC 6901) into the record"})
    message = fields.String(required=True)


class OutcomeCounts(OutputSchema):
    """Numbers of records by outcome."""

    created = fields.Integer(required=True)
    updated = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    rejected = fields.Integer(required=True)


class OmissionPlace(OutputSchema):
    """A place in the file."""

    line = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "Title, URL or reason; may be empty"})


class OmissionSchema(OutputSchema):
    """Things of one kind that are in the file and not in the result."""

    kind = fields.String(required=True, metadata={"example": "comment"})
    count = fields.Integer(required=True)
    places = fields.List(fields.Nested(OmissionPlace), required=True, metadata={"description": "The first five"})


class LeftArticleSchema(OutputSchema):
    """An article of which fields were left as they are."""

    line = fields.Integer(required=True)
    slug = fields.String(required=True)
    left_fields = fields.List(fields.String(), required=True)


class LeftArticlesSchema(OutputSchema):
    """Articles that the import left as they are, wholly or in some fields, because they were changed here."""

    count = fields.Integer(required=True)
    places = fields.List(fields.Nested(LeftArticleSchema), required=True, metadata={"description": "The first 100"})


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
    articles = fields.Nested(OutcomeCounts, required=True)
    terms = fields.Nested(OutcomeCounts, required=True, metadata={"description": "Brands, authors, sections and tags"})
    left_out = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "What is in the file and not in the result: numbers by kind"},
    )
    omissions = fields.List(
        fields.Nested(OmissionSchema), required=True, metadata={"description": "`left_out` with the first places"}
    )
    left_as_is = fields.Nested(LeftArticlesSchema, required=True)
    warning_count = fields.Integer(required=True, metadata={"description": "Number of warnings"})
    warnings = fields.List(
        fields.Nested(RejectedRecord),
        required=True,
        metadata={"description": "The first 100 warnings about records that were imported"},
    )
    overwrite = fields.Boolean(required=True, metadata={"description": "Whether editors' changes are replaced"})
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
