"""Reading of the search index: the searcher of the last commit, and the position of that commit in the changelog."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import orjson
import structlog
from tantivy import Document, Index, Query, Searcher

from newsapi.errors import SearchUnavailable
from newsapi.search.index_folder import IndexFolder, IndexStamp
from newsapi.search.index_schema import ARTICLE_ID, POSITION, PUBLISHED, SCHEMA

log = structlog.get_logger("newsapi.search")

POSITION_ID: Final = "position"
"""What the document with the position has as article id."""

REOPEN_DELAY_SECONDS: Final = 0.05
"""Seconds after which an index that could not be opened is tried once more."""

MAX_COMMITS: Final = 500
"""Commits after which an index is opened anew. Of each commit that is written or read through an open index, Tantivy
keeps 1.3 kB until the index is closed: the names of files that it has mapped."""

_RESOURCE_ERRORS: Final = ("os error 12)", "os error 13)", "os error 23)", "os error 24)", "os error 28)")
"""Errors of the system that say nothing about the files: memory, permission, open files, disk space."""


class IndexPosition(NamedTuple):
    """How far an index has followed the changelog.

    Attributes:
        seq: The last change whose article is no longer found as it was before.
        nonce: The nonce of that change.
        article_seq: The last change of an article up to `seq`.
        indexed_seq: All changes up to this one are indexed completely.
    """

    seq: int
    nonce: int
    article_seq: int
    indexed_seq: int

    @property
    def is_complete(self) -> bool:
        """Whether every article is indexed as it was at `seq`."""
        return self.indexed_seq >= self.article_seq

    def to_document(self) -> Document:
        """Return the document in which the index has its position."""
        return Document.from_dict({ARTICLE_ID: POSITION_ID, POSITION: orjson.dumps([*self]).decode()}, SCHEMA)


def count_lag(head: IndexPosition, position: IndexPosition) -> int:
    """Return how many changes an index is behind the head of the changelog."""
    if position.article_seq == head.article_seq and position.is_complete:
        return 0
    return max(1, head.seq - min(position.seq, position.indexed_seq))


@dataclass(frozen=True)
class OpenIndex:
    """A commit of an index, opened: later commits do not change it."""

    generation: Path
    engine: Index
    searcher: Searcher
    position: IndexPosition
    stamp: IndexStamp | None

    @cached_property
    def newest_published(self) -> int:
        """The latest time of publication in the index, in microseconds since 1970; 0 without articles."""
        newest = {"newest": {"max": {"field": PUBLISHED}}}
        return int(self.searcher.aggregate(Query.all_query(), newest)["newest"]["value"] or 0)


def open_generation(generation: Path, stamp: IndexStamp | None = None) -> OpenIndex:
    """Return the last commit of a generation, opened.

    Args:
        generation: The folder of the generation.
        stamp: The stamp of the index folder, read before.

    Raises:
        ValueError: The generation is damaged.
    """
    index = Index.open(str(generation))
    index.config_reader("manual")
    return _opened(generation, index, stamp)


def _opened(generation: Path, index: Index, stamp: IndexStamp | None) -> OpenIndex:
    index.reload()
    searcher = index.searcher()
    hits = searcher.search(Query.term_query(SCHEMA, ARTICLE_ID, POSITION_ID), 1, count=False).hits
    if not hits:
        raise ValueError("the index has no position")
    stored = searcher.doc(hits[0][1]).get_first(POSITION)
    return OpenIndex(generation, index, searcher, IndexPosition(*orjson.loads(str(stored))), stamp)


class IndexReader:
    """Opens the commits of the index for one process. Thread-safe."""

    def __init__(self, folder: IndexFolder) -> None:
        """Read the current generation of a folder."""
        self._folder = folder
        self._lock = threading.Lock()
        self._opened: OpenIndex | None = None
        self._commits = 0

    def open(self) -> OpenIndex | None:
        """Return the last commit of the current generation; None if there is none, or it is damaged."""
        stamp, opened = self._folder.stamp(), self._opened
        if opened is not None and opened.stamp == stamp:
            return opened
        with self._lock:
            opened = self._opened
            if opened is None or opened.stamp != stamp:
                self._opened = opened = self._reopen(stamp)
            return opened

    def close(self) -> None:
        """Close the files of the index."""
        self._opened = None

    def _reopen(self, stamp: IndexStamp | None) -> OpenIndex | None:
        generation = self._folder.current()
        if generation is None:
            return None
        opened = self._opened
        self._commits += 1
        try:
            if opened is not None and opened.generation == generation and self._commits < MAX_COMMITS:
                return _opened(generation, opened.engine, stamp)
            self._commits = 0
            return open_generation(generation, stamp)
        except (ValueError, OSError):
            time.sleep(REOPEN_DELAY_SECONDS)  # it may have been replaced just now
        return open_or_discard(self._folder, stamp)


def open_or_discard(folder: IndexFolder, stamp: IndexStamp | None = None) -> OpenIndex | None:
    """Open the current generation; one that is damaged is discarded.

    Returns:
        The open index, or None if there is none.

    Raises:
        SearchUnavailable: It cannot be opened now, for want of memory, open files or permission.
    """
    generation = folder.current()
    if generation is None:
        return None
    try:
        return open_generation(generation, stamp)
    except (ValueError, OSError) as error:
        if any(text in str(error) for text in _RESOURCE_ERRORS):
            raise SearchUnavailable(str(error)) from error
        log.warning("search index damaged; it is rebuilt", generation=generation.name, error=str(error)[:300])
        folder.discard(generation)
        return None
