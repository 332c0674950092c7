"""Highlighting and snippets of search results: escaped HTML in which `mark` is the only element."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from heapq import merge
from html import escape
from itertools import islice
from typing import Final

from newsapi.search.analysis import MAX_INDEXED_WORDS, matching_joined, matching_words
from newsapi.text.words import WordSpan, word_spans

MAX_FRAGMENTS: Final = 3
"""Maximum number of snippets of a body."""

_BEFORE, _LENGTH = 50, 160
"""Characters of a snippet before its first match, and in all."""


def highlight(text: str, terms: Collection[int], language: str) -> str | None:
    """Return a text, escaped, with the words of these terms in `mark` elements; None if it has none of them."""
    hits = [*_hits(text, terms, language)]
    return _mark(text, 0, len(text), hits) if hits else None


def snippets(text: str, terms: Collection[int], language: str) -> list[str]:
    """Return the first snippets of a text around words of these terms, escaped and highlighted.

    Returns:
        At most MAX_FRAGMENTS snippets; an ellipsis stands for omitted text.
    """
    pieces: list[str] = []
    hits: list[WordSpan] = []
    end = 0
    for hit in _hits(text, terms, language):
        if hits and hit.end > end:
            pieces.append(_piece(text, hits, end))
            hits = []
            if len(pieces) == MAX_FRAGMENTS:
                return pieces
        if not hits:
            end = min(len(text), max(0, hit.start - _BEFORE) + max(_LENGTH, _BEFORE + hit.end - hit.start))
        hits.append(hit)
    return [*pieces, _piece(text, hits, end)] if hits else pieces


def _hits(text: str, terms: Collection[int], language: str) -> Iterator[WordSpan]:
    """Iterate over the words of a text that have one of these terms, joined ones as a whole."""
    joined = [*matching_joined(text, terms, language)]
    words = matching_words(text, terms, language)
    singles = (span for span in islice(word_spans(text), MAX_INDEXED_WORDS) if span.word in words) if words else ()
    end = 0
    for span in merge(joined, singles, key=lambda span: span.start):
        if span.start >= end:
            end = span.end
            yield span


def _piece(text: str, hits: list[WordSpan], end: int) -> str:
    """Return a snippet around hits, cut at the boundaries of words."""
    start = max(0, hits[0].start - _BEFORE)
    if start:
        start = next((index + 1 for index in range(start, hits[0].start) if text[index].isspace()), hits[0].start)
    if end < len(text):
        end = next((index for index in range(end, hits[-1].end, -1) if text[index].isspace()), hits[-1].end)
    snippet = " ".join(_mark(text, start, end, hits).split())
    return f"{'… ' if start else ''}{snippet}{' …' if end < len(text) else ''}"


def _mark(text: str, start: int, end: int, hits: list[WordSpan]) -> str:
    """Return a part of a text, escaped, with the hits in `mark` elements."""
    parts = []
    for hit in hits:
        parts += [escape(text[start : hit.start]), "<mark>", escape(text[hit.start : hit.end]), "</mark>"]
        start = hit.end
    return "".join([*parts, escape(text[start:end])])
