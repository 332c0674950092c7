"""Items of feeds in one shape, whichever format they come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from newsapi.imports.readers.feeds.feed_dates import FeedDate
from newsapi.imports.readers.persons import person_name
from newsapi.imports.readers.terms import ImportedTerm, make_category, resolve_http_url
from newsapi.imports.readers.xml.xml_nodes import XmlNode
from newsapi.imports.record_notes import Omission, RecordWarning

Note = Omission | RecordWarning
NO_DATE: Final = FeedDate(None)


@dataclass(frozen=True, slots=True)
class SourceFeed:
    """The data of a feed that its items fall back on.

    Attributes:
        title: Its title, or None.
        link: The address of its site, or of itself; "" if it has none.
        base: The value of `xml:base` of the feed, resolved; "" if it has none.
        language: Its language, or None.
        authors: Names of its authors.
        date: Its date of publication, or else of its last change.
    """

    title: str | None = None
    link: str = ""
    base: str = ""
    language: str | None = None
    authors: tuple[str, ...] = ()
    date: FeedDate = NO_DATE

    def base_of(self, *nodes: XmlNode) -> str:
        """Return `xml:base` within the feed, resolved: of the innermost of nested elements that has one; else ""."""
        base = self.base
        for node in nodes:
            if node.base:
                base = resolve_http_url(node.base, base or self.link) or base
        return base


@dataclass(slots=True)
class FeedItem:
    """An item of a feed.

    Attributes:
        guid: Its identity as the feed states it; "" if it has none.
        link: The absolute address of its page, or None.
        title: Its title as plain text; "" if it has none.
        content: Its text as HTML; "" if it has none.
        summary: Its summary as HTML; "" if it has none.
        body_base: What relative addresses of its text are resolved against; "" if that is unknown.
        file_base: The same for files.
        described: Whether the text comes from a description of its media.
        status: "published" or "draft".
        source_title: The title of the feed that it was taken from, if it names that.
        former_slug: The last segment of its address, if the file is the backup of a site; else "".
        notes: What is to be told of it.
    """

    guid: str = ""
    link: str | None = None
    title: str = ""
    content: str = ""
    summary: str = ""
    published: FeedDate = NO_DATE
    updated: FeedDate = NO_DATE
    authors: list[ImportedTerm] = field(default_factory=list)
    categories: list[ImportedTerm] = field(default_factory=list)
    language: str | None = None
    body_base: str = ""
    file_base: str = ""
    described: bool = False
    status: str = "published"
    source_title: str | None = None
    source_link: str | None = None
    rights: str | None = None
    former_slug: str = ""
    notes: list[Note] = field(default_factory=list)


def read_terms(names: Iterable[str]) -> list[ImportedTerm]:
    """Return categories by their names."""
    return [term for name in names if (term := make_category(name)) is not None]


def add_authors(item: FeedItem, texts: Iterable[str]) -> None:
    """Add authors by their names; of an e-mail address alone nothing is kept."""
    for text in texts:
        name = person_name(text)
        author = make_category(name)
        if author is None:
            item.notes += [Omission("nameless author")] if text.strip() else []
        elif author not in item.authors:
            item.authors.append(author)


def add_unknown(item: FeedItem, node: XmlNode, known: frozenset[str]) -> None:
    """Tell which elements of an item are not imported."""
    for name, children in node.children.items():
        if name not in known:
            filled = [child for child in children if not child.is_empty]
            item.notes += [Omission(f"{name.removeprefix('other_')} element", child.content[:100]) for child in filled]
