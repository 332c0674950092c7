"""Freshness of searches: where the snapshot of a read and the commit of the index meet.

A response shows one snapshot of the database. The index may be searched for it if it has followed the changelog to the
last change of an article in this snapshot, and not further. If it is behind, the search waits for the indexer of this
machine; if it is ahead, because another process has written meanwhile, the response is built from a newer snapshot.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Connection
from tantivy import Searcher

from newsapi.cache.cached_response import SHORT_CDN_LIFETIME_SECONDS
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.db.database import Database
from newsapi.errors import SearchUnavailable, SnapshotOutdated, describe_cause
from newsapi.search import source_articles
from newsapi.search.caches import SearchCaches
from newsapi.search.index_folder import IndexFolder
from newsapi.search.index_follower import UNKNOWN_PROBLEM, IndexFollower, is_engine_panic
from newsapi.search.index_reader import IndexPosition, IndexReader, OpenIndex, count_lag
from newsapi.web.context import IndexState

log = structlog.get_logger("newsapi.search")

MAX_WAIT_SECONDS: Final = 1.0
"""Seconds that a search waits for the index to follow the changelog."""

MAX_WAIT_WITH_PROBLEM_SECONDS: Final = 0.1
"""The same while the index is known not to follow, so that few threads wait."""

MAX_SNAPSHOTS: Final = 4
"""Snapshots from which a response is built until one is that of the index."""

WAIT_POLL_SECONDS: Final = 0.002
"""Seconds between two looks at the index while a search waits."""

WAKE_INTERVAL_SECONDS: Final = 0.05
"""Seconds between two calls of the indexer while a search waits."""

STAND_IN_SECONDS: Final = 10.0
"""Seconds after which a stand-in lets another process take over, even if there is more to do."""


@dataclass(frozen=True)
class IndexView:
    """The index as one response sees it.

    Attributes:
        opened: The commit of the index.
        is_complete: Whether every article is indexed as it is in the snapshot of the response. Otherwise articles of an
            import are missing or have their old text, and the response must not be cached.
        caches: What searches of this process keep in memory.
    """

    opened: OpenIndex
    is_complete: bool
    caches: SearchCaches

    @property
    def searcher(self) -> Searcher:
        """Searches the index."""
        return self.opened.searcher

    @property
    def newest(self) -> int:
        """The latest time of publication in the index, in microseconds since 1970; 0 without articles."""
        return self.opened.newest_published

    @property
    def expires_at(self) -> float | None:
        """Unix time until which a CDN may keep a response that is not complete; None for one that is."""
        return None if self.is_complete else time.time() + SHORT_CDN_LIFETIME_SECONDS


class SearchIndex:
    """The search index of this machine, for one process. Thread-safe."""

    def __init__(self, folder: IndexFolder, database: Database) -> None:
        """Connect the parts; nothing is opened yet.

        Args:
            folder: The folder of the index.
            database: The database, mostly used while this process follows the changelog because no indexer does.
        """
        self.folder = folder
        self._database = database
        self._reader = IndexReader(folder)
        self._stand_in = _StandIn(folder, database)
        self._known: tuple[object, ...] | None = None
        self.caches = SearchCaches()

    def leave_building_to_indexer(self) -> None:
        """Do not build a missing index in this process, because a search indexer runs beside it."""
        self._stand_in.follower.may_build = False

    def begin(self) -> IndexRead:
        """Return what one request uses to search the index."""
        return IndexRead(self)

    def open(self) -> OpenIndex | None:
        """Return the last commit of the index; None if there is no index."""
        return self._reader.open()

    def wait(self, article_seq: int, deadline: float, *, other_than: OpenIndex | None = None) -> None:
        """Wait until the index has followed the changelog to a change of an article.

        Args:
            article_seq: The change.
            deadline: Time of the monotonic clock until which to wait.
            other_than: A commit whose generation belongs to another changelog.

        Raises:
            SearchUnavailable: The index did not follow in time.
        """
        wake_at = 0.0
        if self.problem not in {"", UNKNOWN_PROBLEM}:
            deadline = min(deadline, time.monotonic() + MAX_WAIT_WITH_PROBLEM_SECONDS)
        while True:
            opened = self._reader.open()
            if (
                opened is not None
                and opened.position.article_seq >= article_seq
                and (other_than is None or opened.generation != other_than.generation)
            ):
                return
            now = time.monotonic()
            if now >= deadline:
                raise SearchUnavailable(self.problem)
            if now >= wake_at:
                self.folder.wake()
                self._stand_in.start()
                wake_at = now + WAKE_INTERVAL_SECONDS
            time.sleep(WAIT_POLL_SECONDS)

    def is_of_log(self, connection: Connection, snapshot: ReadSnapshot, position: IndexPosition) -> bool:
        """Return whether the changelog in a snapshot contains the position of the index.

        It does not after the database was restored from a backup, and while the index is ahead of the snapshot.
        """
        if position.seq == snapshot.seq:
            return position.nonce == snapshot.nonce
        known = (position.seq, position.nonce, snapshot.seq, snapshot.nonce)
        if self._known != known:
            if not source_articles.has_change(connection, position.seq, position.nonce):
                return False
            self._known = known
        return True

    def is_of_database(self, position: IndexPosition) -> bool:
        """Return whether the changelog contains the position of an index now."""
        with self._database.read_transaction() as connection:
            return source_articles.has_change(connection, position.seq, position.nonce)

    @property
    def problem(self) -> str:
        """What keeps the index from following the changelog; empty if nothing does."""
        return self.folder.read_status().problem or self._stand_in.follower.problem

    def state(self, connection: Connection) -> IndexState:
        """Return how far the index is behind, and what keeps it from following.

        Args:
            connection: A read transaction.
        """
        status = self.folder.read_status()
        problem = status.problem or self._stand_in.follower.problem
        try:
            opened = self._reader.open()
        except SearchUnavailable:
            opened, problem = None, problem or "its files cannot be opened"
        if problem:
            return IndexState(f"failing: {problem}", is_failing=True)
        if opened is None:
            text = f"indexing, {status.done} of {status.total} articles done" if status.total else "not built yet"
            return IndexState(text, is_failing=False)
        lag = count_lag(source_articles.get_log_position(connection), opened.position)
        return IndexState(f"{lag} changes behind" if lag else "ok", is_failing=False)

    def close(self) -> None:
        """Stop following the changelog, and close the files of the index."""
        self._stand_in.stop()
        self._reader.close()


class IndexRead:
    """The search of one request, whose response may be built from several snapshots until one is that of the index."""

    def __init__(self, index: SearchIndex) -> None:
        """Start the time of the request."""
        self._index = index
        self._deadline = time.monotonic() + MAX_WAIT_SECONDS
        self._snapshots = 0

    @contextlib.contextmanager
    def view(self, connection: Connection, snapshot: ReadSnapshot) -> Iterator[IndexView]:
        """Open the index as of a snapshot, for the time in which a response is built.

        Args:
            connection: The read transaction of the snapshot.
            snapshot: The snapshot.

        Yields:
            The index.

        Raises:
            SnapshotOutdated: The response should be built again, from a newer snapshot.
            SearchUnavailable: There is no index, it does not follow the changelog, or the engine failed in a search.
        """
        view = self._open_view(connection, snapshot)
        try:
            yield view
        except BaseException as error:
            if not is_engine_panic(error):
                raise
            log.exception("search engine failed", generation=view.opened.generation.name)
            raise SearchUnavailable(describe_cause(error)) from error

    def _open_view(self, connection: Connection, snapshot: ReadSnapshot) -> IndexView:
        self._snapshots += 1
        article_seq = snapshot.everything.seq
        opened = self._index.open()
        if opened is None or opened.position.article_seq < article_seq:
            self._index.wait(article_seq, self._deadline)
            opened = self._index.open()
            if opened is None or self._snapshots < MAX_SNAPSHOTS:
                raise SnapshotOutdated
        if self._index.is_of_log(connection, snapshot, opened.position):
            return IndexView(opened, opened.position.is_complete, self._index.caches)
        if opened.position.seq > snapshot.seq:
            if self._snapshots < MAX_SNAPSHOTS:
                raise SnapshotOutdated
            if self._index.is_of_database(opened.position):  # others write faster than responses are built
                return IndexView(opened, is_complete=False, caches=self._index.caches)
        self._index.wait(0, self._deadline, other_than=opened)
        raise SnapshotOutdated


class _StandIn:
    """Follows the changelog in a thread of this process while no indexer does, until the index is up to date."""

    def __init__(self, folder: IndexFolder, database: Database) -> None:
        self._folder = folder
        self.follower = IndexFollower(folder, database)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._has_more = False

    def start(self) -> None:
        """Start the thread, unless it runs or another process follows the changelog."""
        with self._lock:
            if self._stopping.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            with contextlib.suppress(OSError):  # the thread meets the same error, and reports it
                if self._folder.is_followed():
                    return
            self._thread = threading.Thread(target=self._run, name="search-index", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread after the step that it takes."""
        self._stopping.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()
        self.follower.close()

    def _run(self) -> None:
        while self.follower.follow(self._is_done_by(time.monotonic() + STAND_IN_SECONDS)):
            if not self._has_more or self._stopping.wait(WAKE_INTERVAL_SECONDS):  # another process may take over
                break
        self.follower.close()

    def _is_done_by(self, end: float) -> Callable[[bool], bool]:
        def is_done(has_more: bool) -> bool:  # noqa: FBT001 (the result of a step)
            self._has_more = has_more
            return not has_more or self._stopping.is_set() or time.monotonic() >= end

        return is_done
