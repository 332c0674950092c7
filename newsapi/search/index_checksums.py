"""Checksums of the files of an index: Tantivy writes them and does not compare them when it opens a file.

A file ends with a footer: JSON with the CRC-32 of what is before it, then the length of the JSON and a magic number in
four bytes each.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import orjson

from newsapi.search.index_folder import META_FILE

_MAGIC: Final = 1337
_FOOTER_END: Final = struct.Struct("<II")
_ENDINGS: Final = ("term", "idx", "pos", "fast", "store", "fieldnorm")
_CHUNK_BYTES: Final = 1 << 20

_VERIFIED: Final[set[str]] = set()
"""Names of files that this process has found intact: files are never changed, and their names are never used again."""


def find_damaged_file(generation: Path) -> Path | None:
    """Return a file of the last commit of a generation whose content does not have its checksum; None if there is none.

    A process reads each file once. Files that belong to no commit, such as those that a killed process began to write,
    are left out.
    """
    for name in _committed_files(generation):
        if name not in _VERIFIED:
            if not _is_intact(generation / name):
                return generation / name
            _VERIFIED.add(name)
    return None


def _committed_files(generation: Path) -> Iterator[str]:
    """Yield the names of the files of the segments that `meta.json` lists."""
    for segment in orjson.loads((generation / META_FILE).read_bytes())["segments"]:
        name = segment["segment_id"].replace("-", "")
        yield from (f"{name}.{ending}" for ending in _ENDINGS)
        if segment["deletes"]:
            yield f"{name}.{segment['deletes']['opstamp']}.del"


def _is_intact(path: Path) -> bool:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            length, magic = _FOOTER_END.unpack(content[-_FOOTER_END.size :])
            end = len(content) - _FOOTER_END.size - length
            if magic != _MAGIC or end < 0:
                return False
            expected = orjson.loads(content[end : -_FOOTER_END.size])["crc"]
            checksum = 0
            for start in range(0, end, _CHUNK_BYTES):
                checksum = zlib.crc32(content[start : min(start + _CHUNK_BYTES, end)], checksum)
            return bool(checksum == expected)
    except FileNotFoundError:
        return True  # deleted since, as files of merged segments are
    except (ValueError, KeyError, struct.error):
        return False
