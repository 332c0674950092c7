"""Reads of the changelog from a position on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, select

from newsapi.changelog.tables import Change, ChangelogHead
from newsapi.db.bulk_rows import in_values
from newsapi.errors import MigrationsPending

_HEAD = select(ChangelogHead.seq, ChangelogHead.nonce)
_SINCE = (
    select(
        Change.seq,
        Change.nonce,
        Change.committed_at,
        Change.kind,
        Change.action,
        Change.reason,
        Change.version,
        Change.subject_id,
        Change.slug,
        Change.previous_slug,
        Change.additional_slugs,
        Change.facets_before,
        Change.facets_after,
        Change.related_list_ids,
        Change.is_bulk,
    )
    .where(Change.seq >= bindparam("start"))
    .order_by(Change.seq)
    .limit(bindparam("rows"))
)


def get_head(connection: Connection) -> tuple[int, int]:
    """Return the seq and the nonce of the last change.

    Raises:
        MigrationsPending: The changelog has no head row.
    """
    head = connection.execute(_HEAD).one_or_none()
    if head is None:
        raise MigrationsPending
    return head.seq, head.nonce


def read_batch(connection: Connection, after_seq: int, limit: int) -> tuple[int | None, Sequence[Row[Any]]]:
    """Read the changes after a position.

    Returns:
        The nonce of the change at `after_seq` (None if there is no such change), and up to `limit` changes after it.
    """
    rows: Sequence[Any] = connection.execute(_SINCE, {"start": after_seq, "rows": limit + 1}).all()
    if rows and rows[0].seq == after_seq:
        return rows[0].nonce, rows[1:]
    return None, rows[:limit]


def read_since(
    connection: Connection, after_seq: int | None, limit: int
) -> tuple[int | None, int, int, Sequence[Row[Any]] | None]:
    """Read the head of the changelog and the changes after a position; without new changes this is one statement.

    Args:
        connection: An open read transaction.
        after_seq: The position to read from; None to read the last `limit` changes.
        limit: Largest number of changes to return.

    Returns:
        The nonce of the change at `after_seq` (None if there is no such change), the seq and nonce of the head, and the
        changes; None in place of the changes if there are more than `limit`.

    Raises:
        MigrationsPending: The changelog has no head row.
    """
    head_seq, head_nonce = get_head(connection)
    if after_seq == head_seq:
        return head_nonce, head_seq, head_nonce, ()
    start = max(0, head_seq - limit) if after_seq is None else after_seq
    rows: Sequence[Any] = connection.execute(_SINCE, {"start": start, "rows": limit + 2}).all()
    start_nonce: int | None = None
    if rows and rows[0].seq == start:
        start_nonce, rows = rows[0].nonce, rows[1:]
    return start_nonce, head_seq, head_nonce, None if len(rows) > limit else rows


class ChangeInfo(NamedTuple):
    """The changelog entry of a change."""

    mark: int
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
