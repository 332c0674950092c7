"""Feeds as Atom (RFC 4287), with paged feeds (RFC 5005, section 3) and tombstones (RFC 6721)."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from newsapi.feeds.elements import NAMESPACES, add, add_links, add_media, root, written
from newsapi.feeds.feed import GENERATOR, Feed, Record, files, instant, is_free, keywords, rights, updated, urn

MEDIA_TYPE: Final = "application/atom+xml"


def document(feed: Feed) -> bytes:
    """Return a page of a feed as an Atom document."""
    atom = root("feed", ("at", "media"), xmlns=NAMESPACES["atom"], lang=feed.language)
    add(atom, "id", urn(feed.id))
    add(atom, "title", feed.title)
    add(atom, "updated", instant(feed.updated))
    add(add(atom, "author"), "name", feed.publisher)
    add(atom, "generator", GENERATOR)
    add(atom, "link", rel="alternate", href=feed.home, type="text/html")
    add_links(atom, "link", feed, MEDIA_TYPE)
    for record in feed.records:
        _entry(atom, record, feed)
    for tombstone in feed.gone:
        add(atom, "at:deleted-entry", ref=urn(tombstone.id), when=instant(tombstone.at))
    return written(atom)


def _entry(atom: Element, record: Record, feed: Feed) -> None:
    entry = add(atom, "entry", lang=record["language"])
    add(entry, "id", urn(record["id"]))
    add(entry, "title", record["headline"])
    add(entry, "link", rel="alternate", href=record["url"], type="text/html")
    if record["published_at"]:
        add(entry, "published", instant(record["published_at"]))
    add(entry, "updated", instant(updated(record)))
    for author in record["authors"]:
        person = add(entry, "author")
        add(person, "name", author["name"])
        if url := feed.page_of("author", author["slug"]):
            add(person, "uri", url)
    for kind, slug, name in keywords(record):
        add(entry, "category", term=slug, scheme=f"{feed.api}/v1/{kind}s", label=name)
    if record["standfirst"] or not _has_body(record):  # an entry needs a summary or a content
        add(entry, "summary", record["standfirst"] or record["headline"])
    if _has_body(record):
        add(entry, "content", record["body_html"], type="html")
    if rights_line := rights(record):
        add(entry, "rights", rights_line)
    if license_url := record["rights"]["license_url"]:
        add(entry, "link", rel="license", href=license_url)
    media_files = list(files(record))
    for file in media_files:
        add(entry, "link", rel="enclosure", href=file.url, type=file.type)
    add_media(entry, media_files)


def _has_body(record: Record) -> bool:
    return is_free(record) and bool(record["body_html"])
