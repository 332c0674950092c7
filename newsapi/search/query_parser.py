"""Parsing of search queries: words, "phrases" and -excluded words; there are no syntax errors."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from newsapi.text.stemming import tokenize

MAX_QUERY_WORDS: Final = 32
"""Words of a query that are used."""

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"'))
_PIECE = re.compile(r'(?<!\S)(-?)"([^"]*)"|(\S+)')


class ParsedQuery(NamedTuple):
    """A query: words and phrases that must all occur, and excluded words and phrases.

    `prefix` is the last word if it may be incomplete, otherwise "". The words of phrases are also in `words`.
    """

    words: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded_words: tuple[tuple[str, ...], ...] = ()
    prefix: str = ""

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
    phrases: list[tuple[str, ...]] = []
    excluded: list[tuple[str, ...]] = []
    prefix = ""
    for match in _PIECE.finditer(text.translate(_QUOTES)):
        minus, quoted, plain = match.groups()
        piece = quoted if plain is None else plain
        parts = tuple(tokenize(piece)[:MAX_QUERY_WORDS])
        if not parts:
            continue
        prefix = ""
        if minus or (plain is not None and plain.startswith("-")):
            excluded.append(parts)
            continue
        words += parts
        if plain is None and len(parts) > 1:
            phrases.append(parts)
        prefix = parts[-1] if plain is not None else ""
    if not words:
        words, excluded = [word for parts in excluded for word in parts], []
    return ParsedQuery(
        tuple(dict.fromkeys(words))[:MAX_QUERY_WORDS], tuple(phrases), tuple(excluded[:MAX_QUERY_WORDS]), prefix
    )
