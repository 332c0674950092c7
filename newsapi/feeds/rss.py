"""Feeds as RSS 2.0 (https://www.rssboard.org/rss-specification), with the modules atom, content, dc and media.

`guid` is the article's id and never its URL. Images and videos are `media:content` elements: an `enclosure` needs the
size of the file in bytes, which is not known.
"""

from __future__ import annotations

from email.utils import format_datetime
from html import escape
from typing import Final
from xml.etree.ElementTree import Element

from newsapi.feeds.elements import add, add_links, add_media, root, written
from newsapi.feeds.feed import GENERATOR, Feed, Record, files, instant, is_free, keywords, rights, updated, urn

MEDIA_TYPE: Final = "application/rss+xml"


def document(feed: Feed) -> bytes:
    """Return a page of a feed as an RSS document."""
    rss = root("rss", ("atom", "content", "dc", "media"), version="2.0")
    channel = add(rss, "channel")
    add(channel, "title", feed.title)
    add(channel, "link", feed.home)
    add(channel, "description", feed.title)
    if feed.language:
        add(channel, "language", feed.language)
    if feed.records or feed.gone:
        add(channel, "lastBuildDate", format_datetime(feed.updated, usegmt=True))
    add(channel, "generator", GENERATOR)
    add(channel, "docs", "https://www.rssboard.org/rss-specification")
    add_links(channel, "atom:link", feed, MEDIA_TYPE)
    for record in feed.records:
        _item(channel, record, feed)
    return written(rss)


def _item(channel: Element, record: Record, feed: Feed) -> None:
    item = add(channel, "item")
    add(item, "title", record["headline"])
    add(item, "link", record["url"])
    add(item, "guid", urn(record["id"]), isPermaLink="false")
    if record["published_at"]:
        add(item, "pubDate", format_datetime(record["published_at"], usegmt=True))
    add(item, "atom:updated", instant(updated(record)))
    if record["standfirst"]:
        add(item, "description", escape(record["standfirst"], quote=False))  # the specification defines it as HTML
    if is_free(record) and record["body_html"]:
        add(item, "content:encoded", record["body_html"])
    for author in record["authors"]:
        add(item, "dc:creator", author["name"])
    for kind, _, name in keywords(record):
        add(item, "category", name, domain=f"{feed.api}/v1/{kind}s")
    add(item, "dc:language", record["language"])
    if rights_line := rights(record):
        add(item, "dc:rights", rights_line)
    if license_url := record["rights"]["license_url"]:
        add(item, "atom:link", rel="license", href=license_url)
    add_media(item, files(record))
