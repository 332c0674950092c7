"""What partners ask and are answered: changes, digests, receipts of recalls."""

from __future__ import annotations

import re
from typing import Any, Final

from marshmallow import ValidationError, fields, validate, validates_schema

from newsapi.schemas.narrowed import PartialArticle
from newsapi.schemas.queries import MIN_SEQ, Cursor, Filtered, Narrowed, Read, one_of, stands_alone
from newsapi.schemas.wire import Gone, Instant, Out, Ref, Whole, open_enum

TYPES: Final = ("article", "author", "brand", "section", "tag")
LONGEST_WAIT: Final = 30

BESIDE: Final = frozenset({"cursor", "limit", "fields", "wait", "min_seq"})
"""What may change from page to page of the changes."""

_SIXTY_FOUR: Final = "([0-9]|[1-5][0-9]|6[0-3])"
BUCKET: Final = rf"^{_SIXTY_FOUR}(\.{_SIXTY_FOUR})?$"


class ChangesQuery(Read, Narrowed, Filtered):
    """`GET /v1/changes`."""

    cursor = Cursor(metadata={"description": "`cursor` of the last answer; it holds filters and types", "minLength": 1})
    since = Whole(0, MIN_SEQ, metadata={"description": "What happened after this change; without, all from the start"})
    types = one_of(TYPES, "What is told of; `article` if left out")
    limit = Whole(1, 1000, load_default=100, metadata={"description": "Changes on a page"})
    wait = Whole(
        0,
        LONGEST_WAIT,
        load_default=0,
        metadata={"description": "Seconds for which the answer is held until there is something to tell"},
    )

    @validates_schema(pass_original=True)
    def _cursor_stands_alone(self, data: dict[str, Any], original: dict[str, Any], **_: object) -> None:
        """A cursor holds where it stands, its filters and its types."""
        del data
        stands_alone(original, BESIDE)


class Change(Out):
    """What happened to an article, or to the name of a brand, author, section or tag: the latest of it."""

    seq = fields.Integer(required=True, metadata={"description": "The number of the change"})
    type = fields.String(required=True, metadata=open_enum(*TYPES))
    action = fields.String(required=True, validate=validate.OneOf(("upsert", "delete")))
    reason = fields.String(
        required=True,
        metadata=open_enum("published", "updated", "corrected", "unpublished", "withdrawn", "out_of_scope", "rights"),
    )
    id = fields.UUID(required=True)
    slug = fields.String(required=True)
    previous_slug = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True, allow_none=True)
    changed_at = Instant(required=True)
    article = fields.Nested(
        PartialArticle,
        required=True,
        allow_none=True,
        metadata={"description": "The article in full, or what `fields` asks for; null where it goes"},
    )
    gone = fields.Nested(Gone, required=True, allow_none=True)
    name = fields.Nested(
        Ref, required=True, allow_none=True, metadata={"description": "Of a brand, author, section or tag: its name"}
    )


class Changes(Out):
    """What happened, in the order in which it did; the cursor leads on from there, now or in a year."""

    data = fields.List(fields.Nested(Change), required=True)
    cursor = fields.String(required=True, metadata={"description": "For the next request"})
    has_more = fields.Boolean(required=True, metadata={"description": "Whether there is more already"})


def _bucket(value: str) -> None:
    if not re.fullmatch(BUCKET, value):
        raise ValidationError(["must be a bucket as an answer names it: 0 to 63, and inside it 0.0 to 63.63"])


class DigestQuery(Read, Filtered):
    """`GET /v1/digest`."""

    bucket = fields.String(validate=_bucket, metadata={"description": "One bucket of an answer", "pattern": BUCKET})


class Bucket(Out):
    """Articles that fall into one place, counted."""

    bucket = fields.String(required=True, metadata={"example": "17"})
    count = fields.Integer(required=True)
    hash = fields.String(
        required=True,
        metadata={
            "description": "Sum of their fingerprints modulo 2^64, in hexadecimal",
            "example": "00f1d2d2f924e986",
        },
    )


class Item(Out):
    """One article, as the digest counts it."""

    id = fields.UUID(required=True)
    version = fields.Integer(required=True)


class DigestOf(Bucket):
    """All articles of the filter, or those of one bucket, with what they are made of.

    An article's bucket is `N.M`: N the last three hexadecimal digits of its id divided by 64, M the rest. Its
    fingerprint is the first 8 bytes of the SHA-256 of `ID:VERSION`, a number with the highest byte first.
    """

    bucket = fields.String(required=True, allow_none=True)
    seq = fields.Integer(required=True, metadata={"description": "As of which change it is true"})
    buckets = fields.List(fields.Nested(Bucket), required=True, metadata={"description": "Those that hold articles"})
    articles = fields.List(fields.Nested(Item), required=True, metadata={"description": "Of an innermost bucket"})


class Digest(Out):
    """What a mirror is compared with."""

    data = fields.Nested(DigestOf, required=True)


class Acknowledged(Out):
    """A partner, and when he said that he acted on the recall."""

    key = fields.String(required=True, metadata={"description": "The open part of the key"})
    name = fields.String(required=True)
    at = Instant(required=True, allow_none=True, metadata={"description": "Null: not yet"})


class Recall(Out):
    """A recall, and who of the partners has acted on it."""

    id = fields.UUID(required=True)
    slug = fields.String(required=True)
    seq = fields.Integer(required=True, metadata={"description": "The change by which it went"})
    gone = fields.Nested(Gone, required=True)
    acknowledged = fields.List(fields.Nested(Acknowledged), required=True)
    missing = fields.List(fields.Nested(Acknowledged), required=True, metadata={"description": "Keys that have not"})


class RecallOne(Out):
    """A recall."""

    data = fields.Nested(Recall, required=True)


class Receipt(Out):
    """That a partner acted on a recall."""

    id = fields.UUID(required=True, metadata={"description": "The article"})
    seq = fields.Integer(required=True, metadata={"description": "The change by which it went"})
    at = Instant(required=True)


class ReceiptOne(Out):
    """A receipt."""

    data = fields.Nested(Receipt, required=True)
