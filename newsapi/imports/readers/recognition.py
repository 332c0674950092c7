"""Recognition of the format of an import file by its first bytes."""

from __future__ import annotations

import re
from typing import BinaryIO, Final, NamedTuple

import orjson

from newsapi.imports.readers.xml.text_decoding import HEAD_BYTES, decode_head
from newsapi.imports.record_notes import RecordProblem

_PROLOG: Final = re.compile(r"\s*+(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE\s[^\[>]*+(?:\[[^\]]*+\]\s*+)?>|[^<]++)", re.DOTALL)
_ROOT: Final = re.compile(r"\s*<((?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*))([^>]*)")
_WORDPRESS: Final = re.compile(r"https?://(?:www\.)?wordpress\.org/export/|<wp:wxr_version|<wp:post_type")
_HTML_DOCTYPE: Final = re.compile(r"\s*(?:<!--.*?-->\s*)*<!doctype\s+html", re.IGNORECASE | re.DOTALL)
_SQL: Final = re.compile(
    r"\s*(?:--|/\*|#).{0,400}?(?:MySQL|MariaDB|PostgreSQL|phpMyAdmin|SQL) |\s*(?:CREATE TABLE|INSERT INTO|PRAGMA|SET )",
    re.DOTALL,
)
_TEXT_FORMATS: Final = (
    (_HTML_DOCTYPE, "an HTML page"),
    (_SQL, "an SQL dump"),
)
_FEED_ROOTS: Final = frozenset({"rss", "rdf", "feed"})
_XML_FORMATS: Final = {
    "channel": "a CDF channel",
    "html": "an HTML page",
    "opml": "an OPML list of feeds",
    "urlset": "a site map",
    "sitemapindex": "an index of site maps",
    "svg": "an SVG image",
    "plist": "a property list",
    "entry": "a single Atom entry, not a feed",
}
_SIGNATURES: Final = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"\xd0\xcf\x11\xe0", "an old Microsoft Office document"),
)
_BINARY: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
"""Characters that no text has: the binary data bytes of the WHATWG MIME Sniffing Standard."""

_RECORD_TYPES: Final = frozenset({"article", "brand", "section", "author", "tag"})


class RecognizedFile(NamedTuple):
    """What a file seems to be: the name of its import format, or None; and a description with its article."""

    format_name: str | None
    description: str


def recognize_file(head: bytes) -> RecognizedFile:
    """Say what a file seems to be.

    Args:
        head: The first bytes of the file; 64 KiB decide, fewer may.

    Returns:
        The name of its import format, if it has one, and a description.
    """
    head = head[:HEAD_BYTES]
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        return RecognizedFile(None, "an empty file")
    for signature, description in _SIGNATURES:
        if head.startswith(signature):
            return RecognizedFile(None, description)
    text = decode_head(head)
    start = text.lstrip()
    if start.startswith(("{", "[")):
        return _recognize_json(start)
    for pattern, description in _TEXT_FORMATS:
        if pattern.match(text):
            return RecognizedFile(None, description)
    return _recognize_xml(text)


def recognize_stream(stream: BinaryIO) -> RecognizedFile:
    """Say what a file seems to be; its seekable stream stays at its position."""
    start = stream.tell()
    recognized = recognize_file(stream.read(HEAD_BYTES))
    stream.seek(start)
    return recognized


def describe_other_format(recognized: RecognizedFile, expected: str) -> RecordProblem:
    """Return the problem of a file that is not what was expected, such as `an RSS or Atom feed`."""
    hint = f": import it as {recognized.format_name}" if recognized.format_name else ""
    return RecordProblem("", f"this is {recognized.description}, not {expected}{hint}")


def _recognize_json(text: str) -> RecognizedFile:
    """Recognize JSON by its first line, or by names that its beginning has."""
    if text.startswith("["):
        return RecognizedFile(None, "a JSON array, not one object a line")
    try:
        first = orjson.loads(text.partition("\n")[0])
    except ValueError:
        first = None
    if isinstance(first, dict) and first.get("type") in _RECORD_TYPES:
        return RecognizedFile("ndjson", "NDJSON records")
    for pattern, description in _JSON_FORMATS:
        if pattern.search(text):
            return RecognizedFile(None, description)
    if isinstance(first, dict) or text.partition("\n")[0].rstrip() != "{":
        return RecognizedFile("ndjson", "NDJSON records")
    return RecognizedFile(None, "a JSON document, not one object a line")


_JSON_FORMATS: Final = (
    (re.compile(r'"version"\s*:\s*"https://jsonfeed\.org/'), "a JSON Feed"),
    (re.compile(r'"db"\s*:\s*\[\s*\{|"exported_on"\s*:|"mobiledoc"\s*:|"lexical"\s*:'), "a Ghost export (JSON)"),
    (re.compile(r'"type"\s*:\s*"FeatureCollection"'), "GeoJSON"),
)


def _recognize_xml(text: str) -> RecognizedFile:
    """Recognize XML by its root element, whatever stands before it."""
    position = 0
    root = _ROOT.match(text)
    while root is None and (prolog := _PROLOG.match(text, position)):
        position = prolog.end()
        root = _ROOT.match(text, position)
    if root is None:
        kind = "a text without markup" if "<" not in text else "a file of an unknown kind"
        return RecognizedFile(None, "a binary file" if _BINARY.search(text) else kind)
    name = root[2].lower()
    if name in _FEED_ROOTS or (name == "channel" and "rss1.1" in text):
        return _recognize_feed(name, text)
    description = _XML_FORMATS.get(name)
    if description is None and name in {"head", "body", "script", "div", "p", "h1", "meta", "title"}:
        description = "an HTML page"
    if description is None and _BINARY.search(text):
        description = "a binary file"
    return RecognizedFile(None, description or f"an XML document with the root element {root[1][:60]}")


def _recognize_feed(root: str, text: str) -> RecognizedFile:
    if _WORDPRESS.search(text):
        return RecognizedFile("wxr", "a WordPress export (WXR)")
    if root == "feed" and re.search(r"schemas\.google\.com/(?:blogger|g/2005#kind)", text):
        return RecognizedFile("rss", "a Blogger backup")
    names = {"rss": "an RSS feed", "rdf": "an RSS 1.0 feed", "feed": "an Atom feed", "channel": "an RSS feed"}
    return RecognizedFile("rss", names[root])
