"""Feeds as Atom (RFC 4287), with paged feeds (RFC 5005, section 3) and tombstones (RFC 6721)."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from newsapi.feeds.feed import GENERATOR, Feed, Record, files, instant, is_syndicatable, keywords, rights, updated, urn
from newsapi.feeds.xml import NAMESPACES, add_element, add_links, add_media, make_root, serialize
from newsapi.web.feed_formats import ATOM


def render(feed: Feed) -> bytes:
    """Return a page of a feed as an Atom document."""
    atom = make_root("feed", ("at", "media"), xmlns=NAMESPACES["atom"], lang=feed.language)
    add_element(atom, "id", urn(feed.id))
    add_element(atom, "title", feed.title)
    add_element(atom, "updated", instant(feed.updated))
    add_element(add_element(atom, "author"), "name", feed.publisher)
    add_element(atom, "generator", GENERATOR)
    add_element(atom, "link", rel="alternate", href=feed.site_url, type="text/html")
    add_links(atom, "link", feed, ATOM.media_type)
    for record in feed.records:
        _entry(atom, record, feed)
    for tombstone in feed.tombstones:
        add_element(atom, "at:deleted-entry", ref=urn(tombstone.id), when=instant(tombstone.at))
    return serialize(atom)


def _entry(atom: Element, record: Record, feed: Feed) -> None:
    entry = add_element(atom, "entry", lang=record["language"])
    add_element(entry, "id", urn(record["id"]))
    add_element(entry, "title", record["headline"])
    add_element(entry, "link", rel="alternate", href=record["url"], type="text/html")
    if record["published_at"]:
        add_element(entry, "published", instant(record["published_at"]))
    add_element(entry, "updated", instant(updated(record)))
    for author in record["authors"]:
        person = add_element(entry, "author")
        add_element(person, "name", author["name"])
        if url := feed.site_url_of("author", author["slug"]):
            add_element(person, "uri", url)
    for kind, slug, name in keywords(record):
        add_element(entry, "category", term=slug, scheme=f"{feed.api_url}/v1/{kind}s", label=name)
    if record["standfirst"] or not _has_body(record):  # an entry needs a summary or a content
        add_element(entry, "summary", record["standfirst"] or record["headline"])
    if _has_body(record):
        add_element(entry, "content", record["body_html"], type="html")
    if rights_line := rights(record):
        add_element(entry, "rights", rights_line)
    if license_url := record["rights"]["license_url"]:
        add_element(entry, "link", rel="license", href=license_url)
    media_files = list(files(record))
    for file in media_files:
        add_element(entry, "link", rel="enclosure", href=file.url, type=file.type)
    add_media(entry, media_files)


def _has_body(record: Record) -> bool:
    return is_syndicatable(record) and bool(record["body_html"])
