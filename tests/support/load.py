"""Clients that send requests all the time while a test restarts, kills or migrates what serves them."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date, timedelta
from http.client import HTTPConnection, HTTPException
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import orjson


class Request(NamedTuple):
    """A request as the arguments of `HTTPConnection.request`."""

    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = {}  # noqa: RUF012 (no client changes it)


def read_list() -> Request:
    return Request("GET", "/v1/articles?limit=2")


def uncached_reads() -> Callable[[], Request]:
    """Return a function that returns a request for another list each time, which no cache has."""
    days = itertools.count()
    return lambda: Request("GET", f"/v1/articles?published_from={date(2000, 1, 1) + timedelta(days=next(days))}")


def writes(key: str) -> Callable[[], Request]:
    """Return a function that returns a request for another article each time."""
    numbers = itertools.count()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def write() -> Request:
        headline = f"Notizia {next(numbers)}"
        body = {"headline": headline, "body_html": "<p>Testo.</p>", "status": "published"}
        return Request("POST", "/v1/articles", orjson.dumps(body), headers)

    return write


class Load:
    """Clients in threads: some keep their connections, some open one for each request.

    Attributes:
        results: Number of responses by status, and of failures by the name of their error.
        slowest: Seconds of the slowest request, by method.
    """

    def __init__(
        self,
        bases: Sequence[str],
        *,
        kept: Sequence[Callable[[], Request]] = (read_list,) * 3,
        new: Sequence[Callable[[], Request]] = (read_list,) * 2,
        pause: float = 0.003,
    ) -> None:
        """Prepare the clients; they run inside `with`.

        Args:
            bases: URLs of the servers; a connection that one refuses is opened to the next, as a load balancer does.
            kept: For each client that keeps its connection, the function that returns its next request.
            new: For each client that opens new ones.
            pause: Seconds between the requests of a client.
        """
        self.results: Counter[int | str] = Counter()
        self.slowest: dict[str, float] = {}
        self._netlocs = [urlsplit(base).netloc for base in bases]
        self._pause, self._stop = pause, threading.Event()
        self._threads = [threading.Thread(target=self._keep, args=(request,)) for request in kept]
        self._threads += [threading.Thread(target=self._renew, args=(request,)) for request in new]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _keep(self, next_request: Callable[[], Request]) -> None:
        connection = None
        while not self._stop.wait(self._pause):
            if connection is None or connection.sock is None:  # the server closed it after its response
                connection = self._connect()
            self._ask(connection, next_request())
        if connection is not None:
            connection.close()

    def _renew(self, next_request: Callable[[], Request]) -> None:
        while not self._stop.wait(self._pause):
            with closing(self._connect()) as connection:
                self._ask(connection, next_request())

    def _connect(self) -> HTTPConnection:
        """Return a connection to the first server that accepts one; not connected if none does."""
        for netloc in self._netlocs:
            connection = HTTPConnection(netloc, timeout=30)
            try:
                connection.connect()
            except ConnectionRefusedError:
                continue
            return connection
        return HTTPConnection(self._netlocs[0], timeout=30)

    def _ask(self, connection: HTTPConnection, request: Request) -> None:
        start = time.monotonic()
        try:
            connection.request(*request)
            response = connection.getresponse()
            response.read()
            self.results[response.status] += 1
        except (OSError, HTTPException) as error:
            self.results[type(error).__name__] += 1
            connection.close()
        self.slowest[request.method] = max(self.slowest.get(request.method, 0.0), time.monotonic() - start)
