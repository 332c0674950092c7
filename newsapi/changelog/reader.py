"""Reads of the changelog from a position on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, select

from newsapi.changelog.tables import Change, ChangelogHead
from newsapi.db import compiled_queries
from newsapi.db.bulk_rows import in_values
from newsapi.errors import MigrationsPending


class ChangeRow(NamedTuple):
    """A change of the changelog; the columns are those of `Change`."""

    seq: int
    nonce: int
    committed_at: datetime
    kind: str
    action: str
    reason: str
    version: int | None
    subject_id: UUID
    slug: str
    previous_slug: str | None
    additional_slugs: Sequence[str] | None
    facets_before: Sequence[int]
    facets_after: Sequence[int]
    article_ids: Sequence[str] | None
    is_bulk: bool
    traceparent: str | None = None


class ChangelogDelta(NamedTuple):
    """The part of the changelog after a position.

    Attributes:
        start_nonce: The nonce of the change at the position; None if there is no such change.
        seq: The last change.
        nonce: The nonce of the last change.
        changes: The changes after the position; None if there are too many.
    """

    start_nonce: int | None
    seq: int
    nonce: int
    changes: Sequence[ChangeRow] | None


_HEAD = select(ChangelogHead.seq, ChangelogHead.nonce)
_SINCE = (
    select(*(getattr(Change, name) for name in ChangeRow._fields))
    .where(Change.seq >= bindparam("start"))
    .order_by(Change.seq)
    .limit(bindparam("rows"))
)


def get_head(connection: Connection) -> tuple[int, int]:
    """Return the seq and the nonce of the last change.

    Raises:
        MigrationsPending: The changelog has no head row.
    """
    rows = compiled_queries.fetch_rows(connection, _HEAD, {})
    if not rows:
        raise MigrationsPending
    return rows[0]


def read_batch(connection: Connection, after_seq: int, limit: int) -> tuple[int | None, Sequence[ChangeRow]]:
    """Read the changes after a position.

    Returns:
        The nonce of the change at `after_seq` (None if there is no such change), and up to `limit` changes after it.
    """
    rows = _read_from(connection, after_seq, limit + 1)
    if rows and rows[0].seq == after_seq:
        return rows[0].nonce, rows[1:]
    return None, rows[:limit]


def read_since(connection: Connection, after_seq: int | None, limit: int) -> ChangelogDelta:
    """Read the head of the changelog and the changes after a position; without new changes this is one statement.

    Args:
        connection: An open read transaction.
        after_seq: The position to read from; None to read the last `limit` changes.
        limit: Largest number of changes to return.

    Returns:
        The head and the changes, without the changes if there are more than `limit`.

    Raises:
        MigrationsPending: The changelog has no head row.
    """
    head_seq, head_nonce = get_head(connection)
    if after_seq == head_seq:
        return ChangelogDelta(head_nonce, head_seq, head_nonce, ())
    start = max(0, head_seq - limit) if after_seq is None else after_seq
    rows = _read_from(connection, start, limit + 2)
    start_nonce: int | None = None
    if rows and rows[0].seq == start:
        start_nonce, rows = rows[0].nonce, rows[1:]
    return ChangelogDelta(start_nonce, head_seq, head_nonce, None if len(rows) > limit else rows)


def find_commit_time(connection: Connection, seq: int) -> datetime | None:
    """Return when a change was committed; None if there is no such change."""
    return connection.execute(select(Change.committed_at).where(Change.seq == seq)).scalar()


def read_changes(connection: Connection, seqs: Collection[int]) -> list[ChangeRow]:
    """Return the changes with these numbers that exist, in order."""
    columns = (getattr(Change, name) for name in ChangeRow._fields)
    statement = select(*columns).where(in_values(connection, Change.seq, sorted(seqs))).order_by(Change.seq)
    return [ChangeRow(*row) for row in connection.execute(statement)]


def _read_from(connection: Connection, start: int, count: int) -> list[ChangeRow]:
    """Read `count` changes from the change with the seq `start` on."""
    return [ChangeRow(*row) for row in connection.execute(_SINCE, {"start": start, "rows": count})]


class ChangeInfo(NamedTuple):
    """The changelog entry of a change."""

    nonce: int
    at: datetime
    reason: str
    slug: str
    previous_slug: str | None
    version: int | None


def get_changes(connection: Connection, seqs: Collection[int]) -> dict[int, ChangeInfo]:
    """Return the changelog entries of these changes by their seq."""
    columns = (
        Change.seq,
        Change.nonce,
        Change.committed_at,
        Change.reason,
        Change.slug,
        Change.previous_slug,
        Change.version,
    )
    rows = connection.execute(select(*columns).where(in_values(connection, Change.seq, sorted(seqs))))
    return {row.seq: ChangeInfo(*row[1:]) for row in rows}
