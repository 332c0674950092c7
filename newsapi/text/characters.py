"""Characters of stored text: those that are removed, those that analysis ignores, and the composed form.

Control characters break XML feeds and databases, lone surrogates cannot be encoded as UTF-8, and strict parsers reject
noncharacters. They are removed once, from incoming text.
"""

import re
import unicodedata
from typing import Final

_BREAKS = re.compile("\r\n?")
_SPACES = re.compile("[\x0b\x0c]")
_PLANES = "".join(chr(plane * 0x10000 + 0xFFFE) + chr(plane * 0x10000 + 0xFFFF) for plane in range(17))
_FORBIDDEN = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_PLANES}]")

_STROKE: Final = "\u0338"
_STRUCK_MARKUP = re.compile("([<=>]\u0338)")

INVISIBLE_CHARACTERS: Final = "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff"
"""Characters without a shape of their own, for a character class: the soft hyphen, zero-width spaces and joiners,
direction marks and variation selectors. They do not end a word, and two words that differ in them only are equal."""

_INVISIBLE = re.compile(f"[{INVISIBLE_CHARACTERS}]")


def strip_forbidden(text: str) -> str:
    """Return a text without the characters that must not be stored.

    Args:
        text: The text.

    Returns:
        The text without C0 and C1 controls (tab and line feed stay), lone surrogates and noncharacters. CR and CRLF
        become a line feed; vertical tab and form feed become a space.
    """
    if "\r" in text:
        text = _BREAKS.sub("\n", text)
    # Every forbidden character is unprintable, and `isprintable` is ten times as fast as the search.
    if text.replace("\n", "").replace("\t", "").replace("\xa0", "").isprintable() or not _FORBIDDEN.search(text):
        return text
    return _FORBIDDEN.sub("", _SPACES.sub(" ", text))


def compose(text: str) -> str:
    """Return a text composed (Unicode NFC), except for a combining stroke after "<", "=" or ">".

    Together with these characters the stroke would become a letter-like sign, and a tag before it would lose its end.
    """
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    if _STROKE not in text:
        return unicodedata.normalize("NFC", text)
    parts = _STRUCK_MARKUP.split(text)
    return "".join(part if _STRUCK_MARKUP.fullmatch(part) else unicodedata.normalize("NFC", part) for part in parts)


def strip_invisible(text: str) -> str:
    """Return a text without the characters that have no shape of their own."""
    return text if text.isascii() else _INVISIBLE.sub("", text)
