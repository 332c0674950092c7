"""An index of the lines of a file by digest, to recognize a line that a later equal line supersedes."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from typing import BinaryIO, Final

from newsapi.imports.formats import NDJSON, RecordFormat

YIELD_EVERY_LINES: Final = 20_000
"""Number of lines after which `build` yields, so that its caller can renew a lease."""


class LineIndex:
    """The numbers of the lines of a file by their digest. The file is read on the first lookup.

    A million lines take 16 MB: the first 64 bits of each digest are kept.
    """

    def __init__(self, stream: BinaryIO, record_format: RecordFormat = NDJSON) -> None:
        """Use a stream positioned at its first line. The index of a stream that is not seekable stays empty."""
        self._stream, self._record_format = stream, record_format
        self._begin = stream.tell() if stream.seekable() else None
        self._digests, self._numbers = array("Q"), array("Q")
        self._is_read = self._begin is None

    def last_line_with(self, digest: bytes) -> int:
        """Return the number of the last line with this digest, or 0 if there is none."""
        for _ in self.build():
            pass
        index = bisect_right(self._digests, _digest_prefix(digest)) - 1
        return self._numbers[index] if index >= 0 and self._digests[index] == _digest_prefix(digest) else 0

    def build(self) -> Iterator[None]:
        """Read the file, unless this was done, and restore the position of the stream.

        Yields:
            None after every YIELD_EVERY_LINES lines.
        """
        if self._begin is None or self._is_read:
            return
        position = self._stream.tell()
        self._stream.seek(self._begin)
        digests, numbers = array("Q"), array("Q")
        for line in self._record_format.lines(self._stream):
            if line.digest:
                digests.append(_digest_prefix(line.digest))
                numbers.append(line.number)
                if len(numbers) % YIELD_EVERY_LINES == 0:
                    yield
        self._stream.seek(position)
        order = sorted(range(len(digests)), key=digests.__getitem__)  # stable: of equal digests, later lines come later
        self._numbers = array("Q", map(numbers.__getitem__, order))
        self._digests = array("Q", map(digests.__getitem__, order))
        self._is_read = True


def _digest_prefix(digest: bytes) -> int:
    return int.from_bytes(digest[:8])
