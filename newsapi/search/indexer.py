"""The indexer: follows the changelog with the index of this machine.

Every step reads one snapshot of the database and ends with one commit, so the index always has one position in the
changelog. A step first deletes what articles no longer are, for all new changes at once, and indexes what was written
one by one; the articles of imports are indexed in batches, by the same step or by later ones. So no search finds an
article where it no longer belongs, however many texts wait to be indexed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import Connection
from tantivy import IndexWriter, Query

from newsapi.db.database import Database
from newsapi.errors import SearchUnavailable
from newsapi.search import index_reader, rebuild, source_articles
from newsapi.search.index_checksums import find_damaged_file
from newsapi.search.index_folder import IndexFolder, WakePipe
from newsapi.search.index_reader import (
    POSITION_ID,
    IndexPosition,
    OpenIndex,
    count_lag,
    open_or_discard,
)
from newsapi.search.index_schema import (
    ARTICLE_ID,
    PUBLISHED,
    SCHEMA,
    ArticleToIndex,
    read_ids,
    to_microseconds,
)
from newsapi.search.source_articles import ArticleChange

log = structlog.get_logger("newsapi.search")

HEAP_BYTES: Final = 32 << 20
"""Memory in which Tantivy collects documents between commits, in bytes."""

BATCH_CHANGES: Final = 5_000
"""Changes whose articles are indexed between two commits while no search waits; each commit writes a segment."""

READ_CHANGES: Final = 250
"""Changes whose articles are read at a time; a multiple of CHUNK_CHANGES."""

CHUNK_CHANGES: Final = 50
"""Changes after which a batch ends early if a search waits."""

SMALL_BATCH_CHANGES: Final = 200
"""Changes that are always indexed at once."""

MAX_URGENT_ARTICLES: Final = 200
"""Articles that were written one by one and are indexed before those of imports, in one step."""

_SCAN_CHANGES: Final = 5_000
"""Changes that are read at a time."""


class Indexer:
    """Follows the changelog with the current generation; its user holds the writing lock of the folder.

    Attributes:
        position: The position of the last commit; None before the first step.
        lag: How many changes it was behind the changelog after the last step.
    """

    def __init__(self, folder: IndexFolder, database: Database, *, may_build: bool = True) -> None:
        """Store the parts; nothing is opened yet.

        Args:
            folder: The folder of the index.
            database: The database.
            may_build: Whether it builds the index if there is none, which may take long.
        """
        self._folder = folder
        self._may_build = may_build
        self._database = database
        self._opened: OpenIndex | None = None
        self._writer: IndexWriter | None = None
        self.position: IndexPosition | None = None
        self.lag = 0
        self._commits = 0

    def step(self, searches: WakePipe) -> bool:
        """Bring the index up to date or, if there is much to do, nearer to it; build it if there is none.

        Args:
            searches: Tells whether a search waits for the index.

        Returns:
            Whether there is more to do at once.

        Raises:
            SearchUnavailable: Another process builds the index, or its files cannot be opened.
            Unavailable: The database does not respond.
        """
        is_awaited = searches.clear()
        opened = self._use_current()
        with self._database.read_transaction() as connection:
            position = self.position or opened.position
            if not source_articles.has_change(connection, position.seq, position.nonce):
                log.warning("changelog restored; the search index is rebuilt", seq=position.seq)
                self.close()
                self._folder.discard(opened.generation)
                return True
            head = source_articles.get_log_position(connection)
            self.lag = count_lag(head, position)
            if not self.lag:
                return False
            if self._is_small(connection, position, head):
                indexed_seq = self._index_batch(connection, position.indexed_seq, head.seq, lambda: False)
            elif self._delete_backlog(connection, position, head) and is_awaited:
                indexed_seq = position.indexed_seq  # what a search waits for is not delayed by texts
            else:
                indexed_seq = self._index_batch(connection, position.indexed_seq, head.seq, searches.wait)
            self._commit(head._replace(indexed_seq=indexed_seq))
            self.lag = count_lag(head, self.position or position)
        return not (self.position or position).is_complete

    def close(self, *, wait_for_merges: bool = False) -> None:
        """Close the index; uncommitted work is lost.

        Args:
            wait_for_merges: Whether merges in progress are finished first; otherwise they are lost too.
        """
        if self._writer is not None and wait_for_merges:
            self._writer.wait_merging_threads()
        self._writer, self._opened, self.position = None, None, None

    def _use_current(self) -> OpenIndex:
        """Return the current generation, opened for writing; rebuild the index if there is none."""
        generation = self._folder.current()
        is_known = False
        if self._opened is not None and self._opened.generation == generation and self._writer is not None:
            if self._commits < index_reader.MAX_COMMITS:
                return self._opened
            is_known = True  # its files were read when it was first opened, which takes seconds
        self.close()  # merges in progress begin again; waiting for them would delay searches
        self._commits = 0
        opened = open_or_discard(self._folder)
        if opened is not None and not is_known and (damaged := find_damaged_file(opened.generation)) is not None:
            log.warning("search index damaged; it is rebuilt", generation=opened.generation.name, file=damaged.name)
            self._folder.discard(opened.generation)
            opened = None
        if opened is None and not self._may_build:
            raise SearchUnavailable("the search indexer builds the index")
        if opened is None:
            rebuild.rebuild(self._folder, self._database)
            opened = open_or_discard(self._folder)
        if opened is None:
            raise SearchUnavailable("the rebuilt index cannot be opened")
        self._opened, self._writer = opened, opened.engine.writer(HEAP_BYTES, 1)
        return opened

    def _delete_backlog(self, connection: Connection, position: IndexPosition, head: IndexPosition) -> int:
        """Delete what all changes after a position make outdated, and index the articles that were written one by one.

        Returns:
            The number of changes of articles.
        """
        count = 0
        urgent: dict[UUID, None] = {}
        for changes in _iter_changes(connection, position.seq, head.seq):
            count += len(changes)
            self._delete_outdated(connection, changes)
            for change in changes:
                if not change.is_bulk:
                    urgent.pop(change.subject_id, None)
                    urgent[change.subject_id] = None
            for id_ in [*urgent][:-MAX_URGENT_ARTICLES]:
                del urgent[id_]
        self._delete(urgent)
        self._index(source_articles.list_articles(connection, urgent))
        return count

    def _is_small(self, connection: Connection, position: IndexPosition, head: IndexPosition) -> bool:
        """Return whether all changes that are not indexed yet are so few that a search can wait for them."""
        first = source_articles.list_article_changes(
            connection, position.indexed_seq, head.seq, SMALL_BATCH_CHANGES + 1
        )
        return len(first) <= SMALL_BATCH_CHANGES

    def _index_batch(self, connection: Connection, after: int, until: int, is_awaited: Callable[[], bool]) -> int:
        """Index the articles of the first changes after a seq; return the last change that is indexed."""
        changes = source_articles.list_article_changes(connection, after, until, BATCH_CHANGES)
        articles: dict[UUID, ArticleToIndex] = {}
        for start in range(0, len(changes), CHUNK_CHANGES):
            if start and is_awaited():
                return changes[start - 1].seq
            if start % READ_CHANGES == 0:
                read_ids = {change.subject_id for change in changes[start : start + READ_CHANGES]}
                articles = {article.id: article for article in source_articles.list_articles(connection, read_ids)}
            ids = {change.subject_id: None for change in changes[start : start + CHUNK_CHANGES]}
            self._delete(ids)
            self._index([articles[id_] for id_ in ids if id_ in articles])
        return changes[-1].seq if len(changes) == BATCH_CHANGES else until

    def _delete_outdated(self, connection: Connection, changes: Sequence[ArticleChange]) -> None:
        """Delete the documents of articles that must not be found as they are indexed.

        An article of an import stays findable by its old text until it is indexed again, if its facets and its time of
        publication are the same.
        """
        kept: dict[UUID, None] = {}
        for change in changes:
            if not change.facets_before:
                continue
            if change.is_bulk and [*change.facets_before] == [*change.facets_after]:
                kept[change.subject_id] = None
            else:
                kept.pop(change.subject_id, None)
                self._delete([change.subject_id])
        if kept:
            times = source_articles.list_publication_times(connection, kept)
            indexed = self._indexed_times([*kept])
            self._delete(id_ for id_, time in indexed.items() if not _is_at(times.get(id_), time))

    def _indexed_times(self, ids: Sequence[UUID]) -> dict[UUID, int]:
        """Return the times of publication that these articles have in the index."""
        assert self._opened is not None  # noqa: S101 (a step opens the index)
        searcher = self._opened.engine.searcher()
        query = Query.term_set_query(SCHEMA, ARTICLE_ID, [id_.hex for id_ in ids])
        addresses = [address for _, address in searcher.search(query, len(ids), count=False).hits]
        times = searcher.fast_field_values(PUBLISHED, addresses)
        return {UUID(int=id_): int(time or 0) for id_, time in zip(read_ids(searcher, addresses), times, strict=True)}

    def _delete(self, ids: Iterable[UUID]) -> None:
        assert self._writer is not None  # noqa: S101 (a step opens the index)
        for id_ in ids:
            self._writer.delete_documents_by_term(ARTICLE_ID, id_.hex)

    def _index(self, articles: Sequence[ArticleToIndex]) -> None:
        """Index articles that are not in the index; one that cannot be analyzed is logged and left out."""
        assert self._writer is not None  # noqa: S101 (a step opens the index)
        for document in rebuild.iter_documents(articles, rebuild.log_failure):
            self._writer.add_document(document)

    def _commit(self, position: IndexPosition) -> None:
        assert self._writer is not None  # noqa: S101 (a step opens the index)
        assert self._opened is not None  # noqa: S101
        self._writer.delete_documents_by_term(ARTICLE_ID, POSITION_ID)
        self._writer.add_document(position.to_document())
        self._writer.commit()
        self._opened.engine.reload()
        self._commits += 1
        self.position = position


def _is_at(time: object, microseconds: int) -> bool:
    return isinstance(time, datetime) and to_microseconds(time) == microseconds


def _iter_changes(connection: Connection, after: int, until: int) -> Iterable[list[ArticleChange]]:
    """Iterate over the changes of articles after a seq in lists."""
    for _ in itertools.count():
        changes = source_articles.list_article_changes(connection, after, until, _SCAN_CHANGES)
        if changes:
            yield changes
        if len(changes) < _SCAN_CHANGES:
            return
        after = changes[-1].seq
