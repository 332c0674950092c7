"""Decoding of XML files: the encoding that a file has, and its text piece by piece.

The encoding follows from a byte order mark, from the first bytes, or from the XML declaration, as browsers read it
(WHATWG Encoding Standard): `iso-8859-1` means windows-1252. No byte can end the reading. A byte that is invalid in the
encoding becomes a lone surrogate (PEP 383), which `xml_nodes` reads as windows-1252.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO, Final

READ_BYTES: Final = 1 << 18
HEAD_BYTES: Final = 1 << 16
"""Bytes from the beginning of a file that decide its encoding and its format."""

_DECLARATION: Final = re.compile(rb"<\?xml[^>]{0,200}?\bencoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']")
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Labels that browsers read as a larger encoding (https://encoding.spec.whatwg.org/#names-and-labels).
_LARGER_ENCODINGS: Final = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
}
_WIDE_ENCODINGS: Final = ("utf-16", "utf-32", "utf-7")
"""Encodings that a declaration readable as ASCII cannot be in."""


def detect_encoding(head: bytes) -> str:
    """Return the name of Python's codec for a file.

    Args:
        head: The first bytes of the file, `HEAD_BYTES` or all.

    Returns:
        The codec; UTF-8 if the declaration names an encoding that is unknown or contradicts the bytes.
    """
    for mark, name in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return name
    start = head.lstrip(b" \t\r\n")[:4]
    if start[:1] == b"<" and start[1:2] == b"\0":
        return "utf-16-le"
    if start[:2] == b"\0<":
        return "utf-16-be"
    declaration = _DECLARATION.search(head[:1024])
    return _find_codec(declaration[1].decode()) if declaration else "utf-8"


def _find_codec(label: str) -> str:
    try:
        name = codecs.lookup(label).name
        if name.startswith(_WIDE_ENCODINGS) or "".encode(name) != b"":
            return "utf-8"
    except (LookupError, TypeError, ValueError):  # unknown, or no encoding of text
        return "utf-8"
    return _LARGER_ENCODINGS.get(name, name)


def decode_head(head: bytes) -> str:
    """Return the beginning of a file as text; bytes that are invalid in its encoding are replaced."""
    return head.decode(detect_encoding(head), "replace").replace("\ufeff", "")


def iter_text(stream: BinaryIO) -> Iterator[str]:
    """Decode a stream from its current position.

    Yields:
        Pieces of text with LF as line ends. Invalid bytes are lone surrogates.
    """
    head = stream.read(HEAD_BYTES)
    decoder = codecs.getincrementaldecoder(detect_encoding(head))(_ESCAPE_BYTES)
    carriage_return = ""
    piece = head
    while piece:
        text = carriage_return + decoder.decode(piece)
        carriage_return = "\r" if text.endswith("\r") else ""
        text = text.removesuffix("\r")
        yield text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
        piece = stream.read(READ_BYTES)
    yield carriage_return.replace("\r", "\n") + decoder.decode(b"", final=True)


def _escape_bytes(error: UnicodeError) -> tuple[str, int]:
    """Replace invalid bytes by lone surrogates; unlike `surrogateescape`, keep those that are ASCII."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    data = error.object[error.start : error.end]
    return "".join(chr(byte if byte < 0x80 else 0xDC00 + byte) for byte in data), error.end


_ESCAPE_BYTES: Final = "newsapi.escape-bytes"
codecs.register_error(_ESCAPE_BYTES, _escape_bytes)


def repair_bytes(text: str) -> str:
    """Return a text in which bytes that were invalid in the file's encoding are read as windows-1252."""
    return _INVALID_BYTE.sub(lambda match: bytes([ord(match[0]) - 0xDC00]).decode("cp1252", "replace"), text)


_INVALID_BYTE: Final = re.compile("[\udc80-\udcff]")
