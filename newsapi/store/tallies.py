"""Sums over the articles of a facet, kept up with every change: by them a partner finds what is wrong in his mirror.

Each article falls into one of 4,096 buckets by its id; each counts with a fingerprint of its id and version. Sums do
not depend on an order, and a change moves them by what it adds and takes away: so what is asked of a million articles
is one row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from struct import Struct
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.orm import Session

from newsapi.model import Article, Facet, Tally
from newsapi.model.articles import bucket
from newsapi.model.base import table
from newsapi.store import rows
from newsapi.store.public import visible
from newsapi.store.rows import among
from newsapi.store.told import Told

FILTERED: Final = ("all", "author", "brand", "format", "language", "section", "tag")
"""The kinds of facets that partners can filter by."""

BUCKETS: Final = 64
"""Buckets of the first level, and inside each as many again."""

_SUMS: Final = Struct(f">{BUCKETS}I{BUCKETS}Q")
_NOTHING: Final = bytes(_SUMS.size)
_WHOLE: Final = 1 << 64
"""Sums are taken modulo this."""


class Sum(NamedTuple):
    """How many articles, and the sum of their fingerprints."""

    articles: int = 0
    total: int = 0


class Item(NamedTuple):
    """An article as a digest counts it."""

    id: UUID
    version: int


def fingerprint(id_: UUID, version: int) -> int:
    """Answer what an article adds to a sum: the first 8 bytes of the SHA-256 of `ID:VERSION`."""
    return int.from_bytes(hashlib.sha256(f"{id_}:{version}".encode()).digest()[:8])


def added(items: Iterable[Item]) -> Sum:
    """Answer the sum of some articles."""
    found = [fingerprint(*item) for item in items]
    return Sum(len(found), sum(found) % _WHOLE)


def note(session: Session, changes: Iterable[Told]) -> None:
    """Move the sums by what these changes of articles take out of facets and bring into them."""
    more: dict[int, dict[int, list[int]]] = {}
    for change in changes:
        place, version = bucket(change.subject_id) // BUCKETS, change.version or 0
        for facets, sign, of in ((change.before, -1, change.was or version), (change.after, 1, version)):
            value = sign * fingerprint(change.subject_id, of) if facets else 0
            for facet in facets:
                sums = more.setdefault(facet, {}).setdefault(place, [0, 0])
                sums[0] += sign
                sums[1] += value
    if more:
        _move(session, more)


def _move(session: Session, more: dict[int, dict[int, list[int]]]) -> None:
    connection = session.connection()
    present = (
        select(Facet.id, Tally.sums)
        .outerjoin(Tally, Tally.facet_id == Facet.id)
        .where(among(connection, Facet.id, list(more)), Facet.kind.in_(FILTERED))
    )
    found: list[tuple[int, bytes | None]] = [(facet, kept) for facet, kept in connection.execute(present)]
    moved = []
    for facet, kept in found:
        sums = list(_SUMS.unpack(kept or _NOTHING))
        for place, (count, value) in more[facet].items():
            sums[place] += count
            sums[BUCKETS + place] = (sums[BUCKETS + place] + value) % _WHOLE
        moved.append((facet, _SUMS.pack(*sums)))
    there = [facet for facet, kept in found if kept is not None]
    connection.execute(delete(table(Tally)).where(among(connection, Tally.facet_id, there)))
    rows.insert(session, Tally, ("facet_id", "sums"), sorted(moved))


def of_facets(connection: Connection, facets: Sequence[int]) -> list[Sum]:
    """Answer the sums of the buckets of facets that have no article in common."""
    sums = [0] * 2 * BUCKETS
    for kept in connection.execute(_OF_FACETS, {"facets": facets}).scalars():
        sums = [one + other for one, other in zip(sums, _SUMS.unpack(kept), strict=True)]
    return [Sum(sums[place], sums[BUCKETS + place] % _WHOLE) for place in range(BUCKETS)]


def in_buckets(connection: Connection, first: int, last: int) -> Iterator[tuple[int, Item]]:
    """Answer the public articles of a range of the 4,096 buckets, each with its bucket."""
    for place, id_, version in connection.execute(_IN_BUCKETS, {"first": first, "last": last}):
        yield place, Item(id_, version)


def named(connection: Connection, ids: Sequence[UUID]) -> Iterator[tuple[int, Item]]:
    """Answer the public ones among these articles, each with its bucket."""
    found = _ITEMS.where(among(connection, Article.id, ids), visible())
    for place, id_, version in connection.execute(found):
        yield place, Item(id_, version)


_FACETS: Any = bindparam("facets", expanding=True)
_OF_FACETS = select(Tally.sums).where(Tally.facet_id.in_(_FACETS))
_ITEMS: Any = select(Article.bucket, Article.id, Article.version)
_IN_BUCKETS = _ITEMS.where(Article.bucket.between(bindparam("first"), bindparam("last")), visible())
