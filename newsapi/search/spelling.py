"""Spelling suggestions: the closest indexed word, or word of a name, for words that occur in no article."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import Connection
from tantivy import Query, Searcher

from newsapi.search.index_queries import count
from newsapi.search.index_schema import HEADLINE_WORDS, SCHEMA, WORDS
from newsapi.search.queries import list_name_words
from newsapi.text.folding import fold

MAX_NAMES: Final = 5_000
"""Names of brands and authors that are read."""

MAX_WORDS: Final = 20_000
"""Indexed words with the same first letter that are compared, those in the most articles."""

_MAX_CLOSEST: Final = 20
"""Equally close words whose articles are counted."""


def suggest_spelling(
    connection: Connection, searcher: Searcher, words: Iterable[str], *, headlines_only: bool
) -> dict[str, str]:
    """Return the closest indexed word, or word of a name, for unknown words; words with no close match are left out.

    The distance is that of optimal string alignment, at most 1 for words of up to 5 characters and 2 for longer ones.

    Args:
        connection: A read transaction.
        searcher: The index.
        words: The unknown words, in lower case.
        headlines_only: Whether only words of headlines are suggested, beside those of names.
    """
    names = list_name_words(connection, MAX_NAMES)
    field = HEADLINE_WORDS if headlines_only else WORDS
    suggestions = {}
    for unknown in words:
        plain = fold(unknown)
        if len(plain) >= 3 and " " not in plain:
            suggestion = _closest(searcher, field, plain, names)
            if suggestion is not None:
                suggestions[unknown] = suggestion
    return suggestions


def _closest(searcher: Searcher, field: str, plain: str, names: Collection[str]) -> str | None:
    """Return the closest word of the index or of names, of the closest ones that with the most articles."""
    max_distance = 1 if len(plain) < 6 else 2
    terms: dict[str, list[str]] = {name: [] for name in names}
    for term, _ in searcher.terms_with_prefix(field, plain[0], None, MAX_WORDS):
        terms.setdefault(term.partition("/")[0], []).append(term)
    close = process.extract(plain, [*terms], scorer=OSA.distance, score_cutoff=max_distance, limit=None)
    least_distance = min((distance for _, distance, _ in close), default=0)
    nearest = sorted(word for word, distance, _ in close if distance == least_distance)
    # The terms count deleted documents. Only articles that exist may decide, and be disclosed.
    counts = {
        (count(searcher, Query.term_query(SCHEMA, field, term, "basic")), term)
        for word in nearest[:_MAX_CLOSEST]
        for term in terms[word]
    }
    indexed = [(-articles, term.partition("/")) for articles, term in counts if articles]
    if indexed:
        _, (word, _, displayed) = min(indexed)
        return displayed or word
    return next((word for word in nearest if word in names), None)
