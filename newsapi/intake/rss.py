"""Feeds: RSS 2.0 (and 1.0) and Atom, with the pictures, categories and authors that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO, Final
from xml.etree.ElementTree import Element, tostring

from newsapi.intake import shortcodes
from newsapi.intake.elements import Broken, elements, text_of
from newsapi.intake.forms import Said
from newsapi.intake.naming import Named, Record, Terms, category, last_step, line, plain, short_hash, web
from newsapi.intake.ndjson import Problem
from newsapi.intake.plans import Plan
from newsapi.text.languages import language_tag
from newsapi.text.slugs import slugify

_WANTED: Final = frozenset({"item", "atom_entry", "language", "title", "atom_title"})
_PICTURES: Final = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif")
_PIXELS: Final = re.compile(r"[1-9]\d{0,4}", re.ASCII)
_SHORTEST: Final = 8
"""Letters of the last step of an address for it to be a slug: shorter ones are numbers and the like."""


def told(stream: BinaryIO, *, plan: Plan) -> Iterator[tuple[int, Said]]:
    """Read a feed: the terms that an item names, when they are new, and the item itself."""
    terms, language, source = Terms(plan), None, None
    slugs: dict[str, str] = {}
    try:
        for place, found in elements(stream, _WANTED):
            if found.tag == "language":
                language = language_tag((found.text or "").strip())
            elif found.tag in {"title", "atom_title"}:
                source = line(found.text)
            else:
                record = _atom(found) if found.tag == "atom_entry" else _rss(found)
                record["slug"] = _own(record["slug"], record.pop("guid"), slugs)
                record["source"] = {"name": source and source[:500], "url": record["canonical_url"]}
                if plan.language or language:
                    record.setdefault("language", plan.language or language)
                new, references = terms.borne(record.pop("categories"), (), record.pop("named"))
                yield from ((place, term) for term in new)
                yield place, {"type": "article", "format": "article", "status": "published"} | record | references
    except Broken as error:
        yield error.line, Problem("", error.message)


def _own(slug: str, guid: str, taken: dict[str, str]) -> str:
    """The slug of an item that no other item of the file has."""
    if taken.setdefault(slug, guid) == guid:
        return slug
    return f"{slug[:190].strip('-')}-{short_hash(guid)}"


def _slug(link: str | None, title: str, guid: str) -> str:
    step = last_step(link)
    if step and len(step) >= _SHORTEST and not step.isdigit():
        return step
    return f"{slugify(title)[:190].strip('-')}-{short_hash(guid)}"


def _rss(item: Element) -> Record:
    guid = text_of(item, "guid")
    link = web(text_of(item, "link")) or web(guid)
    title = line(text_of(item, "title")) or ""
    content, summary = text_of(item, "content_encoded"), text_of(item, "description")
    authors = [one.text for one in item.iterfind("dc_creator")] or [one.text for one in item.iterfind("author")]
    image, media = _files(item, _enclosures(item), link or "")
    return {
        "slug": _slug(link, title, guid or link or title),
        "guid": guid or link or title,
        "headline": title,
        "standfirst": plain(summary)[:5_000] or None if content else None,
        "body_html": _body(content or summary),
        "published_at": _time(text_of(item, "pubDate") or text_of(item, "dc_date")),
        "canonical_url": link,
        "image": image,
        "media": media,
        "categories": _named(one.text for one in item.iterfind("category")),
        "named": _named(map(_person, authors)),
    }


def _atom(entry: Element) -> Record:
    links = {one.get("rel", "alternate"): one.get("href") for one in reversed(entry.findall("atom_link"))}
    id_, link = text_of(entry, "atom_id"), web(links.get("alternate"))
    content, summary = _html(entry.find("atom_content")), _html(entry.find("atom_summary"))
    title = line(_html(entry.find("atom_title"))) or ""
    image, media = _files(
        entry, [one for one in entry.iterfind("atom_link") if one.get("rel") == "enclosure"], link or ""
    )
    return {
        "slug": _slug(link, title, id_ or link or title),
        "guid": id_ or link or title,
        "headline": title,
        "standfirst": plain(summary)[:5_000] or None if content else None,
        "body_html": _body(content or summary),
        "published_at": text_of(entry, "atom_published") or text_of(entry, "atom_updated") or None,
        "updated_at": text_of(entry, "atom_updated") or None,
        "canonical_url": link,
        "image": image,
        "media": media,
        "categories": _named(one.get("label") or one.get("term") for one in entry.iterfind("atom_category")),
        "named": _named(one.findtext("atom_name") for one in entry.iterfind("atom_author")),
    }


def _html(found: Element | None) -> str:
    """What a construct of Atom says, as HTML."""
    if found is None:
        return ""
    kind = found.get("type", "text")
    if kind == "xhtml":
        return "".join(tostring(inner, encoding="unicode", method="html") for inner in found)
    text = found.text or ""
    return text if kind in {"html", "text/html"} else text.replace("&", "&amp;").replace("<", "&lt;")


def _body(text: str) -> str:
    return shortcodes.paragraphs(text.replace("\r\n", "\n"))


def _named(names: Iterator[str | None]) -> list[Named]:
    return [named for name in names if (named := category(name)) is not None]


def _person(text: str | None) -> str | None:
    """RSS says `mail@host (Name)`; what is only an address is nobody's name."""
    text = (text or "").strip()
    before, _, rest = text.partition("(")
    if "@" in before:
        return rest.rstrip(") ") or None
    return text or None


def _enclosures(item: Element) -> list[Element]:
    found = [*item.iterfind("media_content"), *item.iterfind("media_group/media_content"), *item.iterfind("enclosure")]
    return found or [*item.iterfind("media_thumbnail"), *item.iterfind("media_group/media_thumbnail")]


def _files(item: Element, found: list[Element], base: str) -> tuple[Record | None, list[Record]]:
    """The largest picture, and the sounds and videos, of what hangs on an item."""
    pictures: list[Record] = []
    media: list[Record] = []
    for one in found:
        url = web(one.get("url") or one.get("href"), base)
        kind = _kind(one, url or "")
        if url is not None and kind == "image":
            pictures.append({"url": url, **_size(one), **_words(item, one)})
        elif url is not None and kind:
            media.append({"kind": kind, "sources": [{"url": url, "type": one.get("type")}]})
    return max(pictures, key=lambda one: one.get("width", 0), default=None), media[:500]


def _kind(one: Element, url: str) -> str:
    kind = one.get("medium") or (one.get("type") or "").partition("/")[0]
    if not kind and (one.tag == "media_thumbnail" or url.lower().partition("?")[0].endswith(_PICTURES)):
        return "image"
    return kind if kind in {"image", "video", "audio"} else ""


def _size(one: Element) -> dict[str, int]:
    sizes = {name: one.get(name, "") for name in ("width", "height")}
    return {name: int(text) for name, text in sizes.items() if _PIXELS.fullmatch(text)}


def _words(item: Element, one: Element) -> Record:
    """What is said of a picture: inside of it, or beside it."""
    found: dict[str, Any] = {}
    for name, tag, most in (("alt", "title", 1_000), ("caption", "description", 2_000), ("credit", "credit", 500)):
        text = line(one.findtext(f"media_{tag}") or item.findtext(f"media_{tag}"))
        found[name] = text and text[:most]
    return found


def _time(text: str) -> str | None:
    """A time of RFC 822 as RFC 3339 has it; what is none, or has no offset, is left to be refused."""
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return text or None
    if found.tzinfo is None:
        return found.replace(tzinfo=UTC).isoformat() if text.endswith("-0000") else text
    return found.astimezone(UTC).isoformat()
