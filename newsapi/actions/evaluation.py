"""Ranks a set of judged articles with the product's own index and ranker, for the figures that people's judgments give.

In: lines of JSON, as relevance sets have them: `{"type": "document", "id", "headline", "standfirst", "body", "brand",
"mentions", "section", "tags", "published_at", "language"}` and `{"type": "judgment", "source", "target", "grade"}`.
Out: for each source the ranking, best first, as `{"source", "ranked": [ids], "scores": {id: score}}`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from io import BytesIO
from typing import Any, Final

import orjson

from newsapi.actions import imports, related
from newsapi.errors import Fault, Invalid
from newsapi.settings import Settings
from newsapi.store import articles
from newsapi.store import related as lists
from newsapi.store.database import Database
from newsapi.text.characters import printable
from newsapi.text.slugs import is_slug

DEPTH: Final = 20
"""How many are ranked."""

UNDATED: Final = "2000-01-01"


def ranked(
    database: Database,
    settings: Settings,
    lines: Iterable[bytes],
    *,
    now: Callable[[], Any],
    progress: Callable[[int, int], None],
) -> Iterator[dict[str, Any]]:
    """Import the documents into an empty database, index them, and yield the ranking of each source.

    Raises Invalid where a line is none of such a set.
    """
    documents, sources = _read(lines)
    records = b"".join(orjson.dumps(record) + b"\n" for record in _records(documents.values()))
    imports.load(database, settings, BytesIO(records), now=now, reject=_refuse)
    related.rebuild(database, now=now)
    slugs = {slug_of(id_): id_ for id_ in documents}
    for number, source in enumerate(sources, 1):
        with database.reading() as connection:
            found = articles.find(connection, slug_of(source))
            listed = lists.of_article(connection, found.id, limit=DEPTH).records
        order = [(slugs[record["slug"]], record["relation"]["score"]) for record in listed]
        yield {"source": source, "ranked": [id_ for id_, _ in order], "scores": dict(order)}
        progress(number, len(sources))


def slug_of(name: str) -> str:
    """Answer the slug that stands for any name."""
    return name if is_slug(name) else hashlib.blake2b(name.encode(), digest_size=10).hexdigest()


def _read(lines: Iterable[bytes]) -> tuple[dict[str, Mapping[str, Any]], list[str]]:
    documents: dict[str, Mapping[str, Any]] = {}
    sources: dict[str, None] = {}
    for number, line in enumerate(lines, 1):
        try:
            row = orjson.loads(line)
            if row["type"] == "document":
                documents[row["id"]] = row
            elif row["type"] == "judgment":
                sources[row["source"]] = None
        except (ValueError, KeyError, TypeError) as error:
            raise Invalid([Fault(f"line {number}", "is no line of a set of judged articles")]) from error
    return documents, [source for source in sources if source in documents]


def _records(documents: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    documents = list(documents)
    for kind, names in (
        ("brand", {name for row in documents for name in (row["brand"], *row["mentions"])}),
        ("section", {row["section"] for row in documents}),
        ("tag", {name for row in documents for name in row["tags"]}),
    ):
        yield from ({"type": kind, "slug": slug_of(name), "name": name} for name in sorted(names - {None}))
    for row in documents:
        yield {
            "type": "article",
            "slug": slug_of(row["id"]),
            "headline": _line(row["headline"]),
            "standfirst": _line(row["standfirst"]) or None,
            "body_html": f"<p>{escape(_line(row['body']))}</p>" if row["body"] else "",
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


def _line(text: str) -> str:
    return " ".join(printable(text).split())


def _refuse(line: int, fault: Fault) -> None:
    raise Invalid([Fault(f"article {line} of the set: {fault.place}", fault.message)])
