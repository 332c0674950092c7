"""HTTP calls to URLs given by others, protected against server-side request forgery (SSRF).

A host name is resolved once, all of its addresses must be public, and the connection uses one of these addresses. So a
name that resolves to another address a moment later (DNS rebinding) has no effect. Redirects are not followed, time is
limited. Of the response to a POST, nothing is read but the status; of that to a GET, no more than the caller allows.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

from newsapi.worker.addresses import is_public, normalize_url

CONNECT_TIMEOUT_SECONDS: Final = 3.0
"""Maximum seconds for connecting."""

RESPONSE_TIMEOUT_SECONDS: Final = 10.0
"""Maximum seconds from then on until the status has arrived."""

SocketAddress = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
ResolvedAddress = tuple[socket.AddressFamily, socket.SocketKind, int, str, SocketAddress]
"""Family, kind, protocol, canonical name and socket address, as `socket.getaddrinfo` returns them."""


class ForbiddenAddress(OSError):
    """The URL leads to a private network, or to no address at all."""


def resolve_public(host: str, port: int, *, allow_private: bool) -> Sequence[ResolvedAddress]:
    """Resolve a host name and require that all of its addresses are public.

    Args:
        host: A host name or IP address.
        port: The port.
        allow_private: Whether addresses of private networks are allowed.

    Returns:
        The result of `socket.getaddrinfo`.

    Raises:
        ForbiddenAddress: The name is invalid, or one of the addresses is not public.
        OSError: The name cannot be resolved.
    """
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (UnicodeError, ValueError) as error:
        raise ForbiddenAddress("the host name is invalid") from error
    if not allow_private and not all(is_public(entry[4][0]) for entry in entries):
        raise ForbiddenAddress("the host resolves to a private address")
    return entries


def post(url: str, body: bytes, headers: Mapping[str, str], *, allow_private: bool) -> int:
    """Send a POST request and return the status of the response.

    Args:
        url: An `http` or `https` URL; it is normalized first.
        body: The request body.
        headers: The request headers.
        allow_private: Whether addresses of private networks are allowed.

    Returns:
        The HTTP status.

    Raises:
        InvalidAddress: The URL cannot be called.
        ForbiddenAddress: The URL leads to a private network, or to no address at all.
        OSError: The connection failed or timed out.
        HTTPException: The response is not HTTP.
    """
    parts = urlsplit(normalize_url(url))
    connection = _open(parts, allow_private=allow_private)
    try:
        _send(connection, "POST", parts, headers, body)
        return _read_status(connection.sock, time.monotonic() + RESPONSE_TIMEOUT_SECONDS)
    finally:
        connection.close()


class TooManyBytes(OSError):
    """The body of a response is larger than the caller allows."""


class Resource(NamedTuple):
    """The response to a GET request.

    Attributes:
        status: The HTTP status.
        location: The header `Location`; None if there is none.
        body: The body; empty unless the status is 200.
    """

    status: int
    location: str | None
    body: bytes


def get(
    url: str,
    headers: Mapping[str, str],
    *,
    max_bytes: int,
    allow_private: bool,
    seconds: float = RESPONSE_TIMEOUT_SECONDS,
) -> Resource:
    """Send a GET request and return the response.

    Args:
        url: An `http` or `https` URL; it is normalized first.
        headers: The request headers.
        max_bytes: Maximum size of the body.
        allow_private: Whether addresses of private networks are allowed.
        seconds: Maximum seconds from the connection on until the body has arrived.

    Returns:
        The response; redirects are not followed.

    Raises:
        InvalidAddress: The URL cannot be called.
        ForbiddenAddress: The URL leads to a private network, or to no address at all.
        TooManyBytes: The body is larger than `max_bytes`.
        TimeoutError: The response took too long.
        OSError: The connection failed or timed out.
        HTTPException: The response is not HTTP, or ends before its body does.
    """
    parts = urlsplit(normalize_url(url))
    connection = _open(parts, allow_private=allow_private)
    # A timeout of the socket restarts with every byte. The end of the connection at the deadline does not.
    deadline = time.monotonic() + seconds
    end = threading.Timer(seconds, _shut_down, [connection.sock])
    end.start()
    try:
        _send(connection, "GET", parts, headers)
        with closing(connection.getresponse()) as response:
            body = _read_body(response, max_bytes) if response.status == HTTPStatus.OK else b""
            if time.monotonic() > deadline:  # a body without a length seems to be complete
                raise TimeoutError("the response took too long")
            return Resource(response.status, response.getheader("Location"), body)
    finally:
        end.cancel()
        connection.close()


def _shut_down(connection: socket.socket) -> None:
    """End a connection that another thread reads from."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _read_body(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    """Return the body of a response.

    Raises:
        TooManyBytes: The body is larger than `max_bytes`.
        IncompleteRead: The connection ended before the body did.
    """
    if (response.length or 0) > max_bytes:
        raise TooManyBytes(f"the response has more than {max_bytes} bytes")
    body = response.read(max_bytes + 1)
    if len(body) > max_bytes:
        raise TooManyBytes(f"the response has more than {max_bytes} bytes")
    if response.length:
        raise http.client.IncompleteRead(body, response.length)
    return body


def _open(parts: SplitResult, *, allow_private: bool) -> http.client.HTTPConnection:
    """Return a connection to the server of a normalized URL."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port)
    connection.sock = _connect(host, port, secure=parts.scheme == "https", allow_private=allow_private)
    return connection


def _send(
    connection: http.client.HTTPConnection,
    method: str,
    parts: SplitResult,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> None:
    """Send a request for a normalized URL."""
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    host = _host_header(parts.hostname or "", parts.port)
    connection.request(method, path, body, {**headers, "Host": host, "Connection": "close"})


def _host_header(host: str, port: int | None) -> str:
    """Return the `Host` header."""
    name = f"[{host}]" if ":" in host else host
    return f"{name}:{port}" if port else name


def _connect(host: str, port: int, *, secure: bool, allow_private: bool) -> socket.socket:
    """Return a socket connected to the first address that accepts; raise the last error if none does."""
    deadline = time.monotonic() + CONNECT_TIMEOUT_SECONDS
    last_error: OSError = ForbiddenAddress("the host has no address")
    for family, kind, protocol, _, socket_address in resolve_public(host, port, allow_private=allow_private):
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(max(0.1, deadline - time.monotonic()))
        try:
            connection.connect(socket_address)
            if secure:
                connection = ssl.create_default_context().wrap_socket(connection, server_hostname=host)
        except OSError as error:
            connection.close()
            last_error = error
            continue
        connection.settimeout(RESPONSE_TIMEOUT_SECONDS)  # for sending the request
        return connection
    raise last_error


def _read_status(connection: socket.socket, deadline: float) -> int:
    """Read the status line before the deadline, however slowly it arrives; ignore the rest of the response.

    Args:
        connection: The socket on which the request was sent.
        deadline: Time of the monotonic clock.

    Returns:
        The HTTP status.

    Raises:
        BadStatusLine: The response has no status line, or one that is too long.
    """
    line = b""
    while b"\n" not in line:
        connection.settimeout(max(0.001, deadline - time.monotonic()))
        chunk = connection.recv(1_024)
        if not chunk or len(line) > MAX_STATUS_LINE_BYTES:
            raise http.client.BadStatusLine("no status line received")
        line += chunk
    match = _STATUS_LINE.match(line)
    if match is None:
        raise http.client.BadStatusLine("the response is not HTTP")
    return int(match[1])


MAX_STATUS_LINE_BYTES: Final = 4_096
"""Maximum number of bytes read in search of the status line."""

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])[ \r\n]")
