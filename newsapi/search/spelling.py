"""Spelling suggestions: the closest indexed word, or word of a name, for words that occur in no article."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import Connection, func, select, union_all

from newsapi.content.tables.terms import Author, Brand
from newsapi.search.tables import SearchVocabularyEntry
from newsapi.text.folding import fold

MAX_NAMES: Final = 5_000
"""Names of brands and authors that are read."""

MAX_WORDS: Final = 20_000
"""Words of the vocabulary that are read."""


def suggest_spelling(connection: Connection, words: Iterable[str]) -> dict[str, str]:
    """Return the closest indexed word, or word of a name, for unknown words; words with no close match are left out.

    The distance is that of optimal string alignment, at most 1 for words of up to 5 characters and 2 for longer ones.
    """
    search_names = union_all(select(Brand.search_names), select(Author.search_names)).subquery()
    texts = connection.execute(select(search_names).limit(MAX_NAMES)).scalars()
    names = {word for text in texts for word in text.split()}
    suggestions = {}
    for unknown in words:
        plain = fold(unknown)
        if len(plain) >= 3 and " " not in plain:
            suggestion = _closest(connection, plain, names)
            if suggestion is not None:
                suggestions[unknown] = suggestion
    return suggestions


def _closest(connection: Connection, plain: str, names: Iterable[str]) -> str | None:
    """Return the closest word of the vocabulary or of names, of the closest ones that with the most articles."""
    max_distance = 1 if len(plain) < 6 else 2
    word = SearchVocabularyEntry.word
    statement = select(word, SearchVocabularyEntry.shown, SearchVocabularyEntry.times).where(
        word > plain[0],
        word < plain[0] + "\U0010ffff",
        func.length(word).between(len(plain) - max_distance, len(plain) + max_distance),
    )
    rows = connection.execute(statement.order_by(word).limit(MAX_WORDS)).all()
    known = {name: (name, 0) for name in names} | {text: (display, count) for text, display, count in rows}
    close = process.extract(plain, list(known), scorer=OSA.distance, score_cutoff=max_distance, limit=None)
    best = min(close, key=lambda match: (match[1], -known[match[0]][1], match[0]), default=None)
    return None if best is None else known[best[0]][0]
