"""From granian's RSGI to WSGI, in a thread: the environment of PEP 3333 out, status, headers and body back.

Bridges that are kept by others lead from ASGI, whose two messages an answer cost every hit a fifth (bench).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, NamedTuple, Protocol

from newsapi.cache.answer import Answer, Headers
from newsapi.cache.pages import Given

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

GIVEN = "newsapi.given"
"""Where the environment of a request holds what was answered from the cache, for the front to send it by itself."""

FRONT = "newsapi.front"
"""In the environment of a request that came through the front."""


HOLD = "newsapi.hold"
"""Where the environment says that an answer is to be held until it is true no more."""


class Hold(NamedTuple):
    """An answer that says that nothing happened, and for how many seconds to wait whether something does."""

    answer: Answer
    seconds: float


class Plain(NamedTuple):
    """An answer that is nobody else's. `hold` says that it can wait."""

    status: int
    headers: Headers
    body: bytes
    hold: Hold | None = None


class Body(Protocol):
    """What a request brings, as WSGI reads it."""

    def read(self, size: int = -1, /) -> bytes:
        """Answer so many bytes, fewer only at the end."""


def environ(scope: Any, body: bytes | Body, request_id: str) -> dict[str, Any]:
    """Make the environment of a request; a HEAD is asked as a GET, as its answer is that without the body.

    A body is there whole, or comes in while it is read.
    """
    client, _, port = scope.client.rpartition(":")
    server, _, server_port = scope.server.rpartition(":")
    made: dict[str, Any] = {
        "REQUEST_METHOD": "GET" if scope.method == "HEAD" else scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": server,
        "SERVER_PORT": server_port,
        "REMOTE_ADDR": client.strip("[]"),
        "REMOTE_PORT": port,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": BytesIO(body) if isinstance(body, bytes) else body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
        FRONT: True,
    }
    for name, value in scope.headers.items():
        if "_" in name:
            continue  # it would pass for the header of that name with a hyphen
        key = f"HTTP_{name.upper().replace('-', '_')}"
        made[key] = f"{made[key]},{value}" if key in made else value
    made["CONTENT_TYPE"] = made.pop("HTTP_CONTENT_TYPE", "")
    length = made.pop("HTTP_CONTENT_LENGTH", None)
    if isinstance(body, bytes):  # it was read whole: its length is what came, whatever the client said
        made["CONTENT_LENGTH"] = str(len(body))
    elif length is not None:
        made["CONTENT_LENGTH"] = length
    made["HTTP_X_REQUEST_ID"] = request_id
    return made


def run(application: Application, made: dict[str, Any]) -> Given | Plain:
    """Run a WSGI application; answer what it gave from the cache, or else what it sent."""
    started: list[Any] = []

    def start_response(status: str, headers: Headers, _error: object = None) -> Callable[[bytes], object]:
        started[:] = status, headers
        return started.append

    pieces = application(made, start_response)
    try:
        body = b"".join(pieces)
    finally:
        if (close := getattr(pieces, "close", None)) is not None:
            close()
    given: Given | None = made.get(GIVEN)
    return given if given is not None else Plain(int(started[0][:3]), started[1], body, made.get(HOLD))
