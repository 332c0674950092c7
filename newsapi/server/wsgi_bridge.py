"""Bridge from granian's RSGI interface to WSGI: builds a PEP 3333 environ and runs the application in a thread.

Existing bridges start from ASGI, whose two messages per response slowed every cache hit by a fifth (see bench).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple, Protocol

from newsapi.cache.cached_response import CachedResponse, Headers
from newsapi.cache.response_cache import CacheResult
from newsapi.server.rsgi import RequestHead

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

ENV_CACHE_RESULT = "newsapi.cache_result"
"""Environ key under which the application leaves a cache result, which the front then sends itself."""

ENV_FRONT = "newsapi.front"
"""Environ key that is set for requests that came through the front."""

ENV_LONG_POLL = "newsapi.long_poll"
"""Environ key under which the application leaves the `LongPoll` of a request that may be parked."""


ENV_ROUTE = "newsapi.route"
"""Environ key under which the application leaves the route of a request, such as `GET /v1/articles`."""


class LongPoll(NamedTuple):
    """A response that says that nothing happened, and how many seconds to wait for something to happen."""

    response: CachedResponse
    seconds: float


class UncachedResponse(NamedTuple):
    """A response for this request only.

    `long_poll` is set if the request may be parked; `route` is the route that made it, "" if none did.
    """

    status: int
    headers: Headers
    body: bytes
    long_poll: LongPoll | None = None
    route: str = ""


class Body(Protocol):
    """The body of a request, as WSGI reads it (`wsgi.input`)."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next `size` bytes, or fewer at the end of the body."""


def build_environ(scope: RequestHead, body: bytes | Body, request_id: str) -> WSGIEnvironment:
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
    environ: WSGIEnvironment = {
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
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
    length = environ.pop("HTTP_CONTENT_LENGTH", None)
    if isinstance(body, bytes):  # a complete body: its actual length counts, whatever the header says
        environ["CONTENT_LENGTH"] = str(len(body))
    elif length is not None:
        environ["CONTENT_LENGTH"] = length
    environ["HTTP_X_REQUEST_ID"] = request_id
    return environ


class _ResponseHead:
    """Receives the status and the headers of a WSGI response."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []

    def start_response(
        self, status: str, headers: Headers, exc_info: OptExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        """Store the status and the headers, as PEP 3333 says; Flask does not use the returned function."""
        del exc_info
        self.status, self.headers = int(status[:3]), headers
        return _reject_write


def _reject_write(_data: bytes) -> object:
    """Raise RuntimeError: the `write` function of PEP 3333 is not supported."""
    message = "this server has no write function; return the body from the application"
    raise RuntimeError(message)


def run_wsgi(application: WSGIApplication, environ: WSGIEnvironment) -> CacheResult | UncachedResponse:
    """Run a WSGI application.

    Args:
        application: The WSGI application.
        environ: The environ from `build_environ`.

    Returns:
        The cache result, if the application left one in the environ, or else the response that it sent.
    """
    head = _ResponseHead()
    chunks = application(environ, head.start_response)
    try:
        body = b"".join(chunks)
    finally:
        if (close := getattr(chunks, "close", None)) is not None:
            close()
    cache_result: CacheResult | None = environ.get(ENV_CACHE_RESULT)
    if cache_result is not None:
        return cache_result
    return UncachedResponse(head.status, head.headers, body, environ.get(ENV_LONG_POLL), environ.get(ENV_ROUTE, ""))
