"""Paragraphs in HTML of WordPress and of feeds: blank lines separate them, as WordPress' `wpautop` reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_BLOCK_NAMES: Final = (
    "address|article|aside|audio|blockquote|details|div|dl|fieldset|figure|footer|form|h[1-6]|header|hr|iframe|nav|ol|p"
    "|pre|script|section|style|table|ul|video"
)
_BLOCK = re.compile(rf"<(/?)({_BLOCK_NAMES})\b[^<>]*+>", re.IGNORECASE)
_QUOTE = re.compile(r"(<blockquote\b[^<>]*+>)(.*)(</blockquote\s*+>)", re.DOTALL | re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n[ \t]*+\n\s*+")
_TAG = re.compile(r"<[A-Za-z/]")
_VOID_BLOCK: Final = "hr"


def autop(text: str, *, line_breaks: bool = True) -> str:
    """Put the text between block elements into paragraphs.

    Args:
        text: HTML, whose block elements stay unchanged.
        line_breaks: Whether a line break within a paragraph becomes `<br>`.

    Returns:
        The HTML with its paragraphs.
    """
    return "".join(
        _block(piece, line_breaks=line_breaks) if is_block else _paragraphs(piece, line_breaks=line_breaks)
        for is_block, piece in _parts(text)
    )


def feed_body(text: str) -> str:
    """Return the text of a feed's item, HTML or plain, as HTML with paragraphs."""
    return autop(text.replace("\r\n", "\n"), line_breaks=not _TAG.search(text))


def _block(text: str, *, line_breaks: bool) -> str:
    """Return a block element unchanged, except that the text of a quote is put into paragraphs too."""
    match = _QUOTE.fullmatch(text)
    if match is None or _BLOCK.search(match[2]):
        return text
    return f"{match[1]}{_paragraphs(match[2], line_breaks=line_breaks)}{match[3]}"


def _parts(text: str) -> Iterator[tuple[bool, str]]:
    """Split a text into block elements, each with its content, and the text between them."""
    position, block_start = 0, 0
    open_names: list[str] = []
    for match in _BLOCK.finditer(text):
        closing, name = match[1], match[2].lower()
        if not closing and not open_names:
            yield False, text[position : match.start()]
            block_start = position = match.start()
        if not closing and name != _VOID_BLOCK:
            open_names.append(name)
        elif closing and open_names:
            open_names.pop()
        if not open_names and position == block_start and match.end() > block_start:
            yield True, text[block_start : match.end()]
            block_start = position = match.end()
    yield bool(open_names), text[position:]


def _paragraphs(text: str, *, line_breaks: bool) -> str:
    parts = [part.strip() for part in _BLANK_LINES.split(text)]
    line_break = "<br>" if line_breaks else " "
    return "".join(f"<p>{part.replace(chr(10), line_break)}</p>" for part in parts if part)
