"""Planning of a search: analyzing the query, resolving its filters, and reading the postings that it needs."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, Select, String, bindparam, null, or_, select

from newsapi.changelog.tables import Facet
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.queries.listings import ListQuery as ListQuestion
from newsapi.content.queries.terms import escape_like
from newsapi.content.tables.articles import Article
from newsapi.content.tables.terms import Author, Brand
from newsapi.db import compiled_queries
from newsapi.search import ranking
from newsapi.search.analysis import (
    contains_phrase,
    drop_body,
    encode_phrase,
    facet_term_id,
    term_id_of_word,
)
from newsapi.search.index import to_microseconds
from newsapi.search.query_parser import ParsedQuery
from newsapi.search.ranking import LanguageQuery, LoadedSegment, SearchQuery, SegmentHits
from newsapi.search.segment_reader import load_segments
from newsapi.search.segments import Array
from newsapi.search.tables import SearchDocument, SearchVocabularyEntry
from newsapi.text.folding import fold

MAX_LANGUAGES: Final = 8
"""Languages, those with the most articles, in which a query is analyzed."""

MAX_COMPLETIONS: Final = 24
"""Words, those with the most articles, that complete a prefix."""

COMPLETION_DOCUMENT_LIMIT: Final = 100_000
"""Once the words chosen for a prefix have so many articles, no further completion is added."""

_MAX_WORDS_WITH_PREFIX: Final = 2_000
"""Words with a prefix among which completions are chosen."""

_MAX_NAME_MATCHES: Final = 40
"""Brands, and authors, whose names are matched with a query."""

_FULL_NAME_FACTOR, _PARTIAL_NAME_FACTOR, _MENTION_FACTOR = 0.7, 0.35, 0.5
"""Factors of the facet of a whole name, of a part of a name, and of mentions relative to the brand itself."""

PhraseFilter = Callable[[bytes], bool]
"""Returns for the token sequence of an article whether it has all phrases and no excluded phrase of a query."""


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """An analyzed query with the segments and postings that it needs.

    `terms` has the terms of each word in all `languages`. `exact` is set for a search that filters or sorts by the time
    of updates: an article changed by an import is found by its old text until it is indexed again, but it must not be
    found by a time that is no longer its own.
    """

    parsed_query: ParsedQuery
    question: SearchQuery
    segments: Sequence[LoadedSegment]
    phrase_filter: PhraseFilter | None
    terms: Mapping[str, frozenset[int | None]]
    languages: Sequence[str]
    exact: bool = False
    _hits: dict[str | None, list[SegmentHits]] = field(default_factory=dict)

    def results(self, *, without: str | None = None) -> list[SegmentHits]:
        """Return the matches by segment, ignoring the filter `without` if given; they are computed once."""
        if without not in self._hits:
            self._hits[without] = list(ranking.search_segments(self.segments, self.question, without=without))
        return self._hits[without]

    @property
    def is_text_only(self) -> bool:
        """Whether the postings decide alone: there are no phrases, and no update times that may have changed."""
        return self.phrase_filter is None and not self.exact

    def highlight_terms(self, language: str) -> set[int]:
        """Return the terms to highlight in articles of a language."""
        main = language.partition("-")[0].lower()
        by_language = zip(self.languages, self.question.readings, strict=True)
        readings = [reading for language_, reading in by_language if language_ == main]
        return {term for reading in readings for word in reading.words for term, _ in word if term > 0}

    def unknown(self) -> list[str]:
        """Return the words of the query that occur in no article that was searched."""
        known = {term for segment in self.segments for term in segment.postings}
        return [word for word in self.parsed_query.words if self.terms[word] and not self.terms[word] & known]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchScope:
    """Which texts and segments a search reads.

    Attributes:
        headlines_only: Whether words are matched in headlines only.
        phrases_in_bodies: Whether phrases are matched in bodies, and not only in headlines and standfirsts: a client
            that may not read every body could otherwise read it by searching for phrases word by word.
        min_documents: If set, only the newest segments that have at least so many articles are searched.
    """

    headlines_only: bool = False
    phrases_in_bodies: bool = True
    min_documents: int | None = None


def plan_search(
    connection: Connection,
    query: ParsedQuery,
    snapshot: ReadSnapshot,
    list_query: ListQuestion,
    scope: SearchScope = SearchScope(),
) -> SearchPlan:
    """Analyze a query and read the postings that it needs.

    Args:
        connection: An open read transaction.
        query: The parsed query.
        snapshot: The position of the read, and the filters by facets.
        list_query: All other filters.
        scope: Which texts and segments are searched.

    Returns:
        The plan of the search.
    """
    languages = _languages(connection, snapshot)
    completions = _completions(
        connection, query.prefix, COMPLETION_DOCUMENT_LIMIT if scope.min_documents is None else math.inf
    )
    names = _name_alternatives(connection, query.words) if query.words and not scope.headlines_only else {}
    question = SearchQuery(
        readings=tuple(_analyze_query(query, language, completions, names) for language in languages),
        filters=_filters(connection, snapshot),
        published=_range(list_query.published),
        updated=_range(list_query.updated),
        restrict_to=_only(connection, list_query),
        headline_only=scope.headlines_only,
    )
    loaded = load_segments(connection, question.terms(), scope.min_documents)
    terms = {
        word: frozenset(term_id_of_word(word, language) for language in languages) - {None} for word in query.words
    }
    exact = list_query.key == "updated_at" or list_query.updated != (None, None)
    return SearchPlan(
        query,
        question,
        loaded,
        _phrase_filter(query, languages, bodies=scope.phrases_in_bodies),
        terms,
        languages,
        exact,
    )


_LANGUAGES = select(Facet.id, Facet.name, Facet.article_count).where(Facet.kind == "language", Facet.article_count > 0)


def _languages(connection: Connection, snapshot: ReadSnapshot) -> list[str]:
    """Return the primary subtags of the languages of the archive, or of the language filter, most articles first."""
    allowed = {state.id for state in snapshot.filters["language"]} if "language" in snapshot.filters else None
    counts: dict[str, int] = {}
    for id_, name, article_count in compiled_queries.fetch_rows(connection, _LANGUAGES, {}):
        if allowed is None or id_ in allowed:
            main = (name or "").partition("-")[0].lower()
            counts[main] = counts.get(main, 0) + article_count
    return sorted(counts, key=lambda language: (-counts[language], language))[:MAX_LANGUAGES]


def _analyze_query(
    query: ParsedQuery, language: str, completions: Sequence[str], names: Mapping[str, ranking.Alternatives]
) -> LanguageQuery:
    """Analyze a query in one language."""
    words = []
    for word in query.words:
        term = term_id_of_word(word, language)
        if term is None:
            continue  # a stop word in this language
        joined_terms = (term_id_of_word(joined, language) for part, joined in query.joined if part == word)
        factors = {term: 1.0} | {joined_term: 1.0 for joined_term in joined_terms if joined_term is not None}
        for completion in completions if word == query.prefix else ():
            completed_term = term_id_of_word(completion, language)
            if completed_term is not None:
                factors.setdefault(completed_term, ranking.PREFIX_MATCH_FACTOR)
        words.append((*factors.items(), *names.get(word, ())))
    excluded = [term_id_of_word(parts[0], language) for parts in query.excluded_words if len(parts) == 1]
    return LanguageQuery(tuple(words), tuple(term for term in excluded if term is not None))


def _phrase_filter(query: ParsedQuery, languages: Sequence[str], *, bodies: bool) -> PhraseFilter | None:
    """Return the phrase filter of a query, or None if the query has no phrases."""
    excluded_phrases = [words for words in query.excluded_words if len(words) > 1]
    if not query.phrases and not excluded_phrases:
        return None
    required = [{encode_phrase(words, language) for language in languages} for words in query.phrases]
    excluded = [encode_phrase(words, language) for words in excluded_phrases for language in languages]

    def matches(sequence: bytes) -> bool:
        if not bodies:
            sequence = drop_body(sequence)
        has_all = all(any(contains_phrase(sequence, codes) for codes in alternatives) for alternatives in required)
        return has_all and not any(contains_phrase(sequence, codes) for codes in excluded)

    return matches


_PREFIX_QUERY = (
    select(SearchVocabularyEntry.word, SearchVocabularyEntry.shown, SearchVocabularyEntry.times)
    .where(SearchVocabularyEntry.word >= bindparam("start"), SearchVocabularyEntry.word < bindparam("end"))
    .order_by(SearchVocabularyEntry.word)
    .limit(_MAX_WORDS_WITH_PREFIX)
)


def _completions(connection: Connection, prefix: str, enough: float) -> list[str]:
    """Return words with a prefix, most articles first, until the words have `enough` articles together."""
    plain = fold(prefix)
    if len(plain) < 2 or " " in plain:
        return []
    rows = compiled_queries.fetch_rows(connection, _PREFIX_QUERY, {"start": plain, "end": plain + "\U0010ffff"})
    total = sum(count for word, _, count in rows if word == plain)
    completions: list[str] = []
    for word, display_form, count in sorted(rows, key=lambda row: (-row[2], row[1])):
        if total >= enough or len(completions) == MAX_COMPLETIONS:
            break
        if word != plain:
            completions.append(display_form)
            total += count
    return completions


@lru_cache(maxsize=2 * ranking.MAX_SCORED_WORDS)
def _terms_by_name(model: type[Brand | Author], count: int) -> Select[*tuple[Any, ...]]:
    """Build the query for brands or authors with any of `count` words in a name or alias, most articles first."""
    mention = Brand.mention_facet_id if model is Brand else null()
    aliases = Brand.aliases if model is Brand else null()
    statement = select(model.facet_id, mention, model.name, aliases).join(Facet, Facet.id == model.facet_id)
    like = (model.search_names + " ").like
    has_word = or_(*(like(bindparam(f"word_{number}", type_=String), escape="\\") for number in range(count)))
    return statement.where(has_word).order_by(Facet.article_count.desc(), model.slug).limit(_MAX_NAME_MATCHES)


def _name_alternatives(connection: Connection, words: Sequence[str]) -> dict[str, ranking.Alternatives]:
    """Return the facets of brands and authors as alternatives of the words in their names.

    A word then also matches the articles of a brand or author with this word in the name. If the query has the whole
    name, each of its words has the same weight as in a headline.
    """
    plain = {word: fold(word) for word in words[: ranking.MAX_SCORED_WORDS]}
    name_words = {text for text in plain.values() if text and " " not in text}
    if not name_words:
        return {}
    query = f" {' '.join(fold(word) for word in words)} "
    factors: dict[str, dict[int, float]] = {text: {} for text in name_words}
    for facet_id, mention_facet_id, name in _named_terms(connection, name_words):
        factor = _FULL_NAME_FACTOR if f" {name} " in query else _PARTIAL_NAME_FACTOR
        for text in name_words & {*name.split()}:
            _raise_factor(factors[text], facet_id, factor)
            if mention_facet_id is not None:
                _raise_factor(factors[text], mention_facet_id, factor * _MENTION_FACTOR)
    return {word: tuple(factors[text].items()) for word, text in plain.items() if factors.get(text)}


def _named_terms(connection: Connection, words: Collection[str]) -> Iterator[tuple[int, int | None, str]]:
    """Iterate over facet, mention facet and folded name of brands and authors with one of these words in a name."""
    parameters = {f"word_{number}": f"% {escape_like(word)} %" for number, word in enumerate(sorted(words))}
    for model in (Brand, Author):
        statement = _terms_by_name(model, len(parameters))
        for facet_id, mention_facet_id, name, aliases in compiled_queries.fetch_rows(connection, statement, parameters):
            for name_or_alias in (name, *(aliases or ())):
                yield facet_id, mention_facet_id, fold(name_or_alias)


def _raise_factor(factors: dict[int, float], facet_id: int, factor: float) -> None:
    """Set the factor of the term of a facet, unless it has a greater one."""
    term = facet_term_id(facet_id)
    factors[term] = max(factor, factors.get(term, 0.0))


def _filters(connection: Connection, snapshot: ReadSnapshot) -> dict[str, tuple[int, ...]]:
    """Return the terms of each filter; a group has those of its brands, since brands can move between groups."""
    terms = {name: tuple(facet_term_id(state.id) for state in states) for name, states in snapshot.filters.items()}
    if "group" in snapshot.filters:
        ids = [state.id for state in snapshot.filters["group"]]
        groups = select(Brand.id).where(or_(Brand.group_facet_id.in_(ids), Brand.facet_id.in_(ids)))
        brands = select(Brand.facet_id).where(or_(Brand.id.in_(groups), Brand.parent_id.in_(groups)))
        terms["group"] = tuple(facet_term_id(id_) for id_ in connection.execute(brands).scalars())
    return terms


def _range(times: tuple[datetime | None, datetime | None]) -> tuple[int | None, int | None]:
    start, end = times
    return None if start is None else to_microseconds(start), None if end is None else to_microseconds(end)


def _only(connection: Connection, query: ListQuestion) -> Array | None:
    """Return the document ids of the articles that the query names by id or slug; None if it names none."""
    if query.ids is None and query.slugs is None:
        return None
    doc_ids = select(SearchDocument.number).join(Article, Article.id == SearchDocument.article_id)
    if query.ids is not None:
        doc_ids = doc_ids.where(Article.id.in_(query.ids))
    if query.slugs is not None:
        doc_ids = doc_ids.where(Article.slug.in_(query.slugs))
    return np.array(connection.execute(doc_ids).scalars().all(), np.int64)
