"""Redis: finished answers shared by all processes. What it loses, garbles or brings back from the past is a miss."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Protocol

import orjson
import structlog
from cachelib.serializers import BaseSerializer
from flask_caching.backends import RedisCache
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry

from newsapi.cache.answer import Answer

log = structlog.get_logger("newsapi.cache")

LIVES = 24 * 3600
"""Seconds after which an answer is dropped, true or not."""

TIMEOUT = 0.1
"""Seconds that Redis may take to connect and to answer: what takes longer is built faster than fetched."""

PAUSE = 2.0
"""Seconds for which Redis is left alone after it failed; then one thread tries, and the others do without it still."""

LARGEST = 1 << 20
"""Bytes of an answer that others are offered: a page of a site map has more, and is built in less than that takes."""

CLAIM = 2
"""Seconds for which a builder is waited for by other processes at most, should it die."""


class Shared(Protocol):
    """Where processes share answers."""

    def get(self, key: str) -> Answer | None:
        """Answer what is kept under a key, true or not; None for whatever is not whole, not ours, not to be had."""

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer; where that cannot be done it is not kept."""

    def claim(self, key: str) -> bool:
        """Whether this process should build the answer: nobody else is at it, or that cannot be known."""

    def release(self, key: str) -> None:
        """Give a claim back."""

    failures: int
    """How often it did not answer."""

    def state(self) -> str:
        """Say how it is, for `/readyz`."""


class Alone:
    """In place of Redis where there is none: every process keeps to its own memory."""

    failures = 0

    def get(self, key: str) -> Answer | None:
        """Nothing."""

    def put(self, key: str, answer: Answer) -> None:
        """Nowhere."""

    def claim(self, key: str) -> bool:
        """Always."""
        del key
        return True

    def release(self, key: str) -> None:
        """Nothing to do."""

    def state(self) -> str:
        """Say so."""
        return "ok (memory of this process)"


class InRedis:
    """Flask-Caching's back end with bytes of our own in it: the key stands in every value, and nothing is pickled."""

    def __init__(self, url: str, release: str) -> None:
        """Take the address; nothing is connected before the first use.

        `release` stands in the keys: releases and settings that give other bytes never meet.
        """
        self._quiet_until = 0.0
        self.failures = 0
        self._noted_at = 0.0
        self._broken = False
        self._trying = threading.Lock()
        # redis-py tries again by default, for seconds: here a miss is cheaper than a wait. And it introduces itself in
        # five steps, each of which may take the whole time: the older protocol needs none.
        self._client = Redis.from_url(
            url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            driver_info=None,
        )
        self._prefix = f"newsapi:{release}:"
        self._store: Any = RedisCache(host=self._client, default_timeout=LIVES, key_prefix=self._prefix)
        self._store.serializer = _Bytes()  # type: ignore[assignment]

    def get(self, key: str) -> Answer | None:
        """Answer what is kept under a key."""
        raw = self._asked(lambda: self._store.get(key))
        return None if raw is None else _unpack(key, raw)

    def put(self, key: str, answer: Answer) -> None:
        """Keep an answer, unless it is so large that handing it over might take too long."""
        if len(answer.body) > LARGEST:
            return
        self._asked(lambda: self._store.set(key, _pack(key, answer)))

    def claim(self, key: str) -> bool:
        """Whether nobody else builds it."""
        # In one step: the back end's own takes two, and a claim that loses its end between them would stay for ever.
        name = f"{self._prefix}{key}:claim"
        return self._asked(lambda: self._client.set(name, b"1", nx=True, ex=CLAIM) or False) is not False

    def release(self, key: str) -> None:
        """Give the claim back."""
        self._asked(lambda: self._store.delete(f"{key}:claim"))

    def state(self) -> str:
        """Say how it is."""
        try:
            self._client.ping()
        except RedisError as error:
            return f"Redis does not answer ({type(error).__name__}); reads go on without it"
        return "ok (Redis)"

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """Ask Redis, unless it failed a moment ago; None where it fails."""
        if not self._broken:
            return self._tried(ask)
        if time.monotonic() < self._quiet_until or not self._trying.acquire(blocking=False):
            return None
        try:
            return self._tried(ask)
        finally:
            self._trying.release()

    def _tried(self, ask: Callable[[], Any]) -> Any:
        began = time.monotonic()
        try:
            found = ask()
        except ResponseError as error:  # it answers: full, or not to be written to
            self._note("cache refuses", error)
            found = None
        except (RedisError, OSError, ValueError) as error:  # the last where what it says makes no sense
            self._rest(error)
            return None
        if time.monotonic() - began > TIMEOUT:  # in several steps, each of them in time
            self._rest(None)
        elif self._broken:
            self._broken = False
            log.warning("cache back")
        return found

    def _rest(self, error: Exception | None) -> None:
        self.failures += 1
        self._quiet_until = time.monotonic() + PAUSE
        if not self._broken:
            self._broken = True
            log.warning("cache away, building without it", error=type(error).__name__ if error else "slow")

    def _note(self, what: str, error: Exception) -> None:
        """Say it once in a while, not for each answer."""
        if time.monotonic() > self._noted_at + PAUSE:
            self._noted_at = time.monotonic()
            log.warning(what, error=str(error)[:200])


class _Bytes(BaseSerializer):
    """Values come and go as bytes; the back end's own way is pickle, which runs what others wrote."""

    def dumps(self, value: Any, protocol: int = 0) -> bytes:
        del protocol
        return bytes(value)

    def loads(self, bvalue: bytes | None) -> bytes | None:
        return bvalue


_HEAD = struct.Struct(">4sI16s")
_MAGIC = b"nwp3"
_PLAIN = ("seq", "mark", "link", "language", "media_type", "digest", "until")


def _pack(key: str, answer: Answer) -> bytes:
    """Write an answer: a magic word, the length of the head, a hash of what follows, the head as JSON, the bodies."""
    bodies = {"": answer.body, **answer.coded}
    head = {name: getattr(answer, name) for name in _PLAIN}
    head |= {"key": key, "changed_at": answer.changed_at, "words": list(answer.words), "tags": answer.tags}
    head["bodies"] = {coding: len(body) for coding, body in bodies.items()}
    start = orjson.dumps(head)
    rest = b"".join((start, *bodies.values()))
    return _HEAD.pack(_MAGIC, len(start), _hash(rest)) + rest


def _unpack(key: str, raw: bytes) -> Answer | None:
    """Read an answer back; None for bytes that were not written by `_pack` under this key."""
    try:
        magic, length, digest = _HEAD.unpack_from(raw)
        rest = raw[_HEAD.size :]
        head = orjson.loads(rest[:length]) if magic == _MAGIC and digest == _hash(rest) else {}
        if head.get("key") == key:
            return _answer(head, rest[length:])
    except (struct.error, ValueError, TypeError, KeyError, AttributeError) as error:
        log.debug("cache entry unreadable", error=str(error))
    log.warning("cache entry refused", key=key[:200])
    return None


def _answer(head: dict[str, Any], rest: bytes) -> Answer:
    bodies, start = {}, 0
    for coding, length in head["bodies"].items():
        bodies[coding] = rest[start : start + length]
        start += length
    changed_at = head["changed_at"] and datetime.fromisoformat(head["changed_at"]).astimezone(UTC)
    plain = {name: head[name] for name in _PLAIN}
    body, words, tags = bodies.pop(""), frozenset(head["words"]), tuple(head["tags"])
    return Answer(body=body, coded=bodies, changed_at=changed_at, words=words, tags=tags, **plain)


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
