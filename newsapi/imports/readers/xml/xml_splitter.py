"""Splitting of large XML files into the elements of their records, without parsing the whole file.

A fault in one element therefore cannot hide the elements after it, memory is bounded by the largest element, and every
element has its line. CDATA sections, comments, processing instructions and document type declarations are recognized,
so that text which looks like a tag is not taken for one. A document type declaration is skipped: its entities are never
expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

MAX_ELEMENT_CHARACTERS: Final = 4 << 20
"""Largest element that is parsed."""

MAX_SKIPPED_CHARACTERS: Final = 16 << 20
"""Where the end of a larger element is looked for; the reading ends if it is not found."""

MAX_OUTSIDE_CHARACTERS: Final = 4 << 20
"""Largest text between two elements, and of all texts between elements that is kept."""

_TERMINATORS: Final = {"<![CDATA[": "]]>", "<!--": "-->", "<?": "?>"}
MAX_DOCTYPE_CHARACTERS: Final = 1 << 16
DOCTYPE: Final = re.compile(r"<!DOCTYPE[^\[>]*+(?:\[(?:\"[^\"]*+\"|'[^']*+'|[^\]\"'])*+\]\s*+)?>")
"""A document type declaration with its internal subset."""

_MAX_MARK_CHARACTERS: Final = 200
"""Characters at the end of a piece that may be the beginning of a mark."""

_COMPACT_CHARACTERS: Final = 1 << 18
_KEPT_CHARACTERS: Final = 2_000
"""Characters that are kept of an element that is too large."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Text of the file that belongs to no element, such as the start tag of the root and the title of a feed.

    Attributes:
        line: The line on which it begins.
        text: The text.
    """

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class ElementText:
    """The text of an element.

    Attributes:
        line: The line on which it begins.
        text: The element with its tags; of one that cannot be parsed, its beginning.
        problem: Why it cannot be parsed, or None.
    """

    line: int
    text: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ReadingEnded:
    """The rest of the file is not read, from this line on, because no end of an element was found."""

    line: int
    message: str


Part = Outside | ElementText | ReadingEnded


def split_elements(pieces: Iterable[str], names: str) -> Iterator[Part]:
    """Split a file into the elements with some names and the text between them.

    Args:
        pieces: The text of the file.
        names: A regular expression for the names of the elements, with their prefixes.

    Yields:
        The parts in their order.
    """
    splitter = _Splitter(pieces, names)
    while (part := splitter.next_part()) is not None:
        yield part


class _Splitter:
    """The position in a file, and the text from there that has been read."""

    def __init__(self, pieces: Iterable[str], names: str) -> None:
        self._pieces = iter(pieces)
        self._buffer = ""
        self._position = 0  # in the buffer: where the next part begins
        self._line = 1  # of the position
        self._has_ended = False
        self._has_doctype = False  # a document has at most one
        self._absent: dict[str, int] = {}  # up to where in the buffer a terminator is known not to occur
        self._mark = re.compile(rf"<!\[CDATA\[|<!--|<\?|<!DOCTYPE(?=[\s>])|<({names})(?=[\s/>])")
        self._marks_inside: dict[str, re.Pattern[str]] = {}

    def next_part(self) -> Part | None:
        """Return the next part, or None at the end."""
        self._compact()
        search_from = self._position
        while not self._has_ended:
            match = self._mark.search(self._buffer, search_from)
            if match is None or match[1] is None:
                if len(self._buffer) - self._position > MAX_OUTSIDE_CHARACTERS:
                    return self._end_reading(f"no record begins within {MAX_OUTSIDE_CHARACTERS:,} characters")
                search_from = self._read_on(search_from) if match is None else self._skip(match)
                if search_from < 0:
                    self._has_ended = True
                    return self._outside_until(len(self._buffer)) if len(self._buffer) > self._position else None
            elif match.start() > self._position:
                return self._outside_until(match.start())
            else:
                return self._element(match[1])
        return None

    def _element(self, name: str) -> Part:
        """Return the element that begins at the position."""
        search_from = self._end_of_start_tag()
        if search_from > 0 and self._buffer[search_from - 2] == "/":
            return self._element_until(search_from)
        while search_from > 0:
            if len(self._buffer) - self._position > MAX_ELEMENT_CHARACTERS:
                return self._oversized(name)
            match = self._marks_of(name).search(self._buffer, search_from)
            if match is None:
                search_from = self._read_on(search_from)
            elif match[0].startswith("</"):
                return self._element_until(match.end())
            elif match[0].startswith(("<!", "<?")):
                search_from = self._skip(match, name)
            else:
                return self._element_until(match.start(), f"has no end tag </{name}>")
        self._has_ended = True
        return self._element_until(len(self._buffer), "is cut off: the file ends within it")

    def _outside_until(self, end: int) -> Outside:
        line = self._line
        return Outside(line, self._take(end))

    def _element_until(self, end: int, problem: str | None = None) -> ElementText:
        line = self._line
        return ElementText(line, self._take(end), problem)

    def _marks_of(self, name: str) -> re.Pattern[str]:
        """Return the pattern of what may follow within an element."""
        marks = self._marks_inside.get(name)
        if marks is None:
            escaped = re.escape(name)
            marks = re.compile(rf"<!\[CDATA\[|<!--|<\?|</{escaped}\s*+>|<{escaped}(?=[\s/>])")
            self._marks_inside[name] = marks
        return marks

    def _end_of_start_tag(self) -> int:
        """Return the position after the start tag at the position, or -1 if there is none."""
        search_from = self._position
        while (end := self._buffer.find(">", search_from)) < 0:
            search_from = len(self._buffer)
            if search_from - self._position > MAX_ELEMENT_CHARACTERS or not self._read_more():
                return -1
        return end + 1

    def _skip(self, match: re.Match[str], element: str = "") -> int:
        """Return the position after a section, comment, instruction or declaration; after its mark if it has no end."""
        if match[0] == "<!DOCTYPE":
            return self._skip_doctype(match.start())
        terminator = _TERMINATORS[match[0]]
        search_from = max(match.end(), self._absent.get(terminator, 0))
        while (end := self._buffer.find(terminator, search_from)) < 0:
            search_from = max(match.end(), len(self._buffer) - 2)
            if len(self._buffer) - self._position > MAX_ELEMENT_CHARACTERS or not self._read_more():
                self._absent[terminator] = search_from
                return match.end()
        if element and match[0] == "<![CDATA[" and self._is_unterminated(element, match.end(), end):
            return match.end()
        return end + len(terminator)

    def _is_unterminated(self, element: str, start: int, end: int) -> bool:
        """Return whether the end of a CDATA section belongs to a later section, in a later element."""
        close = self._buffer.find(f"</{element}>", start, end)
        return close >= 0 and self._buffer.find("<![CDATA[", close, end) >= 0

    def _skip_doctype(self, start: int) -> int:
        """Return the position after a document type declaration, or after its name if it has no end."""
        is_first, self._has_doctype = not self._has_doctype, True
        while is_first:
            match = DOCTYPE.match(self._buffer, start)
            if match is not None:
                return match.end()
            if len(self._buffer) - start > MAX_DOCTYPE_CHARACTERS or not self._read_more():
                break
        return start + len("<!DOCTYPE")

    def _oversized(self, name: str) -> Part:
        """Skip an element that is too large, as far as its end tag."""
        line, kept = self._line, self._buffer[self._position : self._position + _KEPT_CHARACTERS]
        end_tag = re.compile(rf"</{re.escape(name)}\s*+>")
        search_from, skipped = self._position, 0
        while (match := end_tag.search(self._buffer, search_from)) is None:
            skipped += len(self._buffer) - self._position
            self._take(max(self._position, len(self._buffer) - _MAX_MARK_CHARACTERS))
            self._compact(always=True)
            search_from = 0
            if skipped > MAX_SKIPPED_CHARACTERS or not self._read_more():
                return self._end_reading(f"the record has no end within {MAX_SKIPPED_CHARACTERS:,} characters")
        self._take(match.end())
        return ElementText(line, kept, f"is longer than {MAX_ELEMENT_CHARACTERS:,} characters")

    def _end_reading(self, message: str) -> ReadingEnded:
        self._has_ended = True
        self._buffer = ""
        return ReadingEnded(self._line, message)

    def _take(self, end: int) -> str:
        """Return the text up to an end, and move the position there."""
        text = self._buffer[self._position : end]
        self._position = end
        self._line += text.count("\n")
        return text

    def _read_on(self, search_from: int) -> int:
        """Read more and return the position from which to search again, or -1 at the end of the file."""
        again = max(search_from, len(self._buffer) - _MAX_MARK_CHARACTERS)
        return again if self._read_more() else -1

    def _read_more(self) -> bool:
        """Append the next pieces of the file to the buffer and return whether there are any.

        The larger the buffer, the more is read at once, so that copying it takes linear time.

        Returns:
            False at the end of the file.
        """
        wanted = max(1, (len(self._buffer) - self._position) // 4)
        pieces: list[str] = []
        length = 0
        for piece in self._pieces:
            pieces.append(piece)
            length += len(piece)
            if length >= wanted:
                break
        self._buffer = "".join([self._buffer, *pieces])
        return length > 0

    def _compact(self, *, always: bool = False) -> None:
        """Drop the text before the position from the buffer."""
        if self._position > _COMPACT_CHARACTERS or always:
            self._buffer = self._buffer[self._position :]
            self._absent = {terminator: end - self._position for terminator, end in self._absent.items()}
            self._position = 0
