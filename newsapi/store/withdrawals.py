"""What was withdrawn lately: for feeds, which tell it to whoever has it still."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, literal_column, select
from sqlalchemy.orm import aliased

from newsapi.model import Article, Change

LATELY: Final = 200
"""Withdrawals that are looked at, the last ones: one read of bounded cost. Whoever missed more asks for the changes."""


class Withdrawal(NamedTuple):
    """An article that was public: its id, the slug it had, its version then, and when it was taken away."""

    id: UUID
    slug: str
    version: int | None
    at: datetime


def lately(connection: Connection, groups: Collection[Collection[int]]) -> list[Withdrawal]:
    """Answer the last withdrawals from a list, the last first, of what has not come back to it.

    `groups` are the facets that each filter of the list stands for; an article on it was in one of each.
    """
    found: dict[UUID, Withdrawal] = {}
    for row in connection.execute(_LATELY):
        gone = _in_all(row.facets_before, groups) and not _in_all(row.facets_now or (), groups)
        if gone and row.subject_id not in found:
            found[row.subject_id] = Withdrawal(row.subject_id, row.slug, row.version, row.at)
    return list(found.values())


def _in_all(facets: Collection[int], groups: Collection[Collection[int]]) -> bool:
    return all(not set(group).isdisjoint(facets) for group in groups)


_Now = aliased(Change)
_LATELY = (
    select(
        *(Change.subject_id, Change.slug, Change.version, Change.at),
        Change.facets_before,
        _Now.facets_after.label("facets_now"),
    )
    .join(Article, Article.id == Change.subject_id)
    .outerjoin(_Now, _Now.seq == Article.seq)
    # Written out, so that the index of withdrawals serves.
    .where(Change.kind == literal_column("'article'"), Change.action == literal_column("'delete'"))
    .order_by(Change.seq.desc())
    .limit(LATELY)
)
