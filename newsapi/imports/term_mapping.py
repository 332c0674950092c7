"""Conversion of names in files of other systems: HTML to plain text, URLs to slugs, categories to terms."""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from html import unescape
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

from newsapi.imports.mapping import CategoryMapping
from newsapi.text import html, urls
from newsapi.text.json_types import JsonObject
from newsapi.text.slugs import is_slug, slugify

MAX_TAGS = 100
_HTML_CHARACTERS = re.compile("[<&]")
_PLACEHOLDER_BASE_URL = "https://localhost/"

Record: TypeAlias = JsonObject
"""An import record that is being built, before validation."""


class ImportedTerm(NamedTuple):
    """A category or an author in a file: its slug and its display name."""

    slug: str
    name: str
    email: str | None = None


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


def slug_from_url(url: str | None) -> str | None:
    """Return the last segment of a URL's path if it is a slug, else None."""
    try:
        segments = [segment for segment in unquote(urlsplit(url or "").path).split("/") if segment]
    except ValueError:
        return None
    slug = segments[-1].lower().removesuffix(".html").removesuffix(".htm") if segments else ""
    return slug if is_slug(slug) else None


def short_hash(text: str) -> str:
    """Return a hash of a text as eight hexadecimal digits."""
    return blake2b(text.encode(), digest_size=4).hexdigest()


class TermMapper:
    """Maps the categories, tags and authors of a file to terms. Each term is a record once, before its first use."""

    def __init__(self, mapping: CategoryMapping) -> None:
        self._mapping = mapping
        self._emitted: set[tuple[str, str]] = set()

    def map_terms(
        self, categories: Iterable[ImportedTerm], tags: Iterable[ImportedTerm], authors: Iterable[ImportedTerm]
    ) -> tuple[list[Record], Record]:
        """Map the terms of an article.

        Args:
            categories: Categories; those that the mapping does not name follow its `others`.
            tags: Tags; those that the mapping does not name stay tags.
            authors: Authors in their order.

        Returns:
            The records of the terms that occur for the first time, and the members of the article that refer to terms.
        """
        mapping = self._mapping
        new_terms: list[Record] = []
        slugs: dict[str, list[str]] = {"brand": [], "section": [], "tag": [], "author": []}
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
        return new_terms, {
            "brand": next(iter(slugs["brand"]), None),
            "mentions": slugs["brand"][1:MAX_TAGS],
            "section": next(iter(slugs["section"]), None),
            "tags": slugs["tag"][:MAX_TAGS],
            "authors": slugs["author"][:50],
        }

    def _add_mapped(
        self, new_terms: list[Record], slugs: dict[str, list[str]], target: tuple[str, str] | None, name: str
    ) -> None:
        """Add a mapped category: its target is a kind and a slug, or None if it is dropped."""
        if target is not None:
            kind, slug = target
            self._add_term(new_terms, slugs, kind, ImportedTerm(slug, name))

    def _add_term(self, new_terms: list[Record], slugs: dict[str, list[str]], kind: str, term: ImportedTerm) -> None:
        """Add a term to the article, and its record to the new terms if it occurs for the first time."""
        if term.slug not in slugs[kind]:
            slugs[kind].append(term.slug)
        if (kind, term.slug) not in self._emitted:
            self._emitted.add((kind, term.slug))
            record: Record = {"type": kind, "slug": term.slug, "name": term.name[:200]}
            new_terms.append(record | ({"email": term.email} if term.email else {}))


def category(name: str | None, slug: str | None = None) -> ImportedTerm | None:
    """Return a category from its name or its slug, or None if it has neither."""
    display_name = html_to_line(name) or slug or ""
    if not display_name:
        return None
    return ImportedTerm(slug if slug and is_slug(slug) else slugify(display_name), display_name)
