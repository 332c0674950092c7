"""Feeds: RSS 0.90 to 2.0 and Atom, with the images, categories and authors of the items."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final
from urllib.parse import urlsplit

from newsapi.imports.formats import RecordOrProblem
from newsapi.imports.mapping import CategoryMapping
from newsapi.imports.readers.addresses import drop_relative_addresses
from newsapi.imports.readers.feeds.atom_entries import omission_of, read_atom_entry, read_atom_feed
from newsapi.imports.readers.feeds.feed_items import FeedItem, Note, SourceFeed
from newsapi.imports.readers.feeds.feed_media import read_files
from newsapi.imports.readers.feeds.rss_items import read_rss_feed, read_rss_item
from newsapi.imports.readers.headlines import (
    MAX_HEADLINE_CHARACTERS,
    MAX_STANDFIRST_CHARACTERS,
    make_headline,
    shorten,
)
from newsapi.imports.readers.paragraphs import feed_body
from newsapi.imports.readers.recognition import describe_other_format, recognize_stream
from newsapi.imports.readers.terms import (
    Record,
    TermMapper,
    html_to_text,
    last_segment,
    short_hash,
    shorten_slug,
    slug_from_segment,
)
from newsapi.imports.readers.xml.xml_files import FileElement, XmlFile
from newsapi.imports.readers.xml.xml_nodes import XmlNode
from newsapi.imports.record_notes import Omission, RecordProblem, RecordWarning
from newsapi.text.former_slugs import normalize_former_slug
from newsapi.text.slugs import slugify

_ELEMENTS: Final = r"(?:[\w.-]+:)?(?:item|entry)"
_MIN_SLUG_LENGTH: Final = 8
"""Minimum length of a URL's last segment to be used as a slug: shorter ones are numbers and the like."""

_MAX_SOURCE_ID_CHARACTERS: Final = 500
_URI: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def read_records(stream: BinaryIO, *, mapping: CategoryMapping) -> Iterator[tuple[int, RecordOrProblem]]:
    """Read the records of a feed in two passes.

    Args:
        stream: A seekable stream, positioned at the beginning of the feed.
        mapping: The mapping of categories.

    Yields:
        The line on which an item begins, and what it gives: its new terms, omissions and warnings, then the article; or
        a problem. A file of another format gives one problem.
    """
    recognized = recognize_stream(stream)
    if recognized.format_name != "rss":
        yield 1, describe_other_format(recognized, "an RSS or Atom feed")
        return
    file = XmlFile(stream, _ELEMENTS)
    reader = _index_feed(file, mapping)
    line = 1
    for number, element in enumerate(file.elements(), 1):
        line = element.line
        yield from ((line, result) for result in reader.read(element, number))
    if reader.count == 0:
        yield 1, RecordProblem("", f"this is {recognized.description} without items")
    if file.is_cut_off:
        yield line, RecordProblem("", "the file ends before the end of the feed: it is cut off")


@dataclass(slots=True)
class _FeedReader:
    """Reads the items of a feed in their order."""

    feed: SourceFeed
    terms: TermMapper
    mapping: CategoryMapping
    repeated: frozenset[str] = frozenset()
    count: int = 0
    _slugs: dict[str, str] = field(default_factory=dict)

    def read(self, element: FileElement, number: int) -> Iterator[RecordOrProblem]:
        """Return what an item gives: terms, omissions and warnings, then the article or a problem."""
        self.count += 1
        node = element.node
        if node is None:
            name = f"item {number} «{element.label}» ".replace("«» ", "") if not element.is_last else ""
            yield RecordProblem("", f"{name}{element.fault}")
            return
        if element.fault is not None:
            yield RecordWarning("", f"item {number} «{element.label}» {element.fault}; it was repaired")
        omission = omission_of(node)
        if omission is not None:
            yield omission
            return
        item = _read_item(node, self.feed)
        yield from self._read_item(item, node, number)

    def _read_item(self, item: FeedItem, node: XmlNode, number: int) -> Iterator[RecordOrProblem]:
        name = f"item {number} «{item.title or item.guid or item.link or ''}»"
        headline = item.title or make_headline(item.content or item.summary)
        files = read_files(node, item.file_base, headline or "", described=item.described)
        if headline is None:
            yield RecordProblem("/headline", f"{name} has neither a title nor a text")
            return
        notes = [*item.notes, *files.omissions]
        if not item.title:
            notes.append(RecordWarning("/headline", f"{name} has no title: its text begins the headline"))
        mapped = self.terms.map_terms(item.categories, (), item.authors)
        source_id = self._source_id(item, node, headline)
        record: Record = {
            "type": "article",
            "slug": self._unique_slug(item, headline, source_id),
            "source_id": source_id,
            "headline": shorten(headline, MAX_HEADLINE_CHARACTERS, "/headline", name, notes),
            "standfirst": self._standfirst(item, name, notes),
            "body_html": _body(item, name, notes) + files.links,
            "format": "article",
            **self._publication(item, name, notes),
            "canonical_url": item.link,
            "source": {"name": (item.source_title or self.feed.title or "")[:500] or None, "url": item.link},
            "image": files.image,
            "media": files.media,
            **self._optional_members(item),
            **mapped.references,
        }
        yield from [*notes, *mapped.omissions, *mapped.new_terms, record]

    def _optional_members(self, item: FeedItem) -> Record:
        """Return the members of the record that an item need not have."""
        former = normalize_former_slug(item.former_slug)
        members: Record = {
            "language": item.language or self.mapping.language,
            "base_url": item.body_base,
            "rights": {"terms": item.rights[:MAX_STANDFIRST_CHARACTERS]} if item.rights else None,
            "previous_slugs": [former] if former else None,
        }
        return {name: value for name, value in members.items() if value}

    def _standfirst(self, item: FeedItem, name: str, notes: list[Note]) -> str | None:
        """Return the summary as plain text; None if it is the only text and therefore the body."""
        text = html_to_text(item.summary) if item.content else ""
        return shorten(text, MAX_STANDFIRST_CHARACTERS, "/standfirst", name, notes) or None

    def _publication(self, item: FeedItem, name: str, notes: list[Note]) -> Record:
        """Return status and times: without a date of its own an item has that of the feed, or is a draft."""
        date, status = item.published, item.status
        if date.assumption:
            notes.append(RecordWarning("/published_at", f"{name}: {date.assumption}"))
        if date.text is None and item.updated.text is not None:
            date = item.updated
        elif date.text is None and self.feed.date.text is not None:
            date = self.feed.date
            notes.append(RecordWarning("/published_at", f"{name} has no date: that of the feed was taken"))
        elif date.text is None:
            status = "draft"
            notes.append(RecordWarning("/published_at", f"{name} has no date: it is imported as a draft"))
        updated_at = item.updated.text if item.updated.text and "T" in item.updated.text else None
        return {"status": status, "published_at": date.text, "updated_at": updated_at}

    def _unique_slug(self, item: FeedItem, headline: str, source_id: str) -> str:
        """Return a slug that no other item of the feed has."""
        guid = item.guid or item.link or headline
        segment = slug_from_segment(last_segment(item.link)) if item.link else None
        if segment and len(segment) >= _MIN_SLUG_LENGTH and not segment.isdigit():
            slug = segment
        else:
            slug = shorten_slug(slugify(headline), short_hash(guid))
        if self._slugs.setdefault(slug, source_id) == source_id:
            return slug
        return shorten_slug(slug, short_hash(source_id))

    def _source_id(self, item: FeedItem, node: XmlNode, headline: str) -> str:
        """Return the identity of an item: its guid, else its address; within its feed unless that is a URI."""
        identity, what_differs = _identity(node)
        guid = item.guid or item.link or f"{headline} {item.published.text or short_hash(item.content or item.summary)}"
        if identity in self.repeated:
            guid = f"{guid} {what_differs}"
        if not _URI.match(guid):
            parts = urlsplit(self.feed.link)
            guid = f"{(parts.hostname or '').removeprefix('www.')}{parts.path.rstrip('/')}#{guid}"
        return guid if len(guid) <= _MAX_SOURCE_ID_CHARACTERS else f"{guid[:400]}#{short_hash(guid)}"


def _identity(node: XmlNode) -> tuple[str, str]:
    """Return the guid of an item or else its address, and by what items differ that have the same one."""
    guid = node.text("guid", "dc_identifier", "atom_id", "id")
    links = node.all("link", "atom_link")
    link = next((text for one in links if (text := one.content or one.get("href"))), "")
    title = node.text("title", "atom_title")
    return (guid, link or title) if guid else (link, title)


def _index_feed(file: XmlFile, mapping: CategoryMapping) -> _FeedReader:
    """Read a feed once: which guids and addresses are those of different items, and the data of the feed itself."""
    differences: dict[str, str] = {}
    repeated: set[str] = set()
    for element in file.elements():
        if element.node is not None:
            identity, what_differs = _identity(element.node)
            if identity and differences.setdefault(identity, short_hash(what_differs)) != short_hash(what_differs):
                repeated.add(identity)
    return _FeedReader(_read_feed(file.document), TermMapper(mapping), mapping, frozenset(repeated))


def _read_feed(root: XmlNode | None) -> SourceFeed:
    if root is None:
        return SourceFeed()
    return read_atom_feed(root) if root.name == "atom_feed" else read_rss_feed(root)


def _read_item(node: XmlNode, feed: SourceFeed) -> FeedItem:
    return read_atom_entry(node, feed) if node.name == "atom_entry" else read_rss_item(node, feed)


def _body(item: FeedItem, name: str, notes: list[Note]) -> str:
    """Return the text of an item as HTML, not yet sanitized."""
    body = feed_body(item.content or item.summary)
    if not item.body_base:
        body, count = drop_relative_addresses(body)
        notes += [Omission("relative address", name)] * count
    return body
