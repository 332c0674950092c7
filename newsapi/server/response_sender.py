"""Sends responses over RSGI: cached and uncached ones, and errors of the front itself."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Callable
from typing import Final

from newsapi.cache.cached_response import OK, STALE, CachedResponse, RequestConditions, ResponseMetadata, render
from newsapi.cache.response_cache import CacheResult, ResponseCache
from newsapi.server.content_negotiation import is_acceptable
from newsapi.server.metrics import NO_CACHE_STATUS, RequestMetrics, ResponseOutcome
from newsapi.server.rsgi import Exchange, RequestHead
from newsapi.server.wsgi_bridge import UncachedResponse

NOT_ACCEPTABLE: Final = 406
UNAVAILABLE: Final = 503

BEHIND_PROBLEM_PATH: Final = b"/problems/behind"

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)
"""Request ids that are accepted from clients (`X-Request-Id`)."""

CLOSE_CONNECTION: Final = ("Connection", "close")

RefusalFactory = Callable[[int, str, str], UncachedResponse]
"""Builds an error response from a status, a path and the request id."""


class ResponseSender:
    """Sends the responses of one process. For one event loop; only `request_id` may be called in threads.

    Attributes:
        is_draining: Whether connections are closed after their next response.
    """

    def __init__(
        self, cache: ResponseCache, build_refusal: RefusalFactory, metrics: RequestMetrics, cdn_lifetime: int
    ) -> None:
        """Connect the parts.

        Args:
            cache: Tells how old a stale response is, and whether the database is unavailable.
            build_refusal: Builds error responses.
            metrics: Counts the responses with status 503.
            cdn_lifetime: Seconds for which a CDN may keep a response that is valid.
        """
        self.is_draining = False
        self._cache = cache
        self._build_refusal = build_refusal
        self._metrics = metrics
        self._cdn_lifetime = cdn_lifetime
        self._id_prefix = secrets.token_hex(10)
        self._request_numbers = itertools.count()

    def request_id(self, scope: RequestHead) -> str:
        """Return the id that the client gave to the request, or else a new one. Thread-safe."""
        client_id = scope.headers.get("x-request-id")
        if client_id is not None and REQUEST_ID.fullmatch(client_id):
            return client_id
        return f"{self._id_prefix}{next(self._request_numbers):012x}"

    def send_cached(  # noqa: PLR0917 (called for every hit: keyword arguments are slower)
        self,
        scope: RequestHead,
        exchange: Exchange,
        response: CachedResponse,
        conditions: RequestConditions,
        encoding: str,
        cache_status: str,
    ) -> ResponseOutcome:
        """Send a cached response, 304 if the client already has it, or 406 if it does not accept the media type.

        Args:
            scope: The request.
            exchange: Where to send.
            response: The response.
            conditions: The conditional headers of the request.
            encoding: Content encoding of the body; the response must already have it.
            cache_status: HIT, MISS or STALE.

        Returns:
            The route, the cache status and the HTTP status.
        """
        accept = scope.headers.get("accept")
        if accept is not None and response.status == OK and not is_acceptable(accept, response.media_type):
            return self.send_refusal(scope, exchange, NOT_ACCEPTABLE)
        age = self._cache.unproven_seconds(CacheResult("", response, cache_status)) if cache_status is STALE else 0
        metadata = ResponseMetadata(cache_status, self.request_id(scope), self._cdn_lifetime, age)
        status, headers, body = render(response, conditions, encoding, metadata)
        if self.is_draining:
            headers.append(CLOSE_CONNECTION)
        if body and scope.method == "GET":
            exchange.response_bytes(status, headers, body)
        elif body:
            exchange.response_empty(status, [*headers, ("Content-Length", str(len(body)))])
        else:
            exchange.response_empty(status, headers)
        return response.route, cache_status, status

    def send_uncached(
        self, scope: RequestHead, exchange: Exchange, response: UncachedResponse | None
    ) -> ResponseOutcome:
        """Send an uncached response; if there is none, send a 503."""
        if response is None:
            reason = "database unavailable" if self._cache.follower.is_unavailable else "overloaded"
            return self.send_refusal(scope, exchange, UNAVAILABLE, reason)
        if response.status == UNAVAILABLE:
            self._metrics.count_refusal("behind" if BEHIND_PROBLEM_PATH in response.body else "database unavailable")
        return self._send(scope, exchange, response)

    def send_refusal(self, scope: RequestHead, exchange: Exchange, status: int, reason: str = "") -> ResponseOutcome:
        """Send an error of the front itself; `reason` is counted for a 503."""
        if reason:
            self._metrics.count_refusal(reason)
        return self._send(scope, exchange, self._build_refusal(status, scope.path, self.request_id(scope)))

    def _send(self, scope: RequestHead, exchange: Exchange, response: UncachedResponse) -> ResponseOutcome:
        headers = [*response.headers, CLOSE_CONNECTION] if self.is_draining else response.headers
        if response.body and scope.method != "HEAD":
            exchange.response_bytes(response.status, headers, response.body)
        else:
            exchange.response_empty(response.status, headers)
        return response.route, NO_CACHE_STATUS, response.status
