"""Which articles stand on a page, in order: a walk along one facet, with the other filters looked up on the way.

A single filter reads as many rows as it shows, at any depth. Of several filters the one with the fewest articles is
walked and each row is looked up in the others. Such a walk reads at most SCAN rows: where these hold too few matches
the page is short and its cursor goes on behind the last row read, so that nothing is skipped and no request is dear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    bindparam,
    func,
    literal,
    select,
    tuple_,
    union,
)

from newsapi.model import Article, Listing
from newsapi.model.base import Id, UtcDateTime
from newsapi.store.facets import FacetState, Truth
from newsapi.store.public import visible

SCAN = 10_000
"""How many rows of the walked facet one page may read."""

COUNTED = 10_000
"""Up to here a total is exact."""

Key = Literal["published_at", "updated_at", "materially_updated_at"]
KEYS: tuple[Key, ...] = ("published_at", "updated_at", "materially_updated_at")


class Position(NamedTuple):
    """A place in a list: a sort key and the id that breaks its ties."""

    at: datetime
    id: UUID


class Turn(NamedTuple):
    """Where a page starts: behind a position, or before it (`back`); `inclusive` counts the article there too."""

    position: Position
    back: bool = False
    inclusive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a list is asked for, beside the filters that name facets.

    `published` and `updated` are half-open ranges [from, until). `ids` and `slugs` name single articles; the order of
    `ids` is the order of the list.
    """

    key: Key = "published_at"
    descending: bool = True
    published: tuple[datetime | None, datetime | None] = (None, None)
    updated: tuple[datetime | None, datetime | None] = (None, None)
    ids: tuple[UUID, ...] | None = None
    slugs: tuple[str, ...] | None = None
    turn: Turn | None = None

    @property
    def back(self) -> bool:
        """Whether the page is read from its end to its start."""
        return self.turn is not None and self.turn.back

    def ranges(self) -> dict[str, datetime]:
        """The ends of the ranges that are set, named as the statement's parameters."""
        named = {
            "published_at_from": self.published[0],
            "published_at_until": self.published[1],
            "updated_at_from": self.updated[0],
            "updated_at_until": self.updated[1],
        }
        return {name: value for name, value in named.items() if value is not None}


class _Shape(NamedTuple):
    """All that decides the text of a statement; everything else is a parameter."""

    key: Key
    descending: bool
    walked: int
    looked_up: int
    ranges: frozenset[str]
    named: Literal["ids", "slugs"] | None
    operator: Literal["<", "<=", ">", ">="] | None
    streamed: bool


class Walk(NamedTuple):
    """A prepared page: the rows as a subquery (their key and article_id), its order and its parameters.

    `cut` says that the walk may stop before the end of the list because it has read enough.
    """

    rows: FromClause
    order: tuple[ColumnElement[Any], ...]
    parameters: dict[str, Any]
    shape: _Shape
    cut: bool


def plan(
    connection: Connection, truth: Truth, question: Question, *, rows: int, scan: int | None = None
) -> Walk | None:
    """Prepare the walk to `rows` articles; None where a filter names nothing, so that the list is empty."""
    groups = list(truth.filters.values())
    if any(not group for group in groups):
        return None
    groups.sort(key=lambda group: sum(facet.articles for facet in group))
    named: Literal["ids", "slugs"] | None = "ids" if question.ids is not None else None
    named = "slugs" if question.slugs is not None and named is None else named
    walked: Sequence[FacetState] = () if named else groups.pop(0) if groups else [truth.everything]
    ranges = _ranges(question)
    shape = _Shape(
        question.key,
        question.descending is not question.back,
        len(walked),
        len(groups),
        frozenset(ranges),
        named,
        _operator(question),
        streamed=connection.dialect.name == "sqlite" and len(walked) == 1,
    )
    filtered = bool(shape.looked_up or shape.ranges - _on_key(shape))
    reach = max(rows, (SCAN if scan is None else scan) // max(len(walked), 1)) if filtered else rows
    parameters: dict[str, Any] = {
        **ranges,
        **{f"walked_{i}": facet.id for i, facet in enumerate(walked)},
        **{f"looked_up_{i}": [facet.id for facet in group] for i, group in enumerate(groups)},
        "rows": rows,
        "scan": reach,
    }
    if named:
        parameters["named"] = question.ids if named == "ids" else question.slugs
    if question.turn:
        parameters |= {"at": question.turn.position.at, "id": question.turn.position.id}
    source, order = _page(shape)
    cut = filtered and any(facet.articles >= reach for facet in walked)
    return Walk(source, order, parameters, shape, cut)


def stop(connection: Connection, walk: Walk, places: Sequence[Position], *, limit: int) -> Position | None:
    """Where a page of `limit` articles ends that found these places, and the next one begins; None at the list's end.

    A walk that read enough before it found enough ends where it stopped reading. Where several facets were walked, the
    one that was cut off first decides: what the others gave beyond may not be all there is.
    """
    ends = [places[limit - 1]] if len(places) > limit else []
    if walk.cut and (not ends or walk.shape.walked > 1):
        parameters = {**walk.parameters, "scan": 1, "skipped": walk.parameters["scan"] - 1}
        ends += [Position(*row) for row in connection.execute(_last_read(walk.shape), parameters)]
    return (max if walk.shape.descending else min)(ends, default=None)


def count(connection: Connection, truth: Truth, question: Question) -> int:
    """How many articles the whole list has, counted up to COUNTED + 1."""
    walk = plan(connection, truth, replace(question, turn=None), rows=COUNTED + 1, scan=1 << 31)
    if walk is None:
        return 0
    total: int = connection.execute(_count(walk.shape), walk.parameters).scalar_one()
    return total


def _operator(question: Question) -> Literal["<", "<=", ">", ">="] | None:
    if question.turn is None:
        return None
    if question.descending is not question.back:
        return "<=" if question.turn.inclusive else "<"
    return ">=" if question.turn.inclusive else ">"


def _ranges(question: Question) -> dict[str, datetime]:
    """The ends of the ranges that have to be compared.

    Behind a position, the end of the range on the side it comes from says nothing more. It would even harm: SQLite
    starts at one bound of an index, and if that is the end of the range, it reads all the pages before anew.
    """
    ranges = question.ranges()
    if question.turn:
        at, downward = question.turn.position.at, question.descending is not question.back
        passed = f"{question.key}_{'until' if downward else 'from'}"
        if passed in ranges and (at < ranges[passed] if downward else at >= ranges[passed]):
            del ranges[passed]
    return ranges


def _on_key(shape: _Shape) -> set[str]:
    return {f"{shape.key}_from", f"{shape.key}_until"}


@lru_cache(maxsize=1024)
def _page(shape: _Shape) -> tuple[FromClause, tuple[ColumnElement[Any], ...]]:
    source = _articles_named(shape) if shape.named else _walked(shape)
    place = (source.c.published_at, source.c.article_id)
    conditions = [stands_in(*place, f"looked_up_{i}") for i in range(shape.looked_up)]
    conditions += _within(source, shape.ranges if shape.named else shape.ranges - _on_key(shape))
    if shape.named and shape.operator:
        conditions.append(_beyond(source, shape))
    found = select(*_columns(source, shape)).where(*conditions)
    # SQLite hands the rows of one walk on as they come; asked for an order, it would read all of them to sort them.
    ordered = found if shape.streamed else found.order_by(*_order(source, shape))
    page = ordered.limit(bindparam("rows")).subquery("page")
    return page, _order(page, shape)


@lru_cache(maxsize=256)
def _count(shape: _Shape) -> Select[Any]:
    page, _ = _page(shape)
    return select(func.count()).select_from(page)


@lru_cache(maxsize=256)
def _last_read(shape: _Shape) -> Select[Any]:
    """The last row that each walked facet gave, for those that were cut off."""
    branches = [
        _branch(shape, i).offset(bindparam("skipped", type_=Integer())).subquery(f"cut_{i}")
        for i in range(shape.walked)
    ]
    rows = union(*(select(branch.c[shape.key], branch.c.article_id) for branch in branches)).subquery("cut")
    return select(rows)


def _walked(shape: _Shape) -> FromClause:
    if shape.walked == 1:
        return _branch(shape, 0).subquery("walked")
    # UNION, not UNION ALL: an article may stand in two of them, with the same keys.
    branches = [_branch(shape, i).subquery(f"walked_{i}") for i in range(shape.walked)]
    return union(*(select(branch) for branch in branches)).subquery("walked")


def _branch(shape: _Shape, i: int) -> Select[Any]:
    """One facet in order, from the position on: a range of one index, cut after `scan` rows."""
    row = Listing.__table__.alias(f"row_{i}")
    conditions = [row.c.facet_id == bindparam(f"walked_{i}"), *_within(row, shape.ranges & _on_key(shape))]
    if shape.operator:
        conditions.append(_beyond(row, shape))
    found = select(*_columns(row, shape)).where(*conditions)
    return found.order_by(*_order(row, shape)).limit(bindparam("scan"))


def _columns(source: FromClause, shape: _Shape) -> list[ColumnElement[Any]]:
    """What a walk carries along, and no more: its index alone has to have it."""
    needed = {"published_at", "article_id", shape.key, *(name.rpartition("_")[0] for name in shape.ranges)}
    return [source.c[name] for name in (*KEYS, "article_id") if name in needed]


def _articles_named(shape: _Shape) -> FromClause:
    column = Article.id if shape.named == "ids" else Article.slug
    found = select(*(getattr(Article, key) for key in KEYS), Article.id.label("article_id"))
    return found.where(column.in_(bindparam("named", expanding=True)), visible()).subquery("named")


def stands_in(published_at: Any, article_id: Any, facets: str) -> ColumnElement[bool]:
    """Whether an article stands in one of the facets that a parameter names.

    A scalar subquery and not EXISTS: PostgreSQL would turn that into a join and might read the whole other facet.
    """
    other = Listing.__table__.alias(f"other_{facets}")
    found = select(literal(1)).where(
        other.c.facet_id.in_(bindparam(facets, expanding=True)),
        other.c.published_at == published_at,
        other.c.article_id == article_id,
    )
    return found.limit(1).scalar_subquery() == 1


def _within(source: FromClause, ranges: frozenset[str]) -> list[ColumnElement[bool]]:
    conditions = []
    for key in KEYS:
        if f"{key}_from" in ranges:
            conditions.append(source.c[key] >= bindparam(f"{key}_from", type_=UtcDateTime()))
        if f"{key}_until" in ranges:
            conditions.append(source.c[key] < bindparam(f"{key}_until", type_=UtcDateTime()))
    return conditions


def _beyond(source: FromClause, shape: _Shape) -> ColumnElement[bool]:
    """Compare (key, id) with the position, as one row value: one range of the index."""
    here = tuple_(source.c[shape.key], source.c.article_id)
    there = tuple_(bindparam("at", type_=UtcDateTime()), bindparam("id", type_=Id()))
    return here.bool_op(shape.operator or "<")(there)


def _order(source: FromClause, shape: _Shape) -> tuple[ColumnElement[Any], ...]:
    columns = (source.c[shape.key], source.c.article_id)
    return tuple(column.desc() if shape.descending else column.asc() for column in columns)
