"""Names in files of other systems: HTML as plain text, URLs as slugs, categories and authors as terms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from html import unescape
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

from newsapi.imports.mapping import CategoryMapping
from newsapi.imports.record_notes import Omission
from newsapi.text import html, urls
from newsapi.text.folding import fold
from newsapi.text.json_types import JsonObject
from newsapi.text.slugs import MAX_SLUG_LENGTH, is_slug, slugify

MAX_TAGS = 100
MAX_AUTHORS = 50
_HTML_CHARACTERS = re.compile("[<&]")
_PLACEHOLDER_BASE_URL = "https://localhost/"
_PAGE_SUFFIX = re.compile(r"\.(?:[sx]?html?|php|aspx?|jsp|mp3|m4a|mp4|pdf)$", re.IGNORECASE)

Record: TypeAlias = JsonObject
"""An import record that is being built, before validation."""


class ImportedTerm(NamedTuple):
    """A category or an author in a file: its slug and its display name."""

    slug: str
    name: str
    email: str | None = None


class MappedTerms(NamedTuple):
    """The terms of an article.

    Attributes:
        new_terms: The records of the terms that occur for the first time.
        references: The members of the article's record that refer to terms.
        omissions: The terms that are left out, because an article can have only so many.
    """

    new_terms: list[Record]
    references: Record
    omissions: list[Omission]


def html_to_text(text: str | None) -> str:
    """Return a text that may contain HTML as plain text."""
    if not text or not _HTML_CHARACTERS.search(text):
        return " ".join((text or "").split())
    return html.html_to_text(html.sanitize_html(text, base=_PLACEHOLDER_BASE_URL, embed_hosts=frozenset()).html)


def html_to_line(text: str | None) -> str | None:
    """Return a text that may contain HTML as one line of plain text, or None if it is empty."""
    return " ".join(html_to_text(text).split()) or None


def resolve_http_url(text: str | None, base: str = "") -> str | None:
    """Return an absolute http or https URL, or None if the text is none."""
    return urls.resolve_url(unescape((text or "").strip()), base=base, schemes=urls.IMAGE_SCHEMES)


def last_segment(url: str | None) -> str:
    """Return the last segment of a URL's path with its percent-encoding decoded; "" if there is none."""
    try:
        segments = [segment for segment in urlsplit(url or "").path.split("/") if segment]
    except ValueError:
        return ""
    return unquote(segments[-1]) if segments else ""


def slug_from_segment(segment: str) -> str | None:
    """Return the slug of a segment of a path, such as `nuova_auto.html`; None if it has no letters or digits."""
    text = _PAGE_SUFFIX.sub("", unquote(segment)).strip()
    if not any(character.isalnum() for character in text):
        return None
    lowered = text.lower()
    return lowered if is_slug(lowered) else slugify(text)


def shorten_slug(slug: str, suffix: str) -> str:
    """Return a slug with a suffix, cut so that both together are not too long."""
    return f"{slug[: MAX_SLUG_LENGTH - 1 - len(suffix)].strip('-')}-{suffix}"


def short_hash(text: str) -> str:
    """Return a hash of a text as eight hexadecimal digits."""
    return blake2b(text.encode(), digest_size=4).hexdigest()


class TermMapper:
    """Maps the categories, tags and authors of a file to terms. Each term is a record once, before its first use.

    Two names of different letters that have one slug, because slugs are transliterated, are two terms.
    """

    def __init__(self, mapping: CategoryMapping) -> None:
        self._mapping = mapping
        self._letters: dict[tuple[str, str], str] = {}  # of the name of each term, by kind and slug

    def map_terms(
        self, categories: Iterable[ImportedTerm], tags: Iterable[ImportedTerm], authors: Iterable[ImportedTerm]
    ) -> MappedTerms:
        """Map the terms of an article.

        Args:
            categories: Categories; those that the mapping does not name follow its `others`.
            tags: Tags; those that the mapping does not name stay tags.
            authors: Authors in their order.

        Returns:
            The terms.
        """
        mapping = self._mapping
        new_terms: list[Record] = []
        slugs: dict[str, list[str]] = {"brand": [], "section": [], "tag": [], "author": []}
        omissions: list[Omission] = []
        for term in categories:
            default = None if mapping.others == "drop" else (mapping.others, term.slug)
            self._add_mapped(new_terms, slugs, mapping.categories.get(term.slug, default), term.name)
        for term in tags:
            self._add_mapped(new_terms, slugs, mapping.categories.get(term.slug, ("tag", term.slug)), term.name)
        for term in authors:
            self._add_term(new_terms, slugs, "author", term)
        for kind, slug in (("section", mapping.section), ("author", mapping.author)):
            if slug and not slugs[kind]:
                self._add_term(new_terms, slugs, kind, ImportedTerm(slug, slug.replace("-", " ").capitalize()))
        brands = slugs["brand"]
        references: Record = {
            "brand": next(iter(brands), None),
            "mentions": _first(brands[1:], MAX_TAGS, "brand", omissions),
            "section": next(iter(_first(slugs["section"], 1, "section", omissions)), None),
            "tags": _first(slugs["tag"], MAX_TAGS, "tag", omissions),
            "authors": _first(slugs["author"], MAX_AUTHORS, "author", omissions),
        }
        return MappedTerms(new_terms, references, omissions)

    def _add_mapped(
        self, new_terms: list[Record], slugs: dict[str, list[str]], target: tuple[str, str] | None, name: str
    ) -> None:
        """Add a mapped category: its target is a kind and a slug, or None if it is dropped."""
        if target is not None:
            kind, slug = target
            self._add_term(new_terms, slugs, kind, ImportedTerm(slug, name))

    def _add_term(self, new_terms: list[Record], slugs: dict[str, list[str]], kind: str, term: ImportedTerm) -> None:
        """Add a term to the article, and its record to the new terms if it occurs for the first time."""
        slug, letters = term.slug, _letters(term.name)
        if self._letters.get((kind, slug), letters) != letters and slug == slugify(term.name):
            slug = shorten_slug(slug, short_hash(letters))
        if slug not in slugs[kind]:
            slugs[kind].append(slug)
        if (kind, slug) not in self._letters:
            self._letters[kind, slug] = letters
            record: Record = {"type": kind, "slug": slug, "name": term.name[:200]}
            new_terms.append(record | ({"email": term.email} if term.email else {}))


def _letters(name: str) -> str:
    """Return the letters and digits of a name, without case and accents, to compare names by."""
    return fold(name).replace(" ", "")


def _first(slugs: Sequence[str], limit: int, kind: str, omissions: list[Omission]) -> list[str]:
    """Return the first slugs; the others become omissions."""
    omissions += [Omission(f"excess {kind}", slug) for slug in slugs[limit:]]
    return list(slugs[:limit])


def make_category(name: str | None, slug: str | None = None) -> ImportedTerm | None:
    """Return a category from its name or its slug, or None if it has neither."""
    decoded = unquote(slug) if slug else ""
    display_name = html_to_line(name) or decoded.replace("-", " ").strip()
    if not display_name:
        return None
    return ImportedTerm((slug_from_segment(decoded) if decoded else None) or slugify(display_name), display_name)
