"""Results as they are sent: items of lists, with scores and highlights."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final
from uuid import UUID

import orjson
from sqlalchemy import Connection

from newsapi.content.article_types import ArticleRow
from newsapi.content.context import app_context
from newsapi.content.presentation.listed_articles import ListedArticle
from newsapi.content.presentation.presentation import BodyAccess
from newsapi.db.immutable_cache import ImmutableCache
from newsapi.search.highlights import build_highlights
from newsapi.search.queries import read_bodies
from newsapi.search.query_words import QueryWords
from newsapi.search.schemas import Highlights
from newsapi.text import html
from newsapi.web.fast_dump import compile_dump, dump_json

WordsOfLanguage = Callable[[str], QueryWords]

MAX_HIGHLIGHTS: Final = 8_192
"""Highlights of articles that are kept, of about a kilobyte each."""

MAX_BODIES: Final = 2_048
"""Bodies that are kept as plain text."""

MAX_KEPT_BODY_LENGTH: Final = 20_000
"""Characters up to which a body is kept."""

_TextKey = tuple[UUID, int, str]
"""Id and version of an article, and how much of its body is shown."""


class HitPresenter:
    """Presents results.

    The highlights are kept for the next search for the same words, and bodies as plain text for searches for others:
    many articles are in several results.
    """

    def __init__(self) -> None:
        """Start with nothing kept."""
        self._highlights = ImmutableCache[tuple[_TextKey, Hashable], bytes](MAX_HIGHLIGHTS)
        self._bodies = ImmutableCache[_TextKey, str](MAX_BODIES)

    def present(
        self,
        connection: Connection,
        articles: Sequence[ListedArticle],
        scores: Mapping[UUID, float],
        words_of: WordsOfLanguage,
        body_access: BodyAccess,
    ) -> list[orjson.Fragment]:
        """Return the results as JSON.

        Args:
            connection: A read transaction.
            articles: The articles, in their order.
            scores: The scores by id.
            words_of: Returns what finds the words of the query in texts of a language.
            body_access: What the caller may read of bodies; highlights show nothing else.
        """
        columns = [article.columns for article in articles]
        words = {language: words_of(language) for language in {record["language"] for record in columns}}
        texts = [(record["id"], record["version"], body_access.level_for(record)) for record in columns]
        keys = [(text, words[record["language"]].key) for text, record in zip(texts, columns, strict=True)]
        highlights = {key: kept for key in keys if (kept := self._highlights.find(key)) is not None}
        missing = {key: record for key, record in zip(keys, columns, strict=True) if key not in highlights}
        bodies = self._read_bodies(connection, {text: record for (text, _), record in missing.items()}, body_access)
        dump = compile_dump(Highlights)
        for key, record in missing.items():
            parts = record["headline"], record["standfirst"], bodies[key[0]]
            built = build_highlights(*parts, words[record["language"]])
            highlights[key] = dump_json(dump(built._asdict()))
            self._highlights.store(key, highlights[key])
        items = []
        for article, key in zip(articles, keys, strict=True):
            score = dump_json(scores[article.columns["id"]])
            items.append(b'%b,"score":%b,"highlights":%b}' % (article.item[:-1], score, highlights[key]))
        return [*map(orjson.Fragment, items)]

    def _read_bodies(
        self, connection: Connection, columns: Mapping[_TextKey, ArticleRow], body_access: BodyAccess
    ) -> dict[_TextKey, str]:
        """Return the bodies of articles as plain text, as much as the caller may read."""
        bodies = {text: body for text in columns if (body := self._bodies.find(text)) is not None}
        missing = [text for text in columns if text not in bodies]
        html_by_id = read_bodies(connection, [id_ for id_, _, _ in missing]) if missing else {}
        for text in missing:
            record = columns[text].copy()
            record["body_html"] = html_by_id[text[0]]
            bodies[text] = html.html_to_text(app_context().presentation.body(record, body_access) or "")
            if len(bodies[text]) <= MAX_KEPT_BODY_LENGTH:
                self._bodies.store(text, bodies[text])
        return bodies
