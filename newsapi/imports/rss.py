"""Feed import: RSS 2.0 (and 1.0) and Atom, with the images, categories and authors of the items."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element, tostring

from newsapi.imports import shortcodes
from newsapi.imports.formats import RecordOrProblem
from newsapi.imports.mapping import CategoryMapping
from newsapi.imports.ndjson import RecordProblem
from newsapi.imports.safe_xml import InvalidXml, iter_elements, text_of
from newsapi.imports.term_mapping import (
    ImportedTerm,
    Record,
    TermMapper,
    category,
    html_to_line,
    html_to_text,
    resolve_http_url,
    short_hash,
    slug_from_url,
)
from newsapi.text.languages import canonicalize_tag
from newsapi.text.slugs import slugify

_ELEMENTS: Final = frozenset({"item", "atom_entry", "language", "title", "atom_title"})
_IMAGE_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif")
_PIXELS: Final = re.compile(r"[1-9]\d{0,4}", re.ASCII)
_MIN_SLUG_LENGTH: Final = 8
"""Minimum length of a URL's last segment to be used as a slug: shorter ones are numbers and the like."""


def read_records(stream: BinaryIO, *, mapping: CategoryMapping) -> Iterator[tuple[int, RecordOrProblem]]:
    """Read the records of a feed.

    Args:
        stream: A stream positioned at the beginning of the feed.
        mapping: The mapping of categories.

    Yields:
        The line on which an item begins, and a record: first the item's new terms, then the article. A feed that is not
        valid XML ends with a problem.
    """
    terms = TermMapper(mapping)
    language: str | None = None
    feed_title: str | None = None
    slugs: dict[str, str] = {}
    try:
        for source_line, element in iter_elements(stream, _ELEMENTS):
            if element.tag == "language":
                language = canonicalize_tag((element.text or "").strip())
            elif element.tag in {"title", "atom_title"}:
                feed_title = html_to_line(element.text)
            else:
                item = _atom(element) if element.tag == "atom_entry" else _rss(element)
                item["slug"] = _unique_slug(item["slug"], item.pop("guid"), slugs)
                item["source"] = {"name": feed_title and feed_title[:500], "url": item["canonical_url"]}
                if mapping.language or language:
                    item.setdefault("language", mapping.language or language)
                new_terms, references = terms.map_terms(item.pop("categories"), (), item.pop("authors"))
                yield from ((source_line, term) for term in new_terms)
                yield source_line, {"type": "article", "format": "article", "status": "published"} | item | references
    except InvalidXml as error:
        yield error.line, RecordProblem("", error.message)


def _unique_slug(slug: str, guid: str, guids: dict[str, str]) -> str:
    """Return a slug that no other item of the feed has; `guids` maps slugs to the item that uses them."""
    if guids.setdefault(slug, guid) == guid:
        return slug
    return f"{slug[:190].strip('-')}-{short_hash(guid)}"


def _slug(link: str | None, title: str, guid: str) -> str:
    segment = slug_from_url(link)
    if segment and len(segment) >= _MIN_SLUG_LENGTH and not segment.isdigit():
        return segment
    return f"{slugify(title)[:190].strip('-')}-{short_hash(guid)}"


def _rss(item: Element) -> Record:
    link = resolve_http_url(text_of(item, "link")) or resolve_http_url(text_of(item, "guid"))
    title = html_to_line(text_of(item, "title")) or ""
    guid = text_of(item, "guid") or link or title
    content, summary = text_of(item, "content_encoded"), text_of(item, "description")
    image, media = _files(item, _enclosures(item), link or "")
    authors = item.findall("dc_creator") or item.findall("author")
    return {
        "slug": _slug(link, title, guid),
        "guid": guid,
        "headline": title,
        "standfirst": _standfirst(content, summary),
        "body_html": _body(content or summary),
        "published_at": _time(text_of(item, "pubDate") or text_of(item, "dc_date")),
        "canonical_url": link,
        "image": image,
        "media": media,
        "categories": _terms(child.text for child in item.iterfind("category")),
        "authors": _terms(_author_name(author.text) for author in authors),
    }


def _atom(entry: Element) -> Record:
    link = _alternate_link(entry)
    title = html_to_line(_html(entry.find("atom_title"))) or ""
    guid = text_of(entry, "atom_id") or link or title
    content, summary = _html(entry.find("atom_content")), _html(entry.find("atom_summary"))
    updated = text_of(entry, "atom_updated") or None
    enclosures = [child for child in entry.iterfind("atom_link") if child.get("rel") == "enclosure"]
    image, media = _files(entry, enclosures, link or "")
    categories = entry.iterfind("atom_category")
    return {
        "slug": _slug(link, title, guid),
        "guid": guid,
        "headline": title,
        "standfirst": _standfirst(content, summary),
        "body_html": _body(content or summary),
        "published_at": text_of(entry, "atom_published") or updated,
        "updated_at": updated,
        "canonical_url": link,
        "image": image,
        "media": media,
        "categories": _terms(child.get("label") or child.get("term") for child in categories),
        "authors": _terms(author.findtext("atom_name") for author in entry.iterfind("atom_author")),
    }


def _alternate_link(entry: Element) -> str | None:
    """Return the URL of the first alternate link of an Atom entry; a link without `rel` is one (RFC 4287, 4.2.7.2)."""
    for link in entry.iterfind("atom_link"):
        if link.get("rel", "alternate") == "alternate":
            return resolve_http_url(link.get("href"))
    return None


def _standfirst(content: str, summary: str) -> str | None:
    """Return the summary as plain text; None if it is the only text and therefore the body."""
    if not content:
        return None
    return html_to_text(summary)[:5_000] or None


def _html(construct: Element | None) -> str:
    """Return an Atom text construct (RFC 4287, section 3.1) as HTML."""
    if construct is None:
        return ""
    content_type = construct.get("type", "text")
    if content_type == "xhtml":
        return "".join(tostring(child, encoding="unicode", method="html") for child in construct)
    text = construct.text or ""
    return text if content_type in {"html", "text/html"} else text.replace("&", "&amp;").replace("<", "&lt;")


def _body(text: str) -> str:
    return shortcodes.autop(text.replace("\r\n", "\n"))


def _terms(names: Iterator[str | None]) -> list[ImportedTerm]:
    return [term for name in names if (term := category(name)) is not None]


def _author_name(text: str | None) -> str | None:
    """Return the name of an RSS author, `mail@host (Name)`; None for an address without a name."""
    text = (text or "").strip()
    before, _, rest = text.partition("(")
    if "@" in before:
        return rest.rstrip(") ") or None
    return text or None


def _enclosures(item: Element) -> list[Element]:
    files = [*item.iterfind("media_content"), *item.iterfind("media_group/media_content"), *item.iterfind("enclosure")]
    return files or [*item.iterfind("media_thumbnail"), *item.iterfind("media_group/media_thumbnail")]


def _files(item: Element, enclosures: list[Element], base: str) -> tuple[Record | None, list[Record]]:
    """Return the widest image, and the audio and video files, of the media elements of an item."""
    images: list[Record] = []
    media: list[Record] = []
    for enclosure in enclosures:
        url = resolve_http_url(enclosure.get("url") or enclosure.get("href"), base)
        kind = _kind(enclosure, url or "")
        if url is not None and kind == "image":
            images.append({"url": url, **_size(enclosure), **_media_text(item, enclosure)})
        elif url is not None and kind:
            media.append({"kind": kind, "sources": [{"url": url, "type": enclosure.get("type")}]})
    return max(images, key=lambda image: image.get("width", 0), default=None), media[:500]


def _kind(enclosure: Element, url: str) -> str:
    """Return "image", "video" or "audio", or "" for other files."""
    kind = enclosure.get("medium") or (enclosure.get("type") or "").partition("/")[0]
    if not kind and (enclosure.tag == "media_thumbnail" or url.lower().partition("?")[0].endswith(_IMAGE_SUFFIXES)):
        return "image"
    return kind if kind in {"image", "video", "audio"} else ""


def _size(enclosure: Element) -> dict[str, int]:
    sizes = {name: enclosure.get(name, "") for name in ("width", "height")}
    return {name: int(text) for name, text in sizes.items() if _PIXELS.fullmatch(text)}


def _media_text(item: Element, enclosure: Element) -> Record:
    """Return alt text, caption and credit of an image, from its media element or else from the item."""
    texts: Record = {}
    for name, tag, limit in (("alt", "title", 1_000), ("caption", "description", 2_000), ("credit", "credit", 500)):
        text = html_to_line(enclosure.findtext(f"media_{tag}") or item.findtext(f"media_{tag}"))
        texts[name] = text and text[:limit]
    return texts


def _time(text: str) -> str | None:
    """Return an RFC 822 time in RFC 3339 format; a text without time or offset is returned for validation to reject."""
    try:
        time = parsedate_to_datetime(text)
    except ValueError:
        return text or None
    if time.tzinfo is None:
        return time.replace(tzinfo=UTC).isoformat() if text.endswith("-0000") else text
    return time.astimezone(UTC).isoformat()
