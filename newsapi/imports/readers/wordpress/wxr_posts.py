"""Posts of a WordPress export as records of articles."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from zoneinfo import ZoneInfo

from newsapi.imports.mapping import CategoryMapping
from newsapi.imports.readers.addresses import drop_relative_addresses
from newsapi.imports.readers.headlines import (
    MAX_HEADLINE_CHARACTERS,
    MAX_STANDFIRST_CHARACTERS,
    make_headline,
    shorten,
)
from newsapi.imports.readers.media_kinds import file_kind
from newsapi.imports.readers.terms import Record, html_to_line, html_to_text, resolve_http_url
from newsapi.imports.readers.wordpress import wxr_blocks
from newsapi.imports.readers.wordpress.shortcodes import render_content
from newsapi.imports.readers.wordpress.wxr_index import WordPressExport, former_slugs, meta_of
from newsapi.imports.readers.wordpress.wxr_seo import read_seo
from newsapi.imports.readers.wordpress.wxr_terms import PostTerms
from newsapi.imports.readers.xml.xml_nodes import XmlNode
from newsapi.imports.record_notes import Omission, RecordProblem, RecordWarning

Note = Omission | RecordWarning

_STATUS: Final = {"publish": "published", "future": "scheduled", "trash": "withdrawn"}
_DRAFT_STATUSES: Final = frozenset({"draft", "pending", ""})
_PAGE_BUILDERS: Final = (
    "_elementor_data",
    "_fl_builder_data",
    "brizy",
    "_bricks_page_content_2",
    "ct_builder_shortcodes",
)
"""Custom fields in which plugins store a text that the content does not have."""

_KNOWN_FIELDS: Final = ("enclosure", "footnotes", "rank_math_")
_YEAR: Final = re.compile(r" [12][0-9]{3} ")
_PINGS: Final = frozenset({"pingback", "trackback"})


@dataclass(slots=True)
class PostRecord:
    """The record of a post, without its terms, or the reason why it has none; and what is to be told of it."""

    record: Record | RecordProblem
    notes: list[Note] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class PostReader:
    """Reads the posts of an export in their order."""

    export: WordPressExport
    mapping: CategoryMapping
    zone: ZoneInfo

    def read(self, item: XmlNode, ordinal: int, terms: PostTerms) -> PostRecord:
        """Return the record of the post with a number.

        Args:
            item: The post.
            ordinal: Its number among the posts of the export, from 0.
            terms: Its terms, which tell the format and the language of the article.
        """
        export, meta, notes = self.export, meta_of(item), list[Note]()
        slug = export.posts.slugs[ordinal]
        body = self._body(item, meta, notes)
        headline = html_to_line(item.text("title"))
        if headline is None:
            headline = make_headline(body)
            if headline is None:
                return PostRecord(RecordProblem("/headline", f"the post {slug} has neither a title nor a text"), notes)
            notes.append(RecordWarning("/headline", f"the post {slug} has no title: its text begins the headline"))
        standfirst = html_to_text(item.text("excerpt_encoded"))
        record: Record = {
            "type": "article",
            "slug": slug,
            "source_id": export.posts.source_id(item, export.url, slug),
            "headline": shorten(headline, MAX_HEADLINE_CHARACTERS, "/headline", slug, notes),
            "standfirst": shorten(standfirst, MAX_STANDFIRST_CHARACTERS, "/standfirst", slug, notes) or None,
            "body_html": body,
            "format": terms.format,
            "image": self._image(meta, notes),
            "media": _enclosures(item),
            **self._publication(item, meta, slug, notes),
        }
        record["previous_slugs"] = self._previous_slugs(item, ordinal, record["status"], notes)
        language = terms.language or export.language or self.mapping.language
        if terms.translation_group:
            record["translation_group"] = f"{export.url}#{terms.translation_group}"[-200:]
        base_url = self._base_url(item)
        seo, omissions = read_seo(meta, headline, export.title)
        notes += omissions
        notes += _not_imported(item, meta, headline)
        record |= seo | ({"language": language} if language else {}) | ({"base_url": base_url} if base_url else {})
        return PostRecord(record, notes)

    def _body(self, item: XmlNode, meta: dict[str, str], notes: list[Note]) -> str:
        export, label = self.export, html_to_line(item.text("title")) or item.text("wp_post_name")
        source = item.text("content_encoded") or item.text("description")
        builder = next((name for name in _PAGE_BUILDERS if len(meta.get(name, "")) > 2), None)
        if not source and builder is not None:
            notes.append(Omission("page builder content", label))
        text, dynamic = wxr_blocks.render_blocks(source, export, meta)
        notes += [Omission("dynamic block", f"{name} in «{label}»") for name in dynamic]
        post_id = item.text("wp_post_id")
        content = render_content(text, lambda name, attributes: export.attachments.render(name, attributes, post_id))
        notes += [Omission(f"shortcode [{name}]", label) for name in content.removed]
        notes += [Omission("gallery image that is not in the file", id_) for id_ in export.attachments.take_missing()]
        export.attachments.note_uses(content.html)
        body = export.link_posts(content.html)
        if not self._base_url(item):
            body, count = drop_relative_addresses(body)
            notes += [Omission("relative address", label)] * count
        return body

    def _base_url(self, item: XmlNode) -> str:
        """Return what relative addresses of a post are resolved against: its address, or that of the site; or ""."""
        return resolve_http_url(item.text("link"), f"{self.export.url}/") or self.export.url

    def _image(self, meta: dict[str, str], notes: list[Note]) -> Record | None:
        """Return the featured image: an attachment, or one at another address as the plugin FIFU stores it."""
        id_ = meta.get("_thumbnail_id", "")
        image = self.export.attachments.image(id_)
        if image is None and (url := resolve_http_url(meta.get("fifu_image_url") or meta.get("_thumbnail_ext_url"))):
            return {"url": url, "alt": html_to_line(meta.get("fifu_image_alt"))}
        if image is None and id_.isdigit() and id_ not in {"0", "-1"}:
            notes.append(RecordWarning("/image", f"the featured image, attachment {id_}, is not in the file"))
        return image

    def _publication(self, item: XmlNode, meta: dict[str, str], slug: str, notes: list[Note]) -> Record:
        """Return the status and the times of a post. What was not public stays so."""
        source = item.text("wp_status")
        status = _STATUS.get(source, "draft")
        if item.text("wp_post_password"):
            status = "draft"
            notes.append(RecordWarning("/status", f"{slug} has a password: it is imported as a draft"))
        elif status == "draft" and source not in _DRAFT_STATUSES:
            notes.append(RecordWarning("/status", f"{slug} is {source[:40]}: it is imported as a draft"))
        was_published = status != "withdrawn" or meta.get("_wp_trash_meta_status") == "publish"
        published_at = self._time(item, "wp_post_date") or _rfc_822_time(item.text("pubDate"))
        if published_at is None and status in {"published", "scheduled"}:
            status = "draft"
            notes.append(RecordWarning("/published_at", f"{slug} has no valid date: it is imported as a draft"))
        return {
            "status": status,
            "published_at": published_at if was_published else None,
            "updated_at": self._time(item, "wp_post_modified"),
        }

    def _time(self, item: XmlNode, name: str) -> str | None:
        """Return a time from its UTC element, or else from the local one; None if neither is valid."""
        for text, offset in ((item.text(f"{name}_gmt"), UTC), (item.text(name), self.zone)):
            try:
                return datetime.fromisoformat(text).replace(tzinfo=offset).astimezone(UTC).isoformat()
            except (ValueError, OverflowError):  # such as 0000-00-00 00:00:00, for a draft without a date
                continue
        return None

    def _previous_slugs(self, item: XmlNode, ordinal: int, status: str, notes: list[Note]) -> list[str]:
        """Return the former slugs of a post that was public, except those that lead to another post."""
        if status not in {"published", "withdrawn"}:
            return []
        posts = self.export.posts
        slugs: list[str] = []
        if posts.wanted[ordinal] != posts.slugs[ordinal]:
            message = f"another post of the file has the slug {posts.wanted[ordinal]}: this one has a new slug"
            notes.append(RecordWarning("/slug", message))
        for former in former_slugs(item):
            owner = posts.owner_of(former, ordinal)
            if owner is None and former != posts.slugs[ordinal]:
                slugs.append(former)
            elif owner is not None and former != posts.wanted[ordinal]:
                notes.append(RecordWarning("/previous_slugs", f"the former slug {former} leads to the post {owner}"))
        return slugs[:100]


def _rfc_822_time(text: str) -> str | None:
    if not _YEAR.search(text):  # a draft without a date has the year -0001
        return None
    try:
        time = parsedate_to_datetime(text)
        return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC).isoformat()
    except (ValueError, TypeError, OverflowError):
        return None


def _enclosures(item: XmlNode) -> list[Record]:
    """Return the audio and video files that WordPress stores as enclosures: address, size and type in lines."""
    media: list[Record] = []
    for meta in item.all("wp_postmeta"):
        if meta.text("wp_meta_key") == "enclosure":
            address, _, type_ = [*meta.text("wp_meta_value").split("\n"), "", "", ""][:3]
            url = resolve_http_url(address)
            kind = type_.partition("/")[0].strip() or file_kind(address)
            if url and kind in {"audio", "video"}:
                media.append({"kind": kind, "sources": [{"url": url, "type": type_.strip()[:100] or None}]})
    return media


def comments_of(item: XmlNode, title: str) -> list[Omission]:
    """Return the comments of an item, which are not imported: their texts and authors are private."""
    types = [comment.text("wp_comment_type") for comment in item.all("wp_comment")]
    return [Omission(type_ if type_ in _PINGS else "comment", title) for type_ in types]


def _not_imported(item: XmlNode, meta: dict[str, str], headline: str) -> list[Note]:
    """Return what a post has that no field of an article holds: comments, and custom fields that are not hidden."""
    notes: list[Note] = [*comments_of(item, headline)]
    fields = [name for name in meta if name and not name.startswith("_") and not name.startswith(_KNOWN_FIELDS)]
    notes += [Omission("custom field", name) for name in fields]
    if item.text("wp_is_sticky") == "1":
        notes.append(Omission("sticky mark", headline))
    return notes
