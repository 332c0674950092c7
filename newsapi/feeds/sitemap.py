"""Sitemaps (https://www.sitemaps.org/protocol.html) and the Google News sitemap."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element

from newsapi.feeds.feed import Record, instant
from newsapi.feeds.xml import add_element, make_root, serialize

MEDIA_TYPE: Final = "application/xml"
XMLNS: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"


def index(pages: Iterable[tuple[str, datetime | None]]) -> bytes:
    """Return a sitemap index. Each page is a URL and, optionally, the time of its last change."""
    document = make_root("sitemapindex", (), xmlns=XMLNS)
    for url, changed_at in pages:
        _add(document, "sitemap", url, changed_at)
    return serialize(document)


def page(articles: Iterable[tuple[str, datetime]]) -> bytes:
    """Return a sitemap page. Each article is a URL and the time of its last material change."""
    document = make_root("urlset", (), xmlns=XMLNS)
    for url, changed_at in articles:
        _add(document, "url", url, changed_at)
    return serialize(document)


def news(records: Iterable[Record], publisher: str) -> bytes:
    """Return the Google News sitemap of complete articles; `publisher` is the name of the publication."""
    document = make_root("urlset", ("news", "image"), xmlns=XMLNS)
    for record in records:
        url = _add(document, "url", record["url"], record["materially_updated_at"])
        story = add_element(url, "news:news")
        publication = add_element(story, "news:publication")
        add_element(publication, "news:name", publisher)
        add_element(publication, "news:language", _language(record["language"]))
        add_element(story, "news:publication_date", instant(record["published_at"]))
        add_element(story, "news:title", record["headline"])
        if record["image"]:
            add_element(add_element(url, "image:image"), "image:loc", record["image"]["url"])
    return serialize(document)


def _add(document: Element, name: str, url: str, changed_at: datetime | None) -> Element:
    element = add_element(document, name)
    add_element(element, "loc", url)
    if changed_at:
        add_element(element, "lastmod", instant(changed_at))
    return element


def _language(tag: str) -> str:
    """Return a language as Google News expects it: ISO 639 only, except for Chinese, which is zh-cn or zh-tw."""
    subtags = tag.lower().split("-")
    if subtags[0] != "zh":
        return subtags[0]
    return "zh-tw" if {"tw", "hk", "mo", "hant"} & set(subtags) else "zh-cn"
