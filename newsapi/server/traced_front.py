"""The front with a span for every request, which is used only if traces are exported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from newsapi.server.front import Front
from newsapi.server.metrics import CACHE_STATUS_LABELS, NO_CACHE_STATUS
from newsapi.server.rsgi import Exchange, RequestHead
from newsapi.server.shared_builds import raw_request_of
from newsapi.tracing import spans

SERVER_ERROR = 500


class TracedFront(Front):
    """A front that records each request, as a child of the span in its `traceparent` header."""

    async def __rsgi__(self, scope: RequestHead, exchange: Exchange) -> None:
        """Handle one request."""
        attributes = {"http.request.method": scope.method, "url.scheme": scope.scheme, "url.path": scope.path[:500]}
        with spans.span(scope.method, attributes, kind="server", traceparent=scope.headers.get("traceparent")) as span:
            recorded = _RecordedExchange(exchange)
            await super().__rsgi__(scope, recorded)
            headers = dict(recorded.headers)
            span.set_attribute("http.response.status_code", recorded.status)
            span.set_attribute("newsapi.request_id", headers.get("X-Request-Id", ""))
            cache = CACHE_STATUS_LABELS.get(headers.get("Cache-Status", ""), NO_CACHE_STATUS)
            span.set_attribute("newsapi.cache", cache)
            if recorded.status >= SERVER_ERROR:
                span.set_attribute("error.type", str(recorded.status))
            if route := self._find_route(scope):
                spans.name_request(span, route)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Finish as the front does, and export the spans that are left."""
        super().__rsgi_del__(loop)
        spans.shut_down()

    def _find_route(self, scope: RequestHead) -> str:
        """Return the route of a response from memory; "" if Flask handled the request, which names the span itself."""
        key = self._aliases.get(raw_request_of(scope))
        response = self._memory.get(key) if key is not None else None
        return response.route if response is not None else ""


class _RecordedExchange:
    """An exchange that remembers the status and the headers that were sent."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.status, self.headers = 0, [("", "")]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._exchange)

    def response_empty(self, status: int, headers: list[tuple[str, str]], /) -> None:
        self.status, self.headers = status, headers
        self._exchange.response_empty(status, headers)

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes, /) -> None:
        self.status, self.headers = status, headers
        self._exchange.response_bytes(status, headers, body)
