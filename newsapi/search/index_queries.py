"""Queries of the index for an analyzed search: which documents match, and how each one scores.

A word scores by the parts of the article that it is in. Each part adds a whole number, so that sums do not depend on
the order in which they are made, and scores are equal on all machines. BM25 would not be: the engine counts deleted
documents as long as they are in the files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast
from uuid import UUID

from tantivy import FieldType, Occur, Query, Searcher

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

MAX_TEXT_SCORE: Final = 1 << 18
"""The score of an article that has all words in all parts. The engine computes in single precision: it adds exactly up
to 2**24, and a product with the recency still tells the score."""

TEXT_PERCENT: Final = 14
HEADLINE_PERCENT: Final = 46
PART_PERCENTS: Final = {HEADLINE: HEADLINE_PERCENT, STANDFIRST: 22, BODY_OFTEN: 12, BODY_MAIN: 6}
"""What a word adds by being anywhere in an article, and by being in these parts, in percent of its weight."""

COMPLETION_PERCENT: Final = 35
"""Weight of a word that completes the last word of the query, in percent of an exact match."""

_Clause = tuple[Occur, Query]


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

    @property
    def is_single_token(self) -> bool:
        """Whether nothing but one token matches it."""
        return len(self.tokens) == 1 and not self.prefix and not self.facets


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A query analyzed in one language: what must occur, and what must not.

    `phrases` and `excluded` are sequences of tokens; those of `excluded` with one token are words. `has_documents` is
    False if no document contains one of the words.
    """

    words: tuple[Word, ...]
    phrases: tuple[tuple[str, ...], ...] = ()
    excluded: tuple[tuple[str, ...], ...] = ()
    has_documents: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexQuery:
    """A search of the index. A document must match the query in at least one language.

    Attributes:
        readings: The query in each language.
        filters: Conditions by name of the filter.
        excluded: The condition that an article is left out; None if none is.
        headlines_only: Whether words are matched in headlines only.
        phrases_in_bodies: Whether phrases are matched in bodies too.
    """

    readings: tuple[Reading, ...]
    filters: Mapping[str, Query]
    excluded: Query | None = None
    headlines_only: bool = False
    phrases_in_bodies: bool = True

    @property
    def word_field(self) -> str:
        """The field in which words must occur."""
        return HEADLINE if self.headlines_only else TEXT

    def tokens(self, text: str) -> list[str]:
        """Return the tokens of a word of the query in all languages."""
        words = (word for reading in self.readings for word in reading.words if word.text == text)
        return [*dict.fromkeys(token for word in words for token in word.tokens)]

    def matching(self, *, without: str | None = None, more: Iterable[Query] = ()) -> Query:
        """Return the query for documents that match, whose scores mean nothing.

        Args:
            without: The name of a filter that is left out.
            more: Further conditions.
        """
        conditions = [*(query for name, query in self.filters.items() if name != without), *more]
        return any_condition([*map(_combine, self._clauses(self._match_words, conditions))])

    def scoring(self) -> Query:
        """Return the query for documents that match, with their text scores: whole numbers up to MAX_TEXT_SCORE."""
        return _best([*map(_combine, self._clauses(self._score_words, self.filters.values()))])

    def best_parts(self) -> Sequence[tuple[str, ...]]:
        """Return parts of articles by which the best documents are found without a search of all, the best first."""
        is_one_word = all(len(reading.words) == 1 for reading in self._searched)
        return [(HEADLINE, STANDFIRST), (HEADLINE,)] if is_one_word else [(HEADLINE,)]

    def scoring_in(self, parts: tuple[str, ...]) -> Query:
        """Return the query for documents that match and have words of the query in all these parts, with scores."""
        clauses = self._clauses(lambda reading: self._score_words_in(reading, parts), self.filters.values())
        return _best([*map(_combine_few, clauses)])

    def max_score_outside(self, parts: tuple[str, ...]) -> int:
        """Return a bound for the scores of documents that have no word of the query in one of these parts."""
        percent = 100 - min(PART_PERCENTS[part] for part in parts)
        scores = (sum(_max_score(word, percent) for word in reading.words) for reading in self._searched)
        return max(scores, default=0)

    @property
    def _searched(self) -> list[Reading]:
        return [reading for reading in self.readings if reading.words and reading.has_documents]

    def _clauses(
        self, clauses_of_words: Callable[[Reading], Iterable[_Clause]], conditions: Iterable[Query]
    ) -> Iterator[list[_Clause]]:
        """Iterate over the clauses for documents that match each reading."""
        for reading in self._searched:
            clauses = [*clauses_of_words(reading)]
            clauses += [(Occur.Must, _score(condition, 0)) for condition in conditions]
            clauses += [(Occur.Must, _score(self._phrase(tokens), 0)) for tokens in reading.phrases]
            clauses += [(Occur.MustNot, self._excluded(tokens)) for tokens in reading.excluded]
            if self.excluded is not None:
                clauses.append((Occur.MustNot, self.excluded))
            yield clauses

    def _excluded(self, tokens: tuple[str, ...]) -> Query:
        return _term(TEXT, tokens[0]) if len(tokens) == 1 else self._phrase(tokens)

    def _phrase(self, tokens: tuple[str, ...]) -> Query:
        fields = [TEXT] if self.phrases_in_bodies else [HEADLINE, STANDFIRST]
        return any_condition([Query.phrase_query(SCHEMA, name, [*tokens]) for name in fields])

    def _match_words(self, reading: Reading) -> Iterator[_Clause]:
        for word in reading.words:
            alternatives = [_term(self.word_field, token) for token in word.tokens]
            if word.prefix:
                alternatives.append(_prefix(self._prefix_field(word), word.prefix))
            if word.facets:
                alternatives.append(facets_condition(id_ for id_, _ in word.facets))
            yield Occur.Must, any_condition(alternatives)

    def _prefix_field(self, word: Word) -> str:
        return HEADLINE_WORDS if self.headlines_only or word.prefix_in_headlines else WORDS

    def _score_words(self, reading: Reading) -> Iterator[_Clause]:
        """Iterate over clauses of each word: one that must match, and those that only add to the score."""
        for word in reading.words:
            if word.is_single_token:
                yield from self._score_token(word.tokens[0], word.weight)  # without a query of its own: faster
            else:
                yield Occur.Must, self._score_alternatives(word)

    def _score_words_in(self, reading: Reading, parts: tuple[str, ...]) -> Iterator[_Clause]:
        """Iterate over the same clauses for documents that have any of the words in each of these parts."""
        first = reading.words[0]
        if len(reading.words) == 1 and first.is_single_token:  # the clauses of the parts select the same documents
            yield from self._score_token(first.tokens[0], first.weight, parts)
            return
        yield from self._score_words(reading)
        tokens = dict.fromkeys(token for word in reading.words for token in word.tokens)
        for part in parts:
            yield Occur.Must, _score(any_condition([_term(part, token) for token in tokens]), 0)

    def _score_alternatives(self, word: Word) -> Query:
        alternatives = [Query.boolean_query([*self._score_token(token, word.weight)]) for token in word.tokens]
        if word.prefix:
            alternatives.append(Query.boolean_query([*self._score_prefix(word)]))
        for percent in {percent for _, percent in word.facets}:
            facets = facets_condition(id_ for id_, facet_percent in word.facets if facet_percent == percent)
            alternatives.append(_score(facets, word.weight * percent // 100))
        return _best(alternatives)

    def _score_token(self, token: str, weight: int, parts: tuple[str, ...] = ()) -> Iterator[_Clause]:
        """Iterate over the clauses of a token, which must be in these parts, and so is in the text."""
        if self.headlines_only:
            yield Occur.Must, _score(_term(HEADLINE, token), weight)
            return
        text_score = weight * TEXT_PERCENT // 100
        if not parts:
            yield Occur.Must, _score(_term(TEXT, token), text_score)
        for name, percent in PART_PERCENTS.items():
            score = weight * percent // 100 + (text_score if name in parts[:1] else 0)
            yield Occur.Must if name in parts else Occur.Should, _score(_term(name, token), score)

    def _score_prefix(self, word: Word) -> Iterator[_Clause]:
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
            min(sum(searcher.doc_freq(self.word_field, token) for token in word.tokens) for word in reading.words)
            for reading in self._searched
        )
        return max(counts, default=0)


def _max_score(word: Word, percent: int) -> int:
    """Return the greatest score of a word in documents where the word itself has at most a percentage."""
    completion = COMPLETION_PERCENT if word.prefix else 0
    return word.weight * max(percent, completion, *(facet_percent for _, facet_percent in word.facets)) // 100


def facets_condition(ids: Iterable[int], *, is_all: bool = False) -> Query:
    """Return the condition that an article is in any of these facets, or in all of them."""
    conditions = [Query.term_query(SCHEMA, FACETS, id_, "basic") for id_ in ids]
    if is_all and conditions:
        return _combine([(Occur.Must, condition) for condition in conditions])
    return any_condition(conditions)


def ids_condition(ids: Iterable[UUID]) -> Query:
    """Return the condition that an article has one of these ids."""
    return any_condition([Query.term_query(SCHEMA, ARTICLE_ID, id_.hex, "basic") for id_ in ids])


def range_condition(name: str, start: int | None, end: int | None) -> Query:
    """Return the condition that a time is in the half-open range of microseconds [start, end)."""
    return Query.range_query(SCHEMA, name, FieldType.Integer, start, None if end is None else end - 1)


class _CountedResult(Protocol):
    """The attribute of search results that the type stubs lack."""

    count: int


def count(searcher: Searcher, query: Query) -> int:
    """Return the number of documents that match a query."""
    result = searcher.search(query, 1, order_by_field=PUBLISHED)  # not by score, which takes longer
    return cast("_CountedResult", result).count


def count_word(searcher: Searcher, field: str, token: str) -> int:
    """Return the number of documents that have a token in a field."""
    return count(searcher, _term(field, token))


def _term(name: str, token: str) -> Query:
    return Query.term_query(SCHEMA, name, token, "basic")  # without positions


def _prefix(name: str, prefix: str) -> Query:
    return Query.fuzzy_term_query(SCHEMA, name, prefix, distance=0, prefix=True)


def _score(query: Query, score: int) -> Query:
    return Query.const_score_query(query, float(score))


def _combine(clauses: Sequence[_Clause]) -> Query:
    """Return the query for documents that match all clauses; the optional ones add to the score."""
    return clauses[0][1] if len(clauses) == 1 else Query.boolean_query(clauses)


def _combine_few(clauses: Sequence[_Clause]) -> Query:
    """Return the same query for clauses that few documents match.

    The optional clauses are looked up one by one for these documents. If they are in one query, the engine merges all
    documents that match any of them first.
    """
    query = _combine([clause for clause in clauses if clause[0] != Occur.Should])
    for clause in clauses:
        if clause[0] == Occur.Should:
            query = Query.boolean_query([(Occur.Must, query), clause])
    return query


def any_condition(queries: Sequence[Query]) -> Query:
    """Return the condition that an article meets any of these conditions; without any, it meets none."""
    if not queries:
        return Query.empty_query()
    return queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, query) for query in queries])


def _best(queries: Sequence[Query]) -> Query:
    """Return the query whose score is the greatest score of these queries."""
    if not queries:
        return Query.empty_query()
    return queries[0] if len(queries) == 1 else Query.disjunction_max_query(queries)
