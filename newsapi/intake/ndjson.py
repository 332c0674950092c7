"""NDJSON: a file of lines, each a JSON object (RFC 8259).

A bad line is told and the next one is read; no line can end the reading, and none is held whole beyond 4 MiB.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import BinaryIO, Final

import orjson

from newsapi.intake.scrutiny import Unreadable, is_plain, scrutinised

__all__ = ["MAX_LINE", "Line", "Problem", "Unreadable", "lines", "parse"]

MAX_LINE: Final = 4 * 1024 * 1024
"""The longest line that is read, in bytes, without the white space around it."""

_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r\n"
# Room for the mark at the beginning of the file and for CR and LF at the end of the line.
_READ: Final = MAX_LINE + len(_BOM) + 2
_SKIP: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line or with a place in it: a JSON pointer (RFC 6901) and a sentence."""

    pointer: str
    message: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file.

    `number` counts from 1, blank lines too. `offset` is how many bytes of the file end with this line: where to go on.
    `raw` is the line without the white space around it, `digest` its BLAKE2b (16 bytes); both are empty if there is
    a `problem`.
    """

    number: int
    offset: int
    raw: bytes
    digest: bytes
    problem: Problem | None


def lines(stream: BinaryIO, *, number: int = 0, offset: int = 0) -> Iterator[Line]:
    """Read the lines of a file, those that are not blank.

    In: a stream of bytes, and, to go on where an earlier reading stopped (the stream standing there already), number
    and offset of the last line read. A UTF-8 mark at the very beginning is skipped; lines end with LF or CRLF, the last
    one also without. What is longer than 4 MiB comes as a problem, never whole.
    """
    while read := stream.readline(_READ):
        number += 1
        raw = read.removeprefix(_BOM) if offset == 0 else read
        raw = raw.strip(_BLANK)
        offset += len(read)
        whole = read.endswith(b"\n") or len(read) < _READ
        if not whole:
            offset += _skipped(stream)
        if not whole or len(raw) > MAX_LINE:
            problem = Problem("", f"longer than {MAX_LINE:,} bytes")
            yield Line(number, offset, b"", b"", problem)
        elif raw:
            yield Line(number, offset, raw, blake2b(raw, digest_size=16).digest(), None)


def parse(raw: bytes) -> dict[str, object]:
    """Read one line as a JSON object.

    Raises `Unreadable`, which names the place, for what is no JSON (NaN and Infinity among it), no object, not UTF-8 or
    nested deeper than 32 levels, for numbers beyond 64 bits, for NUL and lone surrogates in strings, and for a key that
    comes twice in an object, of which readers keep now the first and now the last.
    """
    try:
        record = orjson.loads(raw)
    except ValueError:
        return scrutinised(raw)
    # What is plainly right costs a few microseconds; whatever is in doubt is read again, slowly, to name the place.
    return record if is_plain(record, raw) else scrutinised(raw)


def _skipped(stream: BinaryIO) -> int:
    """Read up to the end of a line, keeping nothing; answer how many bytes that was."""
    count = 0
    while piece := stream.readline(_SKIP):
        count += len(piece)
        if piece.endswith(b"\n"):
            break
    return count
