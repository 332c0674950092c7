"""The site map (https://www.sitemaps.org/protocol.html) and the news of two days, as Google has it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element

from newsapi.feeds.elements import add, root, written
from newsapi.feeds.feed import Record, instant

MEDIA_TYPE: Final = "application/xml"
XMLNS: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"


def index(pages: Iterable[tuple[str, datetime | None]]) -> bytes:
    """Write the index. In: the address of each page, and when it last changed, if that is to be said."""
    document = root("sitemapindex", (), xmlns=XMLNS)
    for url, at in pages:
        _add(document, "sitemap", url, at)
    return written(document)


def page(articles: Iterable[tuple[str, datetime]]) -> bytes:
    """Write a page. In: the address of each article, and when it last changed in a way that matters."""
    document = root("urlset", (), xmlns=XMLNS)
    for url, at in articles:
        _add(document, "url", url, at)
    return written(document)


def news(records: Iterable[Record], publisher: str) -> bytes:
    """Write the news. In: articles, complete, and the name of the publication."""
    document = root("urlset", ("news", "image"), xmlns=XMLNS)
    for record in records:
        url = _add(document, "url", record["url"], record["materially_updated_at"])
        story = add(url, "news:news")
        publication = add(story, "news:publication")
        add(publication, "news:name", publisher)
        add(publication, "news:language", _language(record["language"]))
        add(story, "news:publication_date", instant(record["published_at"]))
        add(story, "news:title", record["headline"])
        if record["image"]:
            add(add(url, "image:image"), "image:loc", record["image"]["url"])
    return written(document)


def _add(document: Element, name: str, url: str, at: datetime | None) -> Element:
    made = add(document, name)
    add(made, "loc", url)
    if at:
        add(made, "lastmod", instant(at))
    return made


def _language(tag: str) -> str:
    """Google wants the language alone, but for Chinese: zh-cn or zh-tw."""
    parts = tag.lower().split("-")
    if parts[0] != "zh":
        return parts[0]
    return "zh-tw" if {"tw", "hk", "mo", "hant"} & set(parts) else "zh-cn"
