"""Following the changelog with the index of this machine: until it is up to date, or for as long as a process runs."""

from __future__ import annotations

import errno
import math
import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog
from prometheus_client import Gauge

from newsapi.db.database import Database
from newsapi.errors import Unavailable, describe_cause
from newsapi.search.index_folder import IndexFolder, IndexStatus
from newsapi.search.indexer import Indexer
from newsapi.server.memory import return_free_memory

log = structlog.get_logger("newsapi.search")

POLL_INTERVAL_SECONDS: Final = 0.2
"""Seconds until the next look at the changelog after a change, while no search waits."""

MAX_POLL_INTERVAL_SECONDS: Final = 1.0
"""Maximum seconds between two looks at the changelog: each look that finds nothing new doubles the interval."""

POLLS_UNTIL_TRIM: Final = 10
"""Looks without anything new, in about as many seconds, after which free memory is returned to the system."""

RETRY_DELAY_SECONDS: Final = 0.5
"""Seconds after a failure before the next attempt."""

LOCK_TIMEOUT_SECONDS: Final = 1.0
"""Seconds that the indexer waits for the lock before it looks whether it is to stop."""

CLEANING_DELAY_SECONDS: Final = 60.0
"""Seconds after which an indexer deletes the index of a former release, whose processes may still answer."""

MAX_FAILURES: Final = 3
"""Failures of the engine in a row, with nothing wrong outside of its files, after which the index is rebuilt."""

MIN_FREE_BYTES: Final = 16 << 20
"""Free space of a disk, in bytes, below which a failure is taken for that of a full disk."""

_LAG = Gauge(
    "newsapi_search_index_lag_changes",
    "Changes that the search index of this machine is behind the changelog",
    multiprocess_mode="livemax",
)


class StopEvent(Protocol):
    """An event that tells a process to stop."""

    def is_set(self) -> bool: ...
    def wait(self, timeout: float) -> bool: ...


class IndexFollower:
    """Follows the changelog while no other process or thread of this machine does.

    Attributes:
        problem: What keeps it from following, in words for clients; empty if nothing does.
        may_build: Whether it builds the index if there is none.
    """

    def __init__(self, folder: IndexFolder, database: Database) -> None:
        """Store the parts; nothing is opened yet."""
        self._folder, self._database = folder, database
        self._failures = 0
        self.problem = ""
        self.may_build = True

    def run(self, stop: StopEvent) -> None:
        """Follow the changelog until the process is told to stop; delete what former releases left."""
        clean_at = time.monotonic() + CLEANING_DELAY_SECONDS

        def is_done(_has_more: bool) -> bool:  # noqa: FBT001 (the result of a step)
            nonlocal clean_at
            if time.monotonic() >= clean_at:
                clean_at = math.inf
                self._delete_old_generations()
            return stop.is_set()

        while not stop.is_set():
            if not self.follow(is_done, lock_timeout_seconds=LOCK_TIMEOUT_SECONDS):
                stop.wait(RETRY_DELAY_SECONDS)
        self.close()

    def wake(self) -> None:
        """Let `run` look at once at the changelog, and at whether it is to stop; may be called by a signal handler."""
        self._folder.wake()

    def close(self) -> None:
        """Close the connections to the database."""
        self._database.dispose()

    def follow(self, is_done: Callable[[bool], bool], *, lock_timeout_seconds: float = 0.0) -> bool:
        """Follow the changelog until a function says that it is enough.

        Args:
            is_done: Called after each step, with whether there is more to do at once.
            lock_timeout_seconds: How long to wait for another process that follows.

        Returns:
            False if another one follows, or after a failure, which is logged.
        """
        indexer = Indexer(self._folder, self._database, may_build=self.may_build)
        try:
            with self._folder.writing(lock_timeout_seconds) as is_mine, self._folder.waking() as searches:
                if not is_mine:
                    return False
                idle_polls = 0
                while True:
                    position = indexer.position
                    has_more = indexer.step(searches)
                    _LAG.set(indexer.lag)
                    self._recover()
                    if is_done(has_more):
                        break
                    idle_polls = 0 if has_more or indexer.position != position else idle_polls + 1
                    if idle_polls == POLLS_UNTIL_TRIM:
                        return_free_memory()
                    if not has_more:
                        searches.wait(poll_interval_seconds(idle_polls))
                indexer.close(wait_for_merges=True)
        except BaseException as error:  # whatever it is, the next attempt starts from the files on the disk
            indexer.close()
            if not isinstance(error, Exception) and not is_engine_panic(error):
                raise
            self._fail(error)
            return False
        return True

    def _delete_old_generations(self) -> None:
        with self._folder.rebuilding() as is_mine:
            if is_mine:
                self._folder.delete_old_generations()

    def _recover(self) -> None:
        self._failures = 0
        if self.problem:
            log.warning("search index follows again")
            self.problem = ""
            self._folder.write_status(IndexStatus())

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, Unavailable):  # the database does not respond, or another process rebuilds the index
            log.info("search index does not follow", cause=describe_cause(error))
            return
        problem = describe_problem(error)
        if problem == UNKNOWN_PROBLEM and self._folder.free_bytes() < MIN_FREE_BYTES:
            problem = _PROBLEMS[errno.ENOSPC]  # the engine names the cause of only the first error
        if problem != self.problem:
            log.warning("search index does not follow", cause=problem, error=str(error)[:300])
        self.problem = problem
        self._folder.write_status(IndexStatus(problem=problem))
        if not isinstance(error, OSError) and problem == UNKNOWN_PROBLEM:
            self._failures += 1
            generation = self._folder.current()
            if self._failures >= MAX_FAILURES and generation is not None:
                log.warning("search index damaged; it is rebuilt", generation=generation.name)
                self._folder.discard(generation)
                self._failures = 0


def poll_interval_seconds(idle_polls: int) -> float:
    """Return the seconds until the next look at the changelog after a number of looks that found nothing new."""
    return float(min(MAX_POLL_INTERVAL_SECONDS, POLL_INTERVAL_SECONDS * 2 ** min(idle_polls, POLLS_UNTIL_TRIM)))


def is_engine_panic(error: BaseException) -> bool:
    """Return whether an error is a panic of the engine: a fault of its own or of its files, and no `Exception`."""
    return type(error).__name__ == "PanicException"  # a class that cannot be imported


UNKNOWN_PROBLEM: Final = "see the log of the server"

_PROBLEMS: Final = {
    errno.ENOSPC: "the disk of the index is full",
    errno.EDQUOT: "the disk of the index is full",
    errno.EFBIG: "a file of the index is too large",
    errno.EACCES: "no permission to write the index",
    errno.EPERM: "no permission to write the index",
    errno.EROFS: "the disk of the index is read-only",
    errno.EMFILE: "too many open files",
    errno.ENFILE: "too many open files",
    errno.ENOMEM: "not enough memory",
    errno.ENOTDIR: "the folder of the index cannot be created",
}


def describe_problem(error: BaseException) -> str:
    """Return why an index cannot be written, in words that may be shown to anyone: without paths and messages."""
    if isinstance(error, OSError):
        return _PROBLEMS.get(error.errno or 0, UNKNOWN_PROBLEM)
    numbers = [
        number for number in _PROBLEMS if f"os error {number})" in str(error) or f"code: {number}," in str(error)
    ]
    return _PROBLEMS[numbers[0]] if numbers else UNKNOWN_PROBLEM
