"""Filter exits: records of articles that left a facet, for partners and feeds that follow a filter."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, delete, select, union_all
from sqlalchemy.orm import Session

from newsapi.changelog.records import NewChange
from newsapi.changelog.tables import FilterExit
from newsapi.db import bulk_rows
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import columns_table

OUT_OF_SCOPE: Final = "out_of_scope"
"""Reason of an exit of an article that is still public."""

RECENT_EXITS_PER_FACET: Final = 200
"""Number of recent exits that feeds read from each facet; clients that missed more use the sync API."""

FACETS_PER_QUERY: Final = 50
"""Largest number of facets read by one statement."""

_FILTER_EXIT = columns_table(FilterExit)


class ExitRow(NamedTuple):
    """An article that left a facet: the seq of the change, and its reason."""

    seq: int
    id: UUID
    reason: str
    facet_id: int


def record_exits(session: Session, changes: Iterable[tuple[int, NewChange]]) -> None:
    """Record which facets articles left by these changes, given with their seqs; delete exits of facets re-entered."""
    moved = [
        (seq, change)
        for seq, change in changes
        if change.facets_before != change.facets_after or change.action == "delete"
    ]
    if not moved:
        return
    connection = session.connection()
    recorded = list_for_articles(connection, {change.subject_id for _, change in moved})
    exits_by_article: dict[UUID, dict[int, tuple[int, str]]] = {}
    for row in recorded:
        exits_by_article.setdefault(row.id, {})[row.facet_id] = (row.seq, row.reason)
    for seq, change in moved:
        exits = exits_by_article.setdefault(change.subject_id, {})
        for facet_id in change.facets_after:
            exits.pop(facet_id, None)
        left = change.facets_before - change.facets_after
        if change.action == "delete":
            exits |= dict.fromkeys(left | exits.keys(), (seq, change.reason))
        else:
            exits |= dict.fromkeys(left, (seq, OUT_OF_SCOPE))
    if recorded:
        replaced = in_values(connection, FilterExit.article_id, {row.id for row in recorded})
        connection.execute(delete(_FILTER_EXIT).where(replaced))
    exit_rows = sorted(
        (article_id, facet_id, seq, reason)
        for article_id, exits in exits_by_article.items()
        for facet_id, (seq, reason) in exits.items()
    )
    bulk_rows.bulk_insert(session, FilterExit, ("article_id", "facet_id", "seq", "reason"), exit_rows)


def list_for_articles(
    connection: Connection, ids: Collection[UUID], facets: Collection[int] | None = None
) -> list[ExitRow]:
    """Return the exits of these articles, from the given facets or from all."""
    statement = select(_FILTER_EXIT.c.seq, _FILTER_EXIT.c.article_id, _FILTER_EXIT.c.reason, _FILTER_EXIT.c.facet_id)
    statement = statement.where(in_values(connection, FilterExit.article_id, ids))
    if facets is not None:
        statement = statement.where(in_values(connection, FilterExit.facet_id, facets))
    return [ExitRow(*row) for row in connection.execute(statement)]


def list_between(
    connection: Connection, facets: Sequence[int], after: int, until: int, limit: int
) -> tuple[list[ExitRow], int]:
    """Return the exits from some facets by the changes with `after` < seq <= `until`.

    Returns:
        The first `limit` exits of each facet, and the seq up to which they are complete.
    """
    exits = _read(connection, facets, {"after": after, "until": until, "limit": limit})
    seqs_by_facet: dict[int, list[int]] = {}
    for row in exits:
        seqs_by_facet.setdefault(row.facet_id, []).append(row.seq)
    cut_off_at = [max(seqs) for seqs in seqs_by_facet.values() if len(seqs) >= limit]
    return exits, min(cut_off_at, default=until)


def list_recent(connection: Connection, groups: Sequence[Sequence[int]]) -> list[ExitRow]:
    """Return the articles of a list that were recently withdrawn, the last first.

    Args:
        connection: An open read transaction.
        groups: The facet ids of each filter of the list, the filter with the fewest articles first: only the recent
            exits from its facets are considered.
    """
    first, *others = groups
    recent = sorted(_read(connection, first, {"limit": RECENT_EXITS_PER_FACET}), reverse=True)
    exits = {row.id: row for row in reversed(recent) if row.reason != OUT_OF_SCOPE}
    if exits and others:
        other_exits = list_for_articles(connection, exits, {facet_id for group in others for facet_id in group})
        left = {(row.id, row.facet_id) for row in other_exits if row.reason != OUT_OF_SCOPE}
        exits = {
            id_: row
            for id_, row in exits.items()
            if all(any((id_, facet_id) in left for facet_id in group) for group in others)
        }
    return sorted(exits.values(), reverse=True)[:RECENT_EXITS_PER_FACET]


def _read(connection: Connection, facets: Sequence[int], parameters: dict[str, int]) -> list[ExitRow]:
    """Read exits from some facets: those between two changes, or without `after` the most recent."""
    exits: list[ExitRow] = []
    for start in range(0, len(facets), FACETS_PER_QUERY):
        batch = {
            f"facet_{number}": facet_id for number, facet_id in enumerate(facets[start : start + FACETS_PER_QUERY])
        }
        branches = [_branch(name, newest_first="after" not in parameters).subquery() for name in batch]
        statement = union_all(*(select(branch) for branch in branches))
        exits += [ExitRow(*row) for row in connection.execute(statement, parameters | batch)]
    return exits


def _branch(facet: str, *, newest_first: bool) -> Select[int, UUID, str, int]:
    """Select the exits from the facet bound to the parameter `facet`."""
    columns = _FILTER_EXIT.alias().c
    statement = select(columns.seq, columns.article_id, columns.reason, columns.facet_id)
    statement = statement.where(columns.facet_id == bindparam(facet))
    if newest_first:
        return statement.order_by(columns.seq.desc()).limit(bindparam("limit"))
    in_range = (columns.seq > bindparam("after"), columns.seq <= bindparam("until"))
    return statement.where(*in_range).order_by(columns.seq).limit(bindparam("limit"))
