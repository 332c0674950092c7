"""Schemas of the write API apart from articles and terms: revisions, picks, preview links and merges."""

from __future__ import annotations

from datetime import timedelta

from marshmallow import fields, validate

from newsapi.web.params import PageParams
from newsapi.web.wire import (
    InputSchema,
    Instant,
    OutputSchema,
    PageInfo,
    PageLinks,
    SingleLineText,
    SlugField,
    StrictInteger,
)

MAX_LINK_LIFETIME = timedelta(days=30)


class WithdrawParams(InputSchema):
    """Parameters of `DELETE /v1/articles/{slug or id}`."""

    reason = fields.String(
        load_default="other",
        validate=validate.OneOf(
            ("legal", "error", "rights", "duplicate", "other"),
            error="must be one of legal, error, rights, duplicate, other",
        ),
        metadata={"description": "Why the article is withdrawn; public"},
    )
    note = SingleLineText(load_default=None, metadata={"description": "A sentence about it; public"})
    replaced_by = SlugField(load_default=None, metadata={"description": "Slug of the article that replaces it; public"})


class RelatedPicks(OutputSchema):
    """The editors' part of the related list of an article."""

    slugs = fields.List(
        fields.String(), required=True, metadata={"description": "Slugs of the articles that come first, in this order"}
    )
    ban = fields.List(
        fields.String(), required=True, metadata={"description": "Slugs of the articles that are never listed"}
    )


class RelatedPicksResponse(OutputSchema):
    """The editors' part of the related list of an article."""

    data = fields.Nested(RelatedPicks, required=True)


class RevisionSummary(OutputSchema):
    """A revision of an article: when it was made, and by which key."""

    number = fields.Integer(required=True, metadata={"description": "The article's `version` at this revision"})
    at = Instant(required=True)
    by = fields.String(
        required=True,
        metadata={"description": "The key's prefix, or the process that wrote", "example": "key_a1b2c3d4e5"},
    )


class RevisionList(OutputSchema):
    """The revisions of an article, newest first."""

    data = fields.List(fields.Nested(RevisionSummary), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class RevisionSchema(RevisionSummary):
    """A revision of an article with its content."""

    content = fields.Dict(required=True, metadata={"description": "All fields of the article; references are slugs"})


class RevisionResponse(OutputSchema):
    """A revision of an article."""

    data = fields.Nested(RevisionSchema, required=True)


class FieldChange(OutputSchema):
    """A field that differs between two revisions."""

    field = fields.String(required=True)
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)
    lines = fields.List(
        fields.String(), metadata={"description": "For a body: the lines that differ; + was added, - was removed"}
    )


class RevisionDiffSchema(OutputSchema):
    """The differences between two revisions."""

    before = fields.Integer(required=True, metadata={"description": "Number of the revision that `from` names"})
    after = fields.Integer(required=True, metadata={"description": "Number of the revision in the path"})
    differences = fields.List(fields.Nested(FieldChange), required=True)


class RevisionDiffResponse(OutputSchema):
    """The differences between two revisions."""

    data = fields.Nested(RevisionDiffSchema, required=True)


class RevisionDiffParams(InputSchema):
    """Parameters of `GET …/revisions/{n}/diff`."""

    since = StrictInteger(
        1,
        2**31 - 1,
        data_key="from",
        metadata={"description": "Number of the revision to compare with; the preceding one if omitted"},
    )


class PreviewLinkCreate(InputSchema):
    """Body of `POST …/preview-links`."""

    expires_in = fields.Integer(
        strict=True,
        load_default=86_400,
        error_messages={"invalid": "must be 60 to 2592000 seconds", "null": "must be 60 to 2592000 seconds"},
        validate=validate.Range(60, 30 * 86_400, error="must be 60 to 2592000 seconds"),
        metadata={"description": "Lifetime of the link in seconds"},
    )
    as_of = Instant(
        allow_none=True, load_default=None, metadata={"description": "Show lists as they will be at this time"}
    )


class PreviewLinkSchema(OutputSchema):
    """A preview link. `token` and the URLs are returned only once, when it is created."""

    id = fields.UUID(required=True)
    token = fields.String()
    url = fields.Url(metadata={"description": "The page of the site that shows the draft, with the token"})
    api_url = fields.Url(metadata={"description": "The article in this API, with the token"})
    as_of = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "Lists are shown as they will be at this time; null: as they are now"},
    )
    expires_at = Instant(required=True)
    created_at = Instant(required=True)
    by = fields.String(attribute="created_by", required=True, metadata={"description": "The key that created it"})
    revoked = fields.Boolean(required=True)


class PreviewLinkResponse(OutputSchema):
    """A new preview link."""

    data = fields.Nested(PreviewLinkSchema, required=True)


class PreviewLinkList(OutputSchema):
    """The preview links of an article, newest first."""

    data = fields.List(fields.Nested(PreviewLinkSchema), required=True)


class MergeInput(InputSchema):
    """Body of `POST …/{slug}/merge`."""

    into = SlugField(required=True, metadata={"description": "Slug of the term that remains"})


class Merge(OutputSchema):
    """A merge of two terms, running or finished."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    source = fields.String(required=True, metadata={"description": "Slug of the term that is merged"})
    target = fields.String(required=True, metadata={"description": "Slug of the term that remains"})
    state = fields.String(required=True, validate=validate.OneOf(("queued", "running", "done", "failed", "cancelled")))
    moved = fields.Integer(
        attribute="moved_count", required=True, metadata={"description": "Number of articles moved so far"}
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class MergeResponse(OutputSchema):
    """A merge of two terms, running or finished."""

    data = fields.Nested(Merge, required=True)


class RevisionListParams(PageParams):
    """Parameters of `GET …/revisions`."""
