"""Reading of segments: the postings that a search needs, and the times and facets of its articles."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial
from typing import Final, TypeVar

from sqlalchemy import Connection, select

from newsapi.db import compiled_queries, integer_lists
from newsapi.db.immutable_cache import ImmutableCache
from newsapi.search import segments
from newsapi.search.analysis import document_from_bytes
from newsapi.search.ranking import LoadedSegment
from newsapi.search.segments import SegmentFacets, SegmentTimes
from newsapi.search.tables import SearchPendingDocument, SearchPosting, SearchSegment

_Value = TypeVar("_Value")

_HEADS = select(
    SearchSegment.id, SearchSegment.first, SearchSegment.span, SearchSegment.articles, SearchSegment.newest
).order_by(SearchSegment.first)
_POSTINGS = {
    dialect: select(SearchPosting.block, SearchPosting.term, SearchPosting.content).where(
        integer_lists.in_list(dialect, SearchPosting.block, "blocks"),
        integer_lists.in_list(dialect, SearchPosting.term, "terms"),
    )
    for dialect in integer_lists.DIALECTS
}
_PENDING = select(SearchPendingDocument.number, SearchPendingDocument.content).order_by(SearchPendingDocument.number)


def load_segments(connection: Connection, terms: Collection[int], min_documents: int | None) -> list[LoadedSegment]:
    """Read the postings of these terms from all segments, or from the newest ones with at least `min_documents`."""
    heads = compiled_queries.fetch_rows(connection, _HEADS, {})
    if min_documents is not None:
        start, covered = len(heads), 0
        while start and covered < min_documents:
            start -= 1
            covered += heads[start][3]
        heads = heads[start:]
    postings: dict[int, dict[int, segments.Posting]] = {id_: {} for id_, *_ in heads}
    if heads and terms:
        dialect = connection.dialect.name
        parameters = {
            "blocks": integer_lists.bind_value(dialect, postings),
            "terms": integer_lists.bind_value(dialect, terms),
        }
        for segment_id, term, content in compiled_queries.fetch_rows(connection, _POSTINGS[dialect], parameters):
            postings[segment_id][term] = segments.decode_posting(content)
    loaded = [
        LoadedSegment(
            first,
            span,
            article_count,
            newest,
            postings[id_],
            partial(_times, connection, id_),
            partial(_facets, connection, id_, span),
        )
        for id_, first, span, article_count, newest in heads
    ]
    return [*loaded, *_pending_segments(connection, terms)]


def _pending_segments(connection: Connection, terms: Iterable[int]) -> list[LoadedSegment]:
    """Return the articles that are in no stored segment yet as segments in memory."""
    documents = [
        (doc_id, document_from_bytes(content))
        for doc_id, content in compiled_queries.fetch_rows(connection, _PENDING, {})
    ]
    return [
        LoadedSegment(
            pending.first,
            pending.span,
            pending.articles,
            pending.newest,
            pending.postings(terms),
            partial(_identity, pending.times),
            partial(_identity, pending.facets),
        )
        for pending in segments.pending_segments(documents)
    ]


def _identity(value: _Value) -> _Value:
    return value


def _times(connection: Connection, id_: int) -> SegmentTimes:
    """Return the times of a segment, 1 MB at most; a process reads them once, since segments are immutable."""

    def load() -> SegmentTimes:
        column = select(SearchSegment.times).where(SearchSegment.id == id_)
        return segments.decode_times(connection.execute(column).scalar_one())

    return _TIMES.get_or_load(id_, load)


def _facets(connection: Connection, id_: int, span: int) -> SegmentFacets:
    """Return the facets of the articles of a segment, about 3 MB; a process reads them once."""

    def load() -> SegmentFacets:
        column = select(SearchSegment.facets).where(SearchSegment.id == id_)
        return segments.decode_facets(connection.execute(column).scalar_one(), span)

    return _FACETS.get_or_load(id_, load)


CACHED_SEGMENTS: Final = 48
"""Segments whose times and facets a process caches: three million articles, with 50 MB a million."""

_TIMES: Final = ImmutableCache[int, SegmentTimes](max_entries=CACHED_SEGMENTS)
_FACETS: Final = ImmutableCache[int, SegmentFacets](max_entries=CACHED_SEGMENTS)
