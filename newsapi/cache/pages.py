"""The cache of finished answers: entries prove themselves by the number of the change that they are true for.

An entry is served only if nothing it was made of was touched after its `seq`, by the database's own log, read for this
very request. So it does not matter what is lost, late or old in the store behind: a wrong entry is a miss.
"""

from __future__ import annotations

import struct
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import orjson
import structlog
from cachelib.serializers import BaseSerializer
from flask_caching.backends import RedisCache, SimpleCache
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger("newsapi.cache")

LIVES = 24 * 3600
"""Seconds after which an entry is dropped, true or not."""

MOST = 2_000
"""Entries kept in this process where there is no Redis."""

TIMEOUT = 0.2
"""Seconds that Redis may take to connect and to answer."""

PAUSE = 2.0
"""Seconds for which Redis is left alone after it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A finished answer to a public read: its JSON, and what is needed to send it and to judge it.

    `seq` and `mark` are the change it was built at, `changed_at` is when it last changed, `tags` are the words by which
    a CDN can drop it, `link` and `language` the headers of those names.
    """

    body: bytes
    seq: int
    mark: int
    changed_at: datetime | None
    tags: tuple[str, ...] = ()
    link: str | None = None
    language: str | None = None
    media_type: str = "application/json"


class PageCache:
    """Keeps answers by key, in Redis where an address is given and in this process where not.

    `release` stands in the keys: releases and settings that give other bytes never meet.
    """

    def __init__(self, redis_url: str | None, release: str) -> None:
        """Take the address; nothing is connected before the first use."""
        self.release = release
        self._quiet_until = 0.0
        self._client: Redis | None = None
        if redis_url is None:
            self._store: Any = SimpleCache(threshold=MOST, default_timeout=LIVES)
        else:
            # redis-py tries again by default, for seconds: here a miss is cheaper than a wait.
            self._client = Redis.from_url(
                redis_url,
                socket_timeout=TIMEOUT,
                socket_connect_timeout=TIMEOUT,
                retry=Retry(NoBackoff(), 0),
            )
            self._store = RedisCache(host=self._client, default_timeout=LIVES, key_prefix="newsapi:page:")
        self._store.serializer = _Bytes()

    def get(self, key: str) -> Answer | None:
        """Answer the entry under a key; whatever is not whole, not ours or not to be had is a miss."""
        if time.monotonic() < self._quiet_until:
            return None
        try:
            raw = self._store.get(key)
        except RedisError as error:
            self._rest(error)
            return None
        return None if raw is None else _unpack(key, raw)

    def put(self, key: str, entry: Answer) -> None:
        """Keep an entry; where that cannot be done it is not kept."""
        if time.monotonic() < self._quiet_until:
            return
        try:
            self._store.set(key, _pack(key, entry))
        except RedisError as error:
            self._rest(error)

    def state(self) -> str:
        """Say how it is, for `/readyz`."""
        if self._client is None:
            return "ok (memory of this process)"
        try:
            self._client.ping()
        except RedisError as error:
            return f"Redis does not answer ({type(error).__name__}); reads go on without it"
        return "ok (Redis)"

    def _rest(self, error: RedisError) -> None:
        self._quiet_until = time.monotonic() + PAUSE
        log.warning("cache away, building without it", error=type(error).__name__, pause_seconds=PAUSE)


class _Bytes(BaseSerializer):
    """Entries come and go as bytes; the back end's own way is pickle, which runs what others wrote."""

    def dumps(self, value: Any, protocol: int = 0) -> bytes:
        del protocol
        return bytes(value)

    def loads(self, bvalue: bytes | None) -> bytes | None:
        return bvalue


_HEAD = struct.Struct(">4sI16s")
_MAGIC = b"nwp1"


def _pack(key: str, entry: Answer) -> bytes:
    """Write an entry: a magic word, the length of the head, a hash of all that follows, the head as JSON, the body."""
    head = asdict(entry)
    body: bytes = head.pop("body")
    rest: bytes = orjson.dumps({**head, "key": key}) + body
    return _HEAD.pack(_MAGIC, len(rest) - len(body), _hash(rest)) + rest


def _unpack(key: str, raw: bytes) -> Answer | None:
    """Read an entry back; None for bytes that were not written by `_pack` under this key."""
    try:
        magic, length, digest = _HEAD.unpack_from(raw)
        rest = raw[_HEAD.size :]
        head = orjson.loads(rest[:length]) if magic == _MAGIC and digest == _hash(rest) else {}
        if head.pop("key", None) == key:
            changed_at = head.pop("changed_at")
            changed_at = changed_at and datetime.fromisoformat(changed_at).astimezone(UTC)
            return Answer(body=rest[length:], changed_at=changed_at, tags=tuple(head.pop("tags")), **head)
    except (struct.error, ValueError, TypeError, KeyError) as error:
        log.debug("cache entry unreadable", error=str(error))
    log.warning("cache entry refused", key=key[:200])
    return None


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
