"""Articles as items of lists: serialized once, and kept while no change affects them.

The same articles are on many lists, and a publication invalidates all of them at once. An item depends on its article
and on the names of its terms, as the response of the article does, so the changelog tells in the same way whether it is
still valid. A list then needs the ids of its articles, which one index has, and only the articles that changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from marshmallow import Schema
from sqlalchemy import Connection

from newsapi.cache import dependencies
from newsapi.cache.changelog_snapshot import ChangelogSnapshot
from newsapi.cache.dependencies import Dependency
from newsapi.cache.log_follower import ChangelogFollower
from newsapi.content.article_types import ArticleRow
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.db.immutable_cache import ImmutableCache
from newsapi.web.fast_dump import compile_dump, dump_json

MAX_ITEMS: Final = 1_024
"""Maximum number of items that are kept. An item takes about 11 kB, so all of them take 12 MB."""


@dataclass(slots=True, kw_only=True, eq=False)
class ListedArticle:
    """An article as an item of a list.

    Attributes:
        item: The serialized summary or card.
        columns: The columns of the article by name without image and authors, and its brand and section.
        names: The dependencies on the names of its terms.
        dependencies: These, and the dependency on the article.
        changed_at: When the article or a term on it last changed.
        seq: Changelog position at which the item was built.
        log_epoch: The changelog epoch to which the position belongs.
        valid_as_of_seq: Changelog position up to which the item is known to be valid.
        validated_by: The changelog snapshot that last validated it.
        expires_at: None: an item does not depend on the clock.
    """

    item: bytes
    columns: ArticleRow
    names: tuple[str, ...]
    dependencies: frozenset[Dependency]
    changed_at: datetime | None
    seq: int
    valid_as_of_seq: int
    log_epoch: object = None
    validated_by: ChangelogSnapshot | None = None
    expires_at: float | None = None


class ListedArticles:
    """The items of lists for the settings of one application: summaries or cards. Thread-safe."""

    def __init__(
        self, complete: Callable[[ArticleRow], ArticleRow], schema: type[Schema], follower: ChangelogFollower
    ) -> None:
        """Start without items.

        Args:
            complete: Completes a record in place: a method of `ArticlePresenter`.
            schema: The schema of the items.
            follower: What this process knows of the changelog.
        """
        self._complete = complete
        self._dump = compile_dump(schema)
        self._follower = follower
        self._items = ImmutableCache[UUID, ListedArticle](MAX_ITEMS)

    def find(self, connection: Connection, ids: Sequence[UUID], snapshot: ReadSnapshot) -> list[ListedArticle]:
        """Return the items of the public articles among some ids, in the order of the ids.

        Args:
            connection: A read transaction.
            ids: The ids.
            snapshot: The position of the transaction. An item is used if the changelog of this process has this
                position and no change of the item after it was built.
        """
        known = self._follower.snapshot_with(snapshot.seq, snapshot.nonce)
        items = {} if known is None else dict(self._find_kept(ids, snapshot.seq, known))
        missing = [id_ for id_ in ids if id_ not in items]
        for id_, item in self._build(connection, missing, snapshot.seq):
            items[id_] = item
            if known is not None:
                item.log_epoch = known.epoch
                self._items.store(id_, item)
        return [items[id_] for id_ in ids if id_ in items]

    def _find_kept(
        self, ids: Sequence[UUID], seq: int, known: ChangelogSnapshot
    ) -> Iterator[tuple[UUID, ListedArticle]]:
        for id_ in ids:
            item = self._items.find(id_)
            if item is not None and item.seq <= seq and self._follower.is_valid(item, known):
                yield id_, item

    def _build(self, connection: Connection, ids: Sequence[UUID], seq: int) -> Iterator[tuple[UUID, ListedArticle]]:
        if not ids:
            return
        for record, changed_at in article_queries.get_summaries(connection, ids):
            names = tuple(dependencies.name_dependencies([record]))
            columns = record.copy()
            del columns["image"], columns["authors"]
            id_ = record["id"]
            yield (
                id_,
                ListedArticle(
                    item=dump_json(self._dump(self._complete(record))),
                    columns=columns,
                    names=names,
                    dependencies=frozenset({dependencies.article_dependency(id_), *names}),
                    changed_at=changed_at,
                    seq=seq,
                    valid_as_of_seq=seq,
                ),
            )
