"""Characters that no text may hold, and the meaning of character references.

Control characters break XML feeds and databases, lone surrogates cannot be written as UTF-8, and noncharacters are
refused by strict readers. They are taken out once, on the way in.
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


def printable(text: str) -> str:
    """Take out what may not be stored.

    C0 and C1 controls but tab and line feed, lone surrogates and noncharacters go; CR and CRLF become a line feed,
    vertical tab and form feed a space.
    """
    if "\r" in text:
        text = _BREAKS.sub("\n", text)
    # Every forbidden character is unprintable, and telling so is ten times as fast as searching for them.
    if text.replace("\n", "").replace("\t", "").replace("\xa0", "").isprintable() or not _FORBIDDEN.search(text):
        return text
    return _FORBIDDEN.sub("", _SPACES.sub(" ", text))


def decoded(text: str) -> str:
    """Resolve the character references of HTML text, as the HTML standard does, and take out what may not be stored."""
    if "&" not in text:
        return text
    return printable(html.unescape(_bounded(text)))


def decoded_attribute(value: str) -> str:
    """Resolve the character references of an attribute's value.

    Unlike in text, a name without its semicolon stays as it is before a letter, a digit or "=" (HTML standard,
    13.2.5.73): otherwise "?a=1&copy=2" would lose its second parameter.
    """
    if "&" not in value:
        return value
    return printable(_REFERENCE.sub(_resolve, _bounded(value)))


def _bounded(text: str) -> str:
    """Make numeric references short: Python refuses to read a number of thousands of digits."""
    return _OVERLONG.sub("\ufffd", _ZEROS.sub("&#", text))


def _resolve(found: re.Match[str]) -> str:
    reference = found[0]
    if reference[1] == "#":
        return html.unescape(reference)
    # With a semicolon it must be a name; without one it must be one of the old names, in full, and not before "=".
    return html5.get(reference[1:], reference)
