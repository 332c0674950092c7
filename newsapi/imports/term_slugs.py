"""Slugs of imported terms: two names of different letters are two terms, though their transliterations are equal.

Files of other systems name authors and categories, and the slugs are made from the names. "Иванов" and "Ivanov" have
one slug. If a file has the one and the database the other, the term of the file gets a slug of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b

import orjson

from newsapi.content.queries.terms import Kind
from newsapi.content.writes import terms as term_writes
from newsapi.content.writes.drafts import TERM_KIND_OF_FIELD, ArticleDraft
from newsapi.db.database import Connection
from newsapi.imports.ndjson import Line
from newsapi.imports.reader_processes import TERM_SCHEMAS
from newsapi.text.folding import fold
from newsapi.text.slugs import MAX_SLUG_LENGTH, slugify

_ARTICLE_START = b'{"type":"article"'


class TermSlugs:
    """The slugs of the terms of one file that differ from those in the file."""

    def __init__(self) -> None:
        """Begin without terms."""
        self._slugs: dict[tuple[str, str], str] = {}

    def assign(self, connection: Connection, kind: Kind, names: Mapping[str, str]) -> None:
        """Give slugs of their own to terms whose slug belongs to a stored term with a name of other letters.

        Args:
            connection: A connection to the database.
            kind: The kind of the terms.
            names: Their names in the file, by slug.
        """
        names = {slug: name for slug, name in names.items() if slugify(name) == slug}
        if not names:
            return
        for slug, stored_name in term_writes.find_names(connection, kind, names).items():
            letters = _letters(names[slug])
            if letters != _letters(stored_name) and slugify(stored_name) == slug:
                suffix = blake2b(letters.encode(), digest_size=4).hexdigest()
                self._slugs[kind, slug] = f"{slug[: MAX_SLUG_LENGTH - len(suffix) - 1].rstrip('-')}-{suffix}"

    def get(self, kind: str, slug: str) -> str:
        """Return the slug under which a term of the file is stored."""
        return self._slugs.get((kind, slug), slug)

    def apply(self, draft: ArticleDraft) -> ArticleDraft:
        """Return a draft that refers to the terms by the slugs under which they are stored."""
        if not self._slugs:
            return draft
        references = {
            field: [self.get(TERM_KIND_OF_FIELD[field], slug) for slug in slugs]
            for field, slugs in draft.references.items()
        }
        return replace(draft, references=references)

    def restore(self, connection: Connection, lines: Iterable[Line]) -> None:
        """Assign the slugs again for the lines that an interrupted import has read."""
        names: dict[Kind, dict[str, str]] = {kind: {} for kind in TERM_SCHEMAS}
        for line in lines:
            if line.raw and not line.raw.startswith(_ARTICLE_START):
                record = orjson.loads(line.raw)
                for kind in TERM_SCHEMAS:
                    if record.get("type") == kind:
                        names[kind][record["slug"]] = record["name"]
        for kind, names_by_slug in names.items():
            self.assign(connection, kind, names_by_slug)


def _letters(name: str) -> str:
    """Return the letters and digits of a name, without case and accents."""
    return fold(name).replace(" ", "")
