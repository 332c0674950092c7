"""Clients of Redis: of one server, of a primary that Sentinels know, or of a cluster."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.connection import parse_url
from redis.exceptions import RedisClusterException
from redis.retry import Retry
from redis.sentinel import Sentinel

from newsapi.setting_parsers import parse_redis_nodes

TIMEOUT_SECONDS: Final = 0.1
"""Seconds that Redis may take to connect and to reply; after that, doing without it is faster."""

REDIS_ERRORS: Final = (RedisError, RedisClusterException, OSError, ValueError)
"""What a command may raise; ValueError is an invalid reply."""

# By default redis-py retries for seconds. It also sends a handshake of five commands, each of which may take the whole
# timeout; protocol 2 needs none.
_TIMEOUTS: Final[dict[str, Any]] = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
_OPTIONS: Final[dict[str, Any]] = _TIMEOUTS | {"protocol": 2, "driver_info": None}


def is_cluster(url: str) -> bool:
    """Return whether a URL names the nodes of a cluster."""
    return url.partition("://")[0].endswith("+cluster")


def make_client(url: str) -> Redis:
    """Return a client of a server, or of the primary that Sentinels know; it connects on first use.

    Args:
        url: `redis://`, `rediss://` (TLS) or `unix://` for a server, `redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DB`
            or `rediss+sentinel://` for Sentinels.
    """
    if "+" not in url.partition("://")[0]:
        return Redis.from_url(url, retry=Retry(NoBackoff(), 0), **_OPTIONS)
    options = _OPTIONS | _options_of(url)
    names = {"username": "sentinel_username", "password": "sentinel_password"}
    own = {name: options.pop(given, None) for name, given in names.items()}
    tls = {name: value for name, value in options.items() if name.startswith("ssl")}
    service = urlsplit(url).path.strip("/").partition("/")[0]
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        parse_redis_nodes(url), sentinel_kwargs=_TIMEOUTS | own | tls, retry=Retry(NoBackoff(), 0), **options
    )
    client: Redis = sentinel.master_for(service)  # type: ignore[no-untyped-call]
    return client


def cluster_options(url: str) -> dict[str, Any]:
    """Return the arguments of `RedisCluster`, which connects at once, for `redis+cluster://HOST:PORT,HOST:PORT`."""
    options = _OPTIONS | _options_of(url)
    options.pop("db", None)  # a cluster has only one
    nodes = [ClusterNode(*node) for node in parse_redis_nodes(url)]  # type: ignore[no-untyped-call]
    return options | {"startup_nodes": nodes, "retry": Retry(NoBackoff(), 1)}


def _options_of(url: str) -> dict[str, Any]:
    """Return the options in the URL of Sentinels or a cluster: credentials, database, TLS and the query."""
    parts = urlsplit(url)
    base = parts.scheme.partition("+")[0]
    credentials, at_sign, _ = parts.netloc.rpartition("@")
    database = parts.path.strip("/").partition("/")[2]
    server_url = f"{base}://{credentials}{at_sign}host/{database}?{parts.query}"
    options: dict[str, Any] = {**parse_url(server_url)}  # type: ignore[no-untyped-call]
    del options["host"]
    options.pop("connection_class", None)
    return options | ({"ssl": True} if base == "rediss" else {})
