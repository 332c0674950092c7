"""Texts of limited length: headlines, also of articles whose source has no title."""

from __future__ import annotations

import re
from typing import Final

from newsapi.imports.readers.terms import html_to_line
from newsapi.imports.record_notes import Omission, RecordWarning

MAX_HEADLINE_CHARACTERS: Final = 500
MAX_STANDFIRST_CHARACTERS: Final = 5_000
_MAX_MADE_CHARACTERS: Final = 90
_SENTENCE: Final = re.compile(r".{20,90}?[.!?…](?=\s)")


def make_headline(body_html: str) -> str | None:
    """Return a headline from the beginning of a text: its first sentence, or else its first words.

    Args:
        body_html: The text as HTML, not yet sanitized.

    Returns:
        At most 90 characters of plain text; None if there is no text.
    """
    text = html_to_line(body_html[:20_000]) or ""
    if len(text) <= _MAX_MADE_CHARACTERS:
        return text.removesuffix(".") or None
    sentence = _SENTENCE.match(text)
    if sentence:
        return sentence[0].removesuffix(".")
    words = text[:_MAX_MADE_CHARACTERS].rpartition(" ")[0] or text[:_MAX_MADE_CHARACTERS]
    return f"{words.rstrip(' ,;:–—-')}…"


def shorten(text: str, limit: int, pointer: str, name: str, notes: list[Omission | RecordWarning]) -> str:
    """Return a text of at most some characters, cut between words.

    Args:
        text: The text.
        limit: The largest number of characters.
        pointer: The field, for the warning.
        name: The name of the record, for the warning.
        notes: What is told of the record; a text that is cut adds a warning.

    Returns:
        The text, which ends in an ellipsis if it is cut.
    """
    if len(text) <= limit:
        return text
    notes.append(RecordWarning(pointer, f"{name} has a text of more than {limit:,} characters: the rest is cut off"))
    start = text[: limit - 1]
    return f"{start.rpartition(' ')[0] or start}…"
