"""Words of a query in the texts of results: which words of a text are highlighted."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import Final

from newsapi.text import words
from newsapi.text.analysis import get_lexicon
from newsapi.text.folding import fold
from newsapi.text.words import WordSpan

_OTHER_FIRST_LETTER: Final = {"ar", "ga", "id", "sr"}
"""Languages in which a stem may begin with another letter than the word: prefixes are removed, or letters replaced."""

_START: Final = attrgetter("start")


class QueryWords:
    """Finds the words of a query in texts of one language.

    Attributes:
        key: Equal for equal words and language.
    """

    def __init__(self, tokens: frozenset[str], prefix: str, language: str) -> None:
        """Prepare the search.

        Args:
            tokens: Tokens of the words and of their joined forms.
            prefix: Beginning of other words that match too, without accents; "" for none.
            language: The BCP 47 tag of the language of the texts.
        """
        self.key = (tokens, prefix, language)
        self._tokens, self._prefix, self._language = tokens, prefix, language
        self._searched = get_lexicon(language).searched
        self._known: dict[str, bool] = {}

    @cached_property
    def _candidates(self) -> re.Pattern[str]:
        """Matches words with the first letter of a word of the query."""
        main = self._language.partition("-")[0].lower()
        if main in _OTHER_FIRST_LETTER:
            return words.compile_words(frozenset())
        stems = (token.removeprefix(f"{main}:") for token in self._tokens)
        return words.compile_words(frozenset(text[0] for text in (*stems, self._prefix) if text))

    def spans(self, text: str) -> list[WordSpan]:
        """Return the words of a query in a text, joined ones as a whole, in their order."""
        spans, known = [], self._known
        for match in self._candidates.finditer(f" {text}") if self._tokens else ():
            written = match[1]
            is_match = known.get(written)
            if is_match is None:
                is_match = known[written] = self._matches(words.lower_word(written))
            if is_match:
                spans.append(WordSpan(written, match.start(1) - 1, match.end() - 1))
        joined = [
            span
            for span in chain(words.joined_spans(text), (span for _, span in words.numbered_spans(text)))
            if self._matches(span.word)
        ]
        return _without_overlaps(sorted([*joined, *spans], key=_START)) if joined else spans

    def _matches(self, word: str) -> bool:
        token = self._searched(word)
        if token is None:
            return False
        return token in self._tokens or bool(self._prefix and fold(word).startswith(self._prefix))


def _without_overlaps(spans: list[WordSpan]) -> list[WordSpan]:
    """Return the spans that do not begin inside of one before."""
    kept: list[WordSpan] = []
    for span in spans:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept
