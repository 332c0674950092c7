"""Languages of the archive, in which queries are analyzed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from newsapi.content.queries.facets import ReadSnapshot
from newsapi.search.queries import list_languages

MAX_LANGUAGES: Final = 8
"""Languages, those with the most articles, in which a query is analyzed."""


class LanguageCatalog:
    """The languages of the archive. They are kept until an article changes. Thread-safe."""

    def __init__(self) -> None:
        """Create a catalog that has read nothing yet."""
        self._kept: tuple[object, Sequence[tuple[int, str | None, int]]] = (None, ())

    def list(self, connection: Connection, snapshot: ReadSnapshot) -> list[str]:
        """Return the primary subtags of the languages, or of those of the language filter, most articles first."""
        key = (snapshot.nonce, snapshot.everything.seq)
        kept_key, rows = self._kept
        if kept_key != key:
            rows = list_languages(connection)
            self._kept = (key, rows)
        allowed = {state.id for state in snapshot.filters["language"]} if "language" in snapshot.filters else None
        counts: dict[str, int] = {}
        for id_, name, article_count in rows:
            if allowed is None or id_ in allowed:
                main = (name or "").partition("-")[0].lower()
                counts[main] = counts.get(main, 0) + article_count
        return sorted(counts, key=lambda language: (-counts[language], language))[:MAX_LANGUAGES]
