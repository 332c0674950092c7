"""What people type into a box: words, "phrases", -words; and whatever else they type is text too."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from newsapi.text.terms import written_words

MOST: Final = 32
"""Words of a query that are looked at."""

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"'))
_PIECE = re.compile(r'(?<!\S)(-?)"([^"]*)"|(\S+)')


class Asked(NamedTuple):
    """A query: words that must all be there, phrases that must be there as they are, and what must not be there.

    `start` is the last word, where it may be the start of another one.
    """

    words: tuple[str, ...]
    phrases: tuple[tuple[str, ...], ...] = ()
    without: tuple[tuple[str, ...], ...] = ()
    start: str = ""

    def with_words(self, instead: dict[str, str]) -> Asked:
        """Answer the same query with some of its words put right."""
        phrases = tuple(tuple(instead.get(word, word) for word in phrase) for phrase in self.phrases)
        return self._replace(words=tuple(instead.get(word, word) for word in self.words), phrases=phrases)

    def written(self) -> str:
        """Answer it as it would be typed."""
        singles = [word for word in self.words if all(word not in phrase for phrase in self.phrases)]
        quoted = [f'"{" ".join(phrase)}"' for phrase in self.phrases]
        return " ".join([*singles, *quoted, *(_excluded(words) for words in self.without)])


def _excluded(words: tuple[str, ...]) -> str:
    return f"-{words[0]}" if len(words) == 1 else f'-"{" ".join(words)}"'


def read(text: str) -> Asked:
    """Read a query; nothing that is typed is wrong.

    A quotation mark without another one, a minus alone, brackets and operators of other systems are no words and say
    nothing. Where nothing is asked for but what must not be there, that is what is looked for.
    """
    words: list[str] = []
    phrases: list[tuple[str, ...]] = []
    without: list[tuple[str, ...]] = []
    start = ""
    for found in _PIECE.finditer(text.translate(_QUOTES)):
        minus, quoted, plain = found.groups()
        piece = quoted if plain is None else plain
        parts = tuple(written_words(piece)[:MOST])
        if not parts:
            continue
        start = ""
        if minus or (plain is not None and plain.startswith("-")):
            without.append(parts)
            continue
        words += parts
        if plain is None and len(parts) > 1:
            phrases.append(parts)
        start = parts[-1] if plain is not None else ""
    if not words:
        words, without = [word for parts in without for word in parts], []
    return Asked(tuple(dict.fromkeys(words))[:MOST], tuple(phrases), tuple(without[:MOST]), start)
