"""WordPress exports (WXR 1.0 to 1.2): posts with their authors, categories, tags and images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from newsapi.imports.formats import RecordOrProblem
from newsapi.imports.mapping import CategoryMapping
from newsapi.imports.readers.recognition import describe_other_format, recognize_stream
from newsapi.imports.readers.terms import TermMapper, html_to_line
from newsapi.imports.readers.wordpress.wxr_index import WordPressExport, index_export, is_post
from newsapi.imports.readers.wordpress.wxr_posts import PostReader, comments_of
from newsapi.imports.readers.wordpress.wxr_terms import read_post_terms
from newsapi.imports.readers.xml.xml_files import FileElement, XmlFile
from newsapi.imports.readers.xml.xml_nodes import XmlNode
from newsapi.imports.record_notes import Omission, RecordProblem, RecordWarning

_ELEMENTS: Final = r"(?:[\w.-]+:)?item|[\w.-]+:(?:author|category|tag|term)"
_KINDS: Final = {
    "page": "page",
    "nav_menu_item": "menu item",
    "revision": "revision",
    "custom_css": "custom CSS",
    "customize_changeset": "theme setting",
    "oembed_cache": "cached embed",
    "user_request": "privacy request",
    "wp_block": "unused reusable block",
    "wp_template": "template",
    "wp_template_part": "template part",
    "wp_global_styles": "theme style",
    "wp_navigation": "menu",
    "wp_font_family": "font",
    "wp_font_face": "font",
}
"""What a post type is called in a report."""


def read_records(
    stream: BinaryIO, *, mapping: CategoryMapping, zone: ZoneInfo
) -> Iterator[tuple[int, RecordOrProblem]]:
    """Read the records of an export in two passes.

    Args:
        stream: A seekable stream, positioned at the beginning of the export.
        mapping: The mapping of categories.
        zone: The time zone of times without an offset.

    Yields:
        The line on which an item begins, and what it gives: for a post its new terms, omissions and warnings, then the
        article; for other items an omission. A file of another format gives one problem.
    """
    recognized = recognize_stream(stream)
    if recognized.format_name != "wxr":
        yield 1, describe_other_format(recognized, "a WordPress export")
        return
    file = XmlFile(stream, _ELEMENTS)
    export = index_export(file)
    reader, terms = PostReader(export, mapping, zone), TermMapper(mapping)
    count, item_count, line = 0, 0, 1
    for element in file.elements():
        node = element.node
        if node is None:
            yield element.line, RecordProblem("", _fault(element))
        elif node.name == "item" and is_post(node):
            yield from ((element.line, result) for result in _read_post(element, node, reader, terms, count))
            count += 1
        else:
            item_count += node.name == "item"
            yield from ((element.line, omission) for omission in _omissions(node, export))
        line = element.line
    yield from export.attachments.unused()
    yield from export.authors.unused()
    if count == item_count == 0:
        yield 1, RecordProblem("", "this is a WordPress export without items")
    if file.is_cut_off:
        yield line, RecordProblem("", "the file ends before the end of the export: it is cut off")


def _read_post(
    element: FileElement, item: XmlNode, reader: PostReader, terms: TermMapper, ordinal: int
) -> Iterator[RecordOrProblem]:
    """Return the new terms of a post, what is to be told of it, and its record."""
    post_terms = read_post_terms(item, reader.export.authors)
    post = reader.read(item, ordinal, post_terms)
    if element.fault is not None:
        yield RecordWarning("", f"the post {_fault(element)}; it was repaired")
    yield from post.notes
    yield from post_terms.omissions
    if isinstance(post.record, RecordProblem):
        yield post.record
        return
    mapped = terms.map_terms(post_terms.categories, post_terms.tags, post_terms.authors)
    yield from mapped.omissions
    yield from mapped.new_terms
    yield post.record | mapped.references


def _omissions(node: XmlNode, export: WordPressExport) -> list[Omission]:
    """Return what of an element of the export is not imported, unless it is part of something else."""
    if node.name != "item":
        return _omissions_of_term(node, export)
    post_type = node.text("wp_post_type")
    title = html_to_line(node.text("title")) or ""
    title = "" if "@" in title else title[:200]
    comments = comments_of(node, title)
    if post_type in {"attachment", "guest-author"} or node.text("wp_post_id") in export.used_blocks:
        return comments
    kind = "unsaved draft" if post_type == "post" else _KINDS.get(post_type)
    return [Omission(kind or (f"{post_type[:60]} item" if post_type else "untyped item"), title), *comments]


def _omissions_of_term(node: XmlNode, export: WordPressExport) -> list[Omission]:
    """Return what is not imported of a category, a tag or another term: all of it, if no post has it."""
    if node.name == "wp_author":
        return []
    kind = node.name.removeprefix("wp_")
    name = html_to_line(node.text("wp_cat_name", "wp_tag_name", "wp_term_name")) or ""
    slug = node.text("wp_category_nicename", "wp_tag_slug", "wp_term_slug")
    taxonomy = {"category": "category", "tag": "post_tag"}.get(kind, node.text("wp_term_taxonomy"))
    if taxonomy == "nav_menu":
        return [Omission("menu", name)]
    if (taxonomy, slug) not in export.used_terms:
        return [Omission(f"unused {taxonomy.removeprefix('post_')}", name)] if taxonomy != "post_format" else []
    description = node.text("wp_category_description", "wp_tag_description", "wp_term_description")
    parent = node.text("wp_category_parent", "wp_term_parent")
    return [
        *([Omission(f"{kind} description", name)] if description else []),
        *([Omission(f"{kind} parent", name)] if parent not in {"", "0"} else []),
    ]


def _fault(element: FileElement) -> str:
    return f"«{element.label}» {element.fault}" if element.label else element.fault or ""
