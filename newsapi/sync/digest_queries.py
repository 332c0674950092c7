"""Queries of the articles in a digest, with the bucket of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from newsapi.changelog.digests import DigestItem
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article
from newsapi.db.bulk_rows import in_values


def items_in_buckets(connection: Connection, first: int, last: int) -> Iterator[tuple[int, DigestItem]]:
    """Yield the public articles in a range of the 4,096 buckets, each with its bucket."""
    for bucket_index, id_, version in connection.execute(_IN_BUCKETS, {"first": first, "last": last}):
        if bucket_index is not None:
            yield bucket_index, DigestItem(id_, version)


def items_of_articles(connection: Connection, ids: Sequence[UUID]) -> Iterator[tuple[int, DigestItem]]:
    """Yield the public articles among these ids, each with its bucket."""
    statement = _ITEMS.where(in_values(connection, Article.id, ids), is_visible())
    for bucket_index, id_, version in connection.execute(statement):
        if bucket_index is not None:
            yield bucket_index, DigestItem(id_, version)


_ITEMS = select(Article.digest_bucket, Article.id, Article.version)


_IN_BUCKETS = _ITEMS.where(Article.digest_bucket.between(bindparam("first"), bindparam("last")), is_visible())
