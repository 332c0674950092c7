"""Index segments: postings of many articles in a row, so that searching a million articles reads a few dozen rows.

The articles of a segment have a range of document ids. A segment has one row for each term: the offsets of the articles
in the range, two bytes each, then their weights, one byte each (inverted lists: Zobel and Moffat 2006). Segments are
immutable; small ones are merged into larger ones (log-structured merge: O'Neil and others 1996).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from newsapi.search.analysis import IndexedDocument, facet_term_id

SEGMENT_SPAN: Final = 1 << 16
"""Maximum number of document ids in the range of a segment."""

MERGE_FACTOR: Final = 8
"""About so many segments of a size are merged into one of the next size."""

MICROSECONDS_PER_DAY: Final = 86_400_000_000
NO_TIME: Final = -(1 << 63)
"""The time of a document id that no article has."""

Array = NDArray[Any]
Posting = tuple[Array, Array]
"""Offsets of articles in a segment, ascending, and the weight of a term in each."""


class NewSegment(NamedTuple):
    """A segment to be stored: its rows of (term, content), and the columns with times and facets of its articles."""

    first: int
    span: int
    articles: int
    newest: int
    times: bytes
    facets: bytes
    rows: list[tuple[int, bytes]]


class SegmentTimes(NamedTuple):
    """Times of the articles of a segment by offset, in microseconds since 1970; `days` has the days of publication."""

    published: Array
    updated: Array
    days: Array


class SegmentFacets(NamedTuple):
    """The facets of the articles of a segment: those at offset i are `ids[starts[i]:starts[i + 1]]`."""

    starts: Array
    ids: Array


def build_segment(documents: Sequence[tuple[int, IndexedDocument]]) -> NewSegment:
    """Build a segment of documents, given with their document ids in ascending order."""
    first, span, segment_times, segment_facets = _columns(documents)
    return NewSegment(
        first,
        span,
        len(documents),
        max(document.published for _, document in documents),
        np.stack([segment_times.published, segment_times.updated]).tobytes(),
        segment_facets.starts.tobytes() + segment_facets.ids.tobytes(),
        encode_postings(*_flat(documents, first)),
    )


def _columns(documents: Sequence[tuple[int, IndexedDocument]]) -> tuple[int, int, SegmentTimes, SegmentFacets]:
    """Return the first document id, the length of the range, and the times and facets."""
    first, span = documents[0][0], documents[-1][0] - documents[0][0] + 1
    values = np.full((2, span), NO_TIME, np.int64)
    counts = np.zeros(span + 1, np.uint32)
    for doc_id, document in documents:
        values[:, doc_id - first] = document.published, document.updated
        counts[doc_id - first + 1] = len(document.facets)
    ids = np.array([id_ for _, document in documents for id_ in document.facets], np.int32)
    return first, span, _times(values), SegmentFacets(np.cumsum(counts, dtype=np.uint32), ids)


def _flat(documents: Sequence[tuple[int, IndexedDocument]], first: int) -> tuple[Array, Array, Array]:
    """Return every term of every document as parallel arrays of terms, offsets and weights."""
    terms, offsets, weights = [], [], []
    for doc_id, document in documents:
        facet_terms = [facet_term_id(id_) for id_ in document.facets]
        terms += [np.frombuffer(document.terms, np.int64), np.array(facet_terms, np.int64)]
        offsets.append(np.full(len(document.terms) + len(facet_terms), doc_id - first, np.uint16))
        weights += [np.frombuffer(document.weights, np.uint8), np.ones(len(facet_terms), np.uint8)]
    return np.concatenate(terms), np.concatenate(offsets), np.concatenate(weights)


def encode_postings(terms: Array, offsets: Array, weights: Array) -> list[tuple[int, bytes]]:
    """Return the row of each term as (term, content), given parallel arrays of terms, offsets and weights."""
    if not len(terms):
        return []
    order = np.lexsort((offsets, terms))
    terms, offsets, weights = terms[order], offsets[order], weights[order]
    starts = np.flatnonzero(np.diff(terms, prepend=terms[0] - 1))
    ends = [*starts[1:].tolist(), len(terms)]
    all_offsets, all_weights = offsets.astype("<u2").tobytes(), weights.tobytes()
    return [
        (term, all_offsets[2 * start : 2 * end] + all_weights[start:end])
        for term, start, end in zip(terms[starts].tolist(), starts.tolist(), ends, strict=True)
    ]


def decode_posting(content: bytes) -> Posting:
    """Return offsets and weights of a term from the content of its row."""
    count = len(content) // 3
    return np.frombuffer(content, "<u2", count), np.frombuffer(content, np.uint8, count, 2 * count)


def decode_times(content: bytes) -> SegmentTimes:
    """Return the times of a segment from its column."""
    return _times(np.frombuffer(content, np.int64).reshape(2, -1))


def _times(values: Array) -> SegmentTimes:
    published, updated = values
    return SegmentTimes(published, updated, (published // MICROSECONDS_PER_DAY).astype(np.int32))


def decode_facets(content: bytes, span: int) -> SegmentFacets:
    """Return the facets of a segment from its column, given the length of its range of document ids."""
    return SegmentFacets(
        np.frombuffer(content, np.uint32, span + 1), np.frombuffer(content, np.int32, offset=4 * (span + 1))
    )


# --- articles that are in no stored segment yet -----------------------------------------------------------------------


class PendingSegment(NamedTuple):
    """The articles indexed last, as a segment in memory."""

    first: int
    span: int
    articles: int
    newest: int
    times: SegmentTimes
    facets: SegmentFacets
    terms: Array
    offsets: Array
    weights: Array

    def postings(self, terms: Iterable[int]) -> dict[int, Posting]:
        """Return the postings of those of these terms that occur."""
        postings = {}
        for term in terms:
            indexes = np.flatnonzero(self.terms == term)
            if len(indexes):
                postings[term] = (self.offsets[indexes], self.weights[indexes])
        return postings


def pending_segments(documents: Sequence[tuple[int, IndexedDocument]]) -> Iterator[PendingSegment]:
    """Iterate over pending segments of documents: one, or several if the document ids are too far apart."""
    start = 0
    for end in range(1, len(documents) + 1):
        if end == len(documents) or documents[end][0] - documents[start][0] >= SEGMENT_SPAN:
            batch = documents[start:end]
            first, span, segment_times, segment_facets = _columns(batch)
            terms, offsets, weights = _flat(batch, first)
            newest = max(document.published for _, document in batch)
            yield PendingSegment(
                first, span, len(batch), newest, segment_times, segment_facets, terms, offsets, weights
            )
            start = end


# --- merging ----------------------------------------------------------------------------------------------------------


def choose_merge(ranges: Sequence[tuple[int, int]]) -> range | None:
    """Choose the segments to merge next, given first document id and length of the range of each, in order.

    Small segments at the end are merged as soon as they fill one of the next size, which is MERGE_FACTOR times larger.

    Returns:
        The indexes of the segments to merge, or None if there is nothing to merge.
    """
    ends = [first + span for first, span in ranges]
    for size in sorted(
        SEGMENT_SPAN // MERGE_FACTOR**level for level in range(8) if MERGE_FACTOR**level * 16 <= SEGMENT_SPAN
    ):
        start = len(ranges)
        while start and ranges[start - 1][1] <= size // 2:
            start -= 1
        for index in range(start, len(ranges)):
            end = bisect_right(ends, ranges[index][0] + size)
            if end < len(ranges) and end - index > 1:
                return range(index, end)
    return None


class SegmentMergeInput(NamedTuple):
    """A segment that is merged into another: its offset there, and a mask of its articles that still exist."""

    shift: int
    exists: Array


def merge_postings(
    parts: Mapping[int, SegmentMergeInput], rows: Iterable[tuple[int, int, bytes]]
) -> list[tuple[int, bytes]]:
    """Merge rows of (segment, term, content) into rows of (term, content), without articles that no longer exist."""
    terms, offsets, weights = [], [], []
    rows_by_segment: dict[int, tuple[list[int], list[bytes]]] = {segment: ([], []) for segment in parts}
    for segment, term, content in rows:
        rows_by_segment[segment][0].append(term)
        rows_by_segment[segment][1].append(content)
    for segment, (segment_terms, contents) in rows_by_segment.items():
        part, counts = parts[segment], [len(content) // 3 for content in contents]
        sized = list(zip(contents, counts, strict=True))
        segment_offsets = np.frombuffer(b"".join(content[: 2 * count] for content, count in sized), "<u2")
        segment_weights = np.frombuffer(b"".join(content[2 * count :] for content, count in sized), np.uint8)
        exists = part.exists[segment_offsets]
        terms.append(np.repeat(np.array(segment_terms, np.int64), counts)[exists])
        offsets.append((segment_offsets[exists].astype(np.int64) + part.shift).astype(np.uint16))
        weights.append(segment_weights[exists])
    return encode_postings(np.concatenate(terms), np.concatenate(offsets), np.concatenate(weights))


def merge_columns(
    parts: Sequence[tuple[SegmentMergeInput, SegmentTimes, SegmentFacets]], span: int
) -> tuple[int, bytes, bytes]:
    """Merge the times and facets of segments into columns for a range of `span` document ids.

    Returns:
        The newest time of publication, and the columns of times and facets as bytes.
    """
    values = np.full((2, span), NO_TIME, np.int64)
    counts = np.zeros(span + 1, np.int64)
    ids = []
    for part, segment_times, segment_facets in parts:
        offsets = np.flatnonzero(part.exists)
        values[:, offsets + part.shift] = np.stack([segment_times.published, segment_times.updated])[:, offsets]
        facet_counts = segment_facets.starts[1:].astype(np.int64) - segment_facets.starts[:-1]
        ids.append(segment_facets.ids[np.repeat(part.exists, facet_counts)])
        counts[offsets + part.shift + 1] = facet_counts[offsets]
    starts = np.cumsum(counts).astype(np.uint32)
    all_ids = np.concatenate(ids).astype(np.int32)
    return int(values[0].max(initial=NO_TIME)), values.tobytes(), starts.tobytes() + all_ids.tobytes()
