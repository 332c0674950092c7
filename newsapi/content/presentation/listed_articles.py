"""Articles as items of lists: serialized once for each state of their row, and kept.

The same articles are on many lists, and a publication invalidates all of them at once. The item of an article follows
from its row and the settings alone, so the row is the key: a row with another headline, author name or picture is
another row. This saves a quarter of the CPU time of a list.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from marshmallow import Schema
from sqlalchemy import Connection

from newsapi.cache import dependencies
from newsapi.content.article_types import ArticleRow
from newsapi.content.queries import article_rows
from newsapi.db.compiled_queries import RawRow, RawRows
from newsapi.db.immutable_cache import ImmutableCache
from newsapi.web.fast_dump import compile_dump, dump_json

MAX_ITEMS: Final = 1_024
"""Maximum number of items that are kept. With its row, an item takes about 11 kB, so all of them take 12 MB."""


class ListedArticle(NamedTuple):
    """An article as an item of a list.

    Attributes:
        item: The serialized summary or card.
        columns: The columns of the row by name without image and authors, and its brand and section.
        names: The dependencies on the names of its terms.
        changed_at: When the article or a term on it last changed.
    """

    item: bytes
    columns: ArticleRow
    names: tuple[str, ...]
    changed_at: datetime | None


class ListedArticles:
    """The items of lists for the settings of one application: summaries or cards. Thread-safe."""

    def __init__(self, complete: Callable[[ArticleRow], ArticleRow], schema: type[Schema]) -> None:
        """Start without items.

        Args:
            complete: Completes a record in place: a method of `ArticlePresenter`.
            schema: The schema of the items.
        """
        self._complete = complete
        self._dump = compile_dump(schema)
        self._items = ImmutableCache[RawRow, ListedArticle](MAX_ITEMS)

    def of_rows(self, connection: Connection, raw: RawRows) -> list[ListedArticle]:
        """Return the items of rows from `list_summary_rows` or `get_summary_rows`."""

        def load(row: RawRow) -> ListedArticle:
            full_row = article_rows.parse_json(raw.convert(row))
            (record,), changed_at = article_rows.build_records(connection, [full_row], ())
            names = tuple(dependencies.name_dependencies([record]))
            columns = record.copy()
            del columns["image"], columns["authors"]
            item = dump_json(self._dump(self._complete(record)))
            return ListedArticle(item, columns, names, changed_at)

        return [self._items.get_or_load(row, partial(load, row)) for row in raw.rows]
