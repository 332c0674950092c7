"""Schemas of the audit log and of the current API key."""

from __future__ import annotations

from marshmallow import fields

from newsapi.web.params import PageParams
from newsapi.web.wire import (
    Instant,
    OutputSchema,
    PageInfo,
    PageLinks,
    SingleLineText,
    open_enum,
)


class AuditEntrySchema(OutputSchema):
    """A write: what was done, when, and by which key."""

    id = fields.UUID(required=True)
    at = Instant(attribute="occurred_at", required=True)
    by = fields.String(
        attribute="actor", required=True, metadata={"description": "The key's prefix, or the process that wrote"}
    )
    action = fields.String(
        required=True, metadata=open_enum("create", "update", "withdraw", "restore", "publish", "cancel")
    )
    kind = fields.String(required=True, metadata=open_enum("article", "brand", "author", "section", "tag", "import"))
    subject_id = fields.UUID(required=True, metadata={"description": "Id of the article, term or import"})
    slug = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True, allow_none=True)
    seq = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "`seq` of the public change; null if the public saw none"},
    )


class AuditEntryList(OutputSchema):
    """Audit entries, newest first."""

    data = fields.List(fields.Nested(AuditEntrySchema), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class AuditParams(PageParams):
    """Parameters of `GET /v1/audit`."""

    by = SingleLineText(
        max_length=100, metadata={"description": "Entries of this key or process: `key_…`, `import`, `schedule`"}
    )
    subject = fields.UUID(metadata={"description": "Entries about the article, term or import with this id"})


class KeyEntitlements(OutputSchema):
    """The entitlement of a partner key; an empty list stands for all."""

    brands = fields.List(fields.String(), required=True)
    sections = fields.List(fields.String(), required=True)


class DailyUsage(OutputSchema):
    """Requests on a day (UTC)."""

    day = fields.Date(required=True)
    requests = fields.Integer(required=True)


class CurrentKeySchema(OutputSchema):
    """The key of the request."""

    prefix = fields.String(required=True, metadata={"description": "The public part of the key"})
    scopes = fields.List(fields.String(), required=True)
    requests_per_minute = fields.Integer(required=True, allow_none=True, metadata={"description": "Null: unlimited"})
    filter = fields.Nested(KeyEntitlements, required=True)
    body = fields.String(
        required=True,
        metadata=open_enum("full", "teaser", "none", description="How much of article bodies the key may read"),
    )
    usage = fields.List(
        fields.Nested(DailyUsage), required=True, metadata={"description": "The last 31 days with any requests"}
    )


class CurrentKeyResponse(OutputSchema):
    """The key of the request."""

    data = fields.Nested(CurrentKeySchema, required=True)
