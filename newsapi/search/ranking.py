"""Ranking: the order of results by text score and age, and one page of it.

The index orders documents by text score alone, or by time alone. A page is read from both orders with the threshold
algorithm (Fagin, Lotem and Naor 2001): the best of each order are scored completely, and no other document scores more
than the last text score of the one combined with the last time of the other. More are read until this bound is below
the page, so that the page is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from uuid import UUID

from tantivy import DocAddress, Searcher, SearchResult

from newsapi.search.index_queries import MAX_TEXT_SCORE, IndexQuery, count_of, range_condition
from newsapi.search.index_schema import PUBLISHED, read_ids

RECENCY_SHARE: Final = 0.2
"""The part of a score that decays with age."""

RECENCY_HALF_LIFE_DAYS: Final = 365
"""Days in which half of this part is lost."""

MAX_RECENCY: Final = 1 << 20
"""The recency of the newest article."""

MAX_SCORE: Final = MAX_TEXT_SCORE * MAX_RECENCY

FIRST_CANDIDATES: Final = 100
"""Documents of each order that are read at first."""

_CANDIDATE_GROWTH: Final = 4
_RECENT_FACTOR: Final = 4
_COMMON_FREQUENCY: Final = 5_000
_MAX_READ_FACTOR: Final = 4
"""If no more documents match than so many times the number to read, all are read."""
_MICROSECONDS_PER_DAY: Final = 86_400_000_000
_MAX_AGE_DAYS: Final = 8_192

_RECENCIES: Final = tuple(
    round(MAX_RECENCY * (1 - RECENCY_SHARE + RECENCY_SHARE * 2 ** (-days / RECENCY_HALF_LIFE_DAYS)))
    for days in range(_MAX_AGE_DAYS + 1)
)
"""The recency by age in days, as whole numbers, which are equal on all machines."""


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


def recency(age: int) -> int:
    """Return the factor of a score by the age in microseconds, relative to the newest article: up to MAX_RECENCY."""
    return _RECENCIES[min(age // _MICROSECONDS_PER_DAY, _MAX_AGE_DAYS)]


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
    keys = _page_keys(searcher, query, newest, limit, start)
    has_more = len(keys) > limit
    if start is not None and start.backward:
        keys = keys[-limit:]
        rank = start.rank - 1 - len(keys)  # of the result before the page
        return RankedPage(
            [*map(_result, keys)],
            RankStart(keys[-1] if keys else start.key, rank + len(keys)),
            RankStart(keys[0], rank + 1, backward=True) if has_more else None,
        )
    keys = keys[:limit]
    rank = 0 if start is None else start.rank
    return RankedPage(
        [*map(_result, keys)],
        RankStart(keys[-1], rank + len(keys)) if has_more else None,
        None if start is None else RankStart(keys[0] if keys else start.key, rank + 1, backward=True),
    )


def _result(key: SortKey) -> RankedResult:
    score, id_ = key
    return RankedResult(UUID(int=id_), round(score / MAX_SCORE, 4))


def _page_keys(
    searcher: Searcher, query: IndexQuery, newest: int, limit: int, start: RankStart | None
) -> list[SortKey]:
    """Return the keys of a page in descending order, with one more result beyond the page if there is one."""
    page: list[SortKey] = []
    for candidates in _iter_candidates(searcher, query, newest, limit, start):
        keys = candidates.keys()
        if start is None:
            page = keys[: limit + 1]
        elif start.backward:
            page = [key for key in keys if key > start.key][-limit - 1 :]
        else:
            page = [key for key in keys if key < start.key][: limit + 1]
        if start is not None and start.backward:
            is_exact = candidates.bound < start.key[0]
        else:
            is_exact = len(page) > limit and candidates.bound < page[-1][0]
        if is_exact:
            break
    return page


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Documents with their text scores. No other document has a score greater than `bound`."""

    searcher: Searcher
    newest: int
    hits: Sequence[tuple[float, DocAddress]]
    bound: int

    def keys(self) -> list[SortKey]:
        """Return the sort keys of the documents in descending order."""
        addresses = [address for _, address in self.hits]
        times, ids = self.searcher.fast_field_values(PUBLISHED, addresses), read_ids(self.searcher, addresses)
        newest, recencies, day, oldest = self.newest, _RECENCIES, _MICROSECONDS_PER_DAY, _MAX_AGE_DAYS
        keys = {
            (int(score) * recencies[min((newest - int(time or 0)) // day, oldest)], id_)
            for (score, _), time, id_ in zip(self.hits, times, ids, strict=True)
        }
        return sorted(keys, reverse=True)


def _iter_candidates(
    searcher: Searcher, query: IndexQuery, newest: int, limit: int, start: RankStart | None
) -> Iterator[_Candidates]:
    """Iterate over more and more candidates, with lower and lower bounds; the last ones are all that match.

    Of common words, documents with all words themselves in the headline come first: there are few of them, and mostly
    they are the best.

    Yields:
        Candidates.
    """
    size = max(FIRST_CANDIDATES, 2 * (limit + (0 if start is None else start.rank)))
    if query.frequency(searcher) >= (1 if query.headlines_only else _COMMON_FREQUENCY):
        headline_query, bound = query.best_in_headlines()
        bound *= MAX_RECENCY
        if start is None or start.key[0] > bound:
            for candidates in _read_orders(searcher, headline_query, newest, size):
                yield replace(candidates, bound=max(bound, candidates.bound))
                if candidates.bound <= bound:
                    break
    yield from _read_orders(searcher, query, newest, size)


def _read_orders(searcher: Searcher, query: IndexQuery, newest: int, size: int) -> Iterator[_Candidates]:
    """Iterate over candidates from the orders by text score and by time, the first `size` of each and then more.

    Yields:
        Candidates.
    """
    if query.headlines_only:  # most scores are equal, so the newest are the best
        hits, last_recency = _read_newest(searcher, query, newest, size)
        yield _Candidates(searcher, newest, hits, query.max_score(searcher) * last_recency)
    while True:
        by_score = searcher.search(query.scoring(), size)
        count = count_of(by_score)
        if count <= _MAX_READ_FACTOR * size:
            everything = by_score if count <= size else searcher.search(query.scoring(), count, count=False)
            yield _Candidates(searcher, newest, everything.hits, 0)
            return
        last_score = int(by_score.hits[-1][0])
        hits, first_time = _read_recent(searcher, query, by_score, size)
        bound = max(
            last_score * recency(newest - first_time), int(hits[-1][0]) * MAX_RECENCY if len(hits) == size else 0
        )
        yield _Candidates(searcher, newest, [*by_score.hits, *hits], bound)
        hits, last_recency = _read_newest(searcher, query, newest, size)
        yield _Candidates(searcher, newest, [*by_score.hits, *hits], last_score * last_recency)
        size *= _CANDIDATE_GROWTH


def _read_recent(
    searcher: Searcher, query: IndexQuery, by_score: SearchResult, size: int
) -> tuple[list[tuple[float, DocAddress]], int]:
    """Return the `size` best of the documents since a time, which are several times as many, and this time.

    The time is estimated from the documents with the best text scores, which is a lot faster than the order by time.
    """
    addresses = [address for _, address in by_score.hits]
    times = sorted((int(time or 0) for time in searcher.fast_field_values(PUBLISHED, addresses)), reverse=True)
    first_time = times[min(len(times) - 1, _RECENT_FACTOR * size * len(times) // count_of(by_score))]
    recent = query.scoring(more=[range_condition(PUBLISHED, first_time, None)])
    return searcher.search(recent, size, count=False).hits, first_time


def _read_newest(
    searcher: Searcher, query: IndexQuery, newest: int, size: int
) -> tuple[list[tuple[float, DocAddress]], int]:
    """Return the newest documents that match, fewer than `size`, and the greatest recency of all others."""
    by_time = searcher.search(query.matching(), size, count=False, order_by_field=PUBLISHED).hits
    if len(by_time) < size:
        return searcher.search(query.scoring(), size, count=False).hits, 0
    last_time = by_time[-1][0]
    newer = query.scoring(more=[range_condition(PUBLISHED, last_time + 1, None)])
    return searcher.search(newer, size, count=False).hits, recency(newest - last_time)
