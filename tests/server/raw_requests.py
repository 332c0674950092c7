"""Requests sent as bytes."""

import socket
from urllib.parse import urlsplit

from tests.support.processes import Served


def exchange(served: Served, request: bytes, timeout: float = 20.0) -> bytes:
    """Send bytes and return all that comes back until the server closes the connection."""
    received = b""
    with socket.create_connection(("127.0.0.1", urlsplit(served.base).port), timeout=timeout) as connection:
        connection.sendall(request)
        while chunk := connection.recv(65536):
            received += chunk
    return received
