"""Evaluation of related lists: ranks a set of relevance judgments with the index and ranker of this package.

The input are lines of JSON: `{"type": "document", "id", "headline", "standfirst", "body", "brand", "mentions",
"section", "tags", "published_at", "language"}` and `{"type": "judgment", "source", "target", "grade"}`. The output is
one ranking per source, best first: `{"source", "ranked": [ids], "scores": {id: score}}`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from html import escape
from io import BytesIO
from typing import Final, TypedDict

import orjson

from newsapi.content.queries import articles as article_queries
from newsapi.db.database import Database
from newsapi.errors import FieldError, InvalidParameter
from newsapi.imports import loader as import_loader
from newsapi.related import lists
from newsapi.related.rebuild import rebuild_index
from newsapi.settings import Settings
from newsapi.text.characters import strip_forbidden
from newsapi.text.slugs import is_slug
from newsapi.write_hooks import WRITE_HOOKS

RANKING_DEPTH: Final = 20
"""Articles in each ranking."""

UNDATED: Final = "2000-01-01"


class JudgedDocument(TypedDict):
    """A line with a document. Brands, sections and tags are names."""

    id: str
    headline: str
    standfirst: str
    body: str
    brand: str | None
    mentions: list[str]
    section: str | None
    tags: list[str]
    published_at: str | None
    language: str


class Ranking(TypedDict):
    """The articles ranked for a source, best first, and their scores."""

    source: str
    ranked: list[str]
    scores: dict[str, float]


def iter_rankings(
    database: Database,
    settings: Settings,
    lines: Iterable[bytes],
    *,
    now: Callable[[], datetime],
    progress: Callable[[int, int], None],
) -> Iterator[Ranking]:
    """Import the documents into an empty database, index them, and rank the articles for each source.

    Args:
        database: An empty database with its tables.
        settings: The settings.
        lines: The documents and judgments, as described in the module docstring.
        now: The clock.
        progress: Called after each ranking with the number of sources done and their total.

    Yields:
        The ranking of each source.

    Raises:
        InvalidParameter: A line is invalid, or a document cannot be imported.
    """
    documents, sources = _read(lines)
    records = b"".join(orjson.dumps(record) + b"\n" for record in _records(documents.values()))
    stream = BytesIO(records)
    import_loader.import_records(database, settings, stream, hooks=WRITE_HOOKS, now=now, reject=_raise_rejection)
    rebuild_index(database, now=now)
    ids_by_slug = {slug_of(id_): id_ for id_ in documents}
    for number, source in enumerate(sources, 1):
        with database.read_transaction() as connection:
            article = article_queries.get_public(connection, slug_of(source))
            related_records = lists.get_related(connection, article.id, limit=RANKING_DEPTH).records
        ranking = [(ids_by_slug[record["slug"]], record["relation"]["score"]) for record in related_records]
        yield {"source": source, "ranked": [id_ for id_, _ in ranking], "scores": dict(ranking)}
        progress(number, len(sources))


def slug_of(name: str) -> str:
    """Return the name if it is a slug, else a slug derived from its hash."""
    return name if is_slug(name) else hashlib.blake2b(name.encode(), digest_size=10).hexdigest()


def _read(lines: Iterable[bytes]) -> tuple[dict[str, JudgedDocument], list[str]]:
    """Return the documents by id, and the ids of those that judgments name as their source."""
    documents: dict[str, JudgedDocument] = {}
    sources: dict[str, None] = {}
    for number, line in enumerate(lines, 1):
        try:
            row = orjson.loads(line)
            if row["type"] == "document":
                documents[row["id"]] = row
            elif row["type"] == "judgment":
                sources[row["source"]] = None
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidParameter([FieldError(f"line {number}", "is not a document or judgment")]) from error
    return documents, [source for source in sources if source in documents]


def _records(documents: Iterable[JudgedDocument]) -> Iterator[Mapping[str, object]]:
    """Yield import records: the terms that the documents refer to, then an article for each document."""
    documents = list(documents)
    for kind, names in (
        ("brand", {name for row in documents for name in (row["brand"], *row["mentions"])}),
        ("section", {row["section"] for row in documents}),
        ("tag", {name for row in documents for name in row["tags"]}),
    ):
        yield from ({"type": kind, "slug": slug_of(name), "name": name} for name in sorted(filter(None, names)))
    for row in documents:
        yield {
            "type": "article",
            "slug": slug_of(row["id"]),
            "headline": _single_line(row["headline"]),
            "standfirst": _single_line(row["standfirst"]) or None,
            "body_html": f"<p>{escape(_single_line(row['body']))}</p>" if row["body"] else "",
            "language": row["language"],
            "format": "article",
            "brand": slug_of(row["brand"]) if row["brand"] else None,
            "mentions": list(dict.fromkeys(map(slug_of, row["mentions"]))),
            "section": slug_of(row["section"]) if row["section"] else None,
            "authors": [],
            "tags": list(dict.fromkeys(map(slug_of, row["tags"]))),
            "status": "published",
            "published_at": row["published_at"] or UNDATED,
        }


def _single_line(text: str) -> str:
    return " ".join(strip_forbidden(text).split())


def _raise_rejection(line: int, error: FieldError) -> None:
    raise InvalidParameter([FieldError(f"article {line} of the set: {error.location}", error.message)])
