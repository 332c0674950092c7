"""Cached responses: the body in every content encoding, the HTTP caching headers and the data that validates them."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import NamedTuple

import brotli
import zstandard

from newsapi.cache.changelog_snapshot import ChangelogSnapshot
from newsapi.cache.dependencies import ALL_ARTICLES, Dependency, surrogate_keys_of_response

BROWSER_CACHE_CONTROL = "public, max-age=0, stale-while-revalidate=5, stale-if-error=86400"
LAST_MODIFIED_GUARD = timedelta(seconds=2)
"""Minimum age of `Last-Modified` for a 304 by date: whole seconds cannot tell two changes within one second apart."""

MIN_COMPRESS_BYTES = 1024
"""Bodies with fewer bytes are not compressed, as compression gains nothing."""

MAX_SURROGATE_KEY_BYTES = 2048
"""Maximum length of the `Surrogate-Key` header, in bytes."""

REQUEST_ID_PLACEHOLDER = "\x00request-id\x00"
"""Placeholder for the request id in the body of a cached error; no other text contains NUL characters."""

_REQUEST_ID_PLACEHOLDER_BYTES = b"\\u0000request-id\\u0000"

SHORT_CDN_LIFETIME_SECONDS = 2
"""How long a CDN may keep a response that it cannot be told to drop, and any stale response, in seconds.

A node that is cut off from the database may send what was purged from the CDN long ago.
"""

HIT = "newsapi; hit"
MISS = "newsapi; fwd=miss"
STALE = "newsapi; hit; detail=stale"

OK, NOT_MODIFIED = 200, 304

Headers = list[tuple[str, str]]

ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=5),
    "zstd": lambda body: zstandard.ZstdCompressor(level=3).compress(body),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}

ENCODING_SUFFIX = r"(?:(?:--?|[;:])(?:br|deflate|gzip|zstd))*"
"""Pattern of what we and proxies append to entity tags for each content encoding."""

EXPOSED_HEADERS = "*"
"""Response headers that scripts of other origins may read (`Access-Control-Expose-Headers`): all of them.

The wildcard holds for requests without credentials, and this API has none that a browser would add by itself.
"""

NOT_MODIFIED_HEADERS: Headers = [
    ("Vary", "Accept-Encoding, Authorization"),
    ("Cache-Control", BROWSER_CACHE_CONTROL),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", EXPOSED_HEADERS),
]
"""Headers of every 304."""

PUBLIC_HEADERS: Headers = [*NOT_MODIFIED_HEADERS, ("X-Content-Type-Options", "nosniff")]
"""Headers of every other public response."""


class RequestConditions(NamedTuple):
    """The request headers that select the form of the response; None for each header that was not sent."""

    encodings: str | None = None
    none_match: str | None = None
    modified_since: str | None = None


class ResponseMetadata(NamedTuple):
    """What a response says about this exchange, and not about its content.

    Attributes:
        cache_status: Value of `Cache-Status`: HIT, MISS or STALE.
        request_id: Value of `X-Request-Id`; also inserted into the body of errors.
        cdn_lifetime: Seconds for which a CDN may keep a response that is valid.
        age: Value of `Age` in seconds; only used if `cache_status` is not HIT.
        now: The current time; that of the system if None.
    """

    cache_status: str
    request_id: str
    cdn_lifetime: int
    age: int = 0
    now: datetime | None = None


class RawResponse(NamedTuple):
    """A response as it is sent."""

    status: int
    headers: Headers
    body: bytes


@dataclass(slots=True, kw_only=True, eq=False)
class CachedResponse:
    """A complete response to a public read, with the data to send it again and to validate it.

    Attributes:
        body: The uncompressed body.
        seq: Changelog position at which the response was built.
        nonce: Random number of the change at `seq`; tells a restored changelog from the original one.
        changed_at: When the content last changed.
        dependencies: What the response was built from (`cache.dependencies`).
        surrogate_keys: Further keys by which a CDN can purge the response.
        link: The `Link` header.
        language: The `Content-Language` header.
        location: The `Location` header.
        media_type: The `Content-Type` header.
        status: HTTP status.
        version: Version of the article in the response, for editors.
        expires_at: Unix time at which the response expires whatever the changelog says, for content that depends on
            the clock.
        is_shareable: Whether other requests can get the same response, so that it is worth caching.
        has_no_news: Whether the response says that nothing happened, so that the request may be parked.
        encoded_bodies: Compressed bodies by content encoding, each created on first use.
        valid_as_of_seq: Changelog position up to which the response is known to be valid.
        validated_by: The changelog snapshot that last validated the response.
        log_epoch: The changelog epoch to which the sequence numbers belong.
        route: The route that made the response, such as `GET /v1/articles`; for metrics.
        digest: Hash of the body.
    """

    body: bytes
    seq: int
    nonce: int = 0
    changed_at: datetime | None = None
    dependencies: frozenset[Dependency] = frozenset()
    surrogate_keys: tuple[str, ...] = ()
    link: str | None = None
    language: str | None = None
    location: str | None = None
    media_type: str = "application/json"
    status: int = OK
    version: int | None = None
    expires_at: float | None = None
    is_shareable: bool = True
    has_no_news: bool = False
    encoded_bodies: dict[str, bytes] = field(default_factory=dict)
    valid_as_of_seq: int = -1
    validated_by: ChangelogSnapshot | None = None
    log_epoch: object = None
    route: str = ""
    digest: str = ""
    _header_lists: dict[str, tuple[int, Headers, Headers]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start as valid at the position of the build, and compute the digest if it is not given."""
        self.valid_as_of_seq = max(self.valid_as_of_seq, self.seq)
        self.digest = self.digest or hashlib.blake2b(self.body, digest_size=12).hexdigest()

    @property
    def size(self) -> int:
        """Approximate memory use in bytes."""
        dependency_bytes = sum(64 + len(dependency) for dependency in self.dependencies if isinstance(dependency, str))
        return 2_000 + len(self.body) + sum(map(len, self.encoded_bodies.values())) + dependency_bytes

    def choose_encoding(self, conditions: RequestConditions) -> str:
        """Return the content encoding that the client prefers; empty for the uncompressed body."""
        return (
            negotiate_encoding(conditions.encodings)
            if conditions.encodings and len(self.body) >= MIN_COMPRESS_BYTES
            else ""
        )

    def has(self, encoding: str) -> bool:
        """Return whether the body is already available in this content encoding."""
        return not encoding or encoding in self.encoded_bodies

    def encode(self, encoding: str) -> bytes:
        """Return the body in this content encoding; compress it on first use."""
        if not encoding:
            return self.body
        encoded = self.encoded_bodies.get(encoding)
        if encoded is None:
            encoded = self.encoded_bodies[encoding] = ENCODERS[encoding](self.body)
        return encoded

    def etag(self, encoding: str) -> str:
        """Return the strong validator; it differs by content encoding, as the bytes do."""
        return f'"{self.digest}-{encoding}"' if encoding else f'"{self.digest}"'

    def header_lists(self, encoding: str, cdn_lifetime: int) -> tuple[Headers, Headers]:
        """Return the headers of a cache hit and of its 304, cached until `valid_as_of_seq` changes.

        Args:
            encoding: Content encoding of the body; empty for none.
            cdn_lifetime: Seconds for which a CDN may keep the response.

        Returns:
            Both lists end with `Cache-Status`, `Age` and `CDN-Cache-Control`, so that `render` can replace these.
        """
        cached = self._header_lists.get(encoding)
        if cached is None or cached[0] != self.valid_as_of_seq:
            cached = self._header_lists[encoding] = (
                self.valid_as_of_seq,
                *self._make_header_lists(encoding, cdn_lifetime),
            )
        return cached[1], cached[2]

    def _make_header_lists(self, encoding: str, cdn_lifetime: int) -> tuple[Headers, Headers]:
        modified_at = self.last_modified
        validators = {
            "ETag": self.etag(encoding) if self.status == OK else None,
            "Last-Modified": format_datetime(modified_at, usegmt=True) if modified_at else None,
            "Surrogate-Key": _fit_surrogate_keys(surrogate_keys_of_response(self.surrogate_keys, self.dependencies)),
        }
        # What describes the content is left out of a 304: the client has it (RFC 9110, section 15.4.5).
        descriptions = {"Link": self.link, "Location": self.location, "Content-Language": self.language}
        shared = [("Content-Seq", str(self.valid_as_of_seq))]
        shared += [(name, value) for name, value in validators.items() if value]
        not_modified = NOT_MODIFIED_HEADERS + shared
        full = PUBLIC_HEADERS + shared + [(name, value) for name, value in descriptions.items() if value]
        if self.body:
            full.append(("Content-Type", self.media_type))
        if encoding:
            full.append(("Content-Encoding", encoding))
        last_headers = _last_headers(HIT, 0, cdn_lifetime)
        return full + last_headers, not_modified + last_headers

    def limit_cdn_lifetime(self, cdn_lifetime: int, cache_status: str, now: datetime | None) -> int:
        """Return for how many seconds a CDN may keep this response.

        Args:
            cdn_lifetime: Seconds for which it may keep a response that is valid whatever the time.
            cache_status: HIT, MISS or STALE.
            now: The current time; that of the system if None.
        """
        if cache_status == STALE:
            return min(cdn_lifetime, SHORT_CDN_LIFETIME_SECONDS)
        if self.expires_at is None:
            return cdn_lifetime
        return max(0, min(cdn_lifetime, int(self.expires_at - (now or datetime.now(UTC)).timestamp())))

    @property
    def last_modified(self) -> datetime | None:
        """Time of the last change, rounded up to whole seconds, so that it is never before the change."""
        if self.changed_at is None:
            return None
        whole_seconds = self.changed_at.replace(microsecond=0)
        return whole_seconds if whole_seconds == self.changed_at else whole_seconds + timedelta(seconds=1)

    def is_not_modified(self, conditions: RequestConditions, encoding: str, now: datetime | None = None) -> bool:
        """Return whether the client already has these bytes, so that a 304 is enough.

        `If-None-Match` takes precedence over `If-Modified-Since` (RFC 9110, section 13.2.2).
        """
        if self.status != OK:
            return False
        none_match = conditions.none_match
        if none_match is not None:
            etag = self.etag(encoding)
            return none_match == etag or none_match.strip() == "*" or _is_listed(etag, none_match)
        since = conditions.modified_since and _date(conditions.modified_since)
        modified_at = self.last_modified
        if not since or modified_at is None or (now or datetime.now(UTC)) - modified_at < LAST_MODIFIED_GUARD:
            return False
        # Only the date that would be sent: after the database was restored from a backup, a later date may be that of
        # content which is gone.
        return modified_at == since


def _is_listed(etag: str, none_match: str) -> bool:
    """Return whether an `If-None-Match` header lists an entity tag; the comparison is weak.

    A proxy that compresses responses marks the tag as weak (nginx) or appends the name of its encoding to it (Apache,
    Jetty), and clients send back what they got.
    """
    opaque = etag[1:-1]
    return any(
        tag.startswith(opaque) and _ENCODING_SUFFIX.fullmatch(tag, len(opaque)) for tag in _TAGS.findall(none_match)
    )


_TAGS = re.compile(r'"([^"]*)"')
_ENCODING_SUFFIX = re.compile(ENCODING_SUFFIX)


def _last_headers(cache_status: str, age: int, cdn_lifetime: int) -> Headers:
    """Return the headers that depend on the exchange, the last ones of both header lists."""
    return [("Cache-Status", cache_status), ("Age", str(age)), ("CDN-Cache-Control", f"max-age={cdn_lifetime}")]


def render(
    response: CachedResponse,
    conditions: RequestConditions,
    encoding: str,
    metadata: ResponseMetadata,
) -> RawResponse:
    """Return the response to send: the full response, or 304 if the client already has it.

    Args:
        response: The cached response.
        conditions: The conditional headers of the request.
        encoding: Content encoding of the body; empty for none.
        metadata: What the response says about this exchange.

    Returns:
        Status, headers and body; the body is empty for a 304.
    """
    cache_status, request_id, cdn_lifetime, age, now = metadata
    full_headers, not_modified_headers = response.header_lists(encoding, cdn_lifetime)
    not_modified = (conditions.none_match or conditions.modified_since) and response.is_not_modified(
        conditions, encoding, now
    )
    headers = list(not_modified_headers if not_modified else full_headers)
    if cache_status is not HIT or response.expires_at is not None:
        cdn_lifetime = response.limit_cdn_lifetime(cdn_lifetime, cache_status, now)
        headers[-3:] = _last_headers(cache_status, age, cdn_lifetime)
    headers.append(("X-Request-Id", request_id))
    if not_modified:
        return RawResponse(NOT_MODIFIED, headers, b"")
    body = response.encode(encoding)
    if response.status != OK:
        body = body.replace(_REQUEST_ID_PLACEHOLDER_BYTES, request_id.encode())
    return RawResponse(response.status, headers, body)


@lru_cache(maxsize=512)
def negotiate_encoding(encodings: str) -> str:
    """Return the content encoding that `Accept-Encoding` prefers (RFC 9110, section 12.5.3).

    Equal weights are resolved in the order br, zstd, gzip.

    Args:
        encodings: Value of the `Accept-Encoding` header.

    Returns:
        A key of `ENCODERS`; empty if the client prefers the uncompressed body or accepts none of the encodings.
    """
    weights: dict[str, float] = {}
    for part in encodings.lower().split(","):
        token, _, parameter = part.partition(";")
        weight = parameter.strip().removeprefix("q=") if parameter else "1"
        try:
            weights[token.strip()] = float(weight)
        except ValueError:
            continue
    default_weight = weights.get("*", 0.0)
    ranked = [(weights.get(name, default_weight), -rank, name) for rank, name in enumerate(ENCODERS)]
    best_weight, _, best_name = max(ranked)
    return best_name if best_weight > 0 and best_weight >= weights.get("identity", 0.0) else ""


@lru_cache(maxsize=512)
def _date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _fit_surrogate_keys(surrogate_keys: Iterable[str]) -> str:
    """Return the keys as a header value if they fit, or else the one key that covers them all."""
    value = " ".join(dict.fromkeys(surrogate_keys))
    return value if len(value) <= MAX_SURROGATE_KEY_BYTES else ALL_ARTICLES
