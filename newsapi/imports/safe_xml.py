"""Streaming parser for untrusted XML: no DTD, no external resources, bounded memory.

expat alone is not safe: it expands entities that a DTD defines, and it scans a long token again with each piece of
input. A DTD or an exceeded limit therefore ends the parsing. The parser never opens another file or URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

READ_BYTES: Final = 1 << 16
MAX_BYTES_BETWEEN_ITEMS: Final = 8 << 20
"""Maximum number of bytes between the ends of two requested elements."""

MAX_TOKEN_BYTES: Final = 1 << 20
"""Maximum number of bytes of a tag, a comment or another token."""

MAX_DEPTH: Final = 100
MAX_ELEMENTS_BETWEEN_ITEMS: Final = 100_000
"""Maximum number of elements between the ends of two requested elements."""

MAX_ATTRIBUTES: Final = 1_000
MAX_ITEM_DEPTH: Final = 3
"""Maximum depth of a requested element: rss, channel, item."""

_ENCODING = re.compile(r"utf-?8|utf-?16(le|be)?|us-ascii|iso-8859-\d{1,2}|windows-125\d", re.IGNORECASE)
_PREFIXES: Final = {
    "http://purl.org/rss/1.0/modules/content/": "content_",
    "http://purl.org/dc/elements/1.1/": "dc_",
    "http://search.yahoo.com/mrss/": "media_",
    "http://www.w3.org/2005/Atom": "atom_",
    "http://www.w3.org/1999/xhtml": "",
    "http://purl.org/rss/1.0/": "",
}
_WORDPRESS: Final = "http://wordpress.org/export/"


class InvalidXml(Exception):
    """The file cannot be parsed any further; `line` is where the problem is."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line, self.message = line, message


def iter_elements(stream: BinaryIO, names: frozenset[str]) -> Iterator[tuple[int, Element]]:
    """Parse a stream from its current position and yield the elements with the requested names.

    Names have the usual prefix of their namespace (`content_encoded`, `wp_post_id`), whatever prefix the file declares.

    Yields:
        The line on which an element begins, and the element with its content.

    Raises:
        InvalidXml: The stream is not well-formed or exceeds a limit; raised after all elements before the error.
    """
    reader = _XmlReader(names)
    while piece := stream.read(READ_BYTES):
        yield from reader.feed(piece, last=False)
    yield from reader.feed(b"", last=True)


def text_of(element: Element, name: str) -> str:
    """Return the stripped text of the first child with a name, or "" if there is none."""
    return (element.findtext(name) or "").strip()


class _XmlReader:
    """The state of parsing one stream: the expat parser, its handlers, and the element that is being built."""

    def __init__(self, names: frozenset[str]) -> None:
        self._requested = names
        self._names: dict[str, str] = {}
        self._depth = self._inside = self._elements_since_end = self._bytes_fed = self._end = self._line = 0
        self._builder: TreeBuilder | None = None
        self._top = 0
        self._done: list[tuple[int, Element]] = []
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.buffer_size = READ_BYTES
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._close
        parser.CharacterDataHandler = self._text

    def feed(self, piece: bytes, *, last: bool) -> list[tuple[int, Element]]:
        """Parse a piece and return the elements that end in it.

        Elements that end before an error are returned first; the next call raises the error.

        Args:
            piece: The next bytes of the stream.
            last: Whether the stream has ended.

        Returns:
            Pairs of first line and element.

        Raises:
            InvalidXml: The stream is not well-formed or exceeds a limit.
        """
        self._done = []
        try:
            self._parser.Parse(piece, last)
            self._bytes_fed += len(piece)
            if self._bytes_fed - max(self._parser.CurrentByteIndex, 0) > MAX_TOKEN_BYTES:
                raise self._error(f"a tag, comment or other token is longer than {MAX_TOKEN_BYTES:,} bytes")
            if self._bytes_fed - self._end > MAX_BYTES_BETWEEN_ITEMS:
                raise self._error(f"no record ends within {MAX_BYTES_BETWEEN_ITEMS:,} bytes")
        except expat.ExpatError as error:
            invalid_xml = InvalidXml(error.lineno, f"not well-formed XML: {expat.errors.messages[error.code]}")
        except (LookupError, ValueError) as error:
            invalid_xml = self._error(f"XML cannot be parsed: {error}")
        except InvalidXml as error:
            invalid_xml = error
        else:
            return self._done
        if self._done:
            self._parser = _StoppedParser(invalid_xml)  # type: ignore[assignment]
            return self._done
        raise invalid_xml

    def _error(self, message: str) -> InvalidXml:
        return InvalidXml(self._parser.CurrentLineNumber, message)

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and not _ENCODING.fullmatch(encoding):
            raise self._error(f"the encoding {encoding[:40]} is not supported")

    def _doctype(self, *_: object) -> None:
        raise self._error("a document type declaration (DOCTYPE) is not allowed")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements_since_end += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH} levels")
        if self._elements_since_end > MAX_ELEMENTS_BETWEEN_ITEMS or len(attributes) > MAX_ATTRIBUTES:
            raise self._error("too many elements or attributes in one record")
        prefixed = self._names.get(name)
        if prefixed is None:
            prefixed = _name(name)
            if len(self._names) < MAX_ATTRIBUTES:
                self._names[name] = prefixed
        if self._builder is None and self._depth <= MAX_ITEM_DEPTH and prefixed in self._requested:
            self._builder, self._top, self._line = TreeBuilder(), self._depth, self._parser.CurrentLineNumber
        if self._builder is not None:
            self._builder.start(prefixed, attributes)

    def _close(self, name: str) -> None:
        if self._builder is not None:
            self._builder.end(self._names.get(name) or _name(name))
            if self._depth == self._top:
                self._done.append((self._line, self._builder.close()))
                self._builder = None
                self._end, self._elements_since_end = self._parser.CurrentByteIndex, 0
        self._depth -= 1

    def _text(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)


class _StoppedParser:
    """Replaces a parser that failed: the next call raises the error, after the elements before it were returned."""

    CurrentByteIndex = CurrentLineNumber = 0

    def __init__(self, error: InvalidXml) -> None:
        self._invalid_xml = error

    def Parse(self, _piece: bytes, _last: bool) -> None:  # noqa: FBT001, N802 (the interface of expat)
        raise self._invalid_xml


def _name(name: str) -> str:
    """Return a name with the usual prefix of its namespace; expat separates the two by a space."""
    namespace, _, local = name.rpartition(" ")
    if namespace.startswith(_WORDPRESS):
        return ("excerpt_" if namespace.endswith("/excerpt/") else "wp_") + local
    return _PREFIXES.get(namespace, "" if not namespace else "other_") + local
