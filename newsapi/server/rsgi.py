"""The parts of granian's RSGI interface that the server uses, as protocols: granian declares most of them as `Any`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol


class RequestHeaders(Protocol):
    """The headers of a request."""

    def get(self, name: str, /) -> str | None:
        """Return the value of a header, given in lower case; None if the request does not have it."""

    def get_all(self, name: str, /) -> list[str]:
        """Return the values of all headers with a name, given in lower case."""

    def items(self) -> list[tuple[str, str]]:
        """Return all headers with names in lower case."""


class RequestHead(Protocol):
    """The head of a request."""

    @property
    def http_version(self) -> str: ...
    @property
    def server(self) -> str: ...
    @property
    def client(self) -> str: ...
    @property
    def scheme(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def query_string(self) -> str: ...
    @property
    def headers(self) -> RequestHeaders: ...


class Exchange(Protocol):
    """The body of a request, as an asynchronous iterator of chunks, and the functions that send its response.

    The specification calls this the protocol of the request.
    """

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def response_empty(self, status: int, headers: list[tuple[str, str]], /) -> None:
        """Send a response without a body."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes, /) -> None:
        """Send a response with a body."""
