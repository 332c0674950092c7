"""Rebuilding of the search index from the database, beside the one that is searched meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog
from tantivy import Document, Index

from newsapi.db.database import Database
from newsapi.errors import SearchUnavailable
from newsapi.search import source_articles
from newsapi.search.index_folder import IndexFolder, IndexStatus
from newsapi.search.index_reader import IndexPosition
from newsapi.search.index_schema import SCHEMA, ArticleToIndex, build_document
from newsapi.worker.isolation import describe_error

log = structlog.get_logger("newsapi.search")

HEAP_BYTES: Final = 96 << 20
"""Memory in which Tantivy collects documents before it writes a segment, in bytes."""

BATCH_ARTICLES: Final = 1_000
"""Articles that are read at a time."""

Progress = Callable[[int, int], None]
OnFailed = Callable[[UUID, str], None]


def log_failure(id_: UUID, error: str) -> None:
    """Log that an article could not be indexed, and is not searchable until it is changed."""
    log.error("article not indexed", article=str(id_), error=error)


def rebuild(
    folder: IndexFolder,
    database: Database,
    *,
    progress: Progress = lambda _done, _total: None,
    on_failed: OnFailed = log_failure,
) -> int:
    """Build a new generation of the index from all published articles and make it the current one.

    It has the position in the changelog at which the rebuild began: changes since then follow as usual, and nothing is
    indexed a second time. Searches use the former generation until then, if there is one.

    Args:
        folder: The folder of the index.
        database: The database.
        progress: Called after each batch with the number of articles done and their total.
        on_failed: Called with the id of each article that could not be indexed, and the error.

    Returns:
        The number of articles that were indexed.

    Raises:
        SearchUnavailable: Another process rebuilds the index.
    """
    with folder.rebuilding() as is_mine:
        if not is_mine:
            raise SearchUnavailable("another process rebuilds the index")
        with database.read_transaction() as connection:
            position = source_articles.get_log_position(connection)
            total = source_articles.count_public(connection)
        generation = folder.create_generation()
        try:
            batches = _read_articles(database, lambda done: _report(folder, progress, done, total))
            count = _write_generation(generation, batches, position, on_failed)
        except BaseException:
            shutil.rmtree(generation, ignore_errors=True)
            raise
        folder.publish(generation)
        folder.delete_old_generations()
    folder.write_status(IndexStatus())
    return count


def iter_documents(articles: Sequence[ArticleToIndex], on_failed: OnFailed) -> Iterator[Document]:
    """Iterate over the documents of articles; one that cannot be analyzed is reported and left out."""
    for article in articles:
        try:
            yield build_document(article)
        except Exception as error:  # noqa: BLE001 (whatever it is, the other articles are indexed)
            on_failed(article.id, describe_error(error))


def _report(folder: IndexFolder, progress: Progress, done: int, total: int) -> None:
    progress(done, max(done, total))
    folder.write_status(IndexStatus(done, max(done, total)))


def _read_articles(database: Database, report: Callable[[int], None]) -> Iterator[list[ArticleToIndex]]:
    """Iterate over all published articles in batches, each as of a transaction of its own."""
    last, done = None, 0
    report(0)
    while True:
        with database.read_transaction() as connection:
            ids = source_articles.list_public_ids(connection, last, BATCH_ARTICLES)
            articles = source_articles.list_articles(connection, ids)
        if not ids:
            return
        yield articles
        last, done = ids[-1], done + len(ids)
        report(done)


def _write_generation(
    generation: Path, batches: Iterator[list[ArticleToIndex]], position: IndexPosition, on_failed: OnFailed
) -> int:
    """Write all articles and the position into a new generation; return the number of articles indexed."""
    writer = Index(SCHEMA, path=str(generation)).writer(HEAP_BYTES, 1)
    count = 0
    for articles in batches:
        for document in iter_documents(articles, on_failed):
            writer.add_document(document)
            count += 1
    writer.add_document(position.to_document())
    writer.commit()
    writer.wait_merging_threads()
    return count
