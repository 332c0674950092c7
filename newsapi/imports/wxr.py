"""WordPress exports (WXR): posts with their authors, categories, tags and images."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element
from zoneinfo import ZoneInfo

import orjson

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
    slug_from_url,
)
from newsapi.text.languages import canonicalize_tag
from newsapi.text.slugs import is_slug, slugify

_FIRST_PASS_ELEMENTS: Final = frozenset({"item", "wp_author", "language"})
_SECOND_PASS_ELEMENTS: Final = frozenset({"item"})
_STATUS: Final = {"publish": "published", "future": "scheduled", "trash": "withdrawn"}
_FORMATS: Final = {"post-format-gallery": "gallery", "post-format-video": "video"}
_NO_TIME: Final = "0000-00-00 00:00:00"
_SIZE = re.compile(r's:5:"width";i:([1-9]\d{0,4});s:6:"height";i:([1-9]\d{0,4});')


@dataclass(slots=True)
class _Site:
    """Data of the whole export, collected in a first pass: posts refer to items that may come after them."""

    authors: dict[str, ImportedTerm] = field(default_factory=dict)
    author_slugs: set[str] = field(default_factory=set)
    images: dict[str, str] = field(default_factory=dict)
    attachments_by_post: dict[str, list[str]] = field(default_factory=dict)
    language: str | None = None
    slugs: set[str] = field(default_factory=set)

    def image(self, id_: str) -> Record | None:
        """Return the image with an id, or None. Images are stored as JSON text, because a site has many."""
        return orjson.loads(self.images[id_]) if id_ in self.images else None


def read_records(
    stream: BinaryIO, *, mapping: CategoryMapping, zone: ZoneInfo
) -> Iterator[tuple[int, RecordOrProblem]]:
    """Read the records of an export in two passes.

    Args:
        stream: A seekable stream, positioned at the beginning of the export.
        mapping: The mapping of categories.
        zone: The time zone of times without an offset.

    Yields:
        The line on which a post begins, and a record: first the post's new terms, then the article. An export that is
        not valid XML ends with a problem.
    """
    start = stream.tell()
    site = _site(stream)
    stream.seek(start)
    terms = TermMapper(mapping)
    try:
        for source_line, item in iter_elements(stream, _SECOND_PASS_ELEMENTS):
            if text_of(item, "wp_post_type") != "post" or text_of(item, "wp_status") in {"auto-draft", "inherit"}:
                continue
            categories, tags, authors = _post_terms(item, site)
            new_terms, references = terms.map_terms(categories, tags, authors)
            yield from ((source_line, term) for term in new_terms)
            yield source_line, _post(item, site, mapping, zone) | references
    except InvalidXml as error:
        yield error.line, RecordProblem("", error.message)


def _site(stream: BinaryIO) -> _Site:
    site = _Site()
    try:
        for _, element in iter_elements(stream, _FIRST_PASS_ELEMENTS):
            if element.tag == "wp_author":
                _add_author(site, element)
            elif element.tag == "language":
                site.language = canonicalize_tag((element.text or "").strip())
            elif text_of(element, "wp_post_type") == "attachment":
                _add_image(site, element)
            elif text_of(element, "wp_post_type") == "post" and text_of(element, "wp_status") != "trash":
                site.slugs.add(_slug(element, text_of(element, "wp_post_id"), frozenset()))
    except InvalidXml:
        pass  # reported by the second pass, in its position
    return site


def _add_author(site: _Site, author: Element) -> None:
    login = text_of(author, "wp_author_login")
    name = html_to_line(text_of(author, "wp_author_display_name")) or login
    email = text_of(author, "wp_author_email")
    if login:
        slug = slugify(name)
        slug = f"{slug}-{slugify(login)}"[:200].strip("-") if slug in site.author_slugs else slug
        site.author_slugs.add(slug)
        site.authors[login] = ImportedTerm(slug, name, email if "@" in email and len(email) <= 254 else None)


def _add_image(site: _Site, attachment: Element) -> None:
    url = resolve_http_url(text_of(attachment, "wp_attachment_url") or text_of(attachment, "guid"))
    if url is None:
        return
    meta = _meta(attachment)
    size = _SIZE.search(meta.get("_wp_attachment_metadata", ""))
    id_ = text_of(attachment, "wp_post_id")
    image = {
        "url": url,
        "alt": (html_to_line(meta.get("_wp_attachment_image_alt")) or "")[:1_000] or None,
        "caption": html_to_text(text_of(attachment, "excerpt_encoded"))[:2_000] or None,
        **({"width": int(size[1]), "height": int(size[2])} if size else {}),
    }
    site.images[id_] = orjson.dumps(image).decode()  # the bytes objects of orjson take 4 kB each
    site.attachments_by_post.setdefault(text_of(attachment, "wp_post_parent"), []).append(id_)


def _post_terms(item: Element, site: _Site) -> tuple[list[ImportedTerm], list[ImportedTerm], list[ImportedTerm]]:
    """Return the categories, tags and authors of a post."""
    by_domain: dict[str, list[ImportedTerm]] = {"category": [], "post_tag": []}
    for element in item.iterfind("category"):
        term = category(element.text, element.get("nicename"))
        domain = element.get("domain", "category")
        if term is not None and domain in by_domain:
            by_domain[domain].append(term)
    login = text_of(item, "dc_creator")
    author = site.authors.get(login) or category(login)
    return by_domain["category"], by_domain["post_tag"], [author] if author else []


def _post(item: Element, site: _Site, mapping: CategoryMapping, zone: ZoneInfo) -> Record:
    meta, id_ = _meta(item), text_of(item, "wp_post_id")
    status, slug = _status(item), _slug(item, id_, site.slugs)
    was_published = status != "withdrawn" or meta.get("_wp_trash_meta_status") == "publish"
    language = mapping.language or site.language
    body = shortcodes.render_shortcodes(
        text_of(item, "content_encoded"), lambda attributes: _gallery(attributes, id_, site)
    )
    return {
        "type": "article",
        "slug": slug,
        "headline": html_to_line(text_of(item, "title")) or "",
        "standfirst": html_to_text(text_of(item, "excerpt_encoded"))[:5_000] or None,
        "body_html": body,
        "format": _format(item),
        "status": status,
        "published_at": _time(item, "wp_post_date", zone) if was_published else None,
        "updated_at": _time(item, "wp_post_modified", zone),
        "image": site.image(meta.get("_thumbnail_id", "")),
        "canonical_url": resolve_http_url(meta.get("_yoast_wpseo_canonical")),
        "previous_slugs": _previous_slugs(item, slug, site) if status in {"published", "withdrawn"} else [],
        **({"language": language} if language else {}),
    }


def _previous_slugs(item: Element, slug: str, site: _Site) -> list[str]:
    """Return the former slugs of a post, except those that another post has now."""
    candidates = dict.fromkeys([*_old_slugs(item), slug_from_url(text_of(item, "link"))])
    slugs = [old for old in candidates if old and is_slug(old) and old not in site.slugs]
    return [old for old in slugs if old != slug][:100]


def _status(item: Element) -> str:
    """Return the status of a post; drafts, pending, private and password-protected posts become drafts."""
    if text_of(item, "wp_post_password"):
        return "draft"
    return _STATUS.get(text_of(item, "wp_status"), "draft")


def _slug(item: Element, id_: str, taken: AbstractSet[str]) -> str:
    """Return the slug of a post; that of a trashed post is changed if another post has `taken` it since."""
    name = text_of(item, "wp_post_name").lower()
    slug = name.removesuffix("__trashed")
    if is_slug(slug):
        return slug if slug == name or slug not in taken else f"{slug[:180]}-{id_}"
    # A post without a usable name gets its title and its id, because titles repeat.
    return f"{slugify(html_to_text(text_of(item, 'title')))[:180].strip('-')}-{id_}" if id_.isdigit() else slugify(name)


def _time(item: Element, name: str, zone: ZoneInfo) -> str | None:
    """Return a time from its UTC element, or else from the local one; an invalid text is left to validation."""
    for text, offset in ((text_of(item, f"{name}_gmt"), UTC), (text_of(item, name), zone)):
        if text and text != _NO_TIME:
            try:
                return datetime.fromisoformat(text).replace(tzinfo=offset).astimezone(UTC).isoformat()
            except (ValueError, OverflowError):
                return text
    return None


def _old_slugs(item: Element) -> Iterator[str]:
    for meta in item.iterfind("wp_postmeta"):
        if text_of(meta, "wp_meta_key") == "_wp_old_slug":
            yield text_of(meta, "wp_meta_value").lower()


def _format(item: Element) -> str:
    """Return the article format for the first post format among the categories."""
    for element in item.iterfind("category"):
        if element.get("nicename", "") in _FORMATS:
            return _FORMATS[element.get("nicename", "")]
    return "article"


def _gallery(attributes: Mapping[str, str], post_id: str, site: _Site) -> str:
    """Return a gallery of the images that the shortcode names, or else of all attachments of the post."""
    if attributes.get("ids"):
        ids = [id_.strip() for id_ in attributes["ids"].split(",")]
    else:
        ids = site.attachments_by_post.get(post_id, [])
    images = [image for id_ in ids if (image := site.image(id_)) is not None]
    images_html = "".join(f'<img src="{html.escape(image["url"])}"{_alt(image["alt"])}>' for image in images)
    return f"<figure>{images_html}</figure>" if images_html else ""


def _alt(text: str | None) -> str:
    return "" if text is None else f' alt="{html.escape(text)}"'


def _meta(item: Element) -> dict[str, str]:
    return {text_of(meta, "wp_meta_key"): text_of(meta, "wp_meta_value") for meta in item.iterfind("wp_postmeta")}
