"""The threads that handle requests: shared out among kinds of requests, with a bounded queue in front.

A slow query occupies only the threads of its own kind of request, and others still find free ones. Reads beyond the
capacity are refused within a second, while their client still listens. Writes wait longer: an editor whose save is
refused has to act, and a newsroom saves in bursts. They leave threads to the reads.

The threads and the queue replace an executor, semaphores and timeouts of asyncio, which take as much CPU time per
request as the database for a list on SQLite.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

import structlog

log = structlog.get_logger("newsapi.front")

SQLITE_THREADS: Final = 2
"""Threads for requests that need the database, with SQLite. It does its work in this process: more threads would only
compete for Python's global interpreter lock."""

RESERVED_THREADS: Final = 2
"""Number of these threads that one kind of request may not occupy, nor all writes together."""

NON_API_THREADS: Final = 2
"""Threads for requests outside /v1, one for each kind: `/readyz` must not delay `/healthz`. With a
database server, they and the threads for the API are as many as there are connections for reads."""

MAX_QUEUED: Final = 64
"""Maximum number of reads waiting for a thread; half as many of one kind."""

QUEUE_TIMEOUT_SECONDS: Final = 1.0
"""Maximum seconds that a read waits for a thread."""

MAX_QUEUED_WRITES: Final = 256
"""Maximum number of writes waiting for a thread."""

WRITE_QUEUE_TIMEOUT_SECONDS: Final = 10.0
"""Maximum seconds that a write waits for a thread."""

_API: Final = " api"
_OTHER: Final = " other"
_WRITES: Final = " writes"
"""Groups of requests beside their kinds, with names that no path contains."""

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
        is_write: Whether it may change something.
        groups: The groups whose threads are limited, with the number of threads that each may occupy.
        expires_at: Time of the event loop until which it may wait for a thread.
        context: Context variables of the request, in which the work runs.
    """

    run: Callable[[], _Result]
    future: asyncio.Future[_Result]
    kind: str = ""
    is_write: bool = False
    groups: tuple[tuple[str, int], ...] = ()
    expires_at: float = 0.0
    context: Context = field(default_factory=copy_context)


class RequestThreads:
    """Runs requests in threads. For one event loop; only the work itself runs in other threads."""

    def __init__(self, db_threads: int) -> None:
        """Set the limits; `db_threads` is the number of threads for requests that need the database."""
        self._db_threads = db_threads
        self._max_of_kind = max(db_threads - RESERVED_THREADS, 2)
        self._max_writes = max(db_threads - RESERVED_THREADS, 1)
        self._running: Counter[str] = Counter()
        self._waiting: deque[_Job[object]] = deque()
        self._expiry: asyncio.TimerHandle | None = None
        self._jobs: SimpleQueue[_Job[object] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    @property
    def in_use(self) -> int:
        """Number of requests that hold a thread or wait for one."""
        return len(self._waiting) + self._running[_API] + self._running[_OTHER]

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the threads."""
        self._loop = loop
        self._threads = [
            threading.Thread(target=self._work, name=f"request_{i}", daemon=True)
            for i in range(self._db_threads + NON_API_THREADS)
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

    def submit(self, path: str, run: Callable[[], _Result], *, is_write: bool = False) -> asyncio.Future[_Result]:
        """Run a request in a thread as soon as one is free.

        Args:
            path: Path of the request; its first segment below /v1 is the kind.
            run: Handles the request.
            is_write: Whether it may change something: then it may wait longer.

        Returns:
            The future result of `run`; its exception is Overloaded if too many requests are waiting, or no thread was
            free in time.
        """
        _, base, noun, *_ = f"{path}//".split("/", 3)
        kind = noun if base == "v1" and noun else f"/{base}"
        job = _Job(run, self._loop.create_future(), kind, is_write)
        if base == "v1" or base.startswith("sitemap"):  # crawlers of sitemaps must not delay other requests
            writes = ((_WRITES, self._max_writes),) if is_write else ()
            job.groups = ((_API, self._db_threads), (kind, self._max_of_kind), *writes)
        else:
            job.groups = ((_OTHER, NON_API_THREADS), (kind, 1))
        if not self._start(job):
            self._queue(job)
        return job.future

    def run(self, run: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Run short work that belongs to a request in a thread, without a limit; return its future result."""
        job = _Job(run, self._loop.create_future())
        self._jobs.put(job)
        return job.future

    def _queue(self, job: _Job[_Result]) -> None:
        """Let a job wait for a thread; refuse it if too many are waiting."""
        same = [other for other in self._waiting if other.is_write == job.is_write]
        if job.is_write:
            is_full, seconds = len(same) >= MAX_QUEUED_WRITES, WRITE_QUEUE_TIMEOUT_SECONDS
        else:
            count_of_kind = sum(other.kind == job.kind for other in same)
            is_full = len(same) >= MAX_QUEUED or count_of_kind >= MAX_QUEUED // 2
            seconds = QUEUE_TIMEOUT_SECONDS
        if is_full:
            _refuse(job)
            return
        job.expires_at = self._loop.time() + seconds
        self._waiting.append(job)  # type: ignore[arg-type]
        if self._expiry is None or job.expires_at < self._expiry.when():
            self._set_expiry(job.expires_at)

    def _start(self, job: _Job[_Result]) -> bool:
        """Pass a job to the threads; return False if none is free for it."""
        running = self._running
        if any(running[group] >= limit for group, limit in job.groups):
            return False
        for group, _ in job.groups:
            running[group] += 1
        self._jobs.put(job)  # type: ignore[arg-type]
        return True

    def _work(self) -> None:
        """Run jobs until there is a None. In a thread."""
        while (job := self._jobs.get()) is not None:
            result, error = None, None
            try:
                result = job.context.run(job.run)
            except BaseException as caught:  # noqa: BLE001 (the caller gets it)
                error = caught
            self._loop.call_soon_threadsafe(self._finish, job, result, error)
            del job, result, error  # a thread that waits must not keep a response in memory

    def _finish(self, job: _Job[_Result], result: _Result, error: BaseException | None) -> None:
        if job.kind:
            for group, _ in job.groups:
                self._running[group] -= 1
            if not self._running[job.kind]:
                del self._running[job.kind]
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

    def _set_expiry(self, when: float) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        self._expiry = self._loop.call_at(when, self._expire)

    def _expire(self) -> None:
        """Refuse the requests that have waited for too long."""
        self._expiry = None
        now = self._loop.time()
        for job in [job for job in self._waiting if job.expires_at <= now]:
            self._waiting.remove(job)
            if not job.future.done():
                _refuse(job)
        if self._waiting:
            self._set_expiry(min(job.expires_at for job in self._waiting))


def _refuse(job: _Job[_Result]) -> None:
    log.info("request refused, too many are waiting", kind=job.kind[:500])
    job.future.set_exception(Overloaded())
