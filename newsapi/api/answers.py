"""Finished answers: bytes, and the headers that let clients and CDNs keep them for as long as they are true."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import brotli
import orjson
import zstandard
from flask import Response, request
from werkzeug.http import http_date

from newsapi.api.parts import parts
from newsapi.schemas.dump import OPTIONS

BROWSERS = "public, max-age=0, stale-while-revalidate=5, stale-if-error=86400"
CDNS = "max-age=2"
TOO_YOUNG = timedelta(seconds=2)
"""A time in whole seconds cannot tell two changes within one apart: no 304 by date before this has passed."""

WORTH_CODING = 1024
"""Below this many bytes a coding gains nothing."""

MOST_TAGS = 2048
"""Bytes that `Surrogate-Key` may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A finished answer to a public read, true as of the change `seq`.

    `changed_at` is when it last changed, `tags` are the words by which a CDN can drop it.
    """

    body: bytes
    seq: int
    changed_at: datetime | None = None
    tags: tuple[str, ...] = ()
    media_type: str = "application/json"
    link: str | None = None
    language: str | None = None
    status: int = HTTPStatus.OK


def json(value: Any) -> bytes:
    """Write a value as JSON; UUIDs and UTC times come out as our fields write them."""
    return orjson.dumps(value, option=OPTIONS)


def respond(answer: Answer, *, hit: bool = False) -> Response:
    """Send an answer in the coding the client likes best, or 304 where it has it already."""
    coding = _coding(answer.body)
    etag = _etag(answer.body, coding)
    last_modified = _last_modified(answer.changed_at)
    if answer.status == HTTPStatus.OK and _known(etag, last_modified):
        response = Response(status=HTTPStatus.NOT_MODIFIED)
    else:
        response = Response(_encoded(answer.body, coding), answer.status, content_type=answer.media_type)
        if coding:
            response.headers["Content-Encoding"] = coding
    if answer.status == HTTPStatus.OK:
        response.headers["ETag"] = etag
    headers = response.headers
    if last_modified:
        headers["Last-Modified"] = http_date(last_modified)
    if answer.link:
        headers["Link"] = answer.link
    if answer.language:
        headers["Content-Language"] = answer.language
    headers["Cache-Status"] = "newsapi; hit" if hit else "newsapi; fwd=miss"
    headers["Age"] = "0"
    keep(response, seq=answer.seq, tags=answer.tags)
    return response


def keep(response: Response, *, seq: int, tags: Iterable[str]) -> None:
    """Let browsers and CDNs keep a response: every public answer, and 308, 404 and 410 alike."""
    headers = response.headers
    headers["Cache-Control"] = BROWSERS
    headers["CDN-Cache-Control"] = CDNS
    headers["Content-Seq"] = str(seq)
    if tags := _fitting(tags):
        headers["Surrogate-Key"] = tags


def _fitting(tags: Iterable[str]) -> str:
    """The words if they fit, or else the one that covers them all."""
    words = " ".join(dict.fromkeys(tags))
    return words if len(words) <= MOST_TAGS else "articles"


def _coding(body: bytes) -> str | None:
    if len(body) < WORTH_CODING:
        return None
    offered = request.accept_encodings
    liked = [(offered[name], -rank, name) for rank, name in enumerate(_CODERS) if offered[name] > 0]
    best = max(liked, default=None)
    # Where the client likes the plain bytes better than any coding, it gets them.
    return best[2] if best and best[0] >= (offered["identity"] if "identity" in offered.values() else 0) else None


_CODERS = {
    "br": lambda body: brotli.compress(body, quality=5),
    "zstd": lambda body: zstandard.ZstdCompressor(level=3).compress(body),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}


def _encoded(body: bytes, coding: str | None) -> bytes:
    encoded: bytes = _CODERS[coding](body) if coding else body
    return encoded


def _etag(body: bytes, coding: str | None) -> str:
    digest = hashlib.blake2b(body, digest_size=12).hexdigest()
    return f'"{digest}-{coding}"' if coding else f'"{digest}"'


def _last_modified(changed_at: datetime | None) -> datetime | None:
    """The time in whole seconds, rounded up: what it says has changed by then."""
    if changed_at is None:
        return None
    whole = changed_at.replace(microsecond=0)
    return whole if whole == changed_at else whole + timedelta(seconds=1)


def _known(etag: str, last_modified: datetime | None) -> bool:
    """Whether the client has this answer (RFC 9110, 13.2.2: a tag that is given decides alone)."""
    if "If-None-Match" in request.headers:
        return request.if_none_match.contains_weak(etag.strip('"'))
    since = request.if_modified_since
    if since is None or last_modified is None or parts().now() - last_modified < TOO_YOUNG:
        return False
    return last_modified <= since
