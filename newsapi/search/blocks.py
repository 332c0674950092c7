"""Blocks: what is kept of many articles at once, so that finding among a million is reading a few dozen rows.

The articles of a block have numbers that follow one another. Of each term a block has one row: the places of the
articles in it, two bytes each, then their weights, one byte each (inverted lists: Zobel and Moffat 2006). A block is
never changed; small ones are joined to greater ones (a log-structured merge: O'Neil and others 1996).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from newsapi.search.documents import Document, facet

SPAN: Final = 1 << 16
"""Numbers that one block covers at most."""

TOGETHER: Final = 8
"""About so many blocks of a size make one of the next."""

DAY: Final = 86_400_000_000
"""Microseconds of a day."""

NOWHEN: Final = -(1 << 63)
"""The time of a number that no article has."""

Array = NDArray[Any]
Posting = tuple[Array, Array]
"""Places of articles in a block, in rising order, and the weights of a term there."""


class Made(NamedTuple):
    """A block to keep: its rows, (term, content), and what is kept once of all its articles."""

    first: int
    span: int
    articles: int
    newest: int
    times: bytes
    facets: bytes
    rows: list[tuple[int, bytes]]


class Times(NamedTuple):
    """When the articles of a block were published and updated, by their places; `days` are those of publication."""

    published: Array
    updated: Array
    days: Array


class Facets(NamedTuple):
    """The facets of each article of a block: those of place i are `ids[starts[i]:starts[i + 1]]`."""

    starts: Array
    ids: Array


def build(numbered: Sequence[tuple[int, Document]]) -> Made:
    """Make a block of articles with their numbers, in rising order."""
    first, span, when, belongs = _columns(numbered)
    return Made(
        first,
        span,
        len(numbered),
        max(document.published for _, document in numbered),
        np.stack([when.published, when.updated]).tobytes(),
        belongs.starts.tobytes() + belongs.ids.tobytes(),
        grouped(*_flat(numbered, first)),
    )


def _columns(numbered: Sequence[tuple[int, Document]]) -> tuple[int, int, Times, Facets]:
    """The first number, how many follow it, and the times and facets of each."""
    first, span = numbered[0][0], numbered[-1][0] - numbered[0][0] + 1
    when = np.full((2, span), NOWHEN, np.int64)
    counts = np.zeros(span + 1, np.uint32)
    for number, document in numbered:
        when[:, number - first] = document.published, document.updated
        counts[number - first + 1] = len(document.facets)
    ids = np.array([id_ for _, document in numbered for id_ in document.facets], np.int32)
    return first, span, _times(when), Facets(np.cumsum(counts, dtype=np.uint32), ids)


def _flat(numbered: Sequence[tuple[int, Document]], first: int) -> tuple[Array, Array, Array]:
    """Every term of every article, its place and its weight."""
    terms, places, weights = [], [], []
    for number, document in numbered:
        facets = [facet(id_) for id_ in document.facets]
        terms += [np.frombuffer(document.terms, np.int64), np.array(facets, np.int64)]
        places.append(np.full(len(document.terms) + len(facets), number - first, np.uint16))
        weights += [np.frombuffer(document.weights, np.uint8), np.ones(len(facets), np.uint8)]
    return np.concatenate(terms), np.concatenate(places), np.concatenate(weights)


def grouped(terms: Array, places: Array, weights: Array) -> list[tuple[int, bytes]]:
    """Answer the row of each term."""
    if not len(terms):
        return []
    order = np.lexsort((places, terms))
    terms, places, weights = terms[order], places[order], weights[order]
    starts = np.flatnonzero(np.diff(terms, prepend=terms[0] - 1))
    ends = [*starts[1:].tolist(), len(terms)]
    all_places, all_weights = places.astype("<u2").tobytes(), weights.tobytes()
    return [
        (term, all_places[2 * start : 2 * end] + all_weights[start:end])
        for term, start, end in zip(terms[starts].tolist(), starts.tolist(), ends, strict=True)
    ]


def posting(content: bytes) -> Posting:
    """Read what a block has of a term."""
    count = len(content) // 3
    return np.frombuffer(content, "<u2", count), np.frombuffer(content, np.uint8, count, 2 * count)


def times(content: bytes) -> Times:
    """Read the times of a block."""
    return _times(np.frombuffer(content, np.int64).reshape(2, -1))


def _times(when: Array) -> Times:
    published, updated = when
    return Times(published, updated, (published // DAY).astype(np.int32))


def facets(content: bytes, span: int) -> Facets:
    """Read the facets of a block."""
    return Facets(np.frombuffer(content, np.uint32, span + 1), np.frombuffer(content, np.int32, offset=4 * (span + 1)))


# --- a few articles that are in no block yet --------------------------------------------------------------------------


class Fresh(NamedTuple):
    """Articles that were written last, as a block that is not kept."""

    first: int
    span: int
    articles: int
    newest: int
    times: Times
    facets: Facets
    terms: Array
    places: Array
    weights: Array

    def postings(self, wanted: Iterable[int]) -> dict[int, Posting]:
        """Answer what there is of these terms."""
        found = {}
        for term in wanted:
            there = np.flatnonzero(self.terms == term)
            if len(there):
                found[term] = (self.places[there], self.weights[there])
        return found


def fresh(numbered: Sequence[tuple[int, Document]]) -> Iterator[Fresh]:
    """Answer the articles as one such block; as several where their numbers lie far apart."""
    start = 0
    for end in range(1, len(numbered) + 1):
        if end == len(numbered) or numbered[end][0] - numbered[start][0] >= SPAN:
            some = numbered[start:end]
            first, span, when, belongs = _columns(some)
            yield Fresh(
                first,
                span,
                len(some),
                max(document.published for _, document in some),
                when,
                belongs,
                *_flat(some, first),
            )
            start = end


# --- joining ----------------------------------------------------------------------------------------------------------


def to_join(reaches: Sequence[tuple[int, int]]) -> range | None:
    """Answer which blocks to join, given the first number and the span of all in order; None where none are to be.

    Small ones at the end are joined as soon as they fill a greater one, each size some TOGETHER times the one before.
    """
    ends = [first + span for first, span in reaches]
    for size in sorted(SPAN // TOGETHER**level for level in range(8) if TOGETHER**level * 16 <= SPAN):
        start = len(reaches)
        while start and reaches[start - 1][1] <= size // 2:
            start -= 1
        for at in range(start, len(reaches)):
            end = bisect_right(ends, reaches[at][0] + size)
            if end < len(reaches) and end - at > 1:
                return range(at, end)
    return None


class Part(NamedTuple):
    """A block on its way into another one: where it begins there, and which of its articles are still there."""

    shift: int
    there: Array


def joined(parts: Mapping[int, Part], rows: Iterable[tuple[int, int, bytes]]) -> list[tuple[int, bytes]]:
    """Join rows, each with the block it is of, its term and its content; what is no more there is left out."""
    terms, places, weights = [], [], []
    by_block: dict[int, tuple[list[int], list[bytes]]] = {block: ([], []) for block in parts}
    for block, term, content in rows:
        by_block[block][0].append(term)
        by_block[block][1].append(content)
    for block, (its, contents) in by_block.items():
        part, counts = parts[block], [len(content) // 3 for content in contents]
        where = np.frombuffer(
            b"".join(content[: 2 * count] for content, count in zip(contents, counts, strict=True)), "<u2"
        )
        weight = np.frombuffer(
            b"".join(content[2 * count :] for content, count in zip(contents, counts, strict=True)), np.uint8
        )
        stays = part.there[where]
        terms.append(np.repeat(np.array(its, np.int64), counts)[stays])
        places.append((where[stays].astype(np.int64) + part.shift).astype(np.uint16))
        weights.append(weight[stays])
    return grouped(np.concatenate(terms), np.concatenate(places), np.concatenate(weights))


def joined_columns(parts: Sequence[tuple[Part, Times, Facets]], span: int) -> tuple[int, bytes, bytes]:
    """Join the times and facets of blocks to one of this span: answer the newest publication, and the bytes."""
    whole = np.full((2, span), NOWHEN, np.int64)
    counts = np.zeros(span + 1, np.int64)
    kept = []
    for part, when, belongs in parts:
        stays = np.flatnonzero(part.there)
        whole[:, stays + part.shift] = np.stack([when.published, when.updated])[:, stays]
        each = belongs.starts[1:].astype(np.int64) - belongs.starts[:-1]
        kept.append(belongs.ids[np.repeat(part.there, each)])
        counts[stays + part.shift + 1] = each[stays]
    starts = np.cumsum(counts).astype(np.uint32)
    ids = np.concatenate(kept).astype(np.int32)
    return int(whole[0].max(initial=NOWHEN)), whole.tobytes(), starts.tobytes() + ids.tobytes()
