"""Before Flask: hits, 304 and all waiting happen here, on granian's RSGI interface; the rest goes to a few threads.

A request is looked up by its raw path and query, which is only another name for the key that its parsed query gave: so
no spelling makes an entry of its own. On one event loop thousands can wait for a builder without holding a thread.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import structlog

from newsapi.cache.answer import HIT, MISS, STALE, Answer, Asked, reply
from newsapi.cache.bridge import Application, Plain, environ, run
from newsapi.cache.pages import Given, PageCache
from newsapi.cache.turns import THREADS, NoTurn, Turns

log = structlog.get_logger("newsapi.front")

READS: Final = ("GET", "HEAD")

UNAVAILABLE: Final = 503

ALIASES: Final = 20_000
"""Raw requests that are remembered."""

BODY_SECONDS: Final = 30.0
"""How long a client may take to send the body of its request."""

TROUBLE: Final = 1.2
"""Seconds after which a reader stops waiting for an answer, if the database is away meanwhile."""

GLANCE: Final = 0.1
"""Seconds between glances at the log, while a reader waits: nobody else may ask for it."""

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)
"""The ids that a client may give its requests."""

Refuse = Callable[[int, str, str], Plain]
"""Makes a refusal from a status, a path and the id of the request."""


class Front:
    """An RSGI application: answers what it can from memory and hands the rest to a WSGI application."""

    def __init__(
        self, application: Application, pages: PageCache, refuse: Refuse, *, lifetime: str, most_body: int
    ) -> None:
        """Join the parts. `lifetime` is that for CDNs, `most_body` how many bytes a request may bring."""
        self._application = application
        self._memory, self._follower, self._pages = pages.memory, pages.follower, pages
        self._refuse = refuse
        self._lifetime = lifetime
        self._most_body = most_body
        self._aliases: dict[tuple[str, str], str] = {}
        self._building: dict[tuple[str, str], asyncio.Future[Given | Plain | None]] = {}
        self._turns = Turns()
        self._reading: asyncio.Future[bool] | None = None
        own = secrets.token_hex(10)
        self._ids = (f"{own}{number:012x}" for number in itertools.count())

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make the threads: in the server's process, after it was forked."""
        self._loop = loop
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="answer")
        self._follow = ThreadPoolExecutor(1, thread_name_prefix="follow")

    def __rsgi_del__(self, _loop: asyncio.AbstractEventLoop) -> None:
        """Let the threads finish what they do."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._follow.shutdown(wait=True, cancel_futures=True)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Answer one request."""
        headers = scope.headers
        if scope.method not in READS or headers.get("authorization") is not None:
            await self._write(scope, proto)
            return
        raw = (scope.path, scope.query_string)
        key = self._aliases.get(raw)
        answer = self._memory.get(key) if key is not None else None
        if answer is not None and key is not None and (how := self._how(answer, key)):
            asked = Asked(
                headers.get("accept-encoding"), headers.get("if-none-match"), headers.get("if-modified-since")
            )
            if answer.has(answer.coding(asked)):
                self._send(scope, proto, answer, asked, how)
                return
        await self._read(scope, proto, raw, answer)

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

    def _send(self, scope: Any, proto: Any, answer: Answer, asked: Asked, how: str) -> None:
        age = self._pages.age(Given("", answer, how)) if how is STALE else 0
        status, headers, body = reply(
            answer, asked, how, request_id=self._request_id(scope), lifetime=self._lifetime, age=age
        )
        if body and scope.method == "GET":
            proto.response_bytes(status, headers, body)
        elif body:
            proto.response_empty(status, [*headers, ("Content-Length", str(len(body)))])
        else:
            proto.response_empty(status, headers)

    async def _read(self, scope: Any, proto: Any, raw: tuple[str, str], answer: Answer | None) -> None:
        """Answer a read that memory cannot: built by one, awaited by all who ask the same."""
        asked = _asked(scope)
        building = self._building.get(raw)
        if building is not None:
            if answer is not None and self._is_bearable(answer):
                self._send(scope, proto, answer, asked, STALE)
                return
            outcome = await self._outcome(building)
            if isinstance(outcome, Given):
                await self._give(scope, proto, outcome._replace(how=HIT) if outcome.how is MISS else outcome, asked)
                return
            if outcome is None or (outcome.status == UNAVAILABLE and "min_seq" not in raw[1]):
                self._refused(scope, proto, UNAVAILABLE)  # to try one after the other would be slow again for each
                return
        building = self._submit(scope, b"", self._aliases.get(raw))
        self._building[raw] = building
        building.add_done_callback(lambda done: self._built(raw, done))
        outcome = await self._outcome(building)
        if isinstance(outcome, Given):
            await self._give(scope, proto, outcome, asked)
        else:
            self._plain(scope, proto, outcome)

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

    async def _give(self, scope: Any, proto: Any, given: Given, asked: Asked) -> None:
        coding = given.answer.coding(asked)
        if not given.answer.has(coding):
            await self._loop.run_in_executor(self._threads, given.answer.encode, coding)
        self._send(scope, proto, given.answer, asked, given.how)

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

    async def _write(self, scope: Any, proto: Any) -> None:
        """Hand on whatever is not a public read, with its body."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await self._body(scope, proto)
        except TimeoutError:
            self._refused(scope, proto, 408)
            return
        if body is None:
            self._refused(scope, proto, 413)
            return
        outcome = await self._submit(scope, body)
        if isinstance(outcome, Given):
            await self._give(scope, proto, outcome, _asked(scope))
        else:
            self._plain(scope, proto, outcome)

    async def _body(self, scope: Any, proto: Any) -> bytes | None:
        """The body of a request; None where it is too long."""
        length = scope.headers.get("content-length")
        if length is not None and int(length) > self._most_body:
            return None
        pieces, size = [], 0
        async for piece in proto:
            pieces.append(bytes(piece))
            size += len(piece)
            if size > self._most_body:
                return None
        return b"".join(pieces)

    def _refused(self, scope: Any, proto: Any, status: int) -> None:
        self._plain(scope, proto, self._refuse(status, scope.path, self._request_id(scope)))

    def _plain(self, scope: Any, proto: Any, plain: Plain | None) -> None:
        """Send an answer that is nobody else's; where there is none, that there cannot be one now."""
        status, headers, body = plain or self._refuse(UNAVAILABLE, scope.path, self._request_id(scope))
        if body and scope.method != "HEAD":
            proto.response_bytes(status, headers, body)
        else:
            proto.response_empty(status, headers)

    def _request_id(self, scope: Any) -> str:
        given = scope.headers.get("x-request-id")
        return given if given is not None and REQUEST_ID.fullmatch(given) else next(self._ids)


def _asked(scope: Any) -> Asked:
    headers = scope.headers
    return Asked(headers.get("accept-encoding"), headers.get("if-none-match"), headers.get("if-modified-since"))
