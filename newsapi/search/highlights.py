"""Highlighting and snippets of search results: escaped HTML in which `mark` is the only element."""

from __future__ import annotations

from html import escape
from typing import Final, NamedTuple

from newsapi.search.query_words import QueryWords
from newsapi.text.words import WordSpan

MAX_FRAGMENTS: Final = 3
"""Maximum number of snippets of a body."""

_BEFORE, _LENGTH = 50, 160
"""Characters of a snippet before its first match, and in all."""


class HighlightedParts(NamedTuple):
    """The parts of a result with the words of the query in `mark` elements; None for a part without any of them."""

    headline: str | None
    standfirst: str | None
    body: list[str]


def build_highlights(headline: str, standfirst: str | None, body: str, words: QueryWords) -> HighlightedParts:
    """Return the highlights of an article, given its parts as plain text."""
    return HighlightedParts(highlight(headline, words), highlight(standfirst or "", words), snippets(body, words))


def highlight(text: str, words: QueryWords) -> str | None:
    """Return a text, escaped, with the words of a query in `mark` elements; None if it has none of them."""
    hits = words.spans(text)
    return _mark(text, 0, len(text), hits) if hits else None


def snippets(text: str, words: QueryWords) -> list[str]:
    """Return the first snippets of a text around words of a query, escaped and highlighted.

    Returns:
        At most MAX_FRAGMENTS snippets; an ellipsis stands for omitted text.
    """
    pieces: list[str] = []
    hits: list[WordSpan] = []
    end = 0
    for hit in words.spans(text):
        if hits and hit.end > end:
            pieces.append(_piece(text, hits, end))
            hits = []
            if len(pieces) == MAX_FRAGMENTS:
                return pieces
        if not hits:
            end = min(len(text), max(0, hit.start - _BEFORE) + max(_LENGTH, _BEFORE + hit.end - hit.start))
        hits.append(hit)
    return [*pieces, _piece(text, hits, end)] if hits else pieces


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
