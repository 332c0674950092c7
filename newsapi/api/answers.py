"""Finished answers: bytes, and the headers that let clients and CDNs keep them for as long as they are true."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol

import brotli
import orjson
import zstandard
from flask import Response, request
from werkzeug.http import http_date

from newsapi.api.parts import parts
from newsapi.cache.pages import Answer
from newsapi.schemas.dump import OPTIONS
from newsapi.store import log
from newsapi.store.database import Connection
from newsapi.store.keyset import period

BROWSERS = "public, max-age=0, stale-while-revalidate=5, stale-if-error=86400"
CDNS = "max-age=2"
TOO_YOUNG = timedelta(seconds=2)
"""A time in whole seconds cannot tell two changes within one apart: no 304 by date before this has passed."""

WORTH_CODING = 1024
"""Below this many bytes a coding gains nothing."""

MOST_TAGS = 2048
"""Bytes that `Surrogate-Key` may take."""


class Stand(log.Head, Protocol):
    """Where a read found the log, and the last change that can have touched what is asked for."""

    @property
    def touched(self) -> int: ...


def json(value: Any) -> bytes:
    """Write a value as JSON; UUIDs and UTC times come out as our fields write them."""
    return orjson.dumps(value, option=OPTIONS)


def cached(connection: Connection, address: str, stand: Stand, build: Callable[[], Answer]) -> Response:
    """Send the answer that is kept for an address, where it is still true, or else build one and keep it.

    It is true if nothing it was made of was touched since, and if the change it was built at is still the one in the
    log: after a restore from a backup it is not.
    """
    pages = parts().pages
    key = f"{pages.release}:{period(parts().now())}:{address}"
    kept = pages.get(key)
    if kept and stand.touched <= kept.seq <= stand.seq and log.has_mark(connection, kept.seq, kept.mark, stand):
        return respond(kept, seq=stand.seq, hit=True)
    answer = build()
    pages.put(key, answer)
    return respond(answer, seq=stand.seq)


def respond(answer: Answer, *, seq: int, hit: bool = False) -> Response:
    """Send an answer, true as of `seq`, in the coding the client likes best, or 304 where it has it already."""
    coding = _coding(answer.body)
    etag = _etag(answer.body, coding)
    last_modified = _last_modified(answer.changed_at)
    if _known(etag, last_modified):
        response = Response(status=HTTPStatus.NOT_MODIFIED)
    else:
        response = Response(_encoded(answer.body, coding), content_type=answer.media_type)
        if coding:
            response.headers["Content-Encoding"] = coding
    headers = response.headers
    headers["ETag"] = etag
    if last_modified:
        headers["Last-Modified"] = http_date(last_modified)
    if answer.link:
        headers["Link"] = answer.link
    if answer.language:
        headers["Content-Language"] = answer.language
    headers["Cache-Status"] = "newsapi; hit" if hit else "newsapi; fwd=miss"
    headers["Age"] = "0"
    keep(response, seq=seq, tags=answer.tags)
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


_CODERS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=5),
    "zstd": lambda body: zstandard.ZstdCompressor(level=3).compress(body),
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
}


def _encoded(body: bytes, coding: str | None) -> bytes:
    return _CODERS[coding](body) if coding else body


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
