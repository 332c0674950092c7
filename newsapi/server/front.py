"""The RSGI application in front of Flask: sends cache hits and 304s and does all waiting; the rest goes to threads.

Requests are looked up by raw path and query, each an alias of the cache key of its parsed query, so that different
spellings of one query share one entry. On the event loop, thousands of requests can wait for one build without holding
a thread.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import structlog

from newsapi.cache.cached_response import HIT, MISS, STALE, CachedResponse, RequestConditions, render
from newsapi.cache.log_follower import POLL_INTERVAL_SECONDS
from newsapi.cache.response_cache import CacheResult, ResponseCache
from newsapi.server.concurrency import ConcurrencyLimiter, Overloaded
from newsapi.server.metrics import NO_CACHE_STATUS, ProcessGauges, RequestMetrics
from newsapi.server.request_body import RequestBody, read_all
from newsapi.server.wsgi_bridge import Application, LongPoll, UncachedResponse, build_environ, run_wsgi

log = structlog.get_logger("newsapi.front")

READ_METHODS: Final = ("GET", "HEAD")

UNAVAILABLE: Final = 503

MAX_REMEMBERED_REQUESTS: Final = 20_000
"""Maximum number of raw requests whose cache key is remembered."""

BODY_TIMEOUT_SECONDS: Final = 30.0
"""Seconds that a client has to send the body of its request."""

MAX_STREAMED_UPLOADS: Final = 2
"""Maximum number of requests with a streamed body that are handled at a time."""

DB_AWAY_WAIT_SECONDS: Final = 1.2
"""Seconds after which a read stops waiting for a build if the database is unavailable by then."""

LOG_CHECK_INTERVAL_SECONDS: Final = 0.1
"""Seconds between checks of the changelog while a read waits, as no other request may trigger one."""

METRICS_FLUSH_SECONDS: Final = 1.0
"""Seconds between flushes of the request metrics."""

MAX_LONG_POLLS: Final = 500
"""Maximum number of parked long-polling requests per process."""

LONG_POLL_RETRY_AFTER_SECONDS: Final = 5
"""`Retry-After` in seconds for long-polling requests over that limit."""

BEHIND_PROBLEM_PATH: Final = b"/problems/behind"

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)
"""Request ids that are accepted from clients (`X-Request-Id`)."""

RefusalFactory = Callable[[int, str, str], UncachedResponse]

ResponseOutcome = tuple[str, int]
"""`Cache-Status` (or NO_CACHE_STATUS) and HTTP status of a response that was sent."""

_clock = time.perf_counter


class Front:
    """An RSGI application that sends cached responses itself and passes other requests to a WSGI application."""

    def __init__(
        self,
        application: Application,
        cache: ResponseCache,
        build_refusal: RefusalFactory,
        *,
        cdn_lifetime: str,
        max_body_bytes: int,
        streamed: frozenset[str],
        db_threads: int,
        metrics: RequestMetrics,
    ) -> None:
        """Connect the parts.

        Args:
            application: The WSGI application.
            cache: The response cache.
            build_refusal: Builds error responses from a status, a path and the request id.
            cdn_lifetime: Value of `CDN-Cache-Control`.
            max_body_bytes: Maximum size of a request body; does not apply to `streamed`.
            streamed: Endpoints ("METHOD /path") whose request body is passed on while it arrives.
            db_threads: Number of threads for requests that need the database.
            metrics: Receives the request counts.
        """
        self._counts = metrics
        self._application = application
        self._memory, self._follower, self._pages = cache.memory, cache.follower, cache
        self._refuse = build_refusal
        self._lifetime = cdn_lifetime
        self._most_body = max_body_bytes
        self._streamed = streamed
        self._aliases: dict[tuple[str, str], str] = {}
        self._building: dict[tuple[str, str], asyncio.Future[CacheResult | UncachedResponse | None]] = {}
        self._turns = ConcurrencyLimiter(db_threads)
        self._holding = 0
        self._leaving = False
        self._reading: asyncio.Future[bool] | None = None
        self._start_callbacks: list[Callable[[asyncio.AbstractEventLoop], None]] = []
        id_prefix = secrets.token_hex(10)
        self._ids = (f"{id_prefix}{number:012x}" for number in itertools.count())

    def on_start(self, callback: Callable[[asyncio.AbstractEventLoop], None]) -> None:
        """Register a function to be called with the event loop when the server process has started."""
        self._start_callbacks.append(callback)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Create the threads and start the periodic tasks, in the server process after the fork."""
        self._loop = loop
        self._threads = ThreadPoolExecutor(self._turns.threads, thread_name_prefix="request")
        self._follow = ThreadPoolExecutor(1, thread_name_prefix="changelog")
        self._takers = ThreadPoolExecutor(MAX_STREAMED_UPLOADS, thread_name_prefix="upload")
        self._streams = asyncio.Semaphore(MAX_STREAMED_UPLOADS)
        self._flush_metrics_periodically()
        for callback in self._start_callbacks:
            callback(loop)

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Wait for the threads to finish their current work."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._follow.shutdown(wait=True, cancel_futures=True)
        self._takers.shutdown(wait=True, cancel_futures=True)
        self._flush_metrics()

    def start_draining(self) -> None:
        """Close each connection after its next response, and respond to parked long-polling requests at once."""
        self._leaving = True

    def _flush_metrics_periodically(self) -> None:
        self._flush_metrics()
        if self._follower.clock() >= self._follower.stamp.due:
            self._read_log()  # without requests, the age metric would otherwise only grow
        self._loop.call_later(METRICS_FLUSH_SECONDS, self._flush_metrics_periodically)

    def _flush_metrics(self) -> None:
        snapshot = self._follower.stamp
        log_age = max(0.0, self._follower.clock() - snapshot.at) if snapshot.epoch else 0.0
        entries, size = self._memory.state()
        redis_failures = self._pages.shared.failures
        self._counts.flush(ProcessGauges(self._turns.in_use, log_age, snapshot.seq, entries, size, redis_failures))

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Handle one request."""
        began_at = _clock()
        headers = scope.headers
        if (
            scope.method not in READ_METHODS
            or headers.get("authorization") is not None
            or "wait=" in scope.query_string  # long-polling requests are not shared
        ):
            cache_status, status = await self._write(scope, proto)
            self._counts.count_other(cache_status, status, _clock() - began_at)
            return
        raw_request = (scope.path, scope.query_string)
        key = self._aliases.get(raw_request)
        response = self._memory.get(key) if key is not None else None
        if response is not None and key is not None and (cache_status := self._cache_status(response, key)):
            conditions = RequestConditions(
                headers.get("accept-encoding"), headers.get("if-none-match"), headers.get("if-modified-since")
            )
            encoding = response.choose_encoding(conditions)
            if response.has(encoding):
                _, status = self._send(scope, proto, response, conditions, encoding, cache_status)
                if cache_status is HIT:
                    self._counts.count_hit(scope, status, _clock() - began_at)
                else:
                    self._counts.count_other(cache_status, status, _clock() - began_at)
                return
        cache_status, status = await self._read(scope, proto, raw_request, response)
        self._counts.count_other(cache_status, status, _clock() - began_at)

    def _cache_status(self, response: CachedResponse, key: str) -> str:
        """Return the `Cache-Status` with which a response may be sent as it is, or "" if it may not.

        Also starts reading the changelog when it is due.
        """
        follower = self._follower
        snapshot = follower.stamp
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

    def _send(  # noqa: PLR0917 (called for every hit: keyword arguments are slower)
        self,
        scope: Any,
        proto: Any,
        response: CachedResponse,
        conditions: RequestConditions,
        encoding: str,
        cache_status: str,
    ) -> ResponseOutcome:
        age = self._pages.unproven_seconds(CacheResult("", response, cache_status)) if cache_status is STALE else 0
        id_ = self._request_id(scope)
        status, headers, body = render(
            response, conditions, encoding, cache_status, request_id=id_, cdn_lifetime=self._lifetime, age=age
        )
        if self._leaving:
            headers.append(CLOSE)
        if body and scope.method == "GET":
            proto.response_bytes(status, headers, body)
        elif body:
            proto.response_empty(status, [*headers, ("Content-Length", str(len(body)))])
        else:
            proto.response_empty(status, headers)
        return cache_status, status

    async def _read(
        self, scope: Any, proto: Any, raw_request: tuple[str, str], stored: CachedResponse | None
    ) -> ResponseOutcome:
        """Handle a read that needs a build, which identical requests share; `stored` is an outdated response."""
        conditions = _asked(scope)
        build = self._building.get(raw_request)
        if build is not None:
            if stored is not None and self._may_serve_stale(stored):
                return self._send(scope, proto, stored, conditions, stored.choose_encoding(conditions), STALE)
            outcome = await self._outcome(build)
            if isinstance(outcome, CacheResult):
                cache_status = HIT if outcome.cache_status is MISS else outcome.cache_status
                return await self._respond(
                    scope, proto, CacheResult(outcome.key, outcome.answer, cache_status), conditions
                )
            if outcome is None or (outcome.status == UNAVAILABLE and "min_seq" not in raw_request[1]):
                # Repeating the build for each of the waiting requests would be as slow each time.
                return self._refused(scope, proto, UNAVAILABLE, "build failed")
        build = self._submit(scope, b"", self._aliases.get(raw_request))
        self._building[raw_request] = build
        build.add_done_callback(lambda done: self._built(raw_request, done))
        outcome = await self._outcome(build)
        if isinstance(outcome, CacheResult):
            return await self._respond(scope, proto, outcome, conditions)
        return self._from_flask(scope, proto, outcome)

    async def _outcome(
        self, build: asyncio.Future[CacheResult | UncachedResponse | None]
    ) -> CacheResult | UncachedResponse | None:
        """Return the result of a build; None if no thread was free or the database is unavailable."""
        deadline = self._loop.time() + DB_AWAY_WAIT_SECONDS
        while True:
            done, _ = await asyncio.wait((build,), timeout=LOG_CHECK_INTERVAL_SECONDS)
            if done:
                return build.result()
            if self._follower.clock() >= self._follower.stamp.due:
                self._read_log()
            if self._follower.is_unavailable and self._loop.time() >= deadline:
                return None

    async def _respond(
        self, scope: Any, proto: Any, result: CacheResult, conditions: RequestConditions
    ) -> ResponseOutcome:
        encoding = result.answer.choose_encoding(conditions)
        if not result.answer.has(encoding):
            await self._loop.run_in_executor(self._threads, result.answer.encode, encoding)
        return self._send(scope, proto, result.answer, conditions, encoding, result.cache_status)

    def _submit(
        self, scope: Any, body: bytes, key: str | None = None
    ) -> asyncio.Future[CacheResult | UncachedResponse | None]:
        return self._loop.create_task(self._worked(scope, body, key))

    async def _worked(self, scope: Any, body: bytes, key: str | None) -> CacheResult | UncachedResponse | None:
        """Handle a request in a thread; return None if no thread was free in time."""
        try:
            async with self._turns.slot(scope.path):
                return await self._loop.run_in_executor(self._threads, self._handle, scope, body, key)
        except Overloaded:
            log.info("request refused, too many are waiting", path=scope.path[:500])
            return None

    def _handle(self, scope: Any, body: bytes, key: str | None) -> CacheResult | UncachedResponse:
        """Return the response from Redis if the cache key is already known, or else run Flask. Called in a thread."""
        cached = self._pages.get_if_valid(key) if key else None
        return cached or run_wsgi(self._application, build_environ(scope, body, self._request_id(scope)))

    def _built(
        self, raw_request: tuple[str, str], build: asyncio.Future[CacheResult | UncachedResponse | None]
    ) -> None:
        """Remember the cache key of a finished build for later requests of the same spelling."""
        if self._building.get(raw_request) is build:
            del self._building[raw_request]
        if build.cancelled() or build.exception() is not None:
            return
        outcome = build.result()
        if isinstance(outcome, CacheResult) and "min_seq" not in raw_request[1]:  # `min_seq` is not part of the key
            if len(self._aliases) >= MAX_REMEMBERED_REQUESTS:
                for oldest in list(itertools.islice(self._aliases, MAX_REMEMBERED_REQUESTS // 2)):
                    del self._aliases[oldest]
            self._aliases[raw_request] = outcome.key

    def _may_serve_stale(self, response: CachedResponse) -> bool:
        """Return whether a response was valid less than MAX_STALENESS_SECONDS ago, and since our last write."""
        snapshot, follower = response.validated_by, self._follower
        return (
            snapshot is not None and snapshot.at > follower.own_write_at and follower.clock() < snapshot.trusted_until
        )

    def _read_log(self) -> None:
        """Read the changelog in a thread, unless that is in progress; requests go on with the current snapshot."""
        if self._reading is None:
            self._reading = self._loop.run_in_executor(self._follow, self._follower.catch_up)
            self._reading.add_done_callback(self._was_read)

    def _was_read(self, _done: object) -> None:
        self._reading = None

    async def _write(self, scope: Any, proto: Any) -> ResponseOutcome:
        """Pass on any request that is not a public read, with its body."""
        if f"{scope.method} {scope.path}" in self._streamed:
            return await self._take(scope, proto)
        try:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                body = await read_all(proto, scope.headers.get("content-length"), self._most_body)
        except TimeoutError:
            return self._refused(scope, proto, 408)
        except EOFError:
            return self._refused(scope, proto, 400)
        if body is None:
            return self._refused(scope, proto, 413)
        outcome = await self._submit(scope, body)
        if isinstance(outcome, UncachedResponse) and outcome.long_poll is not None:
            outcome = await self._wait_for_news(scope, outcome, outcome.long_poll)
        if isinstance(outcome, CacheResult):
            return await self._respond(scope, proto, outcome, _asked(scope))
        return self._from_flask(scope, proto, outcome)

    async def _take(self, scope: Any, proto: Any) -> ResponseOutcome:
        """Pass on a request whose body is read while it arrives: in threads of its own, as clients may be slow."""
        if self._streams.locked():
            return self._refused(scope, proto, UNAVAILABLE, "overloaded")
        async with self._streams:
            body = RequestBody(self._loop, proto, BODY_TIMEOUT_SECONDS)
            variables = build_environ(scope, body, self._request_id(scope))
            outcome = await self._loop.run_in_executor(self._takers, run_wsgi, self._application, variables)
        if not body.ended and isinstance(outcome, UncachedResponse):
            outcome.headers.append(CLOSE)  # the rest of the body must not be read as the next request
        return self._from_flask(scope, proto, outcome if isinstance(outcome, UncachedResponse) else None)

    async def _wait_for_news(
        self, scope: Any, response: UncachedResponse, long_poll: LongPoll
    ) -> CacheResult | UncachedResponse | None:
        """Park a request, without a thread, until something happened or the requested time has passed."""
        if self._holding >= MAX_LONG_POLLS:
            return response._replace(headers=[*response.headers, ("Retry-After", str(LONG_POLL_RETRY_AFTER_SECONDS))])
        self._holding += 1
        try:
            return await self._poll(scope, response, self._loop.time() + long_poll.seconds)
        finally:
            self._holding -= 1

    async def _poll(
        self, scope: Any, response: UncachedResponse, deadline: float
    ) -> CacheResult | UncachedResponse | None:
        """Repeat a request whenever its response becomes invalid, until it has news or the deadline has passed."""
        follower = self._follower
        while response.long_poll is not None and not self._leaving and self._loop.time() < deadline:
            await asyncio.sleep(min(POLL_INTERVAL_SECONDS, deadline - self._loop.time()))
            if follower.clock() >= follower.stamp.due:
                self._read_log()
            if follower.is_unavailable or follower.is_valid(response.long_poll.answer, follower.stamp):
                continue
            outcome = await self._submit(scope, b"")
            if outcome is None:
                continue  # all parked requests resumed at once, and no thread is free
            if not isinstance(outcome, UncachedResponse):
                return outcome
            response = outcome
        if response.long_poll is None or follower.still_holds(response.long_poll.answer):
            return response
        return await self._submit(scope, b"")

    def _refused(self, scope: Any, proto: Any, status: int, reason: str = "") -> ResponseOutcome:
        if reason:
            self._counts.count_refusal(reason)
        return self._plain(scope, proto, self._refuse(status, scope.path, self._request_id(scope)))

    def _from_flask(self, scope: Any, proto: Any, response: UncachedResponse | None) -> ResponseOutcome:
        """Send an uncached response; if there is none, send a 503."""
        if response is None:
            return self._refused(
                scope, proto, UNAVAILABLE, "database unavailable" if self._follower.is_unavailable else "overloaded"
            )
        if response.status == UNAVAILABLE:
            self._counts.count_refusal("behind" if BEHIND_PROBLEM_PATH in response.body else "database unavailable")
        return self._plain(scope, proto, response)

    def _plain(self, scope: Any, proto: Any, response: UncachedResponse) -> ResponseOutcome:
        headers = [*response.headers, CLOSE] if self._leaving else response.headers
        if response.body and scope.method != "HEAD":
            proto.response_bytes(response.status, headers, response.body)
        else:
            proto.response_empty(response.status, headers)
        return NO_CACHE_STATUS, response.status

    def _request_id(self, scope: Any) -> str:
        client_id = scope.headers.get("x-request-id")
        return client_id if client_id is not None and REQUEST_ID.fullmatch(client_id) else next(self._ids)


def _asked(scope: Any) -> RequestConditions:
    headers = scope.headers
    return RequestConditions(
        headers.get("accept-encoding"), headers.get("if-none-match"), headers.get("if-modified-since")
    )


CLOSE: Final = ("Connection", "close")
