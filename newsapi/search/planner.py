"""Planning of a search: the query is analyzed in the languages of the archive, and its filters are resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection
from tantivy import Query, Searcher

from newsapi.cache.dependencies import ALL_OF_FILTERS
from newsapi.content.queries.articles import resolve_names
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.queries.listings import ListQuery
from newsapi.search.freshness import IndexView
from newsapi.search.index_queries import (
    MAX_TEXT_SCORE,
    IndexQuery,
    Reading,
    Word,
    any_condition,
    facets_condition,
    ids_condition,
    range_condition,
)
from newsapi.search.index_schema import PUBLISHED, UPDATED, WORDS, to_microseconds
from newsapi.search.names import FacetPercents
from newsapi.search.queries import list_group_brands, list_ids
from newsapi.search.query_parser import ParsedQuery
from newsapi.search.query_words import QueryWords
from newsapi.search.word_counts import WordCounts
from newsapi.text.analysis import get_lexicon
from newsapi.text.folding import fold

MIN_PREFIX_LENGTH: Final = 2
MIN_PREFIX_LENGTH_IN_TEXTS: Final = 3
"""Characters from which the last word is completed to words of headlines, and to words of whole articles."""

MAX_COMPLETED_OCCURRENCES: Final = 200_000
"""Occurrences of words with a prefix up to which they are searched in whole articles, otherwise in headlines only."""

COMPLETE_WORD_COUNT: Final = 1_000
"""Articles with a word from which it is not completed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchScope:
    """Which texts a search reads.

    Attributes:
        headlines_only: Whether words and phrases are matched in headlines only.
        phrases_in_bodies: Whether phrases are matched in bodies, and not only in headlines and standfirsts: a client
            that may not read every body could otherwise read it by searching for phrases word by word.
    """

    headlines_only: bool = False
    phrases_in_bodies: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """An analyzed query.

    Attributes:
        parsed_query: The query.
        index_query: What is searched in the index.
        languages: The languages of the readings of the index query.
        counts: Counts articles with a word.
    """

    parsed_query: ParsedQuery
    index_query: IndexQuery
    languages: Sequence[str]
    counts: WordCounts

    def words(self, language: str) -> QueryWords:
        """Return what finds the words of the query in texts of a language."""
        main = language.partition("-")[0].lower()
        readings = zip(self.languages, self.index_query.readings, strict=True)
        words = [word for name, reading in readings if name == main for word in reading.words]
        tokens = frozenset(token for word in words for token in word.tokens)
        return QueryWords(tokens, next((word.prefix for word in words if word.prefix), ""), language)


def plan_search(
    connection: Connection,
    view: IndexView,
    query: ParsedQuery,
    snapshot: ReadSnapshot,
    list_query: ListQuery,
    *,
    scope: SearchScope = SearchScope(),
) -> SearchPlan:
    """Analyze a query.

    Args:
        connection: An open read transaction.
        view: The index.
        query: The parsed query.
        snapshot: The position of the read, and the filters by facets.
        list_query: All other filters.
        scope: Which texts are searched.

    Returns:
        The plan of the search.
    """
    searcher, caches = view.searcher, view.caches
    languages = caches.languages.list(connection, snapshot)
    names = {} if scope.headlines_only else caches.names.find(connection, snapshot, query.words)
    readings = [_analyze_query(query, language, names) for language in languages]
    index_query = IndexQuery(
        readings=tuple(readings),
        filters=_filters(connection, snapshot, list_query),
        excluded=_excluded(connection, snapshot, list_query),
        headlines_only=scope.headlines_only,
        phrases_in_bodies=scope.phrases_in_bodies and not scope.headlines_only,
    )
    counts = WordCounts(searcher, snapshot.everything.id)
    index_query = _add_completion(searcher, counts, index_query, query.prefix)
    return SearchPlan(
        parsed_query=query, index_query=_add_weights(counts, index_query), languages=languages, counts=counts
    )


def _analyze_query(query: ParsedQuery, language: str, names: Mapping[str, FacetPercents]) -> Reading:
    """Analyze a query in one language."""
    lexicon = get_lexicon(language)
    words = []
    for word in query.words:
        token = lexicon.searched(word)
        if token is not None:  # no stop word
            joined_tokens = (lexicon.searched(joined) for part, joined in query.joined if part == word)
            tokens = tuple(dict.fromkeys([token, *filter(None, joined_tokens)]))
            words.append(Word(text=word, tokens=tokens, facets=tuple(names.get(word, {}).items())))
    excluded_words = [lexicon.searched(words[0]) for words in query.excluded_words if len(words) == 1]
    excluded_phrases = [words for words in query.excluded_words if len(words) > 1]
    return Reading(
        words=tuple(words),
        phrases=tuple(tuple(map(lexicon.token, phrase)) for phrase in query.phrases),
        excluded=(
            *((token,) for token in excluded_words if token is not None),
            *(tuple(map(lexicon.token, phrase)) for phrase in excluded_phrases),
        ),
    )


def _add_completion(searcher: Searcher, counts: WordCounts, index_query: IndexQuery, last_word: str) -> IndexQuery:
    """Return the query with the last word completed, if it may be the beginning of a word."""
    prefix = fold(last_word)
    if len(prefix) < MIN_PREFIX_LENGTH or not prefix.isalnum():
        return index_query
    tokens = index_query.tokens(last_word)
    if counts.decide(index_query.word_field, tokens, lambda count: count >= COMPLETE_WORD_COUNT):
        return index_query
    in_headlines = (
        index_query.headlines_only or len(prefix) < MIN_PREFIX_LENGTH_IN_TEXTS or _is_frequent(searcher, prefix)
    )

    def completed(word: Word) -> Word:
        return replace(word, prefix=prefix, prefix_in_headlines=in_headlines) if word.text == last_word else word

    readings = (replace(reading, words=tuple(map(completed, reading.words))) for reading in index_query.readings)
    return replace(index_query, readings=tuple(readings))


def _is_frequent(searcher: Searcher, prefix: str) -> bool:
    """Return whether words with a prefix occur more than MAX_COMPLETED_OCCURRENCES times."""
    count = sum(count for _, count in searcher.terms_with_prefix(WORDS, prefix))
    if MAX_COMPLETED_OCCURRENCES < count <= 2 * MAX_COMPLETED_OCCURRENCES:
        # The terms count deleted documents, which differ between machines, so they must not decide.
        count = sum(count for _, count in searcher.terms_with_prefix(WORDS, prefix, Query.all_query()))
    return count > MAX_COMPLETED_OCCURRENCES


def _add_weights(counts: WordCounts, index_query: IndexQuery) -> IndexQuery:
    """Return the query with weights of the words: the rarer a word, the greater (Sparck Jones 1972)."""

    def has_documents(word: Word) -> bool:
        return bool(word.prefix or word.facets or counts.decide(index_query.word_field, word.tokens, bool))

    def weighted(reading: Reading) -> Reading:
        if not all(map(has_documents, reading.words)):
            return replace(reading, has_documents=False)
        if len(reading.words) == 1:
            return replace(reading, words=(replace(reading.words[0], weight=MAX_TEXT_SCORE),))
        rarities = [counts.decide(index_query.word_field, word.tokens, counts.rarity) for word in reading.words]
        words = (
            replace(word, weight=MAX_TEXT_SCORE * rarity // sum(rarities))
            for word, rarity in zip(reading.words, rarities, strict=True)
        )
        return replace(reading, words=tuple(words))

    return replace(index_query, readings=tuple(map(weighted, index_query.readings)))


def unknown_words(plan: SearchPlan) -> list[str]:
    """Return the words of a query that occur in no article; stop words are none of them."""
    query = plan.index_query
    tokens = {word: query.tokens(word) for word in plan.parsed_query.words}
    return [word for word in tokens if tokens[word] and not plan.counts.decide(query.word_field, tokens[word], bool)]


def _excluded(connection: Connection, snapshot: ReadSnapshot, list_query: ListQuery) -> Query | None:
    """Return the condition that a filter leaves an article out; None if none does."""
    ids = [*list_query.excluded_ids]
    if list_query.excluded_slugs:
        ids += resolve_names(connection, list_query.excluded_slugs)[0].values()
    if not ids and not snapshot.excluded:
        return None
    return any_condition([facets_condition(state.id for state in snapshot.excluded), ids_condition(ids)])


def _filters(connection: Connection, snapshot: ReadSnapshot, list_query: ListQuery) -> dict[str, Query]:
    """Return the conditions of the filters, by name."""
    conditions = {
        name: facets_condition((state.id for state in states), is_all=name in ALL_OF_FILTERS)
        for name, states in snapshot.filters.items()
        if name != "group"
    }
    if "group" in snapshot.filters:
        brands = list_group_brands(connection, [state.id for state in snapshot.filters["group"]])
        conditions["group"] = facets_condition(brands)
    for name, (start, end) in ((PUBLISHED, list_query.published), (UPDATED, list_query.updated)):
        if start is not None or end is not None:
            conditions[name] = range_condition(
                name, *(to_microseconds(time) if time else None for time in (start, end))
            )
    if list_query.ids is not None:
        conditions["id"] = ids_condition(list_query.ids)
    if list_query.slugs is not None:
        conditions["slug"] = ids_condition(list_ids(connection, list_query.slugs))
    return conditions
