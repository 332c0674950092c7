"""Results as they are sent: articles with scores and highlights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from newsapi.content.article_types import ArticleRow
from newsapi.content.context import app_context
from newsapi.content.presentation.presentation import BodyAccess
from newsapi.search.highlights import HighlightedParts, build_highlights
from newsapi.search.queries import read_bodies
from newsapi.search.query_words import QueryWords
from newsapi.search.recent_values import RecentValues
from newsapi.search.schemas import SearchHit
from newsapi.text import html
from newsapi.text.json_types import JsonObject
from newsapi.web.fast_dump import compile_dump

WordsOfLanguage = Callable[[str], QueryWords]

HIGHLIGHT_CACHE_BYTES: Final = 16 << 20
BODY_CACHE_BYTES: Final = 16 << 20
_ENTRY_BYTES: Final = 300
_TextKey = tuple[UUID, int, str]
"""Id and version of an article, and how much of its body is shown."""


class HitPresenter:
    """Presents results.

    The highlights are kept for the next search for the same words, and bodies as plain text for searches for others:
    many articles are in several results.
    """

    def __init__(self) -> None:
        """Start with nothing kept."""
        self._highlights_by_words: RecentValues[object, HighlightedParts] = RecentValues(HIGHLIGHT_CACHE_BYTES)
        self._bodies: RecentValues[_TextKey, str] = RecentValues(BODY_CACHE_BYTES)

    def present(
        self,
        connection: Connection,
        records: Sequence[ArticleRow],
        scores: Mapping[UUID, float],
        words_of: WordsOfLanguage,
        body_access: BodyAccess,
    ) -> list[JsonObject]:
        """Return the results as they are sent.

        Args:
            connection: A read transaction.
            records: The articles, in their order.
            scores: The scores by id.
            words_of: Returns what finds the words of the query in texts of a language.
            body_access: What the caller may read of bodies; highlights show nothing else.
        """
        presentation, dump = app_context().presentation, compile_dump(SearchHit)
        items = []
        for record, highlights in zip(
            records, self._highlights(connection, records, words_of, body_access), strict=True
        ):
            record["score"] = scores[record["id"]]
            record["highlights"] = {
                "headline": highlights.headline,
                "standfirst": highlights.standfirst,
                "body": highlights.body,
            }
            items.append(dump(presentation.summary(record)))
        return items

    def _highlights(
        self, connection: Connection, records: Sequence[ArticleRow], words_of: WordsOfLanguage, body_access: BodyAccess
    ) -> Iterator[HighlightedParts]:
        words = {language: words_of(language) for language in {record["language"] for record in records}}
        texts = [(record["id"], record["version"], body_access.level_for(record)) for record in records]
        keys = [(text, words[record["language"]].key) for text, record in zip(texts, records, strict=True)]
        kept = [self._highlights_by_words.get(key) for key in keys]
        needed = {text: record for text, record, built in zip(texts, records, kept, strict=True) if built is None}
        bodies = self._read_bodies(connection, needed, body_access)
        for record, text, key, highlights in zip(records, texts, keys, kept, strict=True):
            if highlights is not None:
                yield highlights
                continue
            words_of_record = words[record["language"]]
            built = build_highlights(record["headline"], record["standfirst"], bodies[text], words_of_record)
            self._highlights_by_words.put(key, built, built.size)
            yield built

    def _read_bodies(
        self, connection: Connection, records: Mapping[_TextKey, ArticleRow], body_access: BodyAccess
    ) -> dict[_TextKey, str]:
        """Return the bodies of articles as plain text, as much as the caller may read."""
        bodies = {text: body for text in records if (body := self._bodies.get(text)) is not None}
        missing = {text: record for text, record in records.items() if text not in bodies}
        html_by_id = read_bodies(connection, [record["id"] for record in missing.values()]) if missing else {}
        for text, record in missing.items():
            record["body_html"] = html_by_id[record["id"]]
            body = html.html_to_text(app_context().presentation.body(record, body_access) or "")
            self._bodies.put(text, body, 2 * len(body) + _ENTRY_BYTES)
            bodies[text] = body
        return bodies
