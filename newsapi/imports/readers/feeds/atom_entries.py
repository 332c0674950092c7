"""Atom 1.0 (RFC 4287) and 0.3, and backups of Blogger, which are Atom: the feed and its entries."""

from __future__ import annotations

import base64
import html
from typing import Final

from newsapi.imports.readers.feeds.feed_dates import parse_feed_date
from newsapi.imports.readers.feeds.feed_items import FeedItem, SourceFeed, add_authors, add_unknown, read_terms
from newsapi.imports.readers.languages import read_language
from newsapi.imports.readers.terms import html_to_line, html_to_text, last_segment, resolve_http_url
from newsapi.imports.readers.xml.xml_nodes import XmlNode
from newsapi.imports.record_notes import Omission, RecordWarning

_KIND_SCHEME: Final = "http://schemas.google.com/g/2005#kind"
_PUBLISHED: Final = ("atom_published", "atom_issued", "atom_created", "dc_date")
_UPDATED: Final = ("atom_updated", "atom_modified")
_KNOWN: Final = frozenset(
    (
        "atom_id atom_title atom_link atom_content atom_summary atom_author atom_category atom_rights atom_copyright"
        " atom_source atom_contributor app_control app_edited app_draft thr_in-reply-to thr_total dc_creator dc_subject"
        " dc_language media_content media_group media_thumbnail media_title media_description media_credit"
        " feedburner_origLink blogger_type blogger_status blogger_created blogger_filename blogger_parent"
        " blogger_trashed blogger_location blogger_metaDescription blogger_inReplyTo"
    ).split()
) | {*_PUBLISHED, *_UPDATED}
_HTML_TYPES: Final = frozenset({"xhtml", "html", "text/html", "application/xhtml+xml"})
_SILENT_RELATIONS: Final = frozenset(
    "alternate self edit edit-media enclosure replies next prev previous first last hub service license shortlink"
    " http://schemas.google.com/g/2005#feed http://schemas.google.com/g/2005#post".split()
)


def read_atom_feed(root: XmlNode) -> SourceFeed:
    """Return the data of a feed from its document, of which the entries were taken."""
    links = root.all("atom_link")
    candidates = [
        link for relation in ("alternate", "self") for link in links if link.get("rel", "alternate") == relation
    ]
    link = next((url for node in candidates if (url := resolve_http_url(node.get("href"), root.base))), "")
    base = resolve_http_url(root.base, link) or ""
    authors = tuple(_person(author) for author in root.all("atom_author"))
    date = parse_feed_date(root.text("atom_updated", "atom_modified"))
    language = read_language(root.language, root.text("dc_language"))
    return SourceFeed(_plain_text(root.find("atom_title")), link or base, base, language, authors, date)


def omission_of(entry: XmlNode) -> Omission | None:
    """Return what an entry is if it is no article: a comment, or what else Blogger stores as an entry; else None."""
    kind = next((c.get("term") for c in entry.all("atom_category") if c.get("scheme") == _KIND_SCHEME), "")
    kind = kind.rpartition("#")[2] or entry.text("blogger_type").lower()
    if kind in {"", "post"}:
        kind = "comment" if entry.all("thr_in-reply-to") else ""
    if not kind:
        return None
    kind = kind.removesuffix("s") if kind == "settings" else kind
    is_private = kind in {"setting", "template", "comment"}
    return Omission(kind, "" if is_private else (_plain_text(entry.find("atom_title")) or "")[:200])


def read_atom_entry(entry: XmlNode, feed: SourceFeed) -> FeedItem:
    """Return an entry of Atom."""
    item = FeedItem(guid=entry.text("atom_id"))
    base = feed.base_of(entry)
    item.link = _link(entry, base or feed.link)
    item.title = _plain_text(entry.find("atom_title")) or html_to_line(entry.text("media_title")) or ""
    _add_text(item, entry, feed)
    item.published, item.updated = parse_feed_date(entry.text(*_PUBLISHED)), parse_feed_date(entry.text(*_UPDATED))
    if item.published.text is None and item.published.assumption is None:
        item.published = item.updated
    source = entry.find("atom_source")
    _add_authors(item, entry, source, feed)
    categories = [one for one in entry.all("atom_category") if one.get("scheme") != _KIND_SCHEME]
    names = [one.get("label") or one.get("term") or one.content for one in categories]
    item.categories = read_terms([*names, *(one.content for one in entry.all("dc_subject"))])
    item.file_base = base or item.link or feed.link
    if source is not None:
        item.source_title = _plain_text(source.find("atom_title"))
        item.source_link = _link(source, base or feed.link)
    item.rights = _plain_text(entry.find("atom_rights", "atom_copyright"))
    _add_status(item, entry)
    item.notes += [Omission("contributor") for _ in entry.all("atom_contributor")]
    relations = [link for link in entry.all("atom_link") if link.get("rel", "alternate") not in _SILENT_RELATIONS]
    item.notes += [Omission(f"{link.get('rel')[:60]} link", link.get("href")[:200]) for link in relations]
    add_unknown(item, entry, _KNOWN)
    return item


def _link(entry: XmlNode, base: str) -> str | None:
    """Return the URL of the first alternate link; a link without `rel` is one (RFC 4287, 4.2.7.2)."""
    links = [link for link in entry.all("atom_link") if link.get("rel", "alternate") == "alternate"]
    links.sort(key=lambda link: "html" not in link.get("type", "text/html"))
    pages = [content.get("src") for content in entry.all("atom_content") if content.get("type").startswith("text/html")]
    texts = [entry.text("feedburner_origLink"), *(link.get("href") for link in links), *pages]
    return next((url for text in texts if text and (url := resolve_http_url(text, base))), None)


def _add_authors(item: FeedItem, entry: XmlNode, source: XmlNode | None, feed: SourceFeed) -> None:
    """Add the authors of the entry, else of its source, else of the feed (RFC 4287, section 4.2.1)."""
    texts = [_person(author) for author in entry.all("atom_author")] or [one.content for one in entry.all("dc_creator")]
    if not texts and source is not None:
        texts = [_person(author) for author in source.all("atom_author")]
    add_authors(item, texts or feed.authors)


def _person(author: XmlNode) -> str:
    return author.text("atom_name", "name") or author.text("atom_email") or ("" if author.children else author.content)


def _add_text(item: FeedItem, entry: XmlNode, feed: SourceFeed) -> None:
    contents = [(node, text) for node in entry.all("atom_content") if (text := _html(node, item))]
    summaries = [(node, text) for node in entry.all("atom_summary") if (text := _html(node, item))]
    content, item.content = next(iter(contents), (None, ""))
    summary, item.summary = next(iter(summaries), (None, ""))
    item.notes += [Omission("further text", text[:100]) for _, text in contents[1:] + summaries[1:]]
    if not item.content and not item.summary:
        groups = [entry, *entry.all("media_group")]
        description = next((text for group in groups if (text := group.text("media_description"))), "")
        item.summary = html.escape(description, quote=False)
        item.described = bool(description)
    text_node = content or summary
    nested = [] if text_node is None else [text_node, *text_node.all("xhtml_div")[:1]]
    item.body_base = feed.base_of(entry, *nested) or item.link or feed.link
    item.language = read_language(*([] if text_node is None else [text_node.language]), entry.language)
    item.language = item.language or read_language(entry.text("dc_language")) or feed.language


def _html(construct: XmlNode, item: FeedItem) -> str:
    """Return an Atom text construct or content (RFC 4287, sections 3.1 and 4.1.3; Atom 0.3) as HTML."""
    content_type = construct.get("type", "text").lower().partition(";")[0].strip()
    if construct.get("src"):
        return ""
    if content_type in _HTML_TYPES or construct.get("mode").lower() == "xml":
        return construct.inner_html() if construct.children else _decoded(construct)
    if content_type == "text" or content_type.startswith("text/"):
        return construct.inner_html() if construct.children else html.escape(_decoded(construct), quote=False)
    if construct.content:
        item.notes.append(Omission(f"{content_type[:60]} content", item.title))
    return ""


def _decoded(construct: XmlNode) -> str:
    """Return the text of a construct of Atom, which 0.3 allows in base64."""
    if construct.get("mode").lower() != "base64":
        return construct.content
    try:
        return base64.b64decode(construct.content).decode()
    except ValueError:
        return ""


def _plain_text(construct: XmlNode | None) -> str | None:
    """Return an Atom text construct as plain text in one line, or None if it is empty."""
    if construct is None:
        return None
    content_type = construct.get("type", "text").lower()
    if construct.children:
        return html_to_line(construct.inner_html())
    text = _decoded(construct)
    return html_to_line(text) if content_type in _HTML_TYPES else " ".join(text.split()) or None


def _add_status(item: FeedItem, entry: XmlNode) -> None:
    """Add whether the entry is a draft (RFC 5023, section 13.1.1), and what only the backup of a site has."""
    control = entry.find("app_control")
    draft = (control.text("app_draft") if control is not None else "") or entry.text("app_draft")
    status = entry.text("blogger_status").upper()
    if draft.lower() == "yes" or status not in {"", "LIVE"}:
        item.status = "draft"
    if status not in {"", "LIVE", "DRAFT"}:
        item.notes.append(
            RecordWarning("/status", f"«{item.title}» is {status.lower()[:40]}: it is imported as a draft")
        )
    is_backup = bool(status) or any(one.get("scheme") == _KIND_SCHEME for one in entry.all("atom_category"))
    if is_backup:
        item.former_slug = last_segment(entry.text("blogger_filename") or item.link)
        description = html_to_text(entry.text("blogger_metaDescription"))
        item.summary = item.summary or html.escape(description, quote=False)
