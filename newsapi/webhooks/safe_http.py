"""HTTP calls to URLs given by others, protected against server-side request forgery (SSRF).

A host name is resolved once, all of its addresses must be public, and the connection uses one of these addresses. So a
name that resolves to another address a moment later (DNS rebinding) has no effect. Redirects are not followed, time is
limited, and nothing of the response is read but the status.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from newsapi.webhooks.addresses import is_public, normalize_url

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
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port)
    connection.sock = _connect(host, port, secure=parts.scheme == "https", allow_private=allow_private)
    try:
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request(
            "POST", path, body, {**headers, "Host": _host_header(host, parts.port), "Connection": "close"}
        )
        return _read_status(connection.sock, time.monotonic() + RESPONSE_TIMEOUT_SECONDS)
    finally:
        connection.close()


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
