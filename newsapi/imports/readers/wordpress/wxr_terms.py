"""Authors of a WordPress export, and the terms of its posts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from newsapi.imports.readers.languages import read_language
from newsapi.imports.readers.persons import person_name
from newsapi.imports.readers.terms import ImportedTerm, make_category, short_hash, shorten_slug
from newsapi.imports.readers.xml.xml_nodes import XmlNode
from newsapi.imports.record_notes import Omission
from newsapi.text.slugs import slugify

_FORMATS: Final = {"post-format-gallery": "gallery", "post-format-video": "video"}
_MAX_EMAIL_LENGTH: Final = 254


@dataclass(slots=True)
class AuthorIndex:
    """The authors of an export by login, which is not public: WordPress ignores its case.

    Attributes:
        names_are_public: Whether `dc:creator` holds names: before WXR 1.1 it did, later it holds logins.
    """

    by_login: dict[str, ImportedTerm | None] = field(default_factory=dict)
    names_are_public: bool = False
    _slugs: dict[str, str] = field(default_factory=dict)
    _lines: dict[str, int] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)

    def add(self, author: XmlNode, line: int) -> None:
        """Add an author of the export, `wp:author`."""
        name = person_name(author.text("wp_author_display_name")) or person_name(
            f"{author.text('wp_author_first_name')} {author.text('wp_author_last_name')}"
        )
        self._add(author.text("wp_author_login"), name, author.text("wp_author_email"), line)

    def add_guest(self, meta: dict[str, str], title: str, line: int) -> None:
        """Add a guest author of the plugin Co-Authors Plus, which is an item of the export."""
        name = person_name(meta.get("cap-display_name")) or person_name(title)
        self._add(meta.get("cap-user_login", ""), name, meta.get("cap-user_email", ""), line)

    def _add(self, login: str, name: str | None, email: str, line: int) -> None:
        key = login.lower()
        self._lines.setdefault(key, line)
        if not key or self.by_login.get(key):
            return
        if name is None:
            self.by_login[key] = None
            return
        slug = slugify(name)
        if self._slugs.setdefault(slug, key) != key:
            slug = shorten_slug(slug, slugify(login) if "@" not in login else short_hash(key))
        is_address = "@" in email and len(email) <= _MAX_EMAIL_LENGTH
        self.by_login[key] = ImportedTerm(slug, name, email if is_address else None)

    def find(self, text: str, *, is_name: bool = False) -> ImportedTerm | None:
        """Return the author with a login or, if the text is a name, the author of that name; None without a name."""
        key = text.strip("<> ").lower()
        self._used.add(key)
        if key in self.by_login:
            return self.by_login[key]
        name = person_name(text)
        if name is None or not (is_name or self.names_are_public or " " in name):
            return None
        for login, author in self.by_login.items():
            if author is not None and author.name == name:
                self._used.add(login)
                return author
        return make_category(name)

    def unused(self) -> Iterator[tuple[int, Omission]]:
        """Return the authors of no post, each with the line on which it begins."""
        for login, line in self._lines.items():
            author = self.by_login.get(login)
            if login not in self._used:
                yield line, Omission("author without articles", author.name if author else "")


@dataclass(slots=True)
class PostTerms:
    """The categories, tags and authors of a post, and what of them is left out.

    Attributes:
        format: The format of the article.
        language: Its language, as the plugin Polylang stores it.
        translation_group: What it has in common with its translations, as the same plugin stores it.
    """

    categories: list[ImportedTerm] = field(default_factory=list)
    tags: list[ImportedTerm] = field(default_factory=list)
    authors: list[ImportedTerm] = field(default_factory=list)
    format: str = "article"
    language: str | None = None
    translation_group: str | None = None
    omissions: list[Omission] = field(default_factory=list)


def read_post_terms(item: XmlNode, authors: AuthorIndex) -> PostTerms:
    """Return the terms of a post.

    Args:
        item: The post. Terms of the taxonomy `author` are the authors of the plugins Co-Authors Plus and PublishPress.
        authors: The authors of the export.

    Returns:
        The terms.
    """
    terms = PostTerms()
    coauthors: list[str] = []
    for element in item.all("category"):
        domain = element.get("domain", "category")
        nicename = element.get("nicename")
        term = make_category(element.content, nicename)
        if domain == "author":
            coauthors.append(element.content or nicename.removeprefix("cap-"))
        elif domain == "language":
            terms.language = read_language(nicename.removeprefix("pll_"))
        elif domain == "post_translations":
            terms.translation_group = nicename[:100] or None
        elif domain == "post_format":
            _add_format(terms, nicename)
        elif term is not None and domain == "category":
            terms.categories.append(term)
        elif term is not None and domain in {"post_tag", "tag"}:
            terms.tags.append(term)
        elif term is not None:
            terms.omissions.append(Omission(f"{domain[:60]} term", term.name))
    creator = item.text("dc_creator")
    for text in coauthors or ([creator] if creator else []):
        author = authors.find(text, is_name=bool(coauthors))
        if author is None:
            terms.omissions.append(Omission("nameless author", item.text("title")[:200]))
        elif author not in terms.authors:
            terms.authors.append(author)
    return terms


def _add_format(terms: PostTerms, nicename: str) -> None:
    if nicename in _FORMATS:
        terms.format = _FORMATS[nicename]
    elif nicename not in {"", "post-format-standard"}:
        terms.omissions.append(Omission("post format", nicename.removeprefix("post-format-")))
