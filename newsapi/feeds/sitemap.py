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
    """Return a sitemap index. Each page is a URL and, optionally, the time of its last change; there is at least one.

    The schemas of sitemaps.org do not allow an index or a page without entries.
    """
    document = make_root("sitemapindex", (), xmlns=XMLNS)
    for url, changed_at in pages:
        _add(document, "sitemap", url, changed_at)
    return serialize(document)


def page(articles: Iterable[tuple[str, datetime]], home_url: str) -> bytes:
    """Return a sitemap page.

    Args:
        articles: The URL of each article, and the time of its last material change.
        home_url: The home page of the site, which is listed if there are no articles.

    Returns:
        The document.
    """
    document = make_root("urlset", (), xmlns=XMLNS)
    for url, changed_at in articles:
        _add(document, "url", url, changed_at)
    return _serialize(document, home_url)


def news(records: Iterable[Record], publisher: str, home_url: str) -> bytes:
    """Return the Google News sitemap.

    Args:
        records: Complete articles.
        publisher: The name of the publication.
        home_url: The home page of the site, which is listed, not as news, if there are no articles.

    Returns:
        The document.
    """
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
    return _serialize(document, home_url)


def _serialize(document: Element, home_url: str) -> bytes:
    if not len(document):
        _add(document, "url", home_url, None)
    return serialize(document)


def _add(document: Element, name: str, url: str, changed_at: datetime | None) -> Element:
    element = add_element(document, name)
    add_element(element, "loc", url)
    if changed_at:
        add_element(element, "lastmod", instant(changed_at))
    return element


def _language(tag: str) -> str:
    """Return a language as Google News expects it: ISO 639 only, except for Chinese, which is zh-cn or zh-tw.

    Registered languages of 5 to 8 letters, of which there are none, have no code; `und` is the code of no language.
    """
    subtags = tag.lower().split("-")
    if subtags[0] != "zh":
        return subtags[0] if len(subtags[0]) <= 3 else "und"
    return "zh-tw" if {"tw", "hk", "mo", "hant"} & set(subtags) else "zh-cn"
