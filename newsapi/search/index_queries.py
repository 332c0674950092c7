"""Queries of the index for an analyzed search: which documents match, and how each one scores.

A word scores by the parts of the article that it is in. Each part adds a whole number, so that sums do not depend on
the order in which they are made, and scores are equal on all machines. BM25 would not be: the engine counts deleted
documents as long as they are in the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, cast
from uuid import UUID

from tantivy import FieldType, Occur, Query, Searcher, SearchResult

from newsapi.search.index_schema import (
    ARTICLE_ID,
    BODY_MAIN,
    BODY_OFTEN,
    FACETS,
    HEADLINE,
    HEADLINE_WORDS,
    PUBLISHED,
    SCHEMA,
    STANDFIRST,
    TEXT,
    WORDS,
)

MAX_TEXT_SCORE: Final = 1 << 20
"""The score of an article that has all words in all parts. The engine adds in single precision, exactly up to 2**24."""

TEXT_PERCENT: Final = 14
HEADLINE_PERCENT: Final = 46
PART_PERCENTS: Final = {HEADLINE: HEADLINE_PERCENT, STANDFIRST: 22, BODY_OFTEN: 12, BODY_MAIN: 6}
"""What a word adds by being anywhere in an article, and by being in these parts, in percent of its weight."""

COMPLETION_PERCENT: Final = 35
"""Weight of a word that completes the last word of the query, in percent of an exact match."""

_BASIC_FIELDS: Final = {BODY_OFTEN, BODY_MAIN, WORDS, HEADLINE_WORDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word of a query in one language, and what matches it.

    Attributes:
        text: The word in lower case.
        tokens: Tokens of the word and of its joined forms.
        prefix: Beginning of words that match too; "" for none.
        prefix_in_headlines: Whether such words must be in the headline.
        facets: Facets whose articles match too, with weights in percent.
        weight: Greatest score of the word.
    """

    text: str
    tokens: tuple[str, ...]
    prefix: str = ""
    prefix_in_headlines: bool = False
    facets: tuple[tuple[int, int], ...] = ()
    weight: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A query analyzed in one language: what must occur, and what must not.

    `phrases` and `excluded` are sequences of tokens; those of `excluded` with one token are words.
    """

    words: tuple[Word, ...]
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexQuery:
    """A search of the index. A document must match the query in at least one language.

    Attributes:
        readings: The query in each language.
        filters: Conditions by name of the filter.
        headlines_only: Whether words are matched in headlines only.
        phrases_in_bodies: Whether phrases are matched in bodies too.
    """

    readings: tuple[Reading, ...]
    filters: Mapping[str, Query]
    headlines_only: bool = False
    phrases_in_bodies: bool = True

    def matching(self, *, without: str | None = None, more: Iterable[Query] = ()) -> Query:
        """Return the query for documents that match, whose scores mean nothing.

        Args:
            without: The name of a filter that is left out.
            more: Further conditions.
        """
        readings = [self._reading(reading, map(self.matching_word, reading.words)) for reading in self.readings]
        return _all([_any(readings), *self._conditions(without), *more])

    def scoring(self, *, more: Iterable[Query] = ()) -> Query:
        """Return the query for documents that match, with their text scores: whole numbers up to MAX_TEXT_SCORE."""
        readings = [
            self._reading(reading, (clause for word in reading.words for clause in self._score_word(word)))
            for reading in self.readings
        ]
        conditions = [_score(condition, 0) for condition in (*self._conditions(None), *more)]
        return _all([_best(readings), *conditions])

    def _conditions(self, without: str | None) -> list[Query]:
        return [query for name, query in self.filters.items() if name != without]

    def _reading(self, reading: Reading, clauses: Iterable[Query | tuple[Occur, Query]]) -> Query:
        """Return the query for documents that match a reading, given the clauses of its words."""
        parts = [clause if isinstance(clause, tuple) else (Occur.Must, clause) for clause in clauses]
        if not reading.words:
            return Query.empty_query()
        parts += [(Occur.Must, _score(self._phrase(tokens), 0)) for tokens in reading.phrases]
        parts += [(Occur.MustNot, self._excluded(tokens)) for tokens in reading.excluded]
        return parts[0][1] if len(parts) == 1 else Query.boolean_query(parts)

    def _excluded(self, tokens: tuple[str, ...]) -> Query:
        return _term(TEXT, tokens[0]) if len(tokens) == 1 else self._phrase(tokens)

    def _phrase(self, tokens: tuple[str, ...]) -> Query:
        fields = [TEXT] if self.phrases_in_bodies else [HEADLINE, STANDFIRST]
        return _any([Query.phrase_query(SCHEMA, name, [*tokens]) for name in fields])

    def matching_word(self, word: Word) -> Query:
        """Return the query for documents that match one word, whatever else they contain."""
        alternatives = [_term(self._word_field, token) for token in word.tokens]
        if word.prefix:
            alternatives.append(_prefix(self._prefix_field(word), word.prefix))
        if word.facets:
            alternatives.append(facets_condition(id_ for id_, _ in word.facets))
        return _any(alternatives)

    @property
    def _word_field(self) -> str:
        return HEADLINE if self.headlines_only else TEXT

    def _prefix_field(self, word: Word) -> str:
        return HEADLINE_WORDS if self.headlines_only or word.prefix_in_headlines else WORDS

    def _score_word(self, word: Word) -> Iterator[tuple[Occur, Query]]:
        """Iterate over the clauses of a word: one that must match, and those that only add to the score."""
        exact = [[*self._score_token(token, word.weight)] for token in word.tokens]
        if len(exact) == 1 and not word.prefix and not word.facets:
            yield from exact[0]  # without a query of its own, which is faster
            return
        alternatives = [Query.boolean_query(clauses) for clauses in exact]
        if word.prefix:
            alternatives.append(Query.boolean_query([*self._score_prefix(word)]))
        for percent in {percent for _, percent in word.facets}:
            facets = facets_condition(id_ for id_, facet_percent in word.facets if facet_percent == percent)
            alternatives.append(_score(facets, word.weight * percent // 100))
        yield Occur.Must, _best(alternatives)

    def _score_token(self, token: str, weight: int) -> Iterator[tuple[Occur, Query]]:
        if self.headlines_only:
            yield Occur.Must, _score(_term(HEADLINE, token), weight)
            return
        yield Occur.Must, _score(_term(TEXT, token), weight * TEXT_PERCENT // 100)
        for name, percent in PART_PERCENTS.items():
            yield Occur.Should, _score(_term(name, token), weight * percent // 100)

    def _score_prefix(self, word: Word) -> Iterator[tuple[Occur, Query]]:
        weight = word.weight * COMPLETION_PERCENT // 100
        if self.headlines_only or word.prefix_in_headlines:
            percent = 100 if self.headlines_only else TEXT_PERCENT + HEADLINE_PERCENT
            yield Occur.Must, _score(_prefix(HEADLINE_WORDS, word.prefix), weight * percent // 100)
            return
        yield Occur.Must, _score(_prefix(WORDS, word.prefix), weight * TEXT_PERCENT // 100)
        yield Occur.Should, _score(_prefix(HEADLINE_WORDS, word.prefix), weight * HEADLINE_PERCENT // 100)

    def frequency(self, searcher: Searcher) -> int:
        """Return about how many documents contain the words themselves.

        Deleted documents are among them, so results must not depend on this number.
        """
        counts = (
            min((self._frequency(searcher, word) for word in reading.words), default=0) for reading in self.readings
        )
        return max(counts, default=0)

    def _frequency(self, searcher: Searcher, word: Word) -> int:
        return sum(searcher.doc_freq(self._word_field, token) for token in word.tokens)

    def max_score(self, searcher: Searcher) -> int:
        """Return a bound for all scores: words that occur nowhere score only by their completions and names."""
        return max(
            (sum(self._max_score(searcher, word) for word in reading.words) for reading in self.readings), default=0
        )

    def _max_score(self, searcher: Searcher, word: Word) -> int:
        return word.weight * _greatest_percent(word, 100 if self._frequency(searcher, word) else 0) // 100

    def best_in_headlines(self) -> tuple[IndexQuery, int]:
        """Return the search for documents that have every word in the headline, and a bound for all others.

        Returns:
            The search, whose scores are the same, and the greatest score of a document that it does not find.
        """
        readings = [reading for reading in self.readings if reading.words]
        in_headline = [
            _all([_any([_term(HEADLINE, token) for token in word.tokens]) for word in reading.words])
            for reading in readings
        ]
        bound = max((self._bound_outside_headlines(reading) for reading in readings), default=0)
        return replace(self, filters={**self.filters, HEADLINE: _any(in_headline)}), bound

    def _bound_outside_headlines(self, reading: Reading) -> int:
        """Return the greatest score in a reading of a document that lacks one of the words in the headline."""
        percent = 0 if self.headlines_only else 100 - HEADLINE_PERCENT
        total = sum(word.weight for word in reading.words)
        return max(
            total - word.weight + word.weight * _greatest_percent(word, percent) // 100 for word in reading.words
        )


def _greatest_percent(word: Word, exact_percent: int) -> int:
    """Return the greatest weight of a word in percent, if the word itself has at most `exact_percent`."""
    completion = COMPLETION_PERCENT if word.prefix else 0
    return max(exact_percent, completion, *(percent for _, percent in word.facets))


def facets_condition(ids: Iterable[int]) -> Query:
    """Return the condition that an article is in any of these facets."""
    return _any([Query.term_query(SCHEMA, FACETS, id_, "basic") for id_ in ids])


def ids_condition(ids: Iterable[UUID]) -> Query:
    """Return the condition that an article has one of these ids."""
    return _any([Query.term_query(SCHEMA, ARTICLE_ID, id_.hex, "basic") for id_ in ids])


def range_condition(name: str, start: int | None, end: int | None) -> Query:
    """Return the condition that a time is in the half-open range of microseconds [start, end)."""
    return Query.range_query(SCHEMA, name, FieldType.Integer, start, None if end is None else end - 1)


class _CountedResult(Protocol):
    """The attribute of search results that the type stubs lack."""

    count: int


def count(searcher: Searcher, query: Query) -> int:
    """Return the number of documents that match a query."""
    return count_of(searcher.search(query, 1, order_by_field=PUBLISHED))  # not by score, which takes longer


def count_of(result: SearchResult) -> int:
    """Return the number of documents that match, from the result of a search that counted them."""
    return cast("_CountedResult", result).count


def _term(name: str, token: str) -> Query:
    return Query.term_query(SCHEMA, name, token, "basic" if name in _BASIC_FIELDS else "position")


def _prefix(name: str, prefix: str) -> Query:
    return Query.fuzzy_term_query(SCHEMA, name, prefix, distance=0, prefix=True)


def _score(query: Query, score: int) -> Query:
    return Query.const_score_query(query, float(score))


def _all(queries: Sequence[Query]) -> Query:
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Must, query) for query in queries])


def _any(queries: Sequence[Query]) -> Query:
    if not queries:
        return Query.empty_query()
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, query) for query in queries])


def _best(queries: Sequence[Query]) -> Query:
    """Return the query whose score is the greatest score of these queries."""
    if not queries:
        return Query.empty_query()
    return queries[0] if len(queries) == 1 else Query.disjunction_max_query(queries)
