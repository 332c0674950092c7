"""Which articles a query finds, and which come first.

An article is found if it has every word. It scores by the weight of each word in it, a rare word counting more (inverse
document frequency: Sparck Jones 1972), and by how new it is beside the newest there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from newsapi.search.blocks import DAY, Array, Facets, Posting, Times
from newsapi.search.documents import FULL, HEADLINE

WORDS: Final = 16
"""Of more words than these only the rarest are asked of an article."""

STARTED: Final = 0.35
"""What a word counts that was only begun in the query."""

FRESHNESS: Final = 0.2
"""The part of a score that is lost with age."""

HALF_LIFE: Final = 365.0
"""In so many days half of that is lost."""

STEPS: Final = 1_000_000
"""Scores are whole numbers of this part, so that an order has few ties and a place in it can be written down."""

_OLDEST: Final = 8_192
"""Days after which no more is lost."""

_STAYS: Final = ((1 - FRESHNESS) + FRESHNESS * np.exp2(np.arange(_OLDEST + 1) / -HALF_LIFE)).astype(np.float32)
"""What stays of a score after so many days."""

_SHARES: Final = np.arange(FULL + 1, dtype=np.float32) / np.float32(FULL)
"""What each value is of the greatest."""

Alternatives = tuple[tuple[int, float], ...]
"""By which terms a word is found, and what each counts."""


class Reading(NamedTuple):
    """What a query means in one language: its words, and what must not be there."""

    words: tuple[Alternatives, ...]
    without: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is looked for among all articles.

    `filters` give for each of their names the facets of which one must hold. `published` and `updated` are half-open
    ranges in microseconds since 1970. `only` are numbers of articles, of which it must be one.
    """

    readings: tuple[Reading, ...]
    filters: Mapping[str, tuple[int, ...]]
    published: tuple[int | None, int | None] = (None, None)
    updated: tuple[int | None, int | None] = (None, None)
    only: Array | None = None
    headlines: bool = False

    def terms(self) -> set[int]:
        """Answer all terms that have to be read."""
        found = {term for terms in self.filters.values() for term in terms}
        for reading in self.readings:
            found.update(term for word in reading.words for term, _ in word)
            found.update(reading.without)
        return found


class Block(NamedTuple):
    """A block as far as it was read for a question."""

    first: int
    span: int
    articles: int
    newest: int
    postings: Mapping[int, Posting]
    times: Callable[[], Times]
    facets: Callable[[], Facets]


class Found(NamedTuple):
    """What is found in a block: places in rising order, and the score of each in STEPS."""

    block: Block
    places: Array
    scores: Array


Values = tuple[Array, Array]
"""Places of articles in a block, in rising order, and a value of each."""


def find(blocks: Sequence[Block], question: Question, *, without: str | None = None) -> Iterator[Found]:
    """Answer what is found, block by block; `without` is a filter to leave out."""
    rarity = _Rarity(blocks)
    today = max((block.newest for block in blocks), default=0) // DAY
    readings = [rarity.ordered(reading.words)[:WORDS] for reading in question.readings]
    for block in blocks:
        here = _within(block, question, without)
        if here is False:
            continue
        each = [
            _scores(block, words, reading.without, here, headlines=question.headlines)
            for reading, words in zip(question.readings, readings, strict=True)
        ]
        if found := [one for one in each if one is not None and len(one[0])]:
            places, scores = found[0] if len(found) == 1 else _greatest(block.span, found, np.float32)
            age = np.minimum(today - block.times().days[places], _OLDEST)
            yield Found(block, places, (scores * _STAYS[age] * np.float32(STEPS)).astype(np.int32))


class _Rarity:
    """How rare words are among the articles of all blocks."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._articles = sum(block.articles for block in blocks)
        self._blocks = blocks

    def ordered(self, words: Sequence[Alternatives]) -> list[tuple[float, Alternatives]]:
        """Answer words with the weight of each, the rarest first; their weights together are 1."""
        weights = [np.log1p(self._articles / (1 + self._count(word))) for word in words]
        whole = sum(sorted(weights, reverse=True)[:WORDS]) or 1.0
        return sorted(((weight / whole, word) for weight, word in zip(weights, words, strict=True)), key=_by_weight)

    def _count(self, word: Alternatives) -> int:
        each = (block.postings.get(term) for block in self._blocks for term, _ in word)
        return sum(len(found[0]) for found in each if found is not None)


def _by_weight(weighed: tuple[float, Alternatives]) -> tuple[float, Alternatives]:
    return -weighed[0], weighed[1]


def _scores(
    block: Block,
    words: Sequence[tuple[float, Alternatives]],
    without: Iterable[int],
    here: Array | None,
    *,
    headlines: bool,
) -> Values | None:
    """The articles of a block that have all words, the rarest of which is the first, with their scores; None for none.

    Only the articles of that word are gone through, so that a rare word makes a common one cheap.
    """
    found: Values | None = None
    for weight, word in words:
        its = _values(block, word, headlines=headlines)
        if its is None:
            return None
        shares = _SHARES * np.float32(weight)
        if found is None:
            places, values = its if here is None else _where(its, here[its[0]])
            found = places, shares[values]
        else:
            value = _spread(block.span, its)[found[0]]
            places, scores = _where((found[0], found[1] + shares[value]), value > 0)
            found = places, scores
    for posting in (block.postings[term] for term in without if term in block.postings):
        if found is not None:
            found = _where(found, ~_spread(block.span, (posting[0], True), bool)[found[0]])
    return found


def _values(block: Block, word: Alternatives, *, headlines: bool) -> Values | None:
    """The articles of a block that have a word, and of 1 to FULL how well; None for none."""
    each: list[Values] = []
    for term, factor in word:
        if (posting := block.postings.get(term)) is not None:
            each.append((posting[0], _counting(factor, facet=term < 0, headlines=headlines)[posting[1]]))
    if len(each) > 1:
        return _greatest(block.span, each, np.uint8)
    return _where(each[0], each[0][1] > 0) if each else None


@lru_cache(maxsize=64)
def _counting(factor: float, *, facet: bool, headlines: bool) -> Array:
    """What each byte of weight counts, of FULL; nothing for those of terms outside of headlines, if they alone do."""
    weights = np.arange(256)
    counts = np.maximum(1, np.rint((FULL if facet else weights & FULL) * np.float32(factor)))
    return np.where((weights & HEADLINE > 0) | facet | (not headlines), counts, 0).astype(np.uint8)


def _greatest(span: int, each: Sequence[Values], kind: Any) -> Values:
    """All places of several, each with the greatest of its values."""
    whole = _spread(span, each[0], kind)
    for places, values in each[1:]:
        whole[places] = np.maximum(whole[places], values)
    places = np.flatnonzero(whole > 0)  # of truths they are found some times faster than of numbers
    return places, whole[places]


def _spread(span: int, values: tuple[Array, Any], kind: Any = np.uint8) -> Array:
    """The value of every place of a block, 0 where there is none."""
    whole = np.zeros(span, kind)
    whole[values[0]] = values[1]
    return whole


def _where(values: Values, condition: Array) -> Values:
    chosen = np.flatnonzero(condition)
    return values if len(chosen) == len(condition) else (values[0][chosen], values[1][chosen])


def _within(block: Block, question: Question, without: str | None) -> Any:
    """Which articles of a block pass the filters: None for all, False for none."""
    mask: Array | None = None
    for name, terms in question.filters.items():
        if name == without:
            continue
        passes = np.zeros(block.span, bool)
        for term in terms:
            if term in block.postings:
                passes[block.postings[term][0]] = True
        mask = passes if mask is None else mask & passes
    for (start, end), name in ((question.published, "published"), (question.updated, "updated")):
        if start is not None or end is not None:
            when = getattr(block.times(), name)
            passes = np.ones(block.span, bool) if start is None else when >= start
            passes = passes if end is None else passes & (when < end)
            mask = passes if mask is None else mask & passes
    if question.only is not None:
        passes = np.zeros(block.span, bool)
        inside = question.only[(question.only >= block.first) & (question.only < block.first + block.span)]
        passes[inside - block.first] = True
        mask = passes if mask is None else mask & passes
    return mask if mask is None or mask.any() else False
