"""What a reader sees of why an article was found: safe HTML in which nothing is an element but `mark`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from html import escape
from itertools import islice
from typing import Final

from newsapi.search.documents import LONGEST, bearing
from newsapi.text.terms import word_places

FRAGMENTS: Final = 3
"""Pieces of a body that are shown."""

_BEFORE, _LENGTH = 50, 160


def marked(text: str, wanted: Collection[int], language: str) -> str | None:
    """Answer a text, escaped, in which the words found by one of these terms are marked; None where none is."""
    hits = [*_hits(text, wanted, language)]
    return _mark(text, 0, len(text), hits) if hits else None


def fragments(text: str, wanted: Collection[int], language: str) -> list[str]:
    """Answer the first pieces of a text that have such words, escaped and marked; an ellipsis stands for the rest."""
    found: list[str] = []
    hits: list[re.Match[str]] = []
    end = 0
    for hit in _hits(text, wanted, language):
        if hits and hit.end() > end:
            found.append(_piece(text, hits, end))
            hits = []
            if len(found) == FRAGMENTS:
                return found
        if not hits:
            end = min(len(text), max(0, hit.start() - _BEFORE) + max(_LENGTH, _BEFORE + hit.end() - hit.start()))
        hits.append(hit)
    return [*found, _piece(text, hits, end)] if hits else found


def _hits(text: str, wanted: Collection[int], language: str) -> Iterator[re.Match[str]]:
    found = bearing(text, wanted, language)
    return (place for place in islice(word_places(text), LONGEST) if place[0] in found) if found else iter(())


def _piece(text: str, hits: list[re.Match[str]], end: int) -> str:
    """One piece around hits, from the start of a word to the end of one."""
    start = max(0, hits[0].start() - _BEFORE)
    if start:
        start = next((at + 1 for at in range(start, hits[0].start()) if text[at].isspace()), hits[0].start())
    if end < len(text):
        end = next((at for at in range(end, hits[-1].end(), -1) if text[at].isspace()), hits[-1].end())
    shown = " ".join(_mark(text, start, end, hits).split())
    return f"{'… ' if start else ''}{shown}{' …' if end < len(text) else ''}"


def _mark(text: str, start: int, end: int, hits: list[re.Match[str]]) -> str:
    parts = []
    for hit in hits:
        parts += [escape(text[start : hit.start()]), "<mark>", escape(text[hit.start() : hit.end()]), "</mark>"]
        start = hit.end()
    return "".join([*parts, escape(text[start:end])])
