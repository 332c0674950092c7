"""Builds of responses that identical requests share, and how long each request waits for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Generic, NamedTuple, TypeVar

from newsapi.cache.log_follower import ChangelogFollower
from newsapi.server.concurrency import Overloaded
from newsapi.server.ignored_params import strip_ignored
from newsapi.server.rsgi import RequestHead

DB_AWAY_WAIT_SECONDS: Final = 1.2
"""Seconds after which a read stops waiting for a build if the database is unavailable by then."""

LOG_CHECK_INTERVAL_SECONDS: Final = 0.1
"""Seconds between checks of the changelog while a read waits, as no other request may trigger one."""

RawRequest = tuple[str, str]
"""Path and query of a request as they were sent, without ignored parameters."""


def raw_request_of(scope: RequestHead) -> RawRequest:
    """Return path and query of a request, the key by which identical requests share a response."""
    query_string = scope.query_string
    return scope.path, strip_ignored(query_string) if query_string else query_string


_Outcome = TypeVar("_Outcome")


class _Waiter(NamedTuple, Generic[_Outcome]):
    """A request that waits for a build, and the time of the event loop until which it waits without a database."""

    future: asyncio.Future[_Outcome | None]
    deadline: float


class SharedBuilds(Generic[_Outcome]):
    """The builds in progress, by raw request. For one event loop; not thread-safe."""

    def __init__(self, follower: ChangelogFollower, read_log: Callable[[], None]) -> None:
        """Connect the parts.

        Args:
            follower: Tells when the changelog has to be read, and whether the database is unavailable.
            read_log: Starts reading the changelog.
        """
        self._follower = follower
        self._read_log = read_log
        self._waiters: dict[RawRequest, list[_Waiter[_Outcome]]] = {}
        self._is_checking = False

    def __contains__(self, raw_request: RawRequest) -> bool:
        """Return whether a build of this request is in progress."""
        return raw_request in self._waiters

    def begin(
        self,
        raw_request: RawRequest,
        build: asyncio.Future[_Outcome],
        on_outcome: Callable[[RawRequest, _Outcome], None],
    ) -> asyncio.Future[_Outcome | None]:
        """Let this request, and others that `join`, wait for a build.

        Args:
            raw_request: The request.
            build: The future outcome.
            on_outcome: Called with the request and the outcome, before the requests that wait go on.

        Returns:
            The outcome; None if no thread was free, or the database is unavailable.
        """
        waiters: list[_Waiter[_Outcome]] = []
        self._waiters[raw_request] = waiters

        def finish(done: asyncio.Future[_Outcome]) -> None:
            if self._waiters.get(raw_request) is waiters:
                del self._waiters[raw_request]
            error = None if done.cancelled() else done.exception()
            outcome = None
            if error is None and not done.cancelled():
                outcome = done.result()
                on_outcome(raw_request, outcome)
            for waiter in waiters:
                if waiter.future.done():
                    continue
                if error is None or isinstance(error, Overloaded):
                    waiter.future.set_result(outcome)
                else:
                    waiter.future.set_exception(error)

        build.add_done_callback(finish)
        return self._wait(build.get_loop(), waiters)

    def join(self, raw_request: RawRequest) -> asyncio.Future[_Outcome | None]:
        """Wait for the build of this request that is in progress; the outcome is that of `begin`."""
        return self._wait(asyncio.get_running_loop(), self._waiters[raw_request])

    def _wait(
        self, loop: asyncio.AbstractEventLoop, waiters: list[_Waiter[_Outcome]]
    ) -> asyncio.Future[_Outcome | None]:
        # A future for each request: a request that is cancelled cancels what it waits for.
        waiter: _Waiter[_Outcome] = _Waiter(loop.create_future(), loop.time() + DB_AWAY_WAIT_SECONDS)
        waiters.append(waiter)
        if not self._is_checking:
            self._is_checking = True
            loop.call_later(LOG_CHECK_INTERVAL_SECONDS, self._check, loop)
        return waiter.future

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read the changelog when it is due; let requests go that have waited too long for an absent database."""
        self._is_checking = bool(self._waiters)
        if not self._waiters:
            return
        loop.call_later(LOG_CHECK_INTERVAL_SECONDS, self._check, loop)
        if self._follower.clock() >= self._follower.snapshot.due:
            self._read_log()
        if self._follower.is_unavailable:
            now = loop.time()
            for waiters in self._waiters.values():
                for waiter in waiters:
                    if waiter.deadline <= now and not waiter.future.done():
                        waiter.future.set_result(None)
