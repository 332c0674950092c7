"""Import file formats: each yields its records as lines of NDJSON, with their position in the file."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from typing import BinaryIO, Final, Literal, Protocol, TypeAlias

import orjson

from newsapi.imports import ndjson
from newsapi.imports.ndjson import MAX_LINE_BYTES, Line
from newsapi.imports.record_notes import Omission, RecordProblem, RecordWarning

RecordOrProblem: TypeAlias = Mapping[str, object] | RecordProblem | Omission | RecordWarning
"""What a reader finds at a position of a file: a record, the reason why it has none, an omission or a warning.

Omissions and warnings about a record come before the record, on the same line of the file.
"""

RecordReader = Callable[[BinaryIO], Iterator[tuple[int, RecordOrProblem]]]
"""Reads a file from its beginning: yields the line on which a record begins, and the record."""


RepeatedItems: TypeAlias = Literal["last", "latest", "reject"]
"""What becomes of several records of a file for one article: the last one counts, or the one that was updated last; or
every record but the first is rejected.
"""


class RecordFormat(Protocol):
    """A file format."""

    keeps_terms: bool
    """Whether existing terms stay unchanged, because files of this format only name brands, authors, sections, tags."""

    matches_slugs: bool
    """Whether a record without `id` and `source_id` updates the article that has its slug."""

    repeated_items: RepeatedItems
    """What becomes of a second record of a file for the same article."""

    def lines(self, stream: BinaryIO, *, number: int = 0, offset: int = 0) -> Iterator[Line]:
        """Read the records from the current position, or those after record `number`, which ends at `offset`."""

    def source_line(self, number: int) -> int:
        """Return the line of the file on which a record that was read begins."""


class Ndjson:
    """NDJSON: every line is a record."""

    keeps_terms = False
    matches_slugs = True
    repeated_items: RepeatedItems = "last"

    def lines(self, stream: BinaryIO, *, number: int = 0, offset: int = 0) -> Iterator[Line]:
        if number:
            stream.seek(offset)
        return ndjson.iter_lines(stream, number=number, offset=offset)

    def source_line(self, number: int) -> int:
        return number


class ConvertedFormat:
    """A format whose records are converted to lines of NDJSON and then imported like these.

    The conversion is deterministic: the same file with the same mapping gives the same lines.
    """

    keeps_terms = True
    matches_slugs = False

    def __init__(self, read: RecordReader, *, repeated_items: RepeatedItems = "reject") -> None:
        """Use a reader of the format. Its streams must be seekable."""
        self._read = read
        self.repeated_items: RepeatedItems = repeated_items
        self._source_lines = array("Q")

    def lines(self, stream: BinaryIO, *, number: int = 0, offset: int = 0) -> Iterator[Line]:
        del offset  # unused: the reader has to start from the beginning of the file
        if number:
            stream.seek(0)
        for count, (source_line, record) in enumerate(self._read(stream), 1):
            if count > len(self._source_lines):
                self._source_lines.append(source_line)
            if count > number:
                yield _line(count, stream.tell(), record)

    def source_line(self, number: int) -> int:
        return self._source_lines[number - 1]


def _line(number: int, offset: int, record: RecordOrProblem) -> Line:
    if isinstance(record, RecordProblem):
        return Line(number, offset, b"", b"", record)
    if isinstance(record, (Omission, RecordWarning)):
        return Line(number, offset, b"", b"", None, record)
    raw = orjson.dumps(record)
    if len(raw) > MAX_LINE_BYTES:
        return Line(number, offset, b"", b"", RecordProblem("", f"longer than {MAX_LINE_BYTES:,} bytes"))
    return Line(number, offset, raw, blake2b(raw, digest_size=16).digest(), None)


NDJSON: Final = Ndjson()
