"""Before Flask: hits, 304 and all waiting happen here, on granian's RSGI interface; the rest goes to a few threads.

A request is looked up by its raw path and query, which is only another name for the key that its parsed query gave: so
no spelling makes an entry of its own. On one event loop thousands can wait for a builder without holding a thread.
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

from newsapi.cache.answer import HIT, MISS, STALE, Answer, Asked, Headers, reply
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
"""Raw requests that are remembered."""

BODY_SECONDS: Final = 30.0
"""How long a client may take to send the body of its request."""

STREAMS: Final = 2
"""Requests whose body is read as it comes, that are worked on at once."""

TROUBLE: Final = 1.2
"""Seconds after which a reader stops waiting for an answer, if the database is away meanwhile."""

GLANCE: Final = 0.1
"""Seconds between glances at the log, while a reader waits: nobody else may ask for it."""

TOLD: Final = 1.0
"""Seconds between the times that what was counted is handed on."""

ROOM: Final = 500
"""Requests that may wait for news at a time, in one process."""

AGAIN: Final = 5
"""After how many seconds one that found no room may ask again."""

BEHIND: Final = b"/problems/behind"

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)
"""The ids that a client may give its requests."""

Refuse = Callable[[int, str, str], Plain]
"""Makes a refusal from a status, a path and the id of the request."""


Sent = tuple[str, int]
"""Of an answer that went out: its `Cache-Status` or NONE, and its status."""

_clock = time.perf_counter


class Front:
    """An RSGI application: answers what it can from memory and hands the rest to a WSGI application."""

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
        """Join the parts.

        `lifetime` is that for CDNs, `most_body` how many bytes a request may bring, but for those of `streamed` (method
        and path), whose body is read as it comes; `readers` is how many threads there are for what needs the database.
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
        own = secrets.token_hex(10)
        self._ids = (f"{own}{number:012x}" for number in itertools.count())

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make the threads: in the server's process, after it was forked."""
        self._loop = loop
        self._threads = ThreadPoolExecutor(self._turns.threads, thread_name_prefix="answer")
        self._follow = ThreadPoolExecutor(1, thread_name_prefix="follow")
        self._takers = ThreadPoolExecutor(STREAMS, thread_name_prefix="take")
        self._streams = asyncio.Semaphore(STREAMS)
        self._tell()

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Let the threads finish what they do."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._follow.shutdown(wait=True, cancel_futures=True)
        self._takers.shutdown(wait=True, cancel_futures=True)
        self._hand_on()

    def leave(self) -> None:
        """From now on have every answer end its connection, so that clients find another process in time.

        Who waits for news is answered at once.
        """
        self._leaving = True
        send: Callable[..., Sent] = self._send
        plain: Callable[..., Sent] = self._plain
        self._send = lambda scope, proto, *rest: send(scope, _Last(proto), *rest)  # type: ignore[method-assign]
        self._plain = lambda scope, proto, *rest: plain(scope, _Last(proto), *rest)  # type: ignore[method-assign]

    def _tell(self) -> None:
        self._hand_on()
        if self._follower.clock() >= self._follower.stamp.due:
            self._read_log()  # with nobody asking, its age would tell nothing
        self._loop.call_later(TOLD, self._tell)

    def _hand_on(self) -> None:
        stamp = self._follower.stamp
        age = max(0.0, self._follower.clock() - stamp.at) if stamp.line else 0.0
        self._counts.hand_on(
            State(self._turns.present, age, stamp.seq, *self._memory.state(), self._pages.shared.failures)
        )

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Answer one request."""
        began = _clock()
        headers = scope.headers
        if (
            scope.method not in READS
            or headers.get("authorization") is not None
            or "wait=" in scope.query_string  # each waits for itself
        ):
            how, status = await self._write(scope, proto)
            self._counts.other(how, status, _clock() - began)
            return
        raw = (scope.path, scope.query_string)
        key = self._aliases.get(raw)
        answer = self._memory.get(key) if key is not None else None
        if answer is not None and key is not None and (how := self._how(answer, key)):
            asked = Asked(
                headers.get("accept-encoding"), headers.get("if-none-match"), headers.get("if-modified-since")
            )
            coding = answer.coding(asked)
            if answer.has(coding):
                _, status = self._send(scope, proto, answer, asked, coding, how)
                if how is HIT:
                    self._counts.hit(scope, status, _clock() - began)
                else:
                    self._counts.other(how, status, _clock() - began)
                return
        how, status = await self._read(scope, proto, raw, answer)
        self._counts.other(how, status, _clock() - began)

    def _how(self, answer: Answer, key: str) -> str:
        """As what an answer may be sent as it is, empty if it may not; sees to it that the log is read on in time."""
        follower = self._follower
        stamp = follower.stamp
        now = follower.clock()
        if now >= stamp.due:
            self._read_log()
        if now >= stamp.until and not follower.away:
            return ""
        if answer.proven is not stamp:
            if not follower.judge(answer, stamp):
                return ""
            self._memory.touch(key, answer)
        return HIT if now < stamp.until else STALE

    def _send(  # noqa: PLR0917 (once for every hit: naming arguments costs more than one of them)
        self, scope: Any, proto: Any, answer: Answer, asked: Asked, coding: str, how: str
    ) -> Sent:
        age = self._pages.age(Given("", answer, how)) if how is STALE else 0
        status, headers, body = reply(
            answer, asked, coding, how, request_id=self._request_id(scope), lifetime=self._lifetime, age=age
        )
        if body and scope.method == "GET":
            proto.response_bytes(status, headers, body)
        elif body:
            proto.response_empty(status, [*headers, ("Content-Length", str(len(body)))])
        else:
            proto.response_empty(status, headers)
        return how, status

    async def _read(self, scope: Any, proto: Any, raw: tuple[str, str], answer: Answer | None) -> Sent:
        """Answer a read that memory cannot: built by one, awaited by all who ask the same."""
        asked = _asked(scope)
        building = self._building.get(raw)
        if building is not None:
            if answer is not None and self._is_bearable(answer):
                return self._send(scope, proto, answer, asked, answer.coding(asked), STALE)
            outcome = await self._outcome(building)
            if isinstance(outcome, Given):
                return await self._give(
                    scope, proto, outcome._replace(how=HIT) if outcome.how is MISS else outcome, asked
                )
            if outcome is None or (outcome.status == UNAVAILABLE and "min_seq" not in raw[1]):
                # To try one after the other would be slow again for each.
                return self._refused(scope, proto, UNAVAILABLE, "awaited in vain")
        building = self._submit(scope, b"", self._aliases.get(raw))
        self._building[raw] = building
        building.add_done_callback(lambda done: self._built(raw, done))
        outcome = await self._outcome(building)
        if isinstance(outcome, Given):
            return await self._give(scope, proto, outcome, asked)
        return self._from_flask(scope, proto, outcome)

    async def _outcome(self, building: asyncio.Future[Given | Plain | None]) -> Given | Plain | None:
        """What a builder brings; None where there was no thread for it, or the database is away."""
        end = self._loop.time() + TROUBLE
        while True:
            done, _ = await asyncio.wait((building,), timeout=GLANCE)
            if done:
                return building.result()
            if self._follower.clock() >= self._follower.stamp.due:
                self._read_log()
            if self._follower.away and self._loop.time() >= end:
                return None

    async def _give(self, scope: Any, proto: Any, given: Given, asked: Asked) -> Sent:
        coding = given.answer.coding(asked)
        if not given.answer.has(coding):
            await self._loop.run_in_executor(self._threads, given.answer.encode, coding)
        return self._send(scope, proto, given.answer, asked, coding, given.how)

    def _submit(self, scope: Any, body: bytes, key: str | None = None) -> asyncio.Future[Given | Plain | None]:
        return self._loop.create_task(self._worked(scope, body, key))

    async def _worked(self, scope: Any, body: bytes, key: str | None) -> Given | Plain | None:
        """What a thread makes of a request; None where there is none for it in time."""
        try:
            async with self._turns.turn(scope.path):
                return await self._loop.run_in_executor(self._threads, self._work, scope, body, key)
        except NoTurn:
            log.info("refused, too many before it", path=scope.path[:500])
            return None

    def _work(self, scope: Any, body: bytes, key: str | None) -> Given | Plain:
        """In a thread: what Redis has under a key that is known already, or what Flask answers."""
        given = key and self._pages.kept(key)
        return given or run(self._application, environ(scope, body, self._request_id(scope)))

    def _built(self, raw: tuple[str, str], done: asyncio.Future[Given | Plain | None]) -> None:
        if self._building.get(raw) is done:
            del self._building[raw]
        if done.cancelled() or done.exception() is not None:
            return
        outcome = done.result()
        if isinstance(outcome, Given) and "min_seq" not in raw[1]:  # which is not part of the key
            if len(self._aliases) >= ALIASES:
                for old in list(itertools.islice(self._aliases, ALIASES // 2)):
                    del self._aliases[old]
            self._aliases[raw] = outcome.key

    def _is_bearable(self, answer: Answer) -> bool:
        """Whether an answer that was overtaken may be sent while the next one is built.

        It was true less than the bound ago, and this process did not write since.
        """
        proven = answer.proven
        follower = self._follower
        return proven is not None and proven.at > follower.own_write_at and follower.clock() < proven.until

    def _read_log(self) -> None:
        """Have the log read on, one thread at a time, while requests go on with what is known."""
        if self._reading is None:
            self._reading = self._loop.run_in_executor(self._follow, self._follower.catch_up)
            self._reading.add_done_callback(self._was_read)

    def _was_read(self, _done: object) -> None:
        self._reading = None

    async def _write(self, scope: Any, proto: Any) -> Sent:
        """Hand on whatever is not a public read, with its body."""
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
        """Hand on a request whose body is read as it comes: in threads of their own, as some clients are slow."""
        if self._streams.locked():
            return self._refused(scope, proto, UNAVAILABLE, "full")
        async with self._streams:
            body = Incoming(self._loop, proto, BODY_SECONDS)
            made = environ(scope, body, self._request_id(scope))
            outcome = await self._loop.run_in_executor(self._takers, run, self._application, made)
        if not body.ended and isinstance(outcome, Plain):
            outcome.headers.append(CLOSE)  # what is left of the body belongs to nobody
        return self._from_flask(scope, proto, outcome if isinstance(outcome, Plain) else None)

    async def _held(self, scope: Any, outcome: Plain, hold: Hold) -> Given | Plain | None:
        """Wait without a thread until there is more to say than that nothing happened, or for as long as was asked."""
        if self._holding >= ROOM:
            return outcome._replace(headers=[*outcome.headers, ("Retry-After", str(AGAIN))])
        self._holding += 1
        try:
            end, follower, found = self._loop.time() + hold.seconds, self._follower, outcome
            while found.hold is not None and not self._leaving and (left := end - self._loop.time()) > 0:
                await asyncio.sleep(min(DUE, left))
                if follower.clock() >= follower.stamp.due:
                    self._read_log()
                if follower.away or follower.judge(found.hold.answer, follower.stamp):
                    continue
                again = await self._submit(scope, b"")
                if again is None:
                    continue  # all were woken at once, and the threads are taken
                if not isinstance(again, Plain):
                    return again
                found = again
            if found.hold is None or follower.proves(found.hold.answer):
                return found
            return await self._submit(scope, b"")
        finally:
            self._holding -= 1

    def _refused(self, scope: Any, proto: Any, status: int, reason: str = "") -> Sent:
        if reason:
            self._counts.refused(reason)
        return self._plain(scope, proto, self._refuse(status, scope.path, self._request_id(scope)))

    def _from_flask(self, scope: Any, proto: Any, plain: Plain | None) -> Sent:
        """Send an answer that is nobody else's; where there is none, that there cannot be one now."""
        if plain is None:
            return self._refused(scope, proto, UNAVAILABLE, "database away" if self._follower.away else "full")
        if plain.status == UNAVAILABLE:
            self._counts.refused("behind" if BEHIND in plain.body else "database away")
        return self._plain(scope, proto, plain)

    def _plain(self, scope: Any, proto: Any, plain: Plain) -> Sent:
        status, headers, body, _ = plain
        if body and scope.method != "HEAD":
            proto.response_bytes(status, headers, body)
        else:
            proto.response_empty(status, headers)
        return NONE, status

    def _request_id(self, scope: Any) -> str:
        given = scope.headers.get("x-request-id")
        return given if given is not None and REQUEST_ID.fullmatch(given) else next(self._ids)


def _asked(scope: Any) -> Asked:
    headers = scope.headers
    return Asked(headers.get("accept-encoding"), headers.get("if-none-match"), headers.get("if-modified-since"))


class _Last:
    """The way to a client whose connection is to end with this answer."""

    def __init__(self, proto: Any) -> None:
        self._proto = proto

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        self._proto.response_bytes(status, [*headers, CLOSE], body)

    def response_empty(self, status: int, headers: Headers) -> None:
        self._proto.response_empty(status, [*headers, CLOSE])


CLOSE: Final = ("Connection", "close")
