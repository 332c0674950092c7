"""What the desk asks and is answered, articles themselves apart: history, picks, links, deeds, keys."""

from __future__ import annotations

from datetime import timedelta

from marshmallow import fields, validate

from newsapi.schemas.queries import Paged
from newsapi.schemas.wire import In, Instant, Line, Out, PageInfo, PageLinks, SlugField, Whole, open_enum

LONGEST_LINK = timedelta(days=30)


class Why(In):
    """`DELETE /v1/articles/{slug or id}`: why it goes."""

    reason = fields.String(
        load_default="other",
        validate=validate.OneOf(
            ("legal", "error", "rights", "duplicate", "other"),
            error="must be one of legal, error, rights, duplicate, other",
        ),
        metadata={"description": "Why it goes; the public is told"},
    )
    note = Line(load_default=None, metadata={"description": "A sentence about it; the public is told"})
    replaced_by = SlugField(load_default=None, metadata={"description": "Slug of the article that takes its place"})


class Picks(Out):
    """The editors' related list of an article, by slug."""

    slugs = fields.List(fields.String(), required=True, metadata={"description": "What comes first, in this order"})
    ban = fields.List(fields.String(), required=True, metadata={"description": "What never comes"})


class PicksOne(Out):
    """The editors' related list."""

    data = fields.Nested(Picks, required=True)


class Made(Out):
    """One version of an article: when it was made, and by whom."""

    number = fields.Integer(required=True)
    at = Instant(required=True)
    by = fields.String(
        required=True, metadata={"description": "The key, or what else wrote", "example": "key_a1b2c3d4e5"}
    )


class MadeList(Out):
    """The versions of an article, the last first."""

    data = fields.List(fields.Nested(Made), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class Version(Made):
    """One version of an article with all it said; references are slugs."""

    content = fields.Dict(required=True)


class VersionOne(Out):
    """One version of an article."""

    data = fields.Nested(Version, required=True)


class Difference(Out):
    """One field that two versions say differently; of a long text, the lines that came and went."""

    field = fields.String(required=True)
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)
    lines = fields.List(fields.String(), metadata={"description": "Of a body: + what came, - what went"})


class Diff(Out):
    """What two versions say differently."""

    before = fields.Integer(required=True)
    after = fields.Integer(required=True)
    differences = fields.List(fields.Nested(Difference), required=True)


class DiffOne(Out):
    """What two versions say differently."""

    data = fields.Nested(Diff, required=True)


class DiffQuery(In):
    """`GET …/revisions/{n}/diff`."""

    since = Whole(
        1, 2**31 - 1, data_key="from", metadata={"description": "The version to compare with; the one before"}
    )


class LinkIn(In):
    """`POST …/preview-links`."""

    expires_in = fields.Integer(
        strict=True,
        load_default=86_400,
        error_messages={"invalid": "must be 60 to 2592000 seconds", "null": "must be 60 to 2592000 seconds"},
        validate=validate.Range(60, 30 * 86_400, error="must be 60 to 2592000 seconds"),
        metadata={"description": "Seconds that the link is good for"},
    )
    as_of = Instant(allow_none=True, load_default=None, metadata={"description": "Show lists as they will be then"})


class Link(Out):
    """A preview link; `token` and addresses are told once."""

    id = fields.UUID(required=True)
    token = fields.String()
    url = fields.Url(metadata={"description": "The article on the site, with the token"})
    api_url = fields.Url(metadata={"description": "The article here, with the token"})
    as_of = Instant(required=True, allow_none=True)
    expires_at = Instant(required=True)
    created_at = Instant(required=True)
    by = fields.String(required=True)
    revoked = fields.Boolean(required=True)


class LinkOne(Out):
    """A new preview link."""

    data = fields.Nested(Link, required=True)


class LinkList(Out):
    """The preview links of an article, the last first."""

    data = fields.List(fields.Nested(Link), required=True)


class Deed(Out):
    """Who did what when."""

    id = fields.UUID(required=True)
    at = Instant(required=True)
    by = fields.String(required=True)
    action = fields.String(
        required=True, metadata=open_enum("create", "update", "withdraw", "restore", "publish", "cancel")
    )
    kind = fields.String(required=True, metadata=open_enum("article", "brand", "author", "section", "tag", "import"))
    subject_id = fields.UUID(required=True)
    slug = fields.String(required=True, allow_none=True)
    version = fields.Integer(required=True, allow_none=True)
    seq = fields.Integer(required=True, allow_none=True, metadata={"description": "The change that the public saw"})


class DeedList(Out):
    """Deeds, the last first."""

    data = fields.List(fields.Nested(Deed), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class DeedQuery(Paged):
    """`GET /v1/audit`."""

    by = Line(max_length=100, metadata={"description": "Who: `key_…`, `import`, `schedule`"})
    subject = fields.UUID(metadata={"description": "Id of what was written"})


class Licence(Out):
    """What a partner's key is for; empty lists are any."""

    brands = fields.List(fields.String(), required=True)
    sections = fields.List(fields.String(), required=True)


class Use(Out):
    """Requests of a day, of UTC."""

    day = fields.Date(required=True)
    requests = fields.Integer(required=True)


class Me(Out):
    """The key that asks."""

    prefix = fields.String(required=True)
    scopes = fields.List(fields.String(), required=True)
    requests_per_minute = fields.Integer(required=True, allow_none=True)
    filter = fields.Nested(Licence, required=True)
    body = fields.String(required=True, metadata=open_enum("full", "teaser", "none"))
    usage = fields.List(fields.Nested(Use), required=True, metadata={"description": "The last 31 days with any"})


class MeOne(Out):
    """The key that asks."""

    data = fields.Nested(Me, required=True)


class MergeIn(In):
    """`POST …/{slug}/merge`: into which other one."""

    into = SlugField(required=True)


class Merge(Out):
    """A merge under way, or done."""

    id = fields.UUID(required=True)
    kind = fields.String(required=True)
    source = fields.String(required=True)
    target = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("queued", "running", "done", "failed", "cancelled")))
    moved = fields.Integer(required=True, metadata={"description": "Articles so far"})
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class MergeOne(Out):
    """A merge under way, or done."""

    data = fields.Nested(Merge, required=True)


class RevisionsQuery(Paged):
    """`GET …/revisions`."""
