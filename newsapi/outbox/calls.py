"""Calls to addresses that others gave us: never into our own network, never on from where they lead, never for long.

A name is looked up once, every address it has must be a public one, and the connection goes to the address that was
looked at: a name that says something else a moment later (DNS rebinding) changes nothing. What is answered is not read
beyond its status.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

CONNECT: Final = 3.0
"""Seconds that a connection may take."""

ANSWER: Final = 10.0
"""Seconds from then on until the status has come."""

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class Forbidden(OSError):
    """The address leads into a private network, or nowhere."""


def addresses(host: str, port: int, *, private: bool) -> list[Any]:
    """Look a host up: what `socket.getaddrinfo` says of it; raises OSError, and Forbidden if not all are public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (UnicodeError, ValueError) as error:
        raise Forbidden("this is no name of a host") from error
    if not private and not all(is_public(entry[4][0]) for entry in found):
        raise Forbidden("the address leads into a private network")
    return found


def is_public(address: str | int) -> bool:
    """Whether an IP address is one of the internet's; one that stands for another (IPv4 in IPv6) counts as that."""
    found = ipaddress.ip_address(str(address).partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast and not found.is_reserved


def post(url: str, body: bytes, headers: Mapping[str, str], *, private: bool) -> int:
    """Send a body to an address; answer the status. Raises OSError, http.client.HTTPException.

    `private` lets it be an address of a private network.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port)
    connection.sock = _connected(host, port, secure=parts.scheme == "https", private=private)
    try:
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request("POST", path, body, {**headers, "Host": _named(host, parts.port), "Connection": "close"})
        return _status(connection.sock, time.monotonic() + ANSWER)
    finally:
        connection.close()


def _named(host: str, port: int | None) -> str:
    name = f"[{host}]" if ":" in host else host.encode("idna").decode()
    return f"{name}:{port}" if port else name


def _connected(host: str, port: int, *, secure: bool, private: bool) -> socket.socket:
    end = time.monotonic() + CONNECT
    problem: OSError = Forbidden("the host has no address")
    for family, kind, protocol, _, place in addresses(host, port, private=private):
        found = socket.socket(family, kind, protocol)
        found.settimeout(max(0.1, end - time.monotonic()))
        try:
            found.connect(place)
            if secure:
                found = ssl.create_default_context().wrap_socket(found, server_hostname=host)
        except OSError as error:
            found.close()
            problem = error
            continue
        found.settimeout(ANSWER)  # for all that is sent
        return found
    raise problem


def _status(connection: socket.socket, end: float) -> int:
    """Read the status, by `end` at the latest however slowly it comes; what is after it is nothing to us."""
    line = b""
    while b"\n" not in line:
        connection.settimeout(max(0.001, end - time.monotonic()))
        found = connection.recv(1_024)
        if not found or len(line) > LONGEST:
            raise http.client.BadStatusLine("no status came")
        line += found
    told = _STATUS.match(line)
    if told is None:
        raise http.client.BadStatusLine("this is not HTTP")
    return int(told[1])


LONGEST: Final = 4_096
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])[ \r\n]")
