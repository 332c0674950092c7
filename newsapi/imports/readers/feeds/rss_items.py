"""RSS 0.90 to 2.0: the feed and its items."""

from __future__ import annotations

from typing import Final

from newsapi.imports.readers.feeds.feed_dates import parse_feed_date
from newsapi.imports.readers.feeds.feed_items import FeedItem, SourceFeed, add_authors, add_unknown, read_terms
from newsapi.imports.readers.languages import read_language
from newsapi.imports.readers.terms import html_to_line, resolve_http_url
from newsapi.imports.readers.xml.xml_nodes import XmlNode
from newsapi.imports.record_notes import Omission

_PUBLISHED: Final = tuple(
    "pubDate pubdate dc_date dcterms_issued dcterms_created atom_published dcterms_date published".split()
)
_UPDATED: Final = ("dcterms_modified", "atom_updated", "atom_modified", "updated")
_AUTHORS: Final = ("dc_creator", "author", "itunes_author", "atom_author", "dc_author")
_SUMMARIES: Final = ("description", "dc_description", "dcterms_abstract", "atom_summary", "summary", "itunes_summary")
_CONTENTS: Final = ("content_encoded", "atom_content", "xhtml_body", "xhtml_div", "body", "fullText", "content")
_TITLES: Final = ("title", "dc_title", "atom_title", "media_title", "itunes_title")
_RIGHTS: Final = ("dc_rights", "dcterms_rights", "copyright")
_TECHNICAL: Final = (
    "guid link source category comments enclosure image language id dc_identifier dc_format dc_type dc_source"
    " dc_language dc_subject content_items rdf_type slash_comments slash_section slash_department slash_hit_parade"
    " wfw_comment wfw_commentRss wfw_commentRSS thr_total feedburner_origLink other_origLink other_post-id atom_link"
    " atom_id atom_category media_content media_group media_thumbnail media_title media_description media_credit"
    " media_rating media_copyright media_category media_text media_player media_keywords itunes_keywords"
    " itunes_duration itunes_explicit itunes_subtitle itunes_episode itunes_season itunes_episodeType itunes_image"
    " itunes_block"
)
"""Elements that are read elsewhere, or that say nothing about an article."""

_KNOWN: Final = frozenset(
    {*_PUBLISHED, *_UPDATED, *_AUTHORS, *_SUMMARIES, *_CONTENTS, *_TITLES, *_RIGHTS, *_TECHNICAL.split()}
)


def read_rss_feed(root: XmlNode) -> SourceFeed:
    """Return the data of a feed from its document, of which the items were taken."""
    channel = root.find("channel", "Channel") or root
    links = [link.content or link.get("href") for link in channel.all("link")]
    links += [link.get("href") for link in channel.all("atom_link") if link.get("rel") in {"", "alternate"}]
    links += [link.get("href") for link in channel.all("atom_link") if link.get("rel") == "self"]
    link = next((url for text in links if (url := resolve_http_url(text))), "")
    base = resolve_http_url(channel.base, link) or resolve_http_url(root.base, link) or ""
    language = read_language(channel.text("language"), channel.text("dc_language"), channel.language, root.language)
    date = parse_feed_date(channel.text("pubDate", "dc_date", "lastBuildDate", "atom_updated", "dcterms_modified"))
    return SourceFeed(html_to_line(channel.text("title")), link, base, language, (), date)


def read_rss_item(node: XmlNode, feed: SourceFeed) -> FeedItem:
    """Return an item of RSS."""
    item = FeedItem()
    guid = node.find("guid")
    item.guid = node.text("guid", "dc_identifier", "atom_id", "id")
    base = feed.base_of(node)
    item.link = _link(node, base or feed.link)
    if item.link is None and guid is not None and guid.get("isPermaLink", "true").lower() != "false":
        item.link = resolve_http_url(guid.content)
    item.title = html_to_line(node.text(*_TITLES)) or ""
    _add_text(item, node, feed)
    item.published = parse_feed_date(node.text(*_PUBLISHED))
    item.updated = parse_feed_date(node.text(*_UPDATED))
    add_authors(item, [_author(author) for author in _author_nodes(node)])
    names = [
        child.content or child.get("label") or child.get("term") for child in node.all("category", "atom_category")
    ]
    names += [child.content for child in node.all("dc_subject")]
    item.categories = read_terms([*names, *node.text("media_keywords").split(",")])
    item.language = read_language(node.language, node.text("dc_language", "language")) or feed.language
    item.file_base = base or item.link or feed.link
    source = node.find("source")
    if source is not None:
        item.source_title = html_to_line(source.content)
        item.source_link = resolve_http_url(source.get("url"))
    item.rights = html_to_line(node.text(*_RIGHTS))
    if node.text("media_text"):
        item.notes.append(Omission("transcript (media:text)", item.title))
    add_unknown(item, node, _KNOWN)
    return item


def _link(node: XmlNode, base: str) -> str | None:
    """Return the address of an item's page; the original one where a service counts clicks."""
    texts = [node.text("feedburner_origLink", "other_origLink")]
    texts += [link.content or link.get("href") for link in node.all("link") if link.get("rel") in {"", "alternate"}]
    texts += [link.get("href") for link in node.all("atom_link") if link.get("rel") in {"", "alternate"}]
    return next((url for text in texts if text and (url := resolve_http_url(text, base))), None)


def _add_text(item: FeedItem, node: XmlNode, feed: SourceFeed) -> None:
    """Add content and summary: an item without content has its summary as text."""
    contents = {text: child for child in node.all(*_CONTENTS) if (text := child.inner_html())}
    summaries = {text: child for child in node.all(*_SUMMARIES) if (text := child.inner_html())}
    content, summary = next(iter(contents.values()), None), next(iter(summaries.values()), None)
    further = [*list(contents)[1:], *list(summaries)[1:]]
    item.notes += [Omission("further text", text[:100]) for text in further]
    if content is None and summary is None:
        summary = _media_description(node)
        item.described = summary is not None
    item.content = next(iter(contents), "")
    item.summary = next(iter(summaries), "") or (summary.inner_html() if summary is not None else "")
    text_nodes = [text_node for text_node in (content, summary) if text_node is not None][:1]
    item.body_base = feed.base_of(node, *text_nodes) or item.link or feed.link


def _media_description(node: XmlNode) -> XmlNode | None:
    parents = [node, *node.all("media_group", "media_content")]
    return next((child for parent in parents for child in parent.all("media_description") if child.content), None)


def _author_nodes(node: XmlNode) -> list[XmlNode]:
    """Return the elements that name the authors, of the first kind that occurs."""
    return next((found for name in _AUTHORS if (found := [one for one in node.all(name) if one.content])), [])


def _author(author: XmlNode) -> str:
    return author.text("atom_name", "name") or author.content
