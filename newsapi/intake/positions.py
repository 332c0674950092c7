"""Where each line stands in a file: so that a line can be told from one that overtook it."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from typing import BinaryIO, Final

from newsapi.intake.forms import NDJSON, Form

AT_ONCE: Final = 20_000
"""Lines between two breaths of who reads a file for them beforehand."""


class Positions:
    """The numbers of the lines of a file by what they say; the file is read for them when they are first asked for.

    A million lines take 16 MB: of each digest its first 64 bits are kept.
    """

    def __init__(self, stream: BinaryIO, form: Form = NDJSON) -> None:
        """Take a stream that stands where its first line begins. One that cannot be wound back has no lines to tell."""
        self._stream, self._form = stream, form
        self._begin = stream.tell() if stream.seekable() else None
        self._digests, self._numbers = array("Q"), array("Q")
        self._is_read = self._begin is None

    def last(self, digest: bytes) -> int:
        """Answer the number of the last line with this digest; 0 where there is none."""
        for _ in self.gather():
            pass
        found = bisect_right(self._digests, _short(digest)) - 1
        return self._numbers[found] if found >= 0 and self._digests[found] == _short(digest) else 0

    def gather(self) -> Iterator[None]:
        """Read the whole file, unless that is done, and leave the stream where it was; take a breath now and then."""
        if self._begin is None or self._is_read:
            return
        here = self._stream.tell()
        self._stream.seek(self._begin)
        digests, numbers = array("Q"), array("Q")
        for line in self._form.lines(self._stream):
            if line.problem is None:
                digests.append(_short(line.digest))
                numbers.append(line.number)
                if len(numbers) % AT_ONCE == 0:
                    yield
        self._stream.seek(here)
        order = sorted(range(len(digests)), key=digests.__getitem__)  # of equals, the later lines come later
        self._numbers = array("Q", map(numbers.__getitem__, order))
        self._digests = array("Q", map(digests.__getitem__, order))
        self._is_read = True


def _short(digest: bytes) -> int:
    return int.from_bytes(digest[:8])
