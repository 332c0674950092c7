"""Feeds as RSS 2.0 (https://www.rssboard.org/rss-specification), with the modules atom, content, dc and media.

`guid` is the article's id and never its URL. Images and videos are `media:content` elements: an `enclosure` needs the
size of the file in bytes, which is not known.
"""

from __future__ import annotations

from email.utils import format_datetime
from html import escape
from xml.etree.ElementTree import Element

from newsapi.feeds.feed import GENERATOR, Feed, Record, files, instant, is_syndicatable, keywords, rights, updated, urn
from newsapi.feeds.xml import add_element, add_links, add_media, make_root, serialize
from newsapi.text.html import make_teaser
from newsapi.web.feed_formats import RSS


def render(feed: Feed) -> bytes:
    """Return a page of a feed as an RSS document."""
    rss = make_root("rss", ("atom", "content", "dc", "media"), version="2.0")
    channel = add_element(rss, "channel")
    add_element(channel, "title", feed.title)
    add_element(channel, "link", feed.site_url)
    add_element(channel, "description", feed.title)
    if feed.language:
        add_element(channel, "language", feed.language)
    if feed.records or feed.tombstones:
        add_element(channel, "lastBuildDate", format_datetime(feed.updated, usegmt=True))
    add_element(channel, "generator", GENERATOR)
    add_element(channel, "docs", "https://www.rssboard.org/rss-specification")
    add_links(channel, "atom:link", feed, RSS.media_type)
    for record in feed.records:
        _item(channel, record, feed)
    return serialize(rss)


def _item(channel: Element, record: Record, feed: Feed) -> None:
    item = add_element(channel, "item")
    add_element(item, "title", record["headline"])
    add_element(item, "link", record["url"])
    add_element(item, "guid", urn(record["id"]), isPermaLink="false")
    if record["published_at"]:
        add_element(item, "pubDate", format_datetime(record["published_at"], usegmt=True))
    add_element(item, "atom:updated", instant(updated(record)))
    add_element(item, "description", _description(record))
    if is_syndicatable(record) and record["body_html"]:
        add_element(item, "content:encoded", record["body_html"])
    for author in record["authors"]:
        add_element(item, "dc:creator", author["name"])
    for kind, _, name in keywords(record):
        add_element(item, "category", name, domain=f"{feed.api_url}/v1/{kind}s")
    add_element(item, "dc:language", record["language"])
    if rights_line := rights(record):
        add_element(item, "dc:rights", rights_line)
    if license_url := record["rights"]["license_url"]:
        add_element(item, "atom:link", rel="license", href=license_url)
    add_media(item, files(record))


def _description(record: Record) -> str:
    """Return the standfirst, the beginning of the body, or the headline, as HTML: the specification defines it so."""
    teaser = make_teaser(record["body_html"] or "") if is_syndicatable(record) and not record["standfirst"] else ""
    return teaser or escape(record["standfirst"] or record["headline"], quote=False)
