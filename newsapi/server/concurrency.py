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

MAX_QUEUED_REFRESHES: Final = 32
"""Maximum number of refreshes waiting for a thread: reads of responses that were cached and are outdated. They wait
before other reads, because many requests may share one: under overload the most popular responses stay available."""

QUEUE_TIMEOUT_SECONDS: Final = 1.0
"""Maximum seconds that a read waits for a thread."""

MAX_QUEUED_WRITES: Final = 256
"""Maximum number of writes waiting for a thread."""

WRITE_QUEUE_TIMEOUT_SECONDS: Final = 10.0
"""Maximum seconds that a write waits for a thread."""

REFUSAL_LOG_SECONDS: Final = 1.0
"""Seconds between log lines about refused requests: an overload must not be a flood of lines as well."""

MAX_LOGGED_KINDS: Final = 5
"""Maximum number of kinds of requests that such a line names."""

_API: Final = " api"
_OTHER: Final = " other"
_READS: Final = " reads"
_REFRESHES: Final = " refreshes"
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
        groups: The groups whose threads are limited, with the number of threads that each may occupy; empty for work
            without a limit.
        queues: The groups that it counts for while it waits for a thread.
        expires_at: Time of the event loop until which it may wait for a thread.
        context: Context variables of the request, in which the work runs.
    """

    run: Callable[[], _Result]
    future: asyncio.Future[_Result]
    groups: tuple[tuple[str, int], ...] = ()
    queues: tuple[str, ...] = ()
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
        self._waiting_count: Counter[str] = Counter()
        self._refused_count: Counter[str] = Counter()
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

    def submit(
        self, path: str, run: Callable[[], _Result], *, is_write: bool = False, is_refresh: bool = False
    ) -> asyncio.Future[_Result]:
        """Run a request in a thread as soon as one is free.

        Args:
            path: Path of the request; its first segment below /v1 is the kind.
            run: Handles the request.
            is_write: Whether it may change something: then it may wait longer.
            is_refresh: Whether it renews a response that was cached: then it waits before other reads.

        Returns:
            The future result of `run`; its exception is Overloaded if no thread was free in time.

        Raises:
            Overloaded: Too many requests are waiting. The refusal costs little, so that it leaves time to the others.
        """
        _, base, noun, *_ = f"{path}//".split("/", 3)
        kind = noun if base == "v1" and noun else f"/{base}"
        if base == "v1" or base.startswith("sitemap"):  # crawlers of sitemaps must not delay other requests
            writes = ((_WRITES, self._max_writes),) if is_write else ()
            groups = ((_API, self._db_threads), (kind, self._max_of_kind), *writes)
        else:
            groups = ((_OTHER, NON_API_THREADS), (kind, 1))
        queues = (_WRITES,) if is_write else (_REFRESHES,) if is_refresh else (_READS, kind)
        is_free = self._has_thread(groups)
        if not is_free and self._is_full(queues):
            self._count_refusal(kind)
            raise Overloaded
        job = _Job(run, self._loop.create_future(), groups, queues)
        if is_free:
            self._start(job)
        else:
            self._queue(job, WRITE_QUEUE_TIMEOUT_SECONDS if is_write else QUEUE_TIMEOUT_SECONDS)
        return job.future

    def run(self, run: Callable[[], _Result]) -> asyncio.Future[_Result]:
        """Run short work that belongs to a request in a thread, without a limit; return its future result."""
        job = _Job(run, self._loop.create_future())
        self._jobs.put(job)
        return job.future

    def _is_full(self, queues: tuple[str, ...]) -> bool:
        """Return whether one of these groups has as many waiting jobs as it may have."""
        limits = {_WRITES: MAX_QUEUED_WRITES, _REFRESHES: MAX_QUEUED_REFRESHES, _READS: MAX_QUEUED}
        return any(self._waiting_count[queue] >= limits.get(queue, MAX_QUEUED // 2) for queue in queues)

    def _queue(self, job: _Job[_Result], seconds: float) -> None:
        """Let a job wait for a thread."""
        job.expires_at = self._loop.time() + seconds
        place = self._waiting_count[_REFRESHES] if _REFRESHES in job.queues else len(self._waiting)
        self._waiting.insert(place, job)  # type: ignore[arg-type]
        self._waiting_count.update(job.queues)
        if self._expiry is None or job.expires_at < self._expiry.when():
            self._set_expiry(job.expires_at)

    def _dequeue(self, job: _Job[object]) -> None:
        self._waiting.remove(job)
        self._waiting_count.subtract(job.queues)
        if not self._waiting:
            self._waiting_count.clear()  # kinds come from paths: zeros of them must not pile up

    def _has_thread(self, groups: tuple[tuple[str, int], ...]) -> bool:
        """Return whether a thread is free for a job of these groups."""
        running = self._running
        return all(running[group] < limit for group, limit in groups)

    def _start(self, job: _Job[object]) -> None:
        """Pass a job, for which a thread is free, to the threads."""
        for group, _ in job.groups:
            self._running[group] += 1
        self._jobs.put(job)

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
        for group, _ in job.groups:
            self._running[group] -= 1
            if not self._running[group]:
                del self._running[group]
        next_job = next((waiting for waiting in self._waiting if self._has_thread(waiting.groups)), None)
        if next_job is not None:
            self._dequeue(next_job)
            self._start(next_job)
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
            self._dequeue(job)
            if not job.future.done():
                self._count_refusal(job.groups[1][0])
                job.future.set_exception(Overloaded())
        if self._waiting:
            self._set_expiry(min(job.expires_at for job in self._waiting))

    def _count_refusal(self, kind: str) -> None:
        if not self._refused_count:
            self._loop.call_later(REFUSAL_LOG_SECONDS, self._log_refusals)
        self._refused_count[kind[:100]] += 1

    def _log_refusals(self) -> None:
        kinds = dict(self._refused_count.most_common(MAX_LOGGED_KINDS))
        log.info("requests refused, too many are waiting", count=self._refused_count.total(), kinds=kinds)
        self._refused_count.clear()
