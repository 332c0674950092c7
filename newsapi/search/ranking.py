"""Which articles a query finds, and which come first.

An article is found if it has every word. It scores by the weight of each word in it, a rare word counting more (inverse
document frequency: Sparck Jones 1972), and by how new it is beside the newest there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from newsapi.search.blocks import Array, Facets, Posting, Times
from newsapi.search.documents import FULL, HEADLINE

WORDS: Final = 16
"""Of more words than these only the rarest are asked of an article."""

STARTED: Final = 0.35
"""What a word counts that was only begun in the query."""

FRESHNESS: Final = 0.3
"""The part of a score that is lost with age."""

HALF_LIFE: Final = 365.0
"""In so many days half of that is lost."""

STEPS: Final = 1_000_000
"""Scores are whole numbers of this part, so that an order has few ties and a place in it can be written down."""

_DAY: Final = 86_400_000_000

_SHARES: Final = (np.arange(256, dtype=np.uint8) & FULL).astype(np.float32) / np.float32(FULL)
"""What each byte of weight is of the greatest."""

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


def find(blocks: Sequence[Block], question: Question, *, without: str | None = None) -> Iterator[Found]:
    """Answer what is found, block by block; `without` is a filter to leave out."""
    rarity = _Rarity(blocks)
    newest = max((block.newest for block in blocks), default=0)
    readings = [rarity.ordered(reading.words)[:WORDS] for reading in question.readings]
    for block in blocks:
        here = _within(block, question, without)
        if here is False:
            continue
        best: Array | None = None
        for reading, words in zip(question.readings, readings, strict=True):
            found = _scores(block, reading, words, question, here)
            if found is not None:
                best = found if best is None else np.maximum(best, found)
        if best is not None:
            places = np.flatnonzero(best)
            if len(places):
                age = ((newest - block.times().published[places]) // _DAY).astype(np.float32)
                stays = np.float32(1 - FRESHNESS) + np.float32(FRESHNESS) * np.exp2(age * np.float32(-1 / HALF_LIFE))
                yield Found(block, places, (best[places] * stays * np.float32(STEPS)).astype(np.int64))


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
    reading: Reading,
    words: Sequence[tuple[float, Alternatives]],
    question: Question,
    here: Array | None,
) -> Array | None:
    """The score of every article of a block, 0 for those that are not found; None where none is."""
    if not words or not all(any(term in block.postings for term, _ in word) for _, word in words):
        return None
    scores = np.zeros(block.span, np.float32)
    there = here
    for weight, word in words:
        value, fresh = np.zeros(block.span, np.float32), True
        for term, factor in word:
            if (posting := block.postings.get(term)) is not None:
                places, weights = posting
                its = (_SHARES * np.float32(factor))[weights] if term > 0 else np.float32(factor)
                if question.headlines and term > 0:
                    its = np.where(weights & HEADLINE, its, np.float32(0))
                value[places] = its if fresh else np.maximum(value[places], its)
                fresh = False
        has = value > 0
        there = has if there is None else there & has
        if not there.any():
            return None
        scores += np.float32(weight) * value
    assert there is not None  # noqa: S101 (there is a word)
    for term in reading.without:
        if (posting := block.postings.get(term)) is not None:
            there = there.copy()
            there[posting[0]] = False
    scores[~there] = 0
    return scores


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
