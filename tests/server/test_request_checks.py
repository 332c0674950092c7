"""What is no valid request line or `Host` header is refused before anything else (RFC 9110, RFC 9112)."""

import contextlib
import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.server.raw_requests import exchange

HOST = b"Host: x\r\n"


@pytest.mark.parametrize(
    ("request_line", "hosts", "status"),
    [
        (b"GET /v1 HTTP/1.1", HOST, 200),
        (b"GET /v1 HTTP/1.1", b"Host: example.com:8000\r\n", 200),
        (b"GET /v1 HTTP/1.1", b"Host: [::1]:8000\r\n", 200),
        (b"GET /v1 HTTP/1.1", b"Host:\r\n", 200),
        (b"GET /v1 HTTP/1.1", b"", 400),
        (b"GET /v1 HTTP/1.1", HOST + HOST, 400),
        (b"GET /v1 HTTP/1.1", HOST + b"Host: y\r\n", 400),
        (b"GET /v1 HTTP/1.1", HOST + b"hOST: x\r\n", 400),
        (b"GET /v1 HTTP/1.1", b"Host: a b\r\n", 400),
        (b"GET /v1 HTTP/1.1", b"Host: a/b\r\n", 400),
        (b"GET /v1 HTTP/1.1", b"Host: user@x\r\n", 400),
        (b"GET /v1 HTTP/1.1", b"Host: x, y\r\n", 400),
        (b"GET /v1 HTTP/1.1", b"Host: x:y\r\n", 400),
        (b"GET http://x/v1 HTTP/1.1", b"", 400),
        (b"GET /v1 HTTP/1.0", b"", 200),
        (b"GET /v1 HTTP/1.0", HOST + HOST, 400),
        (b"POST /v1/articles HTTP/1.1", b"", 400),
        (b"get /v1 HTTP/1.1", HOST, 501),
        (b"Get /v1 HTTP/1.1", HOST, 501),
        (b"head /v1 HTTP/1.1", HOST, 501),
        (b"post /v1/articles HTTP/1.1", HOST, 501),
        (b"TRACE /v1 HTTP/1.1", HOST, 405),
        (b"TRACE / HTTP/1.1", HOST, 405),
        (b"CONNECT x:443 HTTP/1.1", HOST, 501),
        (b"CONNECT /v1 HTTP/1.1", HOST, (400, 501)),
        (b"BREW /v1 HTTP/1.1", HOST, 405),
    ],
)
def test_the_request_line_and_the_host_are_checked(demo, request_line, hosts, status):
    answer = exchange(demo, request_line + b"\r\n" + hosts + b"Connection: close\r\n\r\n")
    assert int(answer[9:12]) in (status if isinstance(status, tuple) else (status,))
    if status == 405:
        assert b"\r\nallow: " in answer.lower()
    if status in {400, 501}:
        assert b"application/problem+json" in answer
        assert b"\r\nx-request-id: " in answer.lower()


@pytest.mark.parametrize(
    ("size", "packet", "status"),
    [(65_536, 1_000, 200), (65_537, 1_000, 431), (65_536, 65_536, 200), (131_073, 131_073, 431)],
)
def test_a_head_of_64_kb_is_read_and_one_of_more_than_128_kb_never(demo, size, packet, status):
    """The limit is that of the buffer: what arrives with the packet that exceeds it is read too."""
    start = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: "
    head = start + b"a" * (size - len(start) - 4) + b"\r\n\r\n"
    answer = b""
    with socket.create_connection(("127.0.0.1", urlsplit(demo.base).port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):  # a server that refuses does not read the rest
            for place in range(0, size, packet):
                connection.sendall(head[place : place + packet])
                time.sleep(0.002)
        with contextlib.suppress(ConnectionError):
            answer = connection.recv(4096)
    assert answer[9:12] == str(status).encode() or (status != 200 and not answer)
