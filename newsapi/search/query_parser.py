"""Parsing of search queries: words, "phrases" and -excluded words; there are no syntax errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

from newsapi.text.words import MAX_JOINED_LENGTH, joined_spans, lower_words

MAX_QUERY_WORDS: Final = 32
"""Words of a query that are used."""

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"'))
_PIECE = re.compile(r'(?<!\S)(-?)"([^"]*)"|(\S+)')


class ParsedQuery(NamedTuple):
    """A query: words and phrases that must all occur, and excluded words and phrases.

    `prefix` is the last word if it may be incomplete, otherwise "". The words of phrases are also in `words`. `joined`
    has pairs of a word and the joined form of it and a neighbour, which an article may have instead of both: `mx` and
    `mx5` for "MX-5" and "mx 5".
    """

    words: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded_words: tuple[tuple[str, ...], ...] = ()
    prefix: str = ""
    joined: tuple[tuple[str, str], ...] = ()

    def with_words(self, corrections: dict[str, str]) -> ParsedQuery:
        """Return the query with some of its words corrected."""
        words = tuple(corrections.get(word, word) for word in self.words)
        phrases = tuple(tuple(corrections.get(word, word) for word in phrase) for phrase in self.phrases)
        return self._replace(words=words, phrases=phrases)

    def to_text(self) -> str:
        """Return the query as a user would type it."""
        singles = [word for word in self.words if all(word not in phrase for phrase in self.phrases)]
        quoted = [f'"{" ".join(phrase)}"' for phrase in self.phrases]
        return " ".join([*singles, *quoted, *(_drop_excluded(words) for words in self.excluded_words)])


def _drop_excluded(words: tuple[str, ...]) -> str:
    return f"-{words[0]}" if len(words) == 1 else f'-"{" ".join(words)}"'


def parse_query(text: str) -> ParsedQuery:
    """Parse a query.

    Unpaired quotation marks, single minus signs, brackets and operators of other search engines are ignored. If all
    words are excluded, they are searched for instead.

    Args:
        text: The query as the user typed it.

    Returns:
        The parsed query, without words if the text contains none.
    """
    words: list[str] = []
    neighbours: list[str] = []
    phrases: list[tuple[str, ...]] = []
    excluded: list[tuple[str, ...]] = []
    prefix = ""
    for match in _PIECE.finditer(text.translate(_QUOTES)):
        minus, quoted, plain = match.groups()
        piece = quoted if plain is None else plain
        parts = tuple(lower_words(piece)[:MAX_QUERY_WORDS])
        if not parts:
            continue
        prefix = ""
        if minus or (plain is not None and plain.startswith("-")):
            excluded.append(parts)
            continue
        words += parts
        if plain is None and len(parts) > 1:
            phrases.append(parts)
        if plain is not None:
            neighbours += parts
        prefix = parts[-1] if plain is not None else ""
    if not words:
        words, excluded = [word for parts in excluded for word in parts], []
    return ParsedQuery(
        tuple(dict.fromkeys(words))[:MAX_QUERY_WORDS],
        tuple(phrases),
        tuple(excluded[:MAX_QUERY_WORDS]),
        prefix,
        tuple(_joined_forms(text, neighbours[:MAX_QUERY_WORDS])),
    )


def _joined_forms(text: str, words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each word with the joined forms that it is part of: with hyphens in the query, and with its neighbours."""
    for span in joined_spans(text):
        yield from ((part, span.word) for part in lower_words(text[span.start : span.end]))
    for first, second in pairwise(words):
        if len(first) + len(second) <= MAX_JOINED_LENGTH:
            yield from ((part, first + second) for part in (first, second))
