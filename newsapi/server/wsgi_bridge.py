"""Bridge from granian's RSGI interface to WSGI: builds a PEP 3333 environ and runs the application in a thread.

Existing bridges start from ASGI, whose two messages per response slowed every cache hit by a fifth (see bench).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, NamedTuple, Protocol

from newsapi.cache.cached_response import CachedResponse, Headers
from newsapi.cache.response_cache import CacheResult

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

ENV_CACHE_RESULT = "newsapi.given"
"""Environ key under which the application leaves a cache result, which the front then sends itself."""

ENV_FRONT = "newsapi.front"
"""Environ key that is set for requests that came through the front."""


ENV_LONG_POLL = "newsapi.hold"
"""Environ key under which the application leaves the `LongPoll` of a request that may be parked."""


class LongPoll(NamedTuple):
    """A response that says that nothing happened, and how many seconds to wait for something to happen."""

    answer: CachedResponse
    seconds: float


class UncachedResponse(NamedTuple):
    """A response for this request only. `long_poll` is set if the request may be parked."""

    status: int
    headers: Headers
    body: bytes
    long_poll: LongPoll | None = None


class Body(Protocol):
    """The body of a request, as WSGI reads it (`wsgi.input`)."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next `size` bytes, or fewer at the end of the body."""


def build_environ(scope: Any, body: bytes | Body, request_id: str) -> dict[str, Any]:
    """Return the WSGI environ of a request. HEAD is handled as GET, and the body is left out when sending.

    Args:
        scope: The RSGI scope.
        body: The complete body, or a stream that receives it while it is read.
        request_id: Value of `X-Request-Id`.

    Returns:
        The environ of PEP 3333, with `ENV_FRONT` set.
    """
    client_host, _, client_port = scope.client.rpartition(":")
    server_host, _, server_port = scope.server.rpartition(":")
    variables: dict[str, Any] = {
        "REQUEST_METHOD": "GET" if scope.method == "HEAD" else scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": server_host,
        "SERVER_PORT": server_port,
        "REMOTE_ADDR": client_host.strip("[]"),
        "REMOTE_PORT": client_port,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body) if isinstance(body, bytes) else body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        ENV_FRONT: True,
    }
    for name, value in scope.headers.items():
        if "_" in name:
            continue  # in the environ it could not be told from the header of that name with a hyphen
        key = f"HTTP_{name.upper().replace('-', '_')}"
        variables[key] = f"{variables[key]},{value}" if key in variables else value
    variables["CONTENT_TYPE"] = variables.pop("HTTP_CONTENT_TYPE", "")
    length = variables.pop("HTTP_CONTENT_LENGTH", None)
    if isinstance(body, bytes):  # a complete body: its actual length counts, whatever the header says
        variables["CONTENT_LENGTH"] = str(len(body))
    elif length is not None:
        variables["CONTENT_LENGTH"] = length
    variables["HTTP_X_REQUEST_ID"] = request_id
    return variables


def run_wsgi(application: Application, variables: dict[str, Any]) -> CacheResult | UncachedResponse:
    """Run a WSGI application.

    Args:
        application: The WSGI application.
        variables: The environ from `build_environ`.

    Returns:
        The cache result, if the application left one in the environ, or else the response that it sent.
    """
    started: list[Any] = []

    def start_response(status: str, headers: Headers, _error: object = None) -> Callable[[bytes], object]:
        started[:] = status, headers
        return started.append

    chunks = application(variables, start_response)
    try:
        body = b"".join(chunks)
    finally:
        if (close := getattr(chunks, "close", None)) is not None:
            close()
    cache_result: CacheResult | None = variables.get(ENV_CACHE_RESULT)
    if cache_result is not None:
        return cache_result
    return UncachedResponse(int(started[0][:3]), started[1], body, variables.get(ENV_LONG_POLL))
