"""The threads that handle requests: shared out among kinds of requests, with a bounded queue in front.

A slow query occupies only the threads of its own kind of request, and others still find free ones. Requests beyond the
capacity are refused while their client still listens.

The threads and the queue replace an executor, semaphores and timeouts of asyncio, which take as much CPU time per
request as the database for a list on SQLite.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

import structlog

log = structlog.get_logger("newsapi.front")

SQLITE_THREADS: Final = 2
"""Threads for requests that need the database, with SQLite. It does its work in this process: more threads would only
compete for Python's global interpreter lock."""

RESERVED_THREADS: Final = 2
"""Number of these threads that one kind of request may not occupy."""

NON_API_THREADS: Final = 2
"""Threads for requests outside /v1, one for each kind: `/readyz` must not delay `/healthz`. With a
database server, they and the threads for the API are as many as there are connections for reads."""

MAX_QUEUED: Final = 64
"""Maximum number of requests waiting for a thread; half as many of one kind."""

QUEUE_TIMEOUT_SECONDS: Final = 1.0
"""Maximum seconds that a request waits for a thread."""

_Result = TypeVar("_Result")


class Overloaded(Exception):
    """Too many requests are waiting already, or no thread was free in time."""


@dataclass(slots=True, eq=False)
class _Job(Generic[_Result]):
    """Work for a thread.

    Attributes:
        run: The work.
        future: Receives the result, on the event loop.
        kind: The kind of request; "" for work without a limit.
        is_api: Whether it takes one of the threads for requests that need the database.
        expires_at: Time of the event loop until which it may wait for a thread.
    """

    run: Callable[[], _Result]
    future: asyncio.Future[_Result]
    kind: str = ""
    is_api: bool = False
    expires_at: float = 0.0


class RequestThreads:
    """Runs requests in threads. For one event loop; only the work itself runs in other threads."""

    def __init__(self, db_threads: int) -> None:
        """Set the limits; `db_threads` is the number of threads for requests that need the database."""
        self._free = {True: db_threads, False: NON_API_THREADS}
        self._max_of_kind = {True: max(db_threads - RESERVED_THREADS, 2), False: 1}
        self._count = db_threads + NON_API_THREADS
        self._present: Counter[str] = Counter()
        self._running: Counter[str] = Counter()
        self._waiting: deque[_Job[object]] = deque()
        self._expiry: asyncio.TimerHandle | None = None
        self._jobs: SimpleQueue[_Job[object] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    @property
    def in_use(self) -> int:
        """Number of requests that hold a thread or wait for one."""
        return self._present.total()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the threads."""
        self._loop = loop
        self._threads = [
            threading.Thread(target=self._work, name=f"request_{i}", daemon=True) for i in range(self._count)
        ]
        for thread in self._threads:
            thread.start()

    def shut_down(self) -> None:
        """Discard what waits for a thread, and return when the threads have finished their current work."""
        self._waiting.clear()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, path: str, run: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Run a request in a thread as soon as one is free.

        Args:
            path: Path of the request; its first segment below /v1 is the kind.
            run: Handles the request.

        Returns:
            The future result of `run`; its exception is Overloaded if too many requests are waiting, or no thread was
            free within QUEUE_TIMEOUT_SECONDS.
        """
        _, base, noun, *_ = f"{path}//".split("/", 3)
        is_api = base == "v1" or base.startswith("sitemap")  # crawlers of sitemaps must not delay other requests
        kind = noun if base == "v1" and noun else f"/{base}"
        job = _Job(run, self._loop.create_future(), kind, is_api)
        present = self._present[kind]
        if self._present.total() >= self._count + MAX_QUEUED or present >= self._max_of_kind[is_api] + MAX_QUEUED // 2:
            _refuse(job)
            return job.future
        self._present[kind] = present + 1
        if not self._start(job):
            job.expires_at = self._loop.time() + QUEUE_TIMEOUT_SECONDS
            self._waiting.append(job)
            if self._expiry is None:
                self._expiry = self._loop.call_at(job.expires_at, self._expire)
        return job.future

    def run(self, run: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Run short work that belongs to a request in a thread, without a limit; return its future result."""
        job = _Job(run, self._loop.create_future())
        self._jobs.put(job)
        return job.future

    def _start(self, job: _Job[_Result]) -> bool:
        """Pass a job to the threads; return False if none is free for it."""
        kind, is_api = job.kind, job.is_api
        if not self._free[is_api] or self._running[kind] >= self._max_of_kind[is_api]:
            return False
        self._free[is_api] -= 1
        self._running[kind] += 1
        self._jobs.put(job)  # type: ignore[arg-type]
        return True

    def _work(self) -> None:
        """Run jobs until there is a None. In a thread."""
        while (job := self._jobs.get()) is not None:
            result, error = None, None
            try:
                result = job.run()
            except BaseException as caught:  # noqa: BLE001 (the caller gets it)
                error = caught
            self._loop.call_soon_threadsafe(self._finish, job, result, error)
            del job, result, error  # a thread that waits must not keep a response in memory

    def _finish(self, job: _Job[_Result], result: _Result, error: BaseException | None) -> None:
        if job.kind:
            self._free[job.is_api] += 1
            self._running[job.kind] -= 1
            self._leave(job.kind)
            for waiting in self._waiting:
                if self._start(waiting):
                    self._waiting.remove(waiting)
                    break
        if job.future.done():
            return
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)

    def _leave(self, kind: str) -> None:
        self._present[kind] -= 1
        if not self._present[kind]:
            del self._present[kind], self._running[kind]

    def _expire(self) -> None:
        """Refuse the requests that have waited for too long; the one that waits longest is the first."""
        self._expiry = None
        now = self._loop.time()
        while self._waiting and self._waiting[0].expires_at <= now:
            job = self._waiting.popleft()
            self._leave(job.kind)
            if not job.future.done():
                _refuse(job)
        if self._waiting:
            self._expiry = self._loop.call_at(self._waiting[0].expires_at, self._expire)


def _refuse(job: _Job[_Result]) -> None:
    log.info("request refused, too many are waiting", kind=job.kind[:500])
    job.future.set_exception(Overloaded())
