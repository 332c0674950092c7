"""A feed as Atom: RFC 4287, with pages (RFC 5005, section 3) and what was withdrawn (RFC 6721)."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from newsapi.feeds.elements import NAMESPACES, add, add_links, add_media, root, written
from newsapi.feeds.feed import GENERATOR, Feed, Record, files, instant, is_free, keywords, rights, updated, urn

MEDIA_TYPE: Final = "application/atom+xml"


def document(feed: Feed) -> bytes:
    """Write a page of a feed."""
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
    for gone in feed.gone:
        add(atom, "at:deleted-entry", ref=urn(gone.id), when=instant(gone.at))
    return written(atom)


def _entry(atom: Element, record: Record, feed: Feed) -> None:
    entry = add(atom, "entry", lang=record["language"])
    add(entry, "id", urn(record["id"]))
    add(entry, "title", record["headline"])
    add(entry, "link", rel="alternate", href=record["url"], type="text/html")
    if record["published_at"]:
        add(entry, "published", instant(record["published_at"]))
    add(entry, "updated", instant(updated(record)))
    for named in record["authors"]:
        author = add(entry, "author")
        add(author, "name", named["name"])
        if page := feed.page_of("author", named["slug"]):
            add(author, "uri", page)
    for kind, slug, name in keywords(record):
        add(entry, "category", term=slug, scheme=f"{feed.api}/v1/{kind}s", label=name)
    if record["standfirst"] or not _has_body(record):  # one of the two there must be
        add(entry, "summary", record["standfirst"] or record["headline"])
    if _has_body(record):
        add(entry, "content", record["body_html"], type="html")
    if said := rights(record):
        add(entry, "rights", said)
    if licence := record["rights"]["license_url"]:
        add(entry, "link", rel="license", href=licence)
    shown = list(files(record))
    for file in shown:
        add(entry, "link", rel="enclosure", href=file.url, type=file.type)
    add_media(entry, shown)


def _has_body(record: Record) -> bool:
    return is_free(record) and bool(record["body_html"])
