"""The forms that a file may have: what each of its records says, as a line of NDJSON, and where it stands."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, BinaryIO, Final, Protocol

import orjson

from newsapi.intake import ndjson
from newsapi.intake.ndjson import MAX_LINE, Line, Problem

Said = dict[str, Any] | Problem
"""A record as it is imported, or what is wrong with a place of the file."""

Told = Callable[[BinaryIO], Iterator[tuple[int, Said]]]
"""Reads a file from its beginning: the number of the line where something begins, and what it says."""


class Form(Protocol):
    """One form of files."""

    keeps_terms: bool
    """Whether its files only name brands, authors, sections and tags, which then stay as they are where they are."""

    def lines(self, stream: BinaryIO, *, number: int = 0, offset: int = 0) -> Iterator[Line]:
        """Read a file from where its stream stands, or on behind the line with this number, which ends at `offset`."""

    def place(self, number: int) -> int:
        """Answer the line of the file on which the record with this number begins, once it was read."""


class Ndjson:
    """A line is a record."""

    keeps_terms = False

    def lines(self, stream: BinaryIO, *, number: int = 0, offset: int = 0) -> Iterator[Line]:
        if number:
            stream.seek(offset)
        return ndjson.lines(stream, number=number, offset=offset)

    def place(self, number: int) -> int:
        return number


class Converted:
    """Another form, whose records are turned into lines of NDJSON: from here on they are imported as those are.

    The same file gives the same lines each time, as long as it is read in the same way.
    """

    keeps_terms = True

    def __init__(self, read: Told) -> None:
        """Take what reads the form. Streams of it must be such that can be wound back."""
        self._read = read
        self._places = array("Q")

    def lines(self, stream: BinaryIO, *, number: int = 0, offset: int = 0) -> Iterator[Line]:
        del offset  # it is how much of the file was read by then, and records have to be told from the first
        if number:
            stream.seek(0)
        for count, (place, said) in enumerate(self._read(stream), 1):
            if count > len(self._places):
                self._places.append(place)
            if count > number:
                yield _line(count, stream.tell(), said)

    def place(self, number: int) -> int:
        return self._places[number - 1]


def _line(number: int, offset: int, said: Said) -> Line:
    if isinstance(said, Problem):
        return Line(number, offset, b"", b"", said)
    raw = orjson.dumps(said)
    if len(raw) > MAX_LINE:
        return Line(number, offset, b"", b"", Problem("", f"longer than {MAX_LINE:,} bytes"))
    return Line(number, offset, raw, blake2b(raw, digest_size=16).digest(), None)


NDJSON: Final = Ndjson()
