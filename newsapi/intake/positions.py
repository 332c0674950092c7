"""Where each line stands in a file: so that a line can be told from one that overtook it."""

from array import array
from bisect import bisect_right
from typing import BinaryIO

from newsapi.intake.ndjson import lines


class Positions:
    """The numbers of the lines of a file by what they say; the file is read for them when they are first asked for.

    A million lines take 16 MB: of each digest its first 64 bits are kept.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Take a stream that stands where its first line begins. One that cannot be wound back has no lines to tell."""
        self._stream = stream
        self._begin = stream.tell() if stream.seekable() else None
        self._digests: array[int] | None = None
        self._numbers = array("Q")

    def last(self, digest: bytes) -> int:
        """Answer the number of the last line with this digest; 0 where there is none."""
        if self._digests is None:
            self._digests = self._read()
        found = bisect_right(self._digests, _short(digest)) - 1
        return self._numbers[found] if found >= 0 and self._digests[found] == _short(digest) else 0

    def _read(self) -> "array[int]":
        """Read the whole file, and leave the stream where it was."""
        if self._begin is None:
            return array("Q")
        here = self._stream.tell()
        self._stream.seek(self._begin)
        digests, numbers = array("Q"), array("Q")
        for line in lines(self._stream):
            if line.problem is None:
                digests.append(_short(line.digest))
                numbers.append(line.number)
        self._stream.seek(here)
        order = sorted(range(len(digests)), key=digests.__getitem__)  # of equals, the later lines come later
        self._numbers = array("Q", map(numbers.__getitem__, order))
        return array("Q", map(digests.__getitem__, order))


def _short(digest: bytes) -> int:
    return int.from_bytes(digest[:8])
