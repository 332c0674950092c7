"""Schemas of sync: changes, digests, recalls and their acknowledgements."""

from __future__ import annotations

import re
from typing import Final

from marshmallow import ValidationError, fields, validate, validates_schema

from newsapi.content.schemas.params import FieldsParam, PartnerFilters
from newsapi.content.schemas.partial import PartialArticle
from newsapi.web.params import MAX_SEQ, Cursor, ReadParams, choice_list, reject_params_beside_cursor
from newsapi.web.wire import Instant, OutputSchema, StrictInteger, TermRef, Withdrawal, open_enum

CHANGE_TYPES: Final = ("article", "author", "brand", "section", "tag")
MAX_WAIT_SECONDS: Final = 30

ALLOWED_WITH_CURSOR: Final = frozenset({"cursor", "limit", "fields", "wait", "min_seq"})
"""Parameters that may change from page to page of the changes."""

_UINT64_PATTERN: Final = "([0-9]|[1-5][0-9]|6[0-3])"
BUCKET: Final = rf"^{_UINT64_PATTERN}(\.{_UINT64_PATTERN})?$"


class ChangeListParams(ReadParams, FieldsParam, PartnerFilters):
    """Parameters of `GET /v1/changes`."""

    cursor = Cursor(
        metadata={
            "description": "`cursor` of the last response. It contains the filters and types, which must be "
            "omitted beside it",
            "minLength": 1,
        }
    )
    since = StrictInteger(
        0,
        MAX_SEQ,
        metadata={
            "description": "Return changes after this `seq`; without it, from the beginning. To continue, use `cursor`:"
            " after a restore from a backup, `since` may skip changes"
        },
    )
    types = choice_list(CHANGE_TYPES, "Types of changes to return; default: `article`")
    limit = StrictInteger(1, 1000, load_default=100, metadata={"description": "Maximum number of changes per page"})
    wait = StrictInteger(
        0,
        MAX_WAIT_SECONDS,
        load_default=0,
        metadata={"description": "Seconds to wait for a change if there is none yet"},
    )

    @validates_schema(pass_original=True)
    def _cursor_stands_alone(self, data: object, original: dict[str, object], **_: object) -> None:
        """Reject a position, filters and types beside a cursor, which contains them."""
        del data
        reject_params_beside_cursor(original, ALLOWED_WITH_CURSOR)


class ChangeSchema(OutputSchema):
    """The latest change of an article, or of the name of a brand, author, section or tag."""

    seq = fields.Integer(required=True, metadata={"description": "Sequence number of the change"})
    type = fields.String(required=True, metadata=open_enum(*CHANGE_TYPES))
    action = fields.String(required=True, validate=validate.OneOf(("upsert", "delete")))
    reason = fields.String(
        required=True,
        metadata=open_enum("published", "updated", "corrected", "unpublished", "withdrawn", "out_of_scope", "rights"),
    )
    id = fields.UUID(required=True)
    slug = fields.String(required=True)
    previous_slug = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The slug before this change, if it changed the slug"},
    )
    version = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The article's version; null for a term"}
    )
    changed_at = Instant(required=True)
    article = fields.Nested(
        PartialArticle,
        required=True,
        allow_none=True,
        metadata={"description": "The full article, or the fields selected by `fields`; null if `action` is `delete`"},
    )
    gone = fields.Nested(Withdrawal, required=True, allow_none=True)
    name = fields.Nested(
        TermRef,
        required=True,
        allow_none=True,
        metadata={"description": "For a brand, author, section or tag: its slug and name; null for an article"},
    )


class Changes(OutputSchema):
    """Changes in the order of `seq`. Continue from `cursor` at any time; it is valid for 400 days."""

    data = fields.List(fields.Nested(ChangeSchema), required=True)
    cursor = fields.String(required=True, metadata={"description": "Cursor for the next request"})
    has_more = fields.Boolean(required=True, metadata={"description": "Whether more changes are available now"})


def _bucket(value: str) -> None:
    if not re.fullmatch(BUCKET, value):
        raise ValidationError(["must be the name of a bucket: 0 to 63, or 0.0 to 63.63 for the buckets inside"])


class DigestParams(ReadParams, PartnerFilters):
    """Parameters of `GET /v1/digest`."""

    bucket = fields.String(
        validate=_bucket,
        metadata={
            "description": "Name of a bucket of an earlier response; without it, the whole filter",
            "pattern": BUCKET,
        },
    )


class Bucket(OutputSchema):
    """The articles in a bucket: their number and their hash."""

    bucket = fields.String(required=True, metadata={"description": "Name of the bucket", "example": "17"})
    count = fields.Integer(required=True, metadata={"description": "Number of articles"})
    hash = fields.String(
        required=True,
        metadata={
            "description": "Sum of the articles' fingerprints modulo 2^64, in hexadecimal",
            "example": "00f1d2d2f924e986",
        },
    )


class DigestItemSchema(OutputSchema):
    """An article in a digest."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)


class DigestLevel(Bucket):
    """The digest of all articles of the filter, or of one bucket, with the parts that it is made of.

    An article's bucket is `N.M`: of the number that the last three hexadecimal digits of its id make, N is the quotient
    and M the remainder of a division by 64. Its fingerprint is the first 8 bytes of the SHA-256 of `ID:VERSION`, as a
    big-endian number.
    """

    bucket = fields.String(
        required=True, allow_none=True, metadata={"description": "Name of the bucket; null for the whole filter"}
    )
    seq = fields.Integer(required=True, metadata={"description": "The digest is as of the change with this number"})
    buckets = fields.List(
        fields.Nested(Bucket),
        required=True,
        metadata={"description": "The buckets inside this one that contain articles"},
    )
    articles = fields.List(
        fields.Nested(DigestItemSchema),
        required=True,
        metadata={"description": "The articles of a bucket of the second level; empty otherwise"},
    )


class DigestSchema(OutputSchema):
    """A digest to compare a mirror with."""

    data = fields.Nested(DigestLevel, required=True)


class RecallAcknowledgement(OutputSchema):
    """A partner, and when it acknowledged the recall."""

    key = fields.String(required=True, metadata={"description": "The public part of the key"})
    name = fields.String(required=True, metadata={"description": "Name of the key"})
    at = Instant(required=True, allow_none=True, metadata={"description": "Null if not acknowledged yet"})


class RecallSchema(OutputSchema):
    """A recall, with the partners that have and have not acknowledged it."""

    id = fields.UUID(required=True)
    slug = fields.String(required=True)
    seq = fields.Integer(required=True, metadata={"description": "`seq` of the change that withdrew the article"})
    gone = fields.Nested(Withdrawal, required=True)
    acknowledged = fields.List(
        fields.Nested(RecallAcknowledgement), required=True, metadata={"description": "Keys that have acknowledged it"}
    )
    missing = fields.List(
        fields.Nested(RecallAcknowledgement),
        required=True,
        metadata={"description": "Keys that have not acknowledged it"},
    )


class RecallResponse(OutputSchema):
    """A recall."""

    data = fields.Nested(RecallSchema, required=True)


class RecallReceiptSchema(OutputSchema):
    """A partner's acknowledgement of a recall."""

    id = fields.UUID(required=True, metadata={"description": "Id of the article"})
    seq = fields.Integer(required=True, metadata={"description": "`seq` of the change that withdrew the article"})
    at = Instant(required=True, metadata={"description": "When the recall was acknowledged"})


class RecallReceiptResponse(OutputSchema):
    """A partner's acknowledgement of a recall."""

    data = fields.Nested(RecallReceiptSchema, required=True)
