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

from newsapi.cache.answer import HIT, MISS, STALE, Answer, Asked, reply
from newsapi.cache.bridge import Application, Hold, Plain, environ, run
from newsapi.cache.counts import NONE, Counts, State
from newsapi.cache.follower import DUE
from newsapi.cache.incoming import Incoming, whole
from newsapi.cache.pages import Given, PageCache
from newsapi.cache.turns import NoTurn, Turns

log = structlog.get_logger("newsapi.front")

READS: Final = ("GET", "HEAD")

UNAVAILABLE: Final = 503

ALIASES: Final = 20_000
"""Maximum number of raw requests whose cache key is remembered."""

BODY_SECONDS: Final = 30.0
"""Seconds that a client has to send the body of its request."""

STREAMS: Final = 2
"""Maximum number of requests with a streamed body that are handled at a time."""

TROUBLE: Final = 1.2
"""Seconds after which a read stops waiting for a build if the database is unavailable by then."""

GLANCE: Final = 0.1
"""Seconds between checks of the changelog while a read waits, as no other request may trigger one."""

TOLD: Final = 1.0
"""Seconds between flushes of the request metrics."""

ROOM: Final = 500
"""Maximum number of parked long-polling requests per process."""

AGAIN: Final = 5
"""`Retry-After` in seconds for long-polling requests over that limit."""

BEHIND: Final = b"/problems/behind"

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)
"""Request ids that are accepted from clients (`X-Request-Id`)."""

Refuse = Callable[[int, str, str], Plain]

Sent = tuple[str, int]
"""`Cache-Status` (or NO_CACHE_STATUS) and HTTP status of a response that was sent."""

_clock = time.perf_counter


class Front:
    """An RSGI application that sends cached responses itself and passes other requests to a WSGI application."""

    def __init__(
        self,
        application: Application,
        pages: PageCache,
        refuse: Refuse,
        *,
        lifetime: str,
        most_body: int,
        streamed: frozenset[str],
        readers: int,
        counts: Counts,
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
        self._counts = counts
        self._application = application
        self._memory, self._follower, self._pages = pages.memory, pages.follower, pages
        self._refuse = refuse
        self._lifetime = lifetime
        self._most_body = most_body
        self._streamed = streamed
        self._aliases: dict[tuple[str, str], str] = {}
        self._building: dict[tuple[str, str], asyncio.Future[Given | Plain | None]] = {}
        self._turns = Turns(readers)
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
        self._takers = ThreadPoolExecutor(STREAMS, thread_name_prefix="upload")
        self._streams = asyncio.Semaphore(STREAMS)
        self._tell()
        for callback in self._start_callbacks:
            callback(loop)

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Wait for the threads to finish their current work."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._follow.shutdown(wait=True, cancel_futures=True)
        self._takers.shutdown(wait=True, cancel_futures=True)
        self._hand_on()

    def leave(self) -> None:
        """Close each connection after its next response, and respond to parked long-polling requests at once."""
        self._leaving = True

    def _tell(self) -> None:
        self._hand_on()
        if self._follower.clock() >= self._follower.stamp.due:
            self._read_log()  # without requests, the age metric would otherwise only grow
        self._loop.call_later(TOLD, self._tell)

    def _hand_on(self) -> None:
        snapshot = self._follower.stamp
        log_age = max(0.0, self._follower.clock() - snapshot.at) if snapshot.line else 0.0
        entries, size = self._memory.state()
        redis_failures = self._pages.shared.failures
        self._counts.hand_on(State(self._turns.present, log_age, snapshot.seq, entries, size, redis_failures))

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Handle one request."""
        began_at = _clock()
        headers = scope.headers
        if (
            scope.method not in READS
            or headers.get("authorization") is not None
            or "wait=" in scope.query_string  # long-polling requests are not shared
        ):
            cache_status, status = await self._write(scope, proto)
            self._counts.other(cache_status, status, _clock() - began_at)
            return
        raw_request = (scope.path, scope.query_string)
        key = self._aliases.get(raw_request)
        response = self._memory.get(key) if key is not None else None
        if response is not None and key is not None and (cache_status := self._how(response, key)):
            conditions = Asked(
                headers.get("accept-encoding"), headers.get("if-none-match"), headers.get("if-modified-since")
            )
            encoding = response.coding(conditions)
            if response.has(encoding):
                _, status = self._send(scope, proto, response, conditions, encoding, cache_status)
                if cache_status is HIT:
                    self._counts.hit(scope, status, _clock() - began_at)
                else:
                    self._counts.other(cache_status, status, _clock() - began_at)
                return
        cache_status, status = await self._read(scope, proto, raw_request, response)
        self._counts.other(cache_status, status, _clock() - began_at)

    def _how(self, response: Answer, key: str) -> str:
        """Return the `Cache-Status` with which a response may be sent as it is, or "" if it may not.

        Also starts reading the changelog when it is due.
        """
        follower = self._follower
        snapshot = follower.stamp
        now = follower.clock()
        if now >= snapshot.due:
            self._read_log()
        if now >= snapshot.until and not follower.away:
            return ""
        if response.proven is not snapshot:
            if not follower.judge(response, snapshot):
                return ""
            self._memory.touch(key, response)
        return HIT if now < snapshot.until else STALE

    def _send(  # noqa: PLR0917 (called for every hit: keyword arguments are slower)
        self, scope: Any, proto: Any, response: Answer, conditions: Asked, encoding: str, cache_status: str
    ) -> Sent:
        age = self._pages.age(Given("", response, cache_status)) if cache_status is STALE else 0
        id_ = self._request_id(scope)
        status, headers, body = reply(
            response, conditions, encoding, cache_status, request_id=id_, lifetime=self._lifetime, age=age
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

    async def _read(self, scope: Any, proto: Any, raw_request: tuple[str, str], stored: Answer | None) -> Sent:
        """Handle a read that needs a build, which identical requests share; `stored` is an outdated response."""
        conditions = _asked(scope)
        build = self._building.get(raw_request)
        if build is not None:
            if stored is not None and self._is_bearable(stored):
                return self._send(scope, proto, stored, conditions, stored.coding(conditions), STALE)
            outcome = await self._outcome(build)
            if isinstance(outcome, Given):
                cache_status = HIT if outcome.how is MISS else outcome.how
                return await self._give(scope, proto, Given(outcome.key, outcome.answer, cache_status), conditions)
            if outcome is None or (outcome.status == UNAVAILABLE and "min_seq" not in raw_request[1]):
                # Repeating the build for each of the waiting requests would be as slow each time.
                return self._refused(scope, proto, UNAVAILABLE, "build failed")
        build = self._submit(scope, b"", self._aliases.get(raw_request))
        self._building[raw_request] = build
        build.add_done_callback(lambda done: self._built(raw_request, done))
        outcome = await self._outcome(build)
        if isinstance(outcome, Given):
            return await self._give(scope, proto, outcome, conditions)
        return self._from_flask(scope, proto, outcome)

    async def _outcome(self, build: asyncio.Future[Given | Plain | None]) -> Given | Plain | None:
        """Return the result of a build; None if no thread was free or the database is unavailable."""
        deadline = self._loop.time() + TROUBLE
        while True:
            done, _ = await asyncio.wait((build,), timeout=GLANCE)
            if done:
                return build.result()
            if self._follower.clock() >= self._follower.stamp.due:
                self._read_log()
            if self._follower.away and self._loop.time() >= deadline:
                return None

    async def _give(self, scope: Any, proto: Any, result: Given, conditions: Asked) -> Sent:
        encoding = result.answer.coding(conditions)
        if not result.answer.has(encoding):
            await self._loop.run_in_executor(self._threads, result.answer.encode, encoding)
        return self._send(scope, proto, result.answer, conditions, encoding, result.how)

    def _submit(self, scope: Any, body: bytes, key: str | None = None) -> asyncio.Future[Given | Plain | None]:
        return self._loop.create_task(self._worked(scope, body, key))

    async def _worked(self, scope: Any, body: bytes, key: str | None) -> Given | Plain | None:
        """Handle a request in a thread; return None if no thread was free in time."""
        try:
            async with self._turns.turn(scope.path):
                return await self._loop.run_in_executor(self._threads, self._work, scope, body, key)
        except NoTurn:
            log.info("request refused, too many are waiting", path=scope.path[:500])
            return None

    def _work(self, scope: Any, body: bytes, key: str | None) -> Given | Plain:
        """Return the response from Redis if the cache key is already known, or else run Flask. Called in a thread."""
        cached = self._pages.kept(key) if key else None
        return cached or run(self._application, environ(scope, body, self._request_id(scope)))

    def _built(self, raw_request: tuple[str, str], build: asyncio.Future[Given | Plain | None]) -> None:
        """Remember the cache key of a finished build for later requests of the same spelling."""
        if self._building.get(raw_request) is build:
            del self._building[raw_request]
        if build.cancelled() or build.exception() is not None:
            return
        outcome = build.result()
        if isinstance(outcome, Given) and "min_seq" not in raw_request[1]:  # `min_seq` is not part of the key
            if len(self._aliases) >= ALIASES:
                for oldest in list(itertools.islice(self._aliases, ALIASES // 2)):
                    del self._aliases[oldest]
            self._aliases[raw_request] = outcome.key

    def _is_bearable(self, response: Answer) -> bool:
        """Return whether a response was valid less than MAX_STALENESS_SECONDS ago, and since our last write."""
        snapshot, follower = response.proven, self._follower
        return snapshot is not None and snapshot.at > follower.own_write_at and follower.clock() < snapshot.until

    def _read_log(self) -> None:
        """Read the changelog in a thread, unless that is in progress; requests go on with the current snapshot."""
        if self._reading is None:
            self._reading = self._loop.run_in_executor(self._follow, self._follower.catch_up)
            self._reading.add_done_callback(self._was_read)

    def _was_read(self, _done: object) -> None:
        self._reading = None

    async def _write(self, scope: Any, proto: Any) -> Sent:
        """Pass on any request that is not a public read, with its body."""
        if f"{scope.method} {scope.path}" in self._streamed:
            return await self._take(scope, proto)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await whole(proto, scope.headers.get("content-length"), self._most_body)
        except TimeoutError:
            return self._refused(scope, proto, 408)
        except EOFError:
            return self._refused(scope, proto, 400)
        if body is None:
            return self._refused(scope, proto, 413)
        outcome = await self._submit(scope, body)
        if isinstance(outcome, Plain) and outcome.hold is not None:
            outcome = await self._held(scope, outcome, outcome.hold)
        if isinstance(outcome, Given):
            return await self._give(scope, proto, outcome, _asked(scope))
        return self._from_flask(scope, proto, outcome)

    async def _take(self, scope: Any, proto: Any) -> Sent:
        """Pass on a request whose body is read while it arrives: in threads of its own, as clients may be slow."""
        if self._streams.locked():
            return self._refused(scope, proto, UNAVAILABLE, "overloaded")
        async with self._streams:
            body = Incoming(self._loop, proto, BODY_SECONDS)
            variables = environ(scope, body, self._request_id(scope))
            outcome = await self._loop.run_in_executor(self._takers, run, self._application, variables)
        if not body.ended and isinstance(outcome, Plain):
            outcome.headers.append(CLOSE)  # the rest of the body must not be read as the next request
        return self._from_flask(scope, proto, outcome if isinstance(outcome, Plain) else None)

    async def _held(self, scope: Any, response: Plain, long_poll: Hold) -> Given | Plain | None:
        """Park a request, without a thread, until something happened or the requested time has passed."""
        if self._holding >= ROOM:
            return response._replace(headers=[*response.headers, ("Retry-After", str(AGAIN))])
        self._holding += 1
        try:
            return await self._poll(scope, response, self._loop.time() + long_poll.seconds)
        finally:
            self._holding -= 1

    async def _poll(self, scope: Any, response: Plain, deadline: float) -> Given | Plain | None:
        """Repeat a request whenever its response becomes invalid, until it has news or the deadline has passed."""
        follower = self._follower
        while response.hold is not None and not self._leaving and self._loop.time() < deadline:
            await asyncio.sleep(min(DUE, deadline - self._loop.time()))
            if follower.clock() >= follower.stamp.due:
                self._read_log()
            if follower.away or follower.judge(response.hold.answer, follower.stamp):
                continue
            outcome = await self._submit(scope, b"")
            if outcome is None:
                continue  # all parked requests resumed at once, and no thread is free
            if not isinstance(outcome, Plain):
                return outcome
            response = outcome
        if response.hold is None or follower.proves(response.hold.answer):
            return response
        return await self._submit(scope, b"")

    def _refused(self, scope: Any, proto: Any, status: int, reason: str = "") -> Sent:
        if reason:
            self._counts.refused(reason)
        return self._plain(scope, proto, self._refuse(status, scope.path, self._request_id(scope)))

    def _from_flask(self, scope: Any, proto: Any, response: Plain | None) -> Sent:
        """Send an uncached response; if there is none, send a 503."""
        if response is None:
            return self._refused(
                scope, proto, UNAVAILABLE, "database unavailable" if self._follower.away else "overloaded"
            )
        if response.status == UNAVAILABLE:
            self._counts.refused("behind" if BEHIND in response.body else "database unavailable")
        return self._plain(scope, proto, response)

    def _plain(self, scope: Any, proto: Any, response: Plain) -> Sent:
        headers = [*response.headers, CLOSE] if self._leaving else response.headers
        if response.body and scope.method != "HEAD":
            proto.response_bytes(response.status, headers, response.body)
        else:
            proto.response_empty(response.status, headers)
        return NONE, response.status

    def _request_id(self, scope: Any) -> str:
        client_id = scope.headers.get("x-request-id")
        return client_id if client_id is not None and REQUEST_ID.fullmatch(client_id) else next(self._ids)


def _asked(scope: Any) -> Asked:
    headers = scope.headers
    return Asked(headers.get("accept-encoding"), headers.get("if-none-match"), headers.get("if-modified-since"))


CLOSE: Final = ("Connection", "close")
