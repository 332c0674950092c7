"""NDJSON: a file of lines, each a JSON object (RFC 8259).

An invalid line is reported and the next one is read: no line can end the reading, and at most 4 MiB of a line are held
in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import BinaryIO, Final, NamedTuple

from newsapi.imports.record_notes import Omission, RecordProblem, RecordWarning

MAX_LINE_BYTES: Final = 4 * 1024 * 1024
"""Maximum length of a line in bytes, without the white space around it."""

_BOM: Final = b"\xef\xbb\xbf"
_WHITE_SPACE: Final = b" \t\r\n"
# A line of maximum length with a byte order mark before it and CR LF after it.
_READ_BYTES: Final = MAX_LINE_BYTES + len(_BOM) + 2
_SKIP_BYTES: Final = 64 * 1024


class Line(NamedTuple):
    """One line of a file.

    Attributes:
        number: The line number, from 1; blank lines count.
        offset: The position after the line in bytes, from which reading can continue.
        raw: The line without the white space around it; empty if there is a problem.
        digest: The BLAKE2b hash of `raw` (16 bytes); empty if there is a problem.
        problem: The reason why the line cannot be read, or None.
        note: An omission or a warning, which stands in place of a record; None for all other lines.
    """

    number: int
    offset: int
    raw: bytes
    digest: bytes
    problem: RecordProblem | None
    note: Omission | RecordWarning | None = None


def iter_lines(stream: BinaryIO, *, number: int = 0, offset: int = 0) -> Iterator[Line]:
    """Read the lines of a file that are not blank.

    A UTF-8 byte order mark at the beginning is skipped. Lines end with LF or CR LF; the last one need not.

    Args:
        stream: A stream of bytes, positioned at `offset`.
        number: To continue an earlier reading, the number of the last line read.
        offset: To continue an earlier reading, the offset of that line.

    Yields:
        The lines; one that is longer than MAX_LINE_BYTES has a problem and no content.
    """
    while chunk := stream.readline(_READ_BYTES):
        number += 1
        raw = chunk.removeprefix(_BOM) if offset == 0 else chunk
        raw = raw.strip(_WHITE_SPACE)
        offset += len(chunk)
        is_complete = chunk.endswith(b"\n") or len(chunk) < _READ_BYTES
        if not is_complete:
            offset += _skip_line(stream)
        if not is_complete or len(raw) > MAX_LINE_BYTES:
            problem = RecordProblem("", f"longer than {MAX_LINE_BYTES:,} bytes")
            yield Line(number, offset, b"", b"", problem)
        elif raw:
            yield Line(number, offset, raw, blake2b(raw, digest_size=16).digest(), None)


def _skip_line(stream: BinaryIO) -> int:
    """Skip to the end of a line and return the number of skipped bytes."""
    count = 0
    while piece := stream.readline(_SKIP_BYTES):
        count += len(piece)
        if piece.endswith(b"\n"):
            break
    return count
