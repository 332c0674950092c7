"""Counts of the results by facet: all results are counted, for each kind without the filter of the same kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, TypedDict

from sqlalchemy import Connection
from tantivy import Query, Searcher

from newsapi.search.index_queries import IndexQuery
from newsapi.search.index_schema import facet_field
from newsapi.search.queries import facet_labels

MAX_FACET_VALUES: Final = 10
"""Values listed of a facet."""

_MAX_COUNTED_VALUES: Final = 1 << 16
"""Values of a facet that are counted exactly in each segment of the index."""

_SPARE_VALUES: Final = 10
_MAX_READ_VALUES: Final = 20_000
"""Values with equal counts that are read to order them; the engine returns at most 65,000."""


class FacetValue(TypedDict):
    """A value of a facet, and the number of results that have it."""

    slug: str
    name: str
    count: int


def count_by_facets(
    connection: Connection, searcher: Searcher, query: IndexQuery, kinds: Collection[str]
) -> dict[str, list[FacetValue]]:
    """Count the results by the facets of these kinds; the counts of a kind ignore the filter of the same kind.

    Args:
        connection: A read transaction.
        searcher: The index.
        query: The search.
        kinds: Kinds of facets.

    Returns:
        The values of each kind with the most results, at most MAX_FACET_VALUES.
    """
    kinds_by_filter: dict[str | None, list[str]] = {}
    for kind in kinds:
        kinds_by_filter.setdefault(kind if kind in query.filters else None, []).append(kind)
    counts: dict[str, Mapping[int, int]] = {}
    for without, filter_kinds in kinds_by_filter.items():
        counts |= _count(searcher, query.matching(without=without), filter_kinds, MAX_FACET_VALUES + _SPARE_VALUES)
    labels = facet_labels(connection, counts)
    return {kind: _values(counts[kind], labels[kind]) for kind in kinds}


def _count(searcher: Searcher, query: Query, kinds: Collection[str], size: int) -> dict[str, Mapping[int, int]]:
    """Count the documents that match a query by facet.

    Returns:
        The `size` greatest counts of each kind, and those that are equal to the least of them.
    """
    terms = {"size": size, "segment_size": _MAX_COUNTED_VALUES}
    buckets = searcher.aggregate(query, {kind: {"terms": {"field": facet_field(kind), **terms}} for kind in kinds})
    counts: dict[str, Mapping[int, int]] = {}
    for kind in kinds:
        values = {int(bucket["key"]): int(bucket["doc_count"]) for bucket in buckets[kind]["buckets"]}
        listed = [*values.values()]
        if size < _MAX_READ_VALUES and len(listed) == size and listed[MAX_FACET_VALUES - 1] == listed[-1]:
            # Equal counts are ordered by slug, which the index does not know.
            counts |= _count(searcher, query, [kind], min(size * 10, _MAX_READ_VALUES))
        else:
            counts[kind] = values
    return counts


def _values(counts: Mapping[int, int], labels: Mapping[int, tuple[str, str]]) -> list[FacetValue]:
    ordered = sorted(labels, key=lambda id_: (-counts[id_], labels[id_][0]))[:MAX_FACET_VALUES]
    return [{"slug": labels[id_][0], "name": labels[id_][1], "count": counts[id_]} for id_ in ordered]
