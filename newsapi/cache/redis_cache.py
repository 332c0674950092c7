"""The Redis cache: responses shared by all processes. Entries that are lost, damaged or outdated are misses."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from hashlib import blake2b
from typing import Any, TypeVar

import orjson
import structlog
from cachelib.serializers import BaseSerializer
from flask_caching.backends import RedisCache as FlaskRedisCache
from redis import RedisCluster
from redis.exceptions import AuthenticationError, ResponseError

from newsapi.cache import circuit_breaker
from newsapi.cache.cached_response import CachedResponse
from newsapi.cache.circuit_breaker import CircuitBreaker
from newsapi.cache.redis_client import REDIS_ERRORS, TIMEOUT_SECONDS, cluster_options, is_cluster, make_client

log = structlog.get_logger("newsapi.cache")

_Result = TypeVar("_Result")

ENTRY_TTL_SECONDS = 24 * 3600
"""Seconds after which an entry expires, valid or not."""

MAX_ENTRY_BYTES = 1 << 20
"""Maximum size of a shared body. Sitemap pages are larger, and building one takes less time than fetching it."""

BUILD_LOCK_SECONDS = 2
"""Seconds after which the build lock of a process that died expires."""


class RedisResponseCache:
    """Flask-Caching's Redis back end with our own serialization: values contain their key, and nothing is pickled."""

    def __init__(self, url: str, release: str) -> None:
        """Prepare the client; it connects on first use.

        Args:
            url: The Redis URL.
            release: Part of every key, so that releases and settings that produce different bytes share no entries.
        """
        self.failures = 0
        self._logged_at = 0.0
        self._circuit = CircuitBreaker()
        self._url = url
        self._prefix = f"newsapi:{release}:"

    @cached_property
    def _client(self) -> Any:
        """The client, which connects here if it is that of a cluster."""
        return RedisCluster(**cluster_options(self._url)) if is_cluster(self._url) else make_client(self._url)

    @cached_property
    def _store(self) -> Any:
        store: Any = FlaskRedisCache(host=self._client, default_timeout=ENTRY_TTL_SECONDS, key_prefix=self._prefix)
        store.serializer = _BytesSerializer()
        return store

    def get(self, key: str) -> CachedResponse | None:
        """Return the response under a key, valid or not; None if it is missing, damaged or out of reach."""
        value = self._run(lambda: self._store.get(key))
        return None if value is None else _unpack(key, value)

    def put(self, key: str, response: CachedResponse) -> None:
        """Store a response, unless it is so large that sending it may take too long."""
        if len(response.body) > MAX_ENTRY_BYTES:
            return
        self._run(lambda: self._store.set(key, _pack(key, response)))

    def claim(self, key: str) -> bool:
        """Take the build lock of a key; return False only if another process is known to hold it."""
        # One command: the back end's own method uses two, and a lock without expiry would stay if the second is lost.
        name = f"{self._prefix}{key}:claim"
        return self._run(lambda: self._client.set(name, b"1", nx=True, ex=BUILD_LOCK_SECONDS) or False) is not False

    def release(self, key: str) -> None:
        """Release the build lock of a key."""
        self._run(lambda: self._store.delete(f"{key}:claim"))

    def state(self) -> str:
        """Return the state as text, for `/readyz`."""
        try:
            self._client.set(f"{self._prefix}state", b"1", ex=BUILD_LOCK_SECONDS)
        except (ResponseError, AuthenticationError) as error:
            return f"Redis refuses commands ({type(error).__name__}); responses are built without it"
        except REDIS_ERRORS as error:
            return f"Redis does not answer ({type(error).__name__}); responses are built without it"
        return "ok (Redis)"

    def _run(self, command: Callable[[], _Result]) -> _Result | None:
        """Run a command; return None if it fails, or if Redis failed a moment ago."""
        with self._circuit.attempt() as is_allowed:
            return self._run_timed(command) if is_allowed else None

    def _run_timed(self, command: Callable[[], _Result]) -> _Result | None:
        began_at = time.monotonic()
        try:
            result = command()
        except ResponseError as error:  # it is out of memory, a read-only replica, or a cluster that is down
            self.failures += 1
            self._log_refusal("redis cache refused a command", error)
            result = None
        except REDIS_ERRORS as error:
            self._open_circuit(error)
            return None
        if time.monotonic() - began_at > TIMEOUT_SECONDS:  # several steps, each within the timeout
            self._open_circuit(None)
        elif self._circuit.close():
            log.warning("redis cache available again")
        return result

    def _open_circuit(self, error: Exception | None) -> None:
        """Stop the use of Redis for a while; `error` is None if it was only slow."""
        self.failures += 1
        if self._circuit.open():
            log.warning("redis cache unavailable", error=type(error).__name__ if error else "slow")

    def _log_refusal(self, event: str, error: Exception) -> None:
        """Log an error at most once per OPEN_SECONDS."""
        if time.monotonic() > self._logged_at + circuit_breaker.OPEN_SECONDS:
            self._logged_at = time.monotonic()
            log.warning(event, error=str(error)[:200])


class _BytesSerializer(BaseSerializer):
    """Stores values as they are. The back end's default is pickle, which would execute data written by others."""

    def dumps(self, value: bytes, protocol: int = 0) -> bytes:
        del protocol
        return bytes(value)

    def loads(self, bvalue: bytes | None) -> bytes | None:
        return bvalue


_HEAD = struct.Struct(">4sI16s")
_MAGIC = b"nwp5"


def _pack(key: str, response: CachedResponse) -> bytes:
    """Serialize a response: magic bytes, length of the header, hash of the rest, header as JSON, bodies."""
    bodies = {"": response.body, **response.encoded_bodies}
    header = {
        "key": key,
        "seq": response.seq,
        "nonce": response.nonce,
        "link": response.link,
        "language": response.language,
        "media_type": response.media_type,
        "route": response.route,
        "digest": response.digest,
        "expires_at": response.expires_at,
        "changed_at": response.changed_at,
        "dependencies": list(response.dependencies),
        "surrogate_keys": response.surrogate_keys,
        "bodies": {encoding: len(body) for encoding, body in bodies.items()},
    }
    header_json = orjson.dumps(header)
    payload = b"".join((header_json, *bodies.values()))
    return _HEAD.pack(_MAGIC, len(header_json), _hash(payload)) + payload


def _unpack(key: str, value: bytes) -> CachedResponse | None:
    """Deserialize a response; return None for bytes that `_pack` did not write under this key."""
    try:
        magic, length, digest = _HEAD.unpack_from(value)
        payload = value[_HEAD.size :]
        header = orjson.loads(payload[:length]) if magic == _MAGIC and digest == _hash(payload) else {}
        if header.get("key") == key:
            return _response_from(header, payload[length:])
    except (struct.error, ValueError, TypeError, KeyError, AttributeError) as error:
        log.debug("cache entry unreadable", error=str(error))
    log.warning("cache entry rejected", key=key[:200])
    return None


def _response_from(header: dict[str, Any], data: bytes) -> CachedResponse:
    bodies, start = {}, 0
    for encoding, length in header["bodies"].items():
        bodies[encoding] = data[start : start + length]
        start += length
    changed_at = header["changed_at"]
    return CachedResponse(
        body=bodies.pop(""),
        encoded_bodies=bodies,
        seq=header["seq"],
        nonce=header["nonce"],
        changed_at=datetime.fromisoformat(changed_at).astimezone(UTC) if changed_at else None,
        dependencies=frozenset(header["dependencies"]),
        surrogate_keys=tuple(header["surrogate_keys"]),
        link=header["link"],
        language=header["language"],
        media_type=header["media_type"],
        route=header["route"],
        expires_at=header["expires_at"],
        digest=header["digest"],
    )


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
