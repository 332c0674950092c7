"""Ranking: one page of the results, which are ordered by text score times recency, and by id if these are equal.

The engine computes this product in single precision and returns documents in its order. The exact scores are computed
here, from whole numbers. So more documents are read than the page has, until no other one can belong to the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple
from uuid import UUID

from tantivy import Query, Searcher

from newsapi.search.index_queries import MAX_TEXT_SCORE, IndexQuery, ids_condition
from newsapi.search.index_schema import PUBLISHED, RECENCY, read_ids
from newsapi.search.recency import UNIT, recency

SPARE_RESULTS: Final = 8
"""Documents that are read on either side of a page at first."""

COMMON_FREQUENCY: Final = 5_000
"""Documents with the words from which those with a word in the headline are searched first."""

_MAX_ERROR: Final = 1e-6
"""Relative error of a score of the engine: rounding of the stored value, of its logarithm and of the product."""


SortKey = tuple[int, int]
"""Score and id of a result; results are sorted in descending order."""


class RankStart(NamedTuple):
    """Where a page starts: after a result, or before it (`backward`), and the number of results up to it."""

    key: SortKey
    rank: int
    backward: bool = False


class RankedResult(NamedTuple):
    """An article that matches, and its score from 0 to 1."""

    id: UUID
    score: float


class RankedPage(NamedTuple):
    """A page of results, best first, and where the pages on either side start; None for no page."""

    results: list[RankedResult]
    next: RankStart | None
    prev: RankStart | None


def ranked_page(
    searcher: Searcher, query: IndexQuery, *, newest: int, limit: int, start: RankStart | None = None
) -> RankedPage:
    """Return a page of at most `limit` results, best first.

    Args:
        searcher: The index.
        query: The search.
        newest: The time of the newest article in microseconds since 1970.
        limit: Number of results on the page.
        start: Where the page starts; None for the first page.
    """
    max_score = MAX_TEXT_SCORE * recency(newest)
    keys = _page_keys(searcher, query, recency(newest), limit, start)

    def result(key: SortKey) -> RankedResult:
        return RankedResult(UUID(int=key[1]), round(key[0] / max_score, 4))

    has_more = len(keys) > limit
    if start is not None and start.backward:
        keys = keys[-limit:]
        rank = start.rank - 1 - len(keys)  # of the result before the page
        return RankedPage(
            [*map(result, keys)],
            RankStart(keys[-1] if keys else start.key, rank + len(keys)),
            RankStart(keys[0], rank + 1, backward=True) if has_more else None,
        )
    keys = keys[:limit]
    rank = 0 if start is None else start.rank
    return RankedPage(
        [*map(result, keys)],
        RankStart(keys[-1], rank + len(keys)) if has_more else None,
        None if start is None else RankStart(keys[0] if keys else start.key, rank + 1, backward=True),
    )


def scores_of(searcher: Searcher, query: IndexQuery, ids: Sequence[UUID], *, newest: int) -> dict[UUID, float]:
    """Return the scores of results, given by their ids, as `ranked_page` does."""
    among = replace(query, filters={**query.filters, "among": ids_condition(ids)})
    keys = _read_keys(searcher, among.scoring(), 0, max(len(ids), 1)).keys
    max_score = MAX_TEXT_SCORE * recency(newest)
    return {UUID(int=id_): round(score / max_score, 4) for score, id_ in keys}


def _page_keys(
    searcher: Searcher, query: IndexQuery, max_recency: int, limit: int, start: RankStart | None
) -> list[SortKey]:
    """Return the keys of a page in descending order, with one more result beyond the page if there is one.

    Of common words, documents with a word in the headline are searched first: they are few, and mostly the best.
    """
    is_common = not query.headlines_only and query.frequency(searcher) >= COMMON_FREQUENCY
    for parts in query.best_parts() if is_common else ():
        bound = query.max_score_outside(parts) * max_recency
        if start is None or start.key[0] > bound:
            keys = _read_page(searcher, query.scoring_in(parts), limit, start)
            if (start is not None and start.backward) or (len(keys) > limit and keys[-1][0] > bound):
                return keys
    return _read_page(searcher, query.scoring(), limit, start)


def _read_page(searcher: Searcher, scoring: Query, limit: int, start: RankStart | None) -> list[SortKey]:
    """Return the keys of a page of a search, with one more result beyond the page if there is one."""
    backward = start is not None and start.backward
    first = 0 if start is None else min(start.rank, searcher.num_docs) - SPARE_RESULTS - backward * (limit + 2)
    size = limit + 1 + 2 * SPARE_RESULTS
    while True:
        first = max(0, first)
        read = _read_keys(searcher, scoring, first, size)
        if start is None:
            page = read.keys[: limit + 1]
        elif backward:
            page = [key for key in read.keys if key > start.key][-limit - 1 :]
        else:
            page = [key for key in read.keys if key < start.key][: limit + 1]
        is_full = len(page) > limit
        if start is not None and backward:
            begins_early = not first or (is_full and page[0][0] < read.least_before)
            ends_late = read.most_after < start.key[0]
        else:
            begins_early = not first or (start is not None and read.least_before > start.key[0])
            ends_late = read.most_after < 0 or (is_full and read.most_after < page[-1][0])
        if begins_early and ends_late:
            return page
        if not begins_early:
            first, size = first - size, 2 * size
        if not ends_late:
            size *= 4


class _ReadKeys(NamedTuple):
    """Some results in descending order.

    Attributes:
        keys: Their sort keys.
        least_before: No result before these has a lower score.
        most_after: No result after these has a greater score; negative if there is none.
    """

    keys: list[SortKey]
    least_before: float
    most_after: float


def _read_keys(searcher: Searcher, scoring: Query, first: int, size: int) -> _ReadKeys:
    """Read `size` results, from the position `first` on in the order of the engine."""
    hits = searcher.search(scoring, size, count=False, offset=first, weight_by_field=RECENCY).hits
    if not hits:
        return _ReadKeys([], 0, -1)
    addresses = [address for _, address in hits]
    recencies = [recency(int(time or 0)) for time in searcher.fast_field_values(PUBLISHED, addresses)]
    # The engine's score is the text score times the recency, and the text score is a whole number.
    scores = [round(score * UNIT / factor) * factor for (score, _), factor in zip(hits, recencies, strict=True)]
    keys = sorted(zip(scores, read_ids(searcher, addresses), strict=True), reverse=True)
    best, last = hits[0][0] * UNIT, hits[-1][0] * UNIT
    return _ReadKeys(keys, best * (1 - _MAX_ERROR), last * (1 + _MAX_ERROR) if len(hits) == size else -1)
