"""Blocks of WordPress' editor that have no HTML of their own, because the site renders them when it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import orjson

from newsapi.imports.readers.players import render_url
from newsapi.imports.readers.terms import resolve_http_url
from newsapi.imports.readers.wordpress.wxr_index import WordPressExport

_MARK: Final = "<!-- wp:"
_ADDRESSES: Final = ("url", "src", "mediaUrl", "href")
_INVISIBLE: Final = frozenset({"more", "nextpage", "separator", "spacer"})


class _Block(NamedTuple):
    """A block without content: where it stands in the text, its name and its attributes."""

    start: int
    end: int
    name: str
    attributes: Mapping[str, object]


def render_blocks(text: str, export: WordPressExport, meta: Mapping[str, str], depth: int = 0) -> tuple[str, list[str]]:
    """Put HTML in place of the blocks that have none.

    Args:
        text: The content of a post.
        export: The export, which has the reusable blocks.
        meta: The custom fields of the post, which have its footnotes.
        depth: How many reusable blocks this text is within.

    Returns:
        The content, and the names of the blocks of which nothing is kept.
    """
    output: list[str] = []
    removed: list[str] = []
    position = 0
    for block in _iter_blocks(text):
        output.append(text[position : block.start])
        position = block.end
        reference = str(block.attributes.get("ref", ""))
        if block.name == "block" and reference in export.reusable_blocks and depth < 3:
            export.used_blocks.add(reference)
            content, names = render_blocks(export.reusable_blocks[reference], export, meta, depth + 1)
            output.append(content)
            removed += names
        elif block.name == "footnotes":
            output.append(_footnotes(meta.get("footnotes", "")))
        elif html := "".join(render_url(url) for url in _addresses(block)):
            output.append(html)
        elif block.name not in _INVISIBLE:
            removed.append(block.name)
    return "".join([*output, text[position:]]), removed


def _iter_blocks(text: str) -> Iterator[_Block]:
    position = 0
    while (start := text.find(_MARK, position)) >= 0 and (end := text.find("-->", start)) >= 0:
        position = end + 3
        comment = text[start + len(_MARK) : end].rstrip()
        if comment.endswith("/"):
            name, _, source = comment.removesuffix("/").partition(" ")
            yield _Block(start, position, name.strip()[:60], _parse(source))


def _parse(source: str) -> Mapping[str, object]:
    try:
        attributes = orjson.loads(source)
    except ValueError:
        return {}
    return attributes if isinstance(attributes, dict) else {}


def _addresses(block: _Block) -> list[str]:
    values = [block.attributes.get(name) for name in _ADDRESSES]
    return [url for value in values if isinstance(value, str) and (url := resolve_http_url(value))]


def _footnotes(source: str) -> str:
    """Return the footnotes of a post as a list; the links in the text lead to the ids of its items."""
    try:
        notes = orjson.loads(source)
    except ValueError:
        return ""
    items = [note for note in notes if isinstance(note, dict)] if isinstance(notes, list) else []
    html = "".join(
        f'<li id="{str(note.get("id", ""))[:60]}">{note.get("content", "")}</li>'.replace(' id=""', "")
        for note in items
    )
    return f"<ol>{html}</ol>" if html else ""
