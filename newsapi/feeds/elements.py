"""XML, written by the standard library: elements, with what they may not hold taken out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from newsapi.feeds.feed import Feed, File
from newsapi.text.characters import printable

NAMESPACES: Final = {
    "at": "http://purl.org/atompub/tombstones/1.0",
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "image": "http://www.google.com/schemas/sitemap-image/1.1",
    "media": "http://search.yahoo.com/mrss/",
    "news": "http://www.google.com/schemas/sitemap-news/0.9",
}

Attribute = str | int | None


def root(name: str, prefixes: Iterable[str], **attributes: Attribute) -> Element:
    """Begin a document; `prefixes` are those of NAMESPACES that it uses."""
    spaces = {f"xmlns:{prefix}": NAMESPACES[prefix] for prefix in prefixes}
    return Element(name, spaces | _attributes(attributes))


def add(parent: Element, name: str, text: str | None = None, **attributes: Attribute) -> Element:
    """Add an element to another; an attribute that is None is left out, `lang` is `xml:lang`."""
    made = ET.SubElement(parent, name, _attributes(attributes) if attributes else {})
    made.text = None if text is None else printable(text)
    return made


def _attributes(attributes: dict[str, Attribute]) -> dict[str, str]:
    return {
        "xml:lang" if name == "lang" else name: printable(str(value))
        for name, value in attributes.items()
        if value is not None
    }


def add_links(parent: Element, name: str, feed: Feed, media_type: str) -> None:
    """Add where this page, those beside it (RFC 5005) and the hub are; `name` is that of a link."""
    for rel, url in (("self", feed.own), ("first", feed.first), ("next", feed.next), ("previous", feed.prev)):
        if url:
            add(parent, name, rel=rel, href=url, type=media_type)
    if feed.hub:
        add(parent, name, rel="hub", href=feed.hub)


def add_media(parent: Element, files: Iterable[File]) -> None:
    """Add pictures, films and sounds (Media RSS)."""
    for file in files:
        made = add(
            parent,
            "media:content",
            url=file.url,
            type=file.type,
            medium=file.medium,
            duration=None if file.seconds is None else round(file.seconds),
            width=file.width,
            height=file.height,
        )
        if file.alt or file.caption:
            add(made, "media:description", file.caption or file.alt, type="plain")
        if file.credit:
            add(made, "media:credit", file.credit)


def written(document: Element) -> bytes:
    """The document as bytes."""
    text: bytes = ET.tostring(document, encoding="utf-8", xml_declaration=True)
    return text
