"""Matching and scoring of a search.

An article matches if it has every word. Its score is the sum of the weights of the words in it, multiplied by their
inverse document frequency (Sparck Jones 1972), and decays with its age relative to the newest article.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from newsapi.search.analysis import HEADLINE_BIT, MAX_WEIGHT
from newsapi.search.segments import MICROSECONDS_PER_DAY, Array, Posting, SegmentFacets, SegmentTimes

MAX_SCORED_WORDS: Final = 16
"""If a query has more words, only the rarest ones are used."""

PREFIX_MATCH_FACTOR: Final = 0.35
"""The weight of a word that completes the last word of the query, relative to an exact match."""

RECENCY_SHARE: Final = 0.2
"""The part of a score that decays with age."""

RECENCY_HALF_LIFE_DAYS: Final = 365.0
"""Days in which half of this part is lost."""

SCORE_SCALE: Final = 1_000_000
"""Scores are integers in units of 1/SCORE_SCALE: there are few ties, and a cursor can contain a score exactly."""

_MAX_AGE_DAYS: Final = 8_192
"""Age in days after which a score decays no further."""

_RECENCY_FACTORS: Final = (
    (1 - RECENCY_SHARE) + RECENCY_SHARE * np.exp2(np.arange(_MAX_AGE_DAYS + 1) / -RECENCY_HALF_LIFE_DAYS)
).astype(np.float32)
"""The factor of a score by age in days."""

_SHARES: Final = np.arange(MAX_WEIGHT + 1, dtype=np.float32) / np.float32(MAX_WEIGHT)
"""Each weight as a part of the greatest weight."""

Alternatives = tuple[tuple[int, float], ...]
"""Terms that match a word, each with a factor for its weight."""


class LanguageQuery(NamedTuple):
    """A query analyzed in one language: its words, and the terms that must not occur."""

    words: tuple[Alternatives, ...]
    without: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """A search over all segments.

    An article must match the query in at least one language (`readings`). `filters` has for each filter the terms of
    its facets, any of which must match. `published` and `updated` are half-open ranges in microseconds since 1970.
    `restrict_to` are the document ids to search, None for all. `headline_only` matches words in headlines only.
    """

    readings: tuple[LanguageQuery, ...]
    filters: Mapping[str, tuple[int, ...]]
    published: tuple[int | None, int | None] = (None, None)
    updated: tuple[int | None, int | None] = (None, None)
    restrict_to: Array | None = None
    headline_only: bool = False

    def terms(self) -> set[int]:
        """Return all terms whose postings are needed."""
        terms = {term for filter_terms in self.filters.values() for term in filter_terms}
        for reading in self.readings:
            terms.update(term for word in reading.words for term, _ in word)
            terms.update(reading.without)
        return terms


class LoadedSegment(NamedTuple):
    """A segment with the postings that were read for a query; times and facets are read on demand."""

    first: int
    span: int
    articles: int
    newest: int
    postings: Mapping[int, Posting]
    times: Callable[[], SegmentTimes]
    facets: Callable[[], SegmentFacets]


class SegmentHits(NamedTuple):
    """The matches in a segment: offsets in ascending order, and the score of each in units of 1/SCORE_SCALE."""

    segment: LoadedSegment
    offsets: Array
    scores: Array


OffsetsAndValues = tuple[Array, Array]
"""Offsets of articles in a segment, ascending, and a value of each."""


def search_segments(
    segments: Sequence[LoadedSegment], query: SearchQuery, *, without: str | None = None
) -> Iterator[SegmentHits]:
    """Iterate over the matches in each segment that has any, ignoring the filter `without` if given."""
    idf_weights = _IdfWeights(segments)
    newest_day = max((segment.newest for segment in segments), default=0) // MICROSECONDS_PER_DAY
    readings = [(idf_weights.ordered(reading.words)[:MAX_SCORED_WORDS], reading.without) for reading in query.readings]
    for segment in segments:
        mask = _within(segment, query, without)
        if mask is not None and not mask.any():
            continue
        candidates = [
            _scores(segment, words, excluded, mask, headlines=query.headline_only) for words, excluded in readings
        ]
        matches = [values for values in candidates if values is not None and len(values[0])]
        if matches:
            offsets, scores = matches[0] if len(matches) == 1 else _greatest(segment.span, matches, np.float32)
            age = np.minimum(newest_day - segment.times().days[offsets], _MAX_AGE_DAYS)
            yield SegmentHits(
                segment, offsets, (scores * _RECENCY_FACTORS[age] * np.float32(SCORE_SCALE)).astype(np.int32)
            )


class _IdfWeights:
    """The inverse document frequencies of words in all segments."""

    def __init__(self, segments: Sequence[LoadedSegment]) -> None:
        self._articles = sum(segment.articles for segment in segments)
        self._segments = segments

    def ordered(self, words: Sequence[Alternatives]) -> list[tuple[float, Alternatives]]:
        """Return the words with their weights, rarest first; the weights of the MAX_SCORED_WORDS rarest sum to 1."""
        weights = [np.log1p(self._articles / (1 + self._count(word))) for word in words]
        total = sum(sorted(weights, reverse=True)[:MAX_SCORED_WORDS]) or 1.0
        return sorted(((weight / total, word) for weight, word in zip(weights, words, strict=True)), key=_by_weight)

    def _count(self, word: Alternatives) -> int:
        postings = (segment.postings.get(term) for segment in self._segments for term, _ in word)
        return sum(len(posting[0]) for posting in postings if posting is not None)


def _by_weight(weighted_word: tuple[float, Alternatives]) -> tuple[float, Alternatives]:
    return -weighted_word[0], weighted_word[1]


def _scores(
    segment: LoadedSegment,
    words: Sequence[tuple[float, Alternatives]],
    excluded: Iterable[int],
    mask: Array | None,
    *,
    headlines: bool,
) -> OffsetsAndValues | None:
    """Score the articles of a segment that pass the mask and have all words and no excluded term.

    The words come rarest first, and only articles with the first one are scored: a rare word makes a common one cheap.

    Returns:
        Offsets and scores, or None if a word occurs nowhere or there are no words.
    """
    matches: OffsetsAndValues | None = None
    for weight, word in words:
        word_values = _values(segment, word, headlines=headlines)
        if word_values is None:
            return None
        shares = _SHARES * np.float32(weight)
        if matches is None:
            offsets, values = word_values if mask is None else _where(word_values, mask[word_values[0]])
            matches = offsets, shares[values]
        else:
            values = _scatter(segment.span, word_values)[matches[0]]
            matches = _where((matches[0], matches[1] + shares[values]), values > 0)
    for term in excluded:
        if matches is not None and term in segment.postings:
            has_term = _scatter(segment.span, (segment.postings[term][0], True), bool)
            matches = _where(matches, ~has_term[matches[0]])
    return matches


def _values(segment: LoadedSegment, word: Alternatives, *, headlines: bool) -> OffsetsAndValues | None:
    """Return the articles of a segment that have a word with values from 1 to MAX_WEIGHT, or None."""
    matches: list[OffsetsAndValues] = []
    for term, factor in word:
        posting = segment.postings.get(term)
        if posting is not None:
            offsets, weights = posting
            matches.append((offsets, _counting(factor, facet=term < 0, headlines=headlines)[weights]))
    if len(matches) > 1:
        return _greatest(segment.span, matches, np.uint8)
    return _where(matches[0], matches[0][1] > 0) if matches else None


@lru_cache(maxsize=64)
def _counting(factor: float, *, facet: bool, headlines: bool) -> Array:
    """Return the value of each weight byte, at most MAX_WEIGHT; with `headlines`, 0 for terms not in the headline."""
    weights = np.arange(256)
    counts = np.maximum(1, np.rint((MAX_WEIGHT if facet else weights & MAX_WEIGHT) * np.float32(factor)))
    return np.where((weights & HEADLINE_BIT > 0) | facet | (not headlines), counts, 0).astype(np.uint8)


def _greatest(span: int, matches: Sequence[OffsetsAndValues], dtype: DTypeLike) -> OffsetsAndValues:
    """Return the union of several matches, with the greatest value of each article."""
    dense = _scatter(span, matches[0], dtype)
    for offsets, values in matches[1:]:
        dense[offsets] = np.maximum(dense[offsets], values)
    all_offsets = np.flatnonzero(dense > 0)  # several times faster on booleans than on numbers
    return all_offsets, dense[all_offsets]


def _scatter(span: int, values: tuple[Array, Array | bool], dtype: DTypeLike = np.uint8) -> Array:
    """Return the value at every offset of a segment, 0 where there is none."""
    dense = np.zeros(span, dtype)
    dense[values[0]] = values[1]
    return dense


def _where(values: OffsetsAndValues, condition: Array) -> OffsetsAndValues:
    """Return the values for which a condition holds."""
    indexes = np.flatnonzero(condition)
    return values if len(indexes) == len(condition) else (values[0][indexes], values[1][indexes])


def _within(segment: LoadedSegment, question: SearchQuery, without: str | None) -> Array | None:
    """Return a mask of the articles of a segment that pass the filters; None if all pass."""
    masks = [*_filter_masks(segment, question.filters, without), *_time_masks(segment, question)]
    if question.restrict_to is not None:
        masks.append(_id_mask(segment, question.restrict_to))
    if not masks:
        return None
    return reduce(np.logical_and, masks)


def _filter_masks(
    segment: LoadedSegment, filters: Mapping[str, tuple[int, ...]], without: str | None
) -> Iterator[Array]:
    """Iterate over a mask for each filter."""
    for name, terms in filters.items():
        if name == without:
            continue
        mask = np.zeros(segment.span, bool)
        for term in terms:
            if term in segment.postings:
                mask[segment.postings[term][0]] = True
        yield mask


def _time_masks(segment: LoadedSegment, question: SearchQuery) -> Iterator[Array]:
    """Iterate over a mask for each range of times."""
    if question.published != (None, None):
        yield _range_mask(segment.times().published, *question.published)
    if question.updated != (None, None):
        yield _range_mask(segment.times().updated, *question.updated)


def _range_mask(times: Array, start: int | None, end: int | None) -> Array:
    mask = np.ones(len(times), bool) if start is None else times >= start
    return mask if end is None else mask & (times < end)


def _id_mask(segment: LoadedSegment, ids: Array) -> Array:
    mask = np.zeros(segment.span, bool)
    mask[ids[(ids >= segment.first) & (ids < segment.first + segment.span)] - segment.first] = True
    return mask
