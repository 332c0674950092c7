"""The RSGI application in front of Flask: sends cache hits and 304s and does all waiting; the rest goes to threads.

Requests are looked up by raw path and query (without ignored parameters), each an alias of the cache key of its parsed
query, so that different spellings of one query share one entry. On the event loop, thousands of requests can wait for
one build without holding a thread.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from newsapi.cache.cached_response import HIT, MISS, STALE, CachedResponse, RequestConditions
from newsapi.cache.log_follower import POLL_INTERVAL_SECONDS
from newsapi.cache.response_cache import CacheResult, ResponseCache
from newsapi.db import pool_use
from newsapi.server.concurrency import Overloaded, RequestThreads
from newsapi.server.metrics import ProcessGauges, RequestMetrics, ResponseOutcome
from newsapi.server.request_body import RequestBody, read_all
from newsapi.server.request_checks import refusal_status
from newsapi.server.response_sender import (
    CLOSE_CONNECTION,
    UNAVAILABLE,
    RefusalFactory,
    ResponseSender,
)
from newsapi.server.rsgi import Exchange, RequestHead
from newsapi.server.shared_builds import RawRequest, SharedBuilds, raw_request_of
from newsapi.server.wsgi_bridge import LongPoll, UncachedResponse, build_environ, run_wsgi

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

READ_METHODS: Final = ("GET", "HEAD")
SAFE_METHODS: Final = (*READ_METHODS, "OPTIONS")

MAX_REMEMBERED_REQUESTS: Final = 20_000
"""Maximum number of raw requests whose cache key is remembered."""

BODY_TIMEOUT_SECONDS: Final = 30.0
"""Seconds that a client has to send the body of its request."""

MAX_STREAMED_UPLOADS: Final = 2
"""Maximum number of requests with a streamed body that are handled at a time."""

METRICS_FLUSH_SECONDS: Final = pool_use.REPORT_INTERVAL_SECONDS
"""Seconds between flushes of the request metrics."""

MAX_LONG_POLLS: Final = 500
"""Maximum number of parked long-polling requests per process."""

LONG_POLL_RETRY_AFTER_SECONDS: Final = 5
"""`Retry-After` in seconds for long-polling requests over that limit."""

_clock = time.perf_counter


BuildOutcome = CacheResult | UncachedResponse | None
"""What a thread returned for a request; None if no thread was free or the database is unavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontConfig:
    """The settings of the front.

    Attributes:
        cdn_lifetime: Seconds for which a CDN may keep a response that is valid.
        max_body_bytes: Maximum size of a request body; does not apply to `streamed_endpoints`.
        streamed_endpoints: Endpoints ("METHOD /path") whose request body is passed on while it arrives.
        db_threads: Number of threads for requests that need the database.
    """

    cdn_lifetime: int
    max_body_bytes: int
    streamed_endpoints: frozenset[str]
    db_threads: int


class Front:
    """An RSGI application that sends cached responses itself and passes other requests to a WSGI application."""

    def __init__(
        self,
        application: WSGIApplication,
        cache: ResponseCache,
        build_refusal: RefusalFactory,
        config: FrontConfig,
        metrics: RequestMetrics,
    ) -> None:
        """Connect the parts.

        Args:
            application: The WSGI application.
            cache: The response cache.
            build_refusal: Builds error responses from a status, a path and the request id.
            config: The settings.
            metrics: Receives the request counts.
        """
        self._metrics = metrics
        self._application = application
        self._memory, self._follower, self._response_cache = cache.memory, cache.follower, cache
        self._sender = ResponseSender(cache, build_refusal, metrics, config.cdn_lifetime)
        self._config = config
        self._aliases: dict[RawRequest, str] = {}
        self._builds: SharedBuilds[CacheResult | UncachedResponse] = SharedBuilds(self._follower, self._read_log)
        self._threads = RequestThreads(config.db_threads)
        self._parked_count = 0
        self._log_read: asyncio.Future[bool] | None = None
        self._start_callbacks: list[Callable[[asyncio.AbstractEventLoop], None]] = []

    def on_start(self, callback: Callable[[asyncio.AbstractEventLoop], None]) -> None:
        """Register a function to be called with the event loop when the server process has started."""
        self._start_callbacks.append(callback)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Create the threads and start the periodic tasks, in the server process after the fork."""
        self._loop = loop
        self._started_at = self._follower.clock()
        self._threads.start(loop)
        self._log_thread = ThreadPoolExecutor(1, thread_name_prefix="changelog")
        self._upload_threads = ThreadPoolExecutor(MAX_STREAMED_UPLOADS, thread_name_prefix="upload")
        self._upload_slots = asyncio.Semaphore(MAX_STREAMED_UPLOADS)
        self._flush_metrics_periodically()
        for callback in self._start_callbacks:
            callback(loop)

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Wait for the threads to finish their current work."""
        self._threads.shut_down()
        self._log_thread.shutdown(wait=True, cancel_futures=True)
        self._upload_threads.shutdown(wait=True, cancel_futures=True)
        self._flush_metrics()

    def start_draining(self) -> None:
        """Close each connection after its next response, and respond to parked long-polling requests at once."""
        self._sender.is_draining = True

    def _flush_metrics_periodically(self) -> None:
        self._flush_metrics()
        # Without requests, nothing else reads the changelog, and its age would only grow. Read between two flushes, as
        # the age would otherwise be the time since the previous flush.
        self._loop.call_later(METRICS_FLUSH_SECONDS / 2, self._read_log_if_due)
        self._loop.call_later(METRICS_FLUSH_SECONDS, self._flush_metrics_periodically)

    def _read_log_if_due(self) -> None:
        if self._follower.clock() >= self._follower.snapshot.due:
            self._read_log()

    def _flush_metrics(self) -> None:
        snapshot = self._follower.snapshot
        read_at = snapshot.began_at if snapshot.epoch else self._started_at
        log_age = max(0.0, self._follower.clock() - read_at)
        entries, size = self._memory.state()
        redis_failures = self._response_cache.shared.failures
        self._metrics.flush(ProcessGauges(self._threads.in_use, log_age, snapshot.seq, entries, size, redis_failures))
        pool_use.report()

    async def __rsgi__(self, scope: RequestHead, exchange: Exchange) -> None:
        """Handle one request."""
        began_at = _clock()
        if refusal := refusal_status(scope):
            self._metrics.count_other(self._sender.send_refusal(scope, exchange, refusal), _clock() - began_at)
            return
        headers = scope.headers
        if (
            scope.method not in READ_METHODS
            or headers.get("authorization") is not None
            or "wait=" in scope.query_string  # long-polling requests are not shared
        ):
            self._metrics.count_other(await self._write(scope, exchange), _clock() - began_at)
            return
        raw_request = raw_request_of(scope)
        key = self._aliases.get(raw_request)
        response = self._memory.get(key) if key is not None else None
        if response is not None and key is not None and (cache_status := self._cache_status(response, key)):
            conditions = RequestConditions(
                headers.get("accept-encoding"), headers.get("if-none-match"), headers.get("if-modified-since")
            )
            encoding = response.choose_encoding(conditions)
            if response.has(encoding):
                outcome = self._sender.send_cached(scope, exchange, response, conditions, encoding, cache_status)
                if cache_status is HIT:
                    self._metrics.count_hit(scope, response.route, outcome[2], _clock() - began_at)
                else:
                    self._metrics.count_other(outcome, _clock() - began_at)
                return
        self._metrics.count_other(await self._read(scope, exchange, raw_request, response), _clock() - began_at)

    def _cache_status(self, response: CachedResponse, key: str) -> str:
        """Return the `Cache-Status` with which a response may be sent as it is, or "" if it may not.

        Also starts reading the changelog when it is due.
        """
        follower = self._follower
        snapshot = follower.snapshot
        now = follower.clock()
        if now >= snapshot.due:
            self._read_log()
        if now >= snapshot.trusted_until and not follower.is_unavailable:
            return ""
        if response.validated_by is not snapshot:
            if not follower.is_valid(response, snapshot):
                return ""
            self._memory.touch(key, response)
        return HIT if now < snapshot.trusted_until else STALE

    async def _read(
        self, scope: RequestHead, exchange: Exchange, raw_request: RawRequest, stored: CachedResponse | None
    ) -> ResponseOutcome:
        """Handle a read that needs a build, which identical requests share; `stored` is an outdated response."""
        conditions = _conditions(scope)
        if raw_request in self._builds:
            if stored is not None and self._may_serve_stale(stored):
                return self._send_stale(scope, exchange, stored, conditions)
            outcome = await self._builds.join(raw_request)
            if isinstance(outcome, CacheResult):
                cache_status = HIT if outcome.cache_status is MISS else outcome.cache_status
                return await self._respond(
                    scope, exchange, CacheResult(outcome.key, outcome.response, cache_status), conditions
                )
            if outcome is None or (outcome.status == UNAVAILABLE and "min_seq" not in raw_request[1]):
                # Repeating the build for each of the waiting requests would be as slow each time.
                return self._sender.send_refusal(scope, exchange, UNAVAILABLE, "build failed")
        try:
            build = self._submit(scope, b"", self._aliases.get(raw_request), is_refresh=stored is not None)
        except Overloaded:
            return self._send_overloaded(scope, exchange, stored, conditions)
        outcome = await self._builds.begin(raw_request, build, self._remember_key)
        if isinstance(outcome, CacheResult):
            return await self._respond(scope, exchange, outcome, conditions)
        return self._sender.send_uncached(scope, exchange, outcome)

    def _send_overloaded(
        self, scope: RequestHead, exchange: Exchange, stored: CachedResponse | None, conditions: RequestConditions
    ) -> ResponseOutcome:
        """Refuse a read that cannot be built; but its outdated response is sent while that is new enough."""
        if stored is not None and self._may_serve_stale(stored):
            return self._send_stale(scope, exchange, stored, conditions)
        return self._sender.send_uncached(scope, exchange, None)

    def _send_stale(
        self, scope: RequestHead, exchange: Exchange, stored: CachedResponse, conditions: RequestConditions
    ) -> ResponseOutcome:
        encoding = stored.choose_encoding(conditions)
        return self._sender.send_cached(scope, exchange, stored, conditions, encoding, STALE)

    async def _respond(
        self, scope: RequestHead, exchange: Exchange, result: CacheResult, conditions: RequestConditions
    ) -> ResponseOutcome:
        encoding = result.response.choose_encoding(conditions)
        if not result.response.has(encoding):
            await self._threads.run(partial(result.response.encode, encoding))
        return self._sender.send_cached(scope, exchange, result.response, conditions, encoding, result.cache_status)

    def _submit(
        self, scope: RequestHead, body: bytes, key: str | None = None, *, is_refresh: bool = False
    ) -> asyncio.Future[CacheResult | UncachedResponse]:
        """Handle a request in a thread; the exception is Overloaded if none was free in time."""
        run = partial(self._handle, scope, body, key)
        is_write = scope.method not in SAFE_METHODS
        return self._threads.submit(scope.path, run, is_write=is_write, is_refresh=is_refresh)

    async def _outcome(self, scope: RequestHead, body: bytes) -> BuildOutcome:
        """Handle a request in a thread; return None if no thread was free in time."""
        try:
            return await self._submit(scope, body)
        except Overloaded:
            return None

    def _handle(self, scope: RequestHead, body: bytes, key: str | None) -> CacheResult | UncachedResponse:
        """Return the response from Redis if the cache key is already known, or else run Flask. Called in a thread."""
        cached = self._response_cache.get_if_valid(key) if key else None
        return cached or run_wsgi(self._application, build_environ(scope, body, self._sender.request_id(scope)))

    def _remember_key(self, raw_request: RawRequest, outcome: BuildOutcome) -> None:
        """Remember the cache key of a finished build for later requests of the same spelling."""
        if isinstance(outcome, CacheResult) and "min_seq" not in raw_request[1]:  # `min_seq` is not part of the key
            if len(self._aliases) >= MAX_REMEMBERED_REQUESTS:
                for oldest in list(itertools.islice(self._aliases, MAX_REMEMBERED_REQUESTS // 2)):
                    del self._aliases[oldest]
            self._aliases[raw_request] = outcome.key

    def _may_serve_stale(self, response: CachedResponse) -> bool:
        """Return whether a response was valid less than MAX_STALENESS_SECONDS ago, and since our last write."""
        snapshot, follower = response.validated_by, self._follower
        return (
            snapshot is not None
            and snapshot.began_at > follower.own_write_at
            and follower.clock() < snapshot.trusted_until
        )

    def _read_log(self) -> None:
        """Read the changelog in a thread, unless that is in progress; requests go on with the current snapshot."""
        if self._log_read is None:
            self._log_read = self._loop.run_in_executor(self._log_thread, self._follower.catch_up)
            self._log_read.add_done_callback(self._on_log_read)

    def _on_log_read(self, _done: object) -> None:
        self._log_read = None

    async def _write(self, scope: RequestHead, exchange: Exchange) -> ResponseOutcome:
        """Pass on any request that is not a public read, with its body."""
        if f"{scope.method} {scope.path}" in self._config.streamed_endpoints:
            return await self._stream(scope, exchange)
        try:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                body = await read_all(exchange, scope.headers.get("content-length"), self._config.max_body_bytes)
        except TimeoutError:
            return self._sender.send_refusal(scope, exchange, 408)
        except EOFError:
            return self._sender.send_refusal(scope, exchange, 400)
        if body is None:
            return self._sender.send_refusal(scope, exchange, 413)
        outcome = await self._outcome(scope, body)
        if isinstance(outcome, UncachedResponse) and outcome.long_poll is not None:
            outcome = await self._park(scope, outcome, outcome.long_poll)
        if isinstance(outcome, CacheResult):
            return await self._respond(scope, exchange, outcome, _conditions(scope))
        return self._sender.send_uncached(scope, exchange, outcome)

    async def _stream(self, scope: RequestHead, exchange: Exchange) -> ResponseOutcome:
        """Pass on a request whose body is read while it arrives: in threads of its own, as clients may be slow."""
        if self._upload_slots.locked():
            return self._sender.send_refusal(scope, exchange, UNAVAILABLE, "overloaded")
        async with self._upload_slots:
            body = RequestBody(self._loop, exchange, BODY_TIMEOUT_SECONDS)
            environ = build_environ(scope, body, self._sender.request_id(scope))
            outcome = await self._loop.run_in_executor(
                self._upload_threads, copy_context().run, run_wsgi, self._application, environ
            )
        if not body.ended and isinstance(outcome, UncachedResponse):
            outcome.headers.append(CLOSE_CONNECTION)  # the rest of the body must not be read as the next request
        return self._sender.send_uncached(scope, exchange, outcome if isinstance(outcome, UncachedResponse) else None)

    async def _park(self, scope: RequestHead, response: UncachedResponse, long_poll: LongPoll) -> BuildOutcome:
        """Park a request, without a thread, until something happened or the requested time has passed."""
        if self._parked_count >= MAX_LONG_POLLS:
            return response._replace(headers=[*response.headers, ("Retry-After", str(LONG_POLL_RETRY_AFTER_SECONDS))])
        self._parked_count += 1
        try:
            return await self._poll(scope, response, self._loop.time() + long_poll.seconds)
        finally:
            self._parked_count -= 1

    async def _poll(self, scope: RequestHead, response: UncachedResponse, deadline: float) -> BuildOutcome:
        """Repeat a request whenever its response becomes invalid, until it has news or the deadline has passed."""
        follower = self._follower
        while response.long_poll is not None and not self._sender.is_draining and self._loop.time() < deadline:
            await asyncio.sleep(min(POLL_INTERVAL_SECONDS, deadline - self._loop.time()))
            if follower.clock() >= follower.snapshot.due:
                self._read_log()
            if follower.is_unavailable or follower.is_valid(response.long_poll.response, follower.snapshot):
                continue
            outcome = await self._outcome(scope, b"")
            if outcome is None:
                continue  # all parked requests resumed at once, and no thread is free
            if not isinstance(outcome, UncachedResponse):
                return outcome
            response = outcome
        if response.long_poll is None or follower.still_holds(response.long_poll.response):
            return response
        return await self._outcome(scope, b"")


def _conditions(scope: RequestHead) -> RequestConditions:
    headers = scope.headers
    return RequestConditions(
        headers.get("accept-encoding"), headers.get("if-none-match"), headers.get("if-modified-since")
    )
