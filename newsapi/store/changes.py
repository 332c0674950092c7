"""What happened in the log since a place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from newsapi.errors import SchemaMissing
from newsapi.model import Change, LogHead

_HEAD = select(LogHead.seq, LogHead.mark)
_SINCE = (
    select(
        Change.seq,
        Change.mark,
        Change.kind,
        Change.action,
        Change.subject_id,
        Change.slug,
        Change.previous_slug,
        Change.more_slugs,
        Change.facets_before,
        Change.facets_after,
        Change.lists,
        Change.bulk,
    )
    .where(Change.seq >= bindparam("place"))
    .order_by(Change.seq)
    .limit(bindparam("rows"))
)


def block(connection: Connection, place: int, most: int) -> tuple[int | None, Sequence[Row[Any]]]:
    """Answer the mark of the change at a place, None where there is none, and the first `most` changes after it."""
    rows = connection.execute(_SINCE, {"place": place, "rows": most + 1}).all()
    if rows and rows[0].seq == place:
        return rows[0].mark, rows[1:]
    return None, rows[:most]


def news(
    connection: Connection, place: int | None, most: int
) -> tuple[int | None, int, int, Sequence[Row[Any]] | None]:
    """Answer the mark of the change at a place (a `seq`), the head's seq and mark, and the changes after the place.

    They are None where there are more than `most`, the last `most` where no place is given. If nothing is new it costs
    one statement. Raises SchemaMissing.
    """
    head = connection.execute(_HEAD).one_or_none()
    if head is None:
        raise SchemaMissing
    seq, mark = head
    if place == seq:
        return mark, seq, mark, ()
    start = max(0, seq - most) if place is None else place
    rows: Sequence[Any] = connection.execute(_SINCE, {"place": start, "rows": most + 2}).all()
    place_mark, rows = (rows[0].mark, rows[1:]) if rows and rows[0].seq == start else (None, rows)
    return place_mark, seq, mark, None if len(rows) > most else rows
