"""Files of XML records: their elements one by one, each with its line, and the rest of the document."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from newsapi.imports.readers.xml.text_decoding import iter_text
from newsapi.imports.readers.xml.xml_nodes import ElementParser, XmlNode, namespaces_of, parse_document
from newsapi.imports.readers.xml.xml_splitter import (
    MAX_OUTSIDE_CHARACTERS,
    ElementText,
    Outside,
    ReadingEnded,
    split_elements,
)

_TITLE: Final = re.compile(r"<(?:[\w.-]+:)?title\b[^>]*+>\s*+(?:<!\[CDATA\[)?([^<\]]{1,200})")
_LINK: Final = re.compile(r"<(?:[\w.-]+:)?(?:link|guid|id)\b[^>]*+>\s*+(?:<!\[CDATA\[)?([^<\]\s]{1,200})")
_END_OF_ROOT: Final = re.compile(r"</(?:[\w.-]+:)?(?:rss|RDF|rdf|feed|channel|Channel)\s*>")


@dataclass(frozen=True, slots=True)
class FileElement:
    """An element of a file.

    Attributes:
        line: The line on which it begins; 0 stands for the file as a whole.
        node: The parsed element, or None if it cannot be read.
        fault: What is wrong with it: if there is a node, the fault was repaired, perhaps with a loss.
        label: Its title or address, to name it in a report; may be empty.
        is_last: Whether the rest of the file is not read, because of the fault.
    """

    line: int
    node: XmlNode | None
    fault: str | None = None
    label: str = ""
    is_last: bool = False


class XmlFile:
    """A seekable file of XML records, which can be read several times."""

    def __init__(self, stream: BinaryIO, names: str) -> None:
        """Use a stream positioned at the beginning of the file; `names` is a pattern of the names of its records."""
        self._stream, self._names = stream, names
        self._start = stream.tell()
        self._end_tag = re.compile(rf"</(?:{names})\s*+>")
        self._outside: str | None = None
        self._is_complete = True

    def elements(self) -> Iterator[FileElement]:
        """Read the file from its beginning and yield its records."""
        self._stream.seek(self._start)
        parser: ElementParser | None = None
        outside: list[str] = []
        length = 0
        for part in split_elements(iter_text(self._stream), self._names):
            if isinstance(part, Outside):
                yield from self._lost_elements(part)
                if length < MAX_OUTSIDE_CHARACTERS and not part.text.isspace():
                    outside.append(part.text)
                    length += len(part.text)
            elif isinstance(part, ReadingEnded):
                self._is_complete = False
                message = f"the file is not read from here on: {part.message}"
                yield FileElement(part.line, None, message, is_last=True)
            else:
                parser = parser or ElementParser(namespaces_of("".join(outside)))
                yield _parse(part, parser)
        self._outside = "".join(outside)

    def _lost_elements(self, part: Outside) -> Iterator[FileElement]:
        """Return the elements whose start tag is damaged, so that only their end tag is recognized."""
        if "</" in part.text:
            start = 0
            for match in self._end_tag.finditer(part.text):
                line = part.line + part.text.count("\n", 0, match.start())
                label = label_of(part.text[start : match.start()])
                yield FileElement(line, None, "has no start tag: it is not read", label)
                start = match.end()

    @property
    def document(self) -> XmlNode | None:
        """The document without its records; known after all elements were read once."""
        return parse_document(self._outside or "")

    @property
    def is_cut_off(self) -> bool:
        """Whether the file was read to its end, and the end tag of the root is missing; known after it was read."""
        return self._is_complete and not _END_OF_ROOT.search(self._outside or "")


def _parse(part: ElementText, parser: ElementParser) -> FileElement:
    if part.problem is not None and not part.problem.startswith("has no end tag"):
        return FileElement(part.line, None, part.problem, label_of(part.text))
    parsed = parser.parse(part.text)
    fault = part.problem or parsed.fault
    return FileElement(part.line, parsed.node, fault, label_of(part.text) if fault else "")


def label_of(text: str) -> str:
    """Return the title of an element from its text, or its address; "" if it has neither."""
    match = _TITLE.search(text[:20_000]) or _LINK.search(text[:20_000])
    return " ".join(html.unescape(match[1]).split()) if match else ""
