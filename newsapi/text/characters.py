"""Removal of forbidden characters, and decoding of HTML character references.

Control characters break XML feeds and databases, lone surrogates cannot be encoded as UTF-8, and strict parsers reject
noncharacters. They are removed once, from incoming text.
"""

import html
import re
from html.entities import html5

_BREAKS = re.compile("\r\n?")
_SPACES = re.compile("[\x0b\x0c]")
_PLANES = "".join(chr(plane * 0x10000 + 0xFFFE) + chr(plane * 0x10000 + 0xFFFF) for plane in range(17))
_FORBIDDEN = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_PLANES}]")

_ZEROS = re.compile("&#0+(?=[0-9])")
_OVERLONG = re.compile("&#[0-9]{8,};?")
_REFERENCE = re.compile("&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]*;?=?)")


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


def decode_text(text: str) -> str:
    """Decode the character references of HTML text by the HTML standard, and remove forbidden characters."""
    if "&" not in text:
        return text
    return strip_forbidden(html.unescape(_shorten_references(text)))


def decode_attribute(value: str) -> str:
    """Decode the character references of an attribute value, and remove forbidden characters.

    Unlike in text, a name without its semicolon is not decoded before a letter, a digit or "=" (HTML standard,
    13.2.5.73): otherwise "?a=1&copy=2" would lose its second parameter.

    Args:
        value: The attribute value as it was written, without its quotes.

    Returns:
        The decoded value.
    """
    if "&" not in value:
        return value
    return strip_forbidden(_REFERENCE.sub(_decode_reference, _shorten_references(value)))


def _shorten_references(text: str) -> str:
    """Shorten numeric references: Python refuses to parse a number of thousands of digits."""
    return _OVERLONG.sub("\ufffd", _ZEROS.sub("&#", text))


def _decode_reference(match: re.Match[str]) -> str:
    reference = match[0]
    if reference[1] == "#":
        return html.unescape(reference)
    # `html5` holds each name with its semicolon, and the legacy names without it too; nothing in it ends in "=".
    return html5.get(reference[1:], reference)
