"""An open-loop load generator: requests are sent when they are due, however slowly the server responds.

A closed-loop generator, such as wrk, sends the next request after the previous response. Its load falls with the speed
of the server, so it never offers more than the capacity. Times count from the moment at which a request was due: a
generator that is late does not hide it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import uvloop

NO_RESPONSE = 0
"""Status of a request whose connection failed, or whose response did not arrive in time."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is due some seconds after the start of the load."""

    due: float
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Response:
    """What came of a request; `headers` have names in lower case, `seconds` count from when the request was due."""

    request: Request
    status: int
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def evenly(
    rate: float, seconds: float, paths: Iterable[str], headers: Mapping[str, str] | None = None
) -> list[Request]:
    """Return requests at a constant rate per second, each for the next path."""
    return [
        Request(number / rate, path, headers or {})
        for number, path in zip(range(round(rate * seconds)), paths, strict=False)
    ]


def send(base: str, requests: Iterable[Request], timeout: float = 10.0) -> list[Response]:
    """Send requests when they are due.

    Args:
        base: URL of the server, without a path.
        requests: The requests in any order.
        timeout: Seconds after which a response counts as lost.

    Returns:
        The responses in the order in which the requests were due.
    """
    url = urlsplit(base)
    assert url.hostname
    assert url.port
    client = _Client(url.hostname, url.port, timeout)
    return uvloop.run(client.send_all(sorted(requests, key=lambda request: request.due)))


def percentile(seconds: Sequence[float], percent: float) -> float:
    """Return a percentile of times in milliseconds; 0 if there are none."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000 if ordered else 0.0


class _Client:
    """Keeps connections to a server and opens another one for each request that finds none idle."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self._host, self._port, self._timeout = host, port, timeout
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send_all(self, requests: Sequence[Request]) -> list[Response]:
        began_at = time.monotonic()
        tasks = []
        for request in requests:
            if (delay := began_at + request.due - time.monotonic()) > 0:
                await asyncio.sleep(delay)
            tasks.append(asyncio.create_task(self._send(request, began_at + request.due)))
        responses = await asyncio.gather(*tasks)
        for _, writer in self._idle:
            writer.close()
        return responses

    async def _send(self, request: Request, due_at: float) -> Response:
        try:
            async with asyncio.timeout(self._timeout):
                status, headers, body = await self._exchange(request)
        except (OSError, EOFError, TimeoutError):
            status, headers, body = NO_RESPONSE, {}, b""
        return Response(request, status, time.monotonic() - due_at, headers, body)

    async def _exchange(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(self._host, self._port)
        is_reusable = False
        try:
            lines = [f"GET {request.path} HTTP/1.1", f"Host: {self._host}"]
            lines += [f"{name}: {value}" for name, value in request.headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            first, *fields = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in fields)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            is_reusable = headers.get("connection", "").lower() != "close"
        finally:
            if is_reusable:
                self._idle.append((reader, writer))
            else:
                writer.close()
        return int(first.split(" ", 2)[1]), headers, body
