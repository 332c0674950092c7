"""What a search found: a page of it by rank or by time, how many, how they spread over facets, and who they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, Select, literal, select

from newsapi.model import Article, Author, Brand, Facet, LogHead, SearchSequence, SearchText, Section, Tag
from newsapi.model.base import EPOCH, MICROSECOND, latest
from newsapi.search.blocks import Array
from newsapi.search.ranking import STEPS, Found
from newsapi.store import articles, integers, prepared
from newsapi.store.listing import COUNTED, Key, Position
from newsapi.store.listing import Question as ListQuestion
from newsapi.store.rows import among
from newsapi.store.search import Search
from newsapi.store.search_index import micros

LOOKED_AT: Final = 2_000
"""Articles that are looked through for a phrase, or for one page."""

SHOWN: Final = 10
"""Values of a facet that are told."""

KINDS: Final[dict[str, Any]] = {"brand": Brand, "section": Section, "author": Author, "tag": Tag, "format": Facet}

_BITS = 32
_SPARE = 8


class Hit(NamedTuple):
    """An article that was found, and its score from 0 to 1."""

    id: UUID
    score: float


class Page(NamedTuple):
    """A page of a search: what is on it, and where the pages beside it start, as numbers that mean nothing else."""

    hits: list[Hit]
    next: int | None
    prev: int | None


def page(connection: Connection, sought: Search, *, limit: int, after: int | None, back: bool) -> Page:
    """Answer a page, the best first. `after` is where it starts; `back` reads towards the first page.

    Each place is a score with the number of an article, so that it costs the same at any depth.
    """
    keys = _keys(sought.found())
    if after is not None:
        keys = keys[keys > after] if back else keys[keys < after]
    hits: list[tuple[int, UUID]] = []
    last: int | None = None
    for lot in _in_order(keys if back else -keys, limit + 1 + _SPARE, LOOKED_AT):
        for known in _present(connection, keys[lot], sought):
            hits.append(known)
            if len(hits) > limit:
                break
        last = int(keys[lot[-1]])
        if len(hits) > limit:
            break
    more = len(hits) > limit
    shown = hits[:limit]
    onward = shown[-1][0] if more else last if last is not None and _cut(keys, last, back=back) else None
    homeward = None if after is None else (shown[0][0] if shown else after)
    if back:
        shown = shown[::-1]
        onward, homeward = homeward, onward
    return Page([Hit(id_, round((key >> _BITS) / STEPS, 4)) for key, id_ in shown], onward, homeward)


def _cut(keys: Array, last: int, *, back: bool) -> bool:
    """Whether something is left behind the last that was looked at."""
    return bool(np.any(keys > last) if back else np.any(keys < last))


def _keys(found: Sequence[Found]) -> Array:
    """What was found, each as one number that sorts by score."""
    each = [
        np.maximum(one.scores, 1).astype(np.int64) << _BITS | (one.places.astype(np.int64) + one.block.first)
        for one in found
    ]
    return np.concatenate(each) if each else np.empty(0, np.int64)


def _in_order(values: Array, size: int, most: int) -> Iterator[Array]:
    """Answer which values are the least, which are next: a small lot first and then greater ones, `most` or some more.

    A lot ends with all of one value.
    """
    left, given = np.arange(len(values)), 0
    while len(left) and given < most:
        its = values[left]
        ahead = its <= np.partition(its, size - 1)[size - 1] if len(its) > size else np.ones(len(its), bool)
        lot = left[np.flatnonzero(ahead)]
        yield lot[np.argsort(values[lot], kind="stable")]
        left = left[~ahead]
        given += len(lot)
        size *= 4


def _present(connection: Connection, keys: Array, sought: Search) -> list[tuple[int, UUID]]:
    mask = (1 << _BITS) - 1
    by_number = {int(key) & mask: int(key) for key in keys}
    return [(by_number[known.number], known.id) for known in present(connection, [*by_number], sought)]


# --- by time ----------------------------------------------------------------------------------------------------------


def by_time(
    connection: Connection, sought: Search, asked: ListQuestion, *, limit: int, wanted: Collection[str] = ()
) -> articles.Page:
    """Answer a page of what was found, sorted by time as a list is, with the fields in `wanted`."""
    sign = -1 if asked.descending is not asked.back else 1
    numbers, times = _timed(sought.found(), asked.key)
    if asked.turn is not None:
        here = sign * times >= sign * micros(asked.turn.position.at)
        numbers, times = numbers[here], times[here]
    places: list[Position] = []
    seen, last = 0, 0
    for lot in _in_order(sign * times, limit + 1 + _SPARE, LOOKED_AT):
        ids = [known.id for known in present(connection, numbers[lot].tolist(), sought)]
        places += _placed(connection, asked, ids, backward=sign < 0)
        seen, last = seen + len(lot), int(times[lot[-1]])
        if len(places) > limit:
            break
    stop = places[limit - 1] if len(places) > limit else None
    if stop is None and seen < len(numbers):
        edge = UUID(int=0 if sign < 0 else (1 << 128) - 1)
        stop = Position(EPOCH + last * MICROSECOND, edge)
    shown = places[:limit]
    shown = shown[::-1] if asked.back else shown
    read = articles.by_ids(connection, [place.id for place in shown], wanted)
    onward, homeward = articles.turns(asked.turn, shown, stop)
    changed_at = latest({read.changed_at, last_change(connection)})
    return read._replace(changed_at=changed_at, next=onward, prev=homeward)


def _timed(found: Sequence[Found], key: Key) -> tuple[Array, Array]:
    numbers = [one.places.astype(np.int64) + one.block.first for one in found]
    column = "published" if key == "published_at" else "updated"
    times = [getattr(one.block.times(), column)[one.places] for one in found]
    nothing = np.empty(0, np.int64)
    return np.concatenate([nothing, *numbers]), np.concatenate([nothing, *times])


def _placed(connection: Connection, asked: ListQuestion, ids: Sequence[UUID], *, backward: bool) -> list[Position]:
    """The places of these articles in order, those that the page is to be found behind left out."""
    at = Article.published_at if asked.key == "published_at" else Article.updated_at
    rows: Sequence[Any] = connection.execute(select(at, Article.id).where(among(connection, Article.id, ids))).all()
    places = sorted((Position(*row) for row in rows), reverse=backward)
    if (turn := asked.turn) is not None:
        ahead = turn.position.__gt__ if backward else turn.position.__lt__
        places = [place for place in places if ahead(place) or (turn.inclusive and place == turn.position)]
    return places


# --- counting ---------------------------------------------------------------------------------------------------------


def count(connection: Connection, sought: Search) -> int:
    """Answer how many articles are found, counted up to COUNTED + 1."""
    found = sought.found()
    if sought.by_text and sum(len(one.places) for one in found) > 2 * COUNTED:
        return COUNTED + 1
    numbers, _ = _timed(found, "published_at")
    lots = (numbers[start : start + COUNTED] for start in range(0, len(numbers), COUNTED))
    return len(_present_of(connection, sought, lots))


def _present_of(connection: Connection, sought: Search, lots: Iterable[Array]) -> Array:
    """Those of these numbers that an article has, and that fit; the first COUNTED + 1 of them at most."""
    there = np.empty(0, np.int64)
    for lot in lots:
        if sought.by_text:
            kept = lot[~np.isin(lot, absent(connection, lot.tolist()))]
        else:
            kept = np.array([known.number for known in present(connection, lot.tolist(), sought)], np.int64)
        there = np.concatenate([there, kept])[: COUNTED + 1]
        if len(there) > COUNTED:
            break
    return there


class Spread(NamedTuple):
    """How what was found spreads over facets, those of most articles first; not `exact` if of the newest alone."""

    facets: dict[str, list[dict[str, Any]]]
    exact: bool


def spread(connection: Connection, sought: Search, kinds: Collection[str]) -> Spread:
    """Answer of which brands (and what else is asked) the articles are; each without the filter of its own kind."""
    by_filter: dict[str | None, list[str]] = {}
    for kind in kinds:
        by_filter.setdefault(kind if kind in sought.question.filters else None, []).append(kind)
    told: dict[str, list[dict[str, Any]]] = {}
    exact = True
    for without, its in by_filter.items():
        counts, all_ = _counted(connection, sought, sought.found(without=without))
        exact = exact and all_
        named = names_of_facets(connection, counts, its)
        for kind, rows in named.items():
            ordered = sorted(rows, key=lambda row: (-counts[row[0]], row[1]))[:SHOWN]
            told[kind] = [{"slug": slug, "name": name, "count": counts[id_]} for id_, slug, name in ordered]
    return Spread({kind: told[kind] for kind in kinds}, exact)


def _counted(connection: Connection, sought: Search, found: Sequence[Found]) -> tuple[Counter[int], bool]:
    """How many articles of each facet there are among the newest COUNTED, and whether those are all."""
    numbers, times = _timed(found, "published_at")
    newest = _in_order(-times, COUNTED + 1 + _SPARE, len(times))
    there = _present_of(connection, sought, (numbers[lot] for lot in newest))
    counts: Counter[int] = Counter()
    chosen = there[:COUNTED]
    for one in found:
        block = one.block
        here = chosen[(chosen >= block.first) & (chosen < block.first + block.span)] - block.first
        if len(here):
            starts, ids = block.facets()
            lengths = starts[here + 1].astype(np.int64) - starts[here]
            offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            its = ids[np.repeat(starts[here].astype(np.int64), lengths) + offsets]
            for id_, times_ in zip(*np.unique(its, return_counts=True), strict=True):
                counts[int(id_)] += int(times_)
    return counts, len(there) <= COUNTED


# --- who they are -----------------------------------------------------------------------------------------------------


class Known(NamedTuple):
    """An article that was found: its id, and its number in the index."""

    number: int
    id: UUID


@lru_cache(maxsize=8)
def _numbered(dialect: str, *, with_sequence: bool, exact: bool) -> Select[*tuple[Any, ...]]:
    columns = (SearchText.number, SearchText.article_id, *((SearchSequence.content,) if with_sequence else ()))
    there = select(*columns).where(integers.one_of(dialect, SearchText.number, "numbers"))
    if with_sequence:
        there = there.join(SearchSequence, SearchSequence.number == SearchText.number)
    if exact:
        there = there.join(Article, (Article.id == SearchText.article_id) & (Article.version == SearchText.version))
    return there


def present(connection: Connection, asked: Sequence[int], sought: Search) -> list[Known]:
    """Answer those of these numbers that an article has, in their order, and that fit."""
    if not asked:
        return []
    fits, dialect = sought.fits, connection.dialect.name
    statement = _numbered(dialect, with_sequence=fits is not None, exact=sought.exact)
    given = {"numbers": integers.written(dialect, asked)}
    there = {row[0]: row for row in prepared.rows(connection, statement, given)}
    return [
        Known(number, there[number][1])
        for number in asked
        if number in there and (fits is None or fits(there[number][2]))
    ]


@lru_cache(maxsize=2)
def _gone(dialect: str) -> Select[*tuple[Any, ...]]:
    given = integers.rows(dialect, "numbers")
    # A scalar subquery and not EXISTS: of that PostgreSQL would make a join and might read the whole table.
    there = select(literal(1)).where(SearchText.number == given.c.value).limit(1).scalar_subquery()
    return select(given.c.value).where(there.is_(None))


def absent(connection: Connection, asked: Sequence[int]) -> list[int]:
    """Answer those of these numbers that no article has: mostly none, so that thousands are asked for in no time."""
    dialect = connection.dialect.name
    given = {"numbers": integers.written(dialect, asked)}
    return [number for (number,) in prepared.rows(connection, _gone(dialect), given)]


@lru_cache(maxsize=16)
def _named(dialect: str, kind: str) -> Select[*tuple[Any, ...]]:
    model = KINDS[kind]
    if model is Facet:
        named = select(Facet.id, Facet.name, Facet.name).where(Facet.kind == kind)
        return named.where(integers.one_of(dialect, Facet.id, "ids"))
    return select(model.facet_id, model.slug, model.name).where(integers.one_of(dialect, model.facet_id, "ids"))


def names_of_facets(connection: Connection, ids: Collection[int], kinds: Iterable[str]) -> dict[str, list[Any]]:
    """Answer which of these facets are of which of these kinds: id, slug, name."""
    dialect = connection.dialect.name
    given = {"ids": integers.written(dialect, ids)}
    return {kind: prepared.rows(connection, _named(dialect, kind), given) for kind in kinds}


_LAST = select(LogHead.at)


def last_change(connection: Connection) -> datetime:
    """Answer when anything last changed: an article that comes or goes may change any search."""
    [(at,)] = prepared.rows(connection, _LAST, {})
    return cast("datetime", at)
