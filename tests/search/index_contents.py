"""What a search index contains, compared with the database at the same position of the changelog."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from tantivy import Query, Searcher

from newsapi.content.queries import facets
from newsapi.content.tables.articles import Article
from newsapi.db.database import Connection, Database
from newsapi.errors import SnapshotOutdated
from newsapi.search.freshness import IndexView, SearchIndex
from newsapi.search.index_schema import ARTICLE_VERSION, HEADLINE, ID_HIGH, ID_LOW, SCHEMA

Documents = list[tuple[UUID, int]]
"""Id and version of articles, in order."""


class Compared(NamedTuple):
    """The documents of an index as one response sees it, and what the snapshot of the response has."""

    indexed: Documents
    public: Documents
    is_complete: bool


def read_index(index: SearchIndex, database: Database, use: Callable[[Connection, IndexView], Any]) -> Any:
    """Call `use` with the snapshot and the view of one response."""
    read = index.begin()
    while True:
        with suppress(SnapshotOutdated), database.read_transaction() as connection:
            snapshot = facets.resolve_filters(connection, {})
            with read.view(connection, snapshot) as view:
                return use(connection, view)


def compare(index: SearchIndex, database: Database) -> Compared:
    """Compare an index with the snapshot of a response."""

    def use(connection: Connection, view: IndexView) -> Compared:
        rows = connection.execute(select(Article.id, Article.version).where(Article.status == "published"))
        return Compared(list_documents(view.searcher), sorted(map(tuple, rows)), view.is_complete)

    compared: Compared = read_index(index, database, use)
    return compared


def list_documents(searcher: Searcher) -> Documents:
    """Return all documents of articles; one that is there twice is returned twice."""
    addresses = [address for _, address in searcher.search(Query.all_query(), 1_000_000).hits]
    columns = (searcher.fast_field_values(name, addresses) for name in (ID_HIGH, ID_LOW, ARTICLE_VERSION))
    return sorted(
        (UUID(int=high << 64 | low), version)
        for high, low, version in zip(*columns, strict=True)
        if high is not None  # the position
    )


def count_headlines(index: SearchIndex, database: Database, stem: str) -> tuple[int, bool]:
    """Return how many articles have an Italian word in the headline, and whether the index is complete."""
    query = Query.term_query(SCHEMA, HEADLINE, f"it:{stem}")
    found: tuple[int, bool] = read_index(
        index, database, lambda _, view: (view.searcher.search(query, 1).count, view.is_complete)
    )
    return found
