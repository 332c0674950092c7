"""A finished answer: bytes in every coding, the headers that let others keep it, and the notes that prove it true."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import Any, NamedTuple

import brotli
import zstandard

from newsapi.cache.tags import ARTICLES, Word, borne

BROWSERS = "public, max-age=0, stale-while-revalidate=5, stale-if-error=86400"
TOO_YOUNG = timedelta(seconds=2)
"""A time in whole seconds cannot tell two changes within one apart: no 304 by date before this has passed."""

WORTH_CODING = 1024
"""Below this many bytes a coding gains nothing."""

MOST_TAGS = 2048
"""Bytes that `Surrogate-Key` may take."""

ID_GOES_HERE = "\x00request-id\x00"
"""Stands in a refusal where the id of each request belongs: no text of ours has a NUL, so nothing else is like it."""

_BYTES_FOR_ID = b"\\u0000request-id\\u0000"

HIT = "newsapi; hit"
MISS = "newsapi; fwd=miss"
STALE = "newsapi; hit; detail=stale"

OK, NOT_MODIFIED = 200, 304

Headers = list[tuple[str, str]]

CODERS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=5),
    "zstd": lambda body: zstandard.ZstdCompressor(level=3).compress(body),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}

EXPOSED = (
    "Age, Cache-Status, CDN-Cache-Control, Content-Language, Content-Seq, Deprecation, ETag, Last-Modified, Link,"
    " Location, RateLimit, RateLimit-Policy, Retry-After, Sunset, Surrogate-Key, WWW-Authenticate, X-Request-Id"
)
"""Headers that scripts of other origins may read."""

USUAL: Headers = [
    ("Vary", "Accept-Encoding, Authorization"),
    ("Cache-Control", BROWSERS),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", EXPOSED),
    ("X-Content-Type-Options", "nosniff"),
]
"""What every public answer bears."""


class Asked(NamedTuple):
    """What a request says about the form of its answer: header values as they came, None where they did not."""

    encodings: str | None = None
    none_match: str | None = None
    modified_since: str | None = None


class Reply(NamedTuple):
    """What is sent."""

    status: int
    headers: Headers
    body: bytes


@dataclass(slots=True, kw_only=True, eq=False)
class Answer:
    """A finished answer to a public read.

    `seq` and `mark` are the change it was built at, `changed_at` is when it last changed, `words` are what it was made
    of (`cache.tags`), `tags` the words by which a CDN can drop it, `link`, `language` and `location` the headers of
    those names, `version` that of the article it shows, for its editors. `keep` is whether others will ask the same,
    `idle` whether it says that nothing happened. `digest` is a hash of the body, `coded` has
    the bodies by coding, made when first asked for.

    `until` is when it is no more true whatever the log says (seconds since 1970), for what goes by the clock.

    `true_at` is the change as of which it was last proven, `proven` when and by what, `line` the history that its
    numbers belong to: the follower's notes.
    """

    body: bytes
    seq: int
    mark: int = 0
    changed_at: datetime | None = None
    words: frozenset[Word] = frozenset()
    tags: tuple[str, ...] = ()
    link: str | None = None
    language: str | None = None
    location: str | None = None
    media_type: str = "application/json"
    status: int = OK
    version: int | None = None
    until: float | None = None
    keep: bool = True
    idle: bool = False
    coded: dict[str, bytes] = field(default_factory=dict)
    true_at: int = -1
    proven: Any = None
    line: object = None
    digest: str = ""
    _heads: dict[str, tuple[int, Headers, Headers]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take it as true as of the change it was built at."""
        self.true_at = max(self.true_at, self.seq)
        self.digest = self.digest or hashlib.blake2b(self.body, digest_size=12).hexdigest()

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, about."""
        words = sum(64 + len(word) for word in self.words if isinstance(word, str))
        return 2_000 + len(self.body) + sum(map(len, self.coded.values())) + words

    def coding(self, asked: Asked) -> str:
        """The coding that the client likes best; empty for the plain bytes."""
        return best_coding(asked.encodings) if asked.encodings and len(self.body) >= WORTH_CODING else ""

    def has(self, coding: str) -> bool:
        """Whether the body in this coding is there already."""
        return not coding or coding in self.coded

    def encode(self, coding: str) -> bytes:
        """The body in this coding, made if it is not there yet."""
        if not coding:
            return self.body
        found = self.coded.get(coding)
        if found is None:
            found = self.coded[coding] = CODERS[coding](self.body)
        return found

    def etag(self, coding: str) -> str:
        """Its strong validator: one for each coding, as the bytes differ."""
        return f'"{self.digest}-{coding}"' if coding else f'"{self.digest}"'

    def heads(self, coding: str, lifetime: str) -> tuple[Headers, Headers]:
        """The headers of a hit and those of its 304, as of the change it is true at; the last two say so."""
        kept = self._heads.get(coding)
        if kept is None or kept[0] != self.true_at:
            kept = self._heads[coding] = (self.true_at, *self._make_heads(coding, lifetime))
        return kept[1], kept[2]

    def _make_heads(self, coding: str, lifetime: str) -> tuple[Headers, Headers]:
        bare = [*USUAL, ("CDN-Cache-Control", lifetime), ("Content-Seq", str(self.true_at))]
        modified = self.last_modified
        named = {
            "ETag": self.etag(coding) if self.status == OK else None,
            "Last-Modified": format_datetime(modified, usegmt=True) if modified else None,
            "Surrogate-Key": _fitting(borne(self.tags, self.words)),
            "Link": self.link,
            "Location": self.location,
            "Content-Language": self.language,
        }
        bare += [(name, value) for name, value in named.items() if value]
        full = [*bare, ("Content-Type", self.media_type)] if self.body else bare
        full = [*full, ("Content-Encoding", coding)] if coding else full
        return [*full, *_PROVEN], [*bare, *_PROVEN]

    @property
    def last_modified(self) -> datetime | None:
        """When it last changed in whole seconds, rounded up: what it says has changed by then."""
        if self.changed_at is None:
            return None
        whole = self.changed_at.replace(microsecond=0)
        return whole if whole == self.changed_at else whole + timedelta(seconds=1)

    def known(self, asked: Asked, coding: str, now: datetime | None = None) -> bool:
        """Whether the client has these bytes (RFC 9110, 13.2.2: a tag that is given decides alone)."""
        if self.status != OK:
            return False
        if asked.none_match is not None:
            etag = self.etag(coding)
            return (
                asked.none_match == etag or etag in _TAGS.findall(asked.none_match) or asked.none_match.strip() == "*"
            )
        since = asked.modified_since and _date(asked.modified_since)
        modified = self.last_modified
        if not since or modified is None or (now or datetime.now(UTC)) - modified < TOO_YOUNG:
            return False
        return modified <= since


_TAGS = re.compile(r'"[^"]*"')
_PROVEN: Headers = [("Cache-Status", HIT), ("Age", "0")]


def reply(
    answer: Answer,
    asked: Asked,
    coding: str,
    how: str,
    *,
    request_id: str,
    lifetime: str,
    age: int = 0,
    now: datetime | None = None,
) -> Reply:
    """Put together what is sent: the whole answer, or 304 where the client has it. `lifetime` is that for CDNs."""
    full, bare = answer.heads(coding, lifetime)
    known = (asked.none_match or asked.modified_since) and answer.known(asked, coding, now)
    headers = [*(bare if known else full), ("X-Request-Id", request_id)]
    if how is not HIT:
        headers[-3:-1] = ("Cache-Status", how), ("Age", str(age))
    if known:
        return Reply(NOT_MODIFIED, headers, b"")
    body = answer.encode(coding)
    if answer.status != OK:
        body = body.replace(_BYTES_FOR_ID, request_id.encode())
    return Reply(answer.status, headers, body)


@lru_cache(maxsize=512)
def best_coding(encodings: str) -> str:
    """Answer the coding that `Accept-Encoding` likes best (RFC 9110, 12.5.3); of equals br, then zstd, then gzip.

    Empty where the client likes the plain bytes better than any coding we have.
    """
    liked: dict[str, float] = {}
    for part in encodings.lower().split(","):
        token, _, parameter = part.partition(";")
        weight = parameter.strip().removeprefix("q=") if parameter else "1"
        try:
            liked[token.strip()] = float(weight)
        except ValueError:
            continue
    other = liked.get("*", 0.0)
    ranked = [(liked.get(name, other), -rank, name) for rank, name in enumerate(CODERS)]
    best = max(ranked)
    return best[2] if best[0] > 0 and best[0] >= liked.get("identity", 0.0) else ""


@lru_cache(maxsize=512)
def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _fitting(tags: Iterable[str]) -> str:
    """The words if they fit, or else the one that covers them all."""
    words = " ".join(dict.fromkeys(tags))
    return words if len(words) <= MOST_TAGS else ARTICLES
