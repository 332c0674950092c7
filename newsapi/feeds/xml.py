"""Helpers to build XML documents with the standard library; characters that XML forbids are removed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from newsapi.feeds.feed import Feed, MediaFile
from newsapi.text.characters import strip_forbidden

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


def make_root(name: str, prefixes: Iterable[str], **attributes: Attribute) -> Element:
    """Return the root element of a document that uses the given prefixes of NAMESPACES."""
    declarations = {f"xmlns:{prefix}": NAMESPACES[prefix] for prefix in prefixes}
    return Element(name, declarations | _attributes(attributes))


def add_element(parent: Element, name: str, text: str | None = None, **attributes: Attribute) -> Element:
    """Append an element and return it. An attribute that is None is left out; `lang` becomes `xml:lang`."""
    element = ET.SubElement(parent, name, _attributes(attributes) if attributes else {})
    element.text = None if text is None else strip_forbidden(text)
    return element


def _attributes(attributes: dict[str, Attribute]) -> dict[str, str]:
    return {
        "xml:lang" if name == "lang" else name: strip_forbidden(str(value))
        for name, value in attributes.items()
        if value is not None
    }


def add_links(parent: Element, name: str, feed: Feed, media_type: str) -> None:
    """Append link elements called `name` to this page, the first and the adjacent ones (RFC 5005), and the hub."""
    for rel, url in (("self", feed.self_url), ("first", feed.first), ("next", feed.next), ("previous", feed.prev)):
        if url:
            add_element(parent, name, rel=rel, href=url, type=media_type)
    if feed.hub:
        add_element(parent, name, rel="hub", href=feed.hub)


def add_media(parent: Element, files: Iterable[MediaFile]) -> None:
    """Append a `media:content` element (Media RSS) for each image, video and audio file."""
    for file in files:
        content = add_element(
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
            add_element(content, "media:description", file.caption or file.alt, type="plain")
        if file.credit:
            add_element(content, "media:credit", file.credit)


def serialize(document: Element) -> bytes:
    """Return the document as UTF-8, with an XML declaration."""
    xml: bytes = ET.tostring(document, encoding="utf-8", xml_declaration=True)
    return xml
