"""Numbers of articles with a word, for decisions that must be the same on all machines.

The index knows the number of documents with a word at once, but deleted ones are among them as long as they are in its
files, and which ones these are differs between machines. Mostly a decision is the same for all numbers that are
possible; only otherwise the articles are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

from tantivy import Searcher

from newsapi.search.index_queries import count_word
from newsapi.search.index_schema import FACETS

_Decision = TypeVar("_Decision")


class WordCounts:
    """Decides by the number of articles with a word."""

    def __init__(self, searcher: Searcher, all_articles: int) -> None:
        """Read how many documents are deleted.

        Args:
            searcher: The index.
            all_articles: The facet of all articles.
        """
        self._searcher = searcher
        self._articles = searcher.num_docs - 1  # without the position
        self._deleted = searcher.doc_freq(FACETS, all_articles) - self._articles

    def decide(self, field: str, tokens: Collection[str], decision: Callable[[int], _Decision]) -> _Decision:
        """Return the decision for the number of articles with each of these tokens, added up.

        Args:
            field: The field with the tokens.
            tokens: The tokens of a word.
            decision: A monotone function of the number.
        """
        most = sum(self._searcher.doc_freq(field, token) for token in tokens)
        decided = decision(most)
        if not self._deleted or not most or decision(max(0, most - self._deleted * len(tokens))) == decided:
            return decided
        return decision(sum(count_word(self._searcher, field, token) for token in tokens))

    def rarity(self, count: int) -> int:
        """Return how rare a word is that `count` articles have: 1 for all, and 4 more for half as many.

        It is the inverse document frequency (Sparck Jones 1972) as a whole number.
        """
        return int((1 + self._articles // (1 + count)) ** 4).bit_length()
