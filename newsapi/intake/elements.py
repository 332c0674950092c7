"""XML from outside, an element at a time: nothing is defined in it, fetched for it, or kept beyond what it says.

expat alone is not enough. It expands what a DTD defines, and reads a long token anew with each piece: so a DTD ends the
reading, and so does whatever grows beyond bounds. Nothing here ever opens another file or address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

PIECE: Final = 1 << 16
MOST: Final = 8 << 20
"""Bytes between the ends of two elements that are asked for: more is not read on."""

LONGEST_TOKEN: Final = 1 << 20
"""Bytes of one tag, comment or the like."""

DEEPEST: Final = 100
MOST_INSIDE: Final = 100_000
"""Elements between the ends of two that are asked for."""

MOST_ATTRIBUTES: Final = 1_000
HIGHEST: Final = 3
"""How deep an element may stand to be one that is asked for: rss, channel, item."""

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


class Broken(Exception):
    """A file that is not read on, from the line where it says so."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.line, self.message = line, message


def elements(stream: BinaryIO, wanted: frozenset[str]) -> Iterator[tuple[int, Element]]:
    """Read a file from where it stands: each element with one of these names, with the line where it begins.

    Names bear the usual prefix of their namespace (`content_encoded`, `wp_post_id`), whatever the file calls it.
    Raises Broken, after all that came before it.
    """
    reading = _Reading(wanted)
    while piece := stream.read(PIECE):
        yield from reading.feed(piece, last=False)
    yield from reading.feed(b"", last=True)


def text_of(element: Element, name: str) -> str:
    """Answer the text of the first child with a name; empty where there is none."""
    return (element.findtext(name) or "").strip()


class _Reading:
    """One file as it is read."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._names: dict[str, str] = {}
        self._depth = self._inside = self._since = self._fed = self._end = self._line = 0
        self._builder: TreeBuilder | None = None
        self._top = 0
        self._done: list[tuple[int, Element]] = []
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.buffer_size = PIECE
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._close
        parser.CharacterDataHandler = self._text

    def feed(self, piece: bytes, *, last: bool) -> list[tuple[int, Element]]:
        """Read on; answer what ended in this piece. What ended before something broke is answered first."""
        self._done = []
        try:
            self._parser.Parse(piece, last)
            self._fed += len(piece)
            if self._fed - max(self._parser.CurrentByteIndex, 0) > LONGEST_TOKEN:
                raise self._broken(f"something is longer than {LONGEST_TOKEN:,} bytes")
            if self._fed - self._end > MOST:
                raise self._broken(f"nothing ends within {MOST:,} bytes")
        except expat.ExpatError as error:
            broken = Broken(error.lineno, f"not XML that is well-formed: {expat.errors.messages[error.code]}")
        except (LookupError, ValueError) as error:
            broken = self._broken(f"not XML that can be read: {error}")
        except Broken as error:
            broken = error
        else:
            return self._done
        if self._done:
            self._parser = _Ended(broken)  # type: ignore[assignment]
            return self._done
        raise broken

    def _broken(self, message: str) -> Broken:
        return Broken(self._parser.CurrentLineNumber, message)

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and not _ENCODING.fullmatch(encoding):
            raise self._broken(f"the encoding {encoding[:40]} is not read")

    def _doctype(self, *_: object) -> None:
        raise self._broken("a document type (DOCTYPE) is not read: it can define what harms")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._since += 1
        if self._depth > DEEPEST:
            raise self._broken(f"nested deeper than {DEEPEST} levels")
        if self._since > MOST_INSIDE or len(attributes) > MOST_ATTRIBUTES:
            raise self._broken("too many elements or attributes in one record")
        known = self._names.get(name)
        if known is None:
            known = _name(name)
            if len(self._names) < MOST_ATTRIBUTES:
                self._names[name] = known
        if self._builder is None and self._depth <= HIGHEST and known in self._wanted:
            self._builder, self._top, self._line = TreeBuilder(), self._depth, self._parser.CurrentLineNumber
        if self._builder is not None:
            self._builder.start(known, attributes)

    def _close(self, name: str) -> None:
        if self._builder is not None:
            self._builder.end(self._names.get(name) or _name(name))
            if self._depth == self._top:
                self._done.append((self._line, self._builder.close()))
                self._builder = None
                self._end, self._since = self._parser.CurrentByteIndex, 0
        self._depth -= 1

    def _text(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)


class _Ended:
    """In place of a parser that broke: what came before it is answered first."""

    CurrentByteIndex = CurrentLineNumber = 0

    def __init__(self, broken: Broken) -> None:
        self._broken = broken

    def Parse(self, _piece: bytes, _last: bool) -> None:  # noqa: FBT001, N802 (as expat has it)
        raise self._broken


def _name(name: str) -> str:
    space, _, local = name.rpartition(" ")
    if space.startswith(_WORDPRESS):
        return ("excerpt_" if space.endswith("/excerpt/") else "wp_") + local
    return _PREFIXES.get(space, "" if not space else "other_") + local
