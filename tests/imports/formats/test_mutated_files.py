"""Damaged files: whatever is cut out of a file, put into it or repeated, the readers read on."""

from random import Random

import pytest

from tests.imports.formats.conftest import CASES

PIECES = [
    *(
        b"<item>",
        b"</item>",
        b"<entry>",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"-->",
        b"<?",
        b"&",
        b"&#x0;",
        b"&nbsp;",
        b"<",
        b">",
    ),
    *(b'"', b"http://[x", b" xml:base='http://[x'", b"://", b"http://x:99999999/", b"\xff", b"\0", b"\xed\xa0\x80"),
    *(
        b"%ff",
        b"[gallery]",
        b"[caption]",
        b"[",
        b"]",
        b"999999999999",
        b"-0001",
        b"9999-99-99",
        b"<x:1>",
        b"<wp:post_id>",
    ),
]


def mutate(random, data):
    mutated = bytearray(data)
    for _ in range(random.randint(1, 6)):
        start = random.randrange(len(mutated) + 1)
        end = min(len(mutated), start + random.randint(0, 200))
        if random.random() < 0.6:
            mutated[start : start + random.randint(0, 8)] = random.choice(PIECES)
        elif random.random() < 0.5:
            del mutated[start:end]
        else:
            mutated[end:end] = mutated[start:end]
    return bytes(mutated)


@pytest.mark.parametrize("name", ["wxr", "rss"])
@pytest.mark.parametrize("path", sorted(CASES.glob("*/*.*")), ids=lambda path: path.stem)
def test_a_damaged_file_is_read(path, name, read):
    random = Random(path.name)
    for _ in range(10):
        reading = read(mutate(random, path.read_bytes()), name)
        assert reading.records or reading.problems or reading.omissions
