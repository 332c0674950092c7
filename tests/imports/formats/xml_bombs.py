"""Reads hostile files in a process of its own, and prints what each cost and what was said of it.

    python -m tests.imports.formats.xml_bombs FORM URL

URL is an address that nobody may ask for.
"""

import gc
import gzip
import io
import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from newsapi.imports import registry as import_registry

RSS = b'<?xml version="1.0"?><rss xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><item>'
GIGABYTE = 1 << 30


class Endless(io.RawIOBase):
    """A head, and then the same piece again and again."""

    def __init__(self, head: bytes, piece: bytes, size: int = GIGABYTE) -> None:
        self._head, self._one, self._size, self._place = head, len(piece), size, 0
        self._piece = piece * (2 + 65_536 // len(piece))

    def head(self, before: bytes) -> None:
        self._head = before + self._head

    def tell(self) -> int:
        return self._place

    def seek(self, place: int, _whence: int = 0) -> int:
        self._place = place
        return place

    def read(self, size: int = -1) -> bytes:
        start = self._place - len(self._head)
        if start < 0:
            found = self._head[self._place : self._place + size]
        elif self._place >= self._size:
            found = b""
        else:
            found = self._piece[start % self._one :][:size]
        self._place += len(found)
        return found


def laughs(depth: int = 9) -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, depth))
    return f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "lol">{entities}]><rss>&l{depth - 1};</rss>'.encode()


def bombs(url: str) -> dict[str, Callable[[], bytes | Endless]]:
    """Functions that make a file each, so that none is there while another one is read."""
    outside = f'<?xml version="1.0"?><!DOCTYPE rss SYSTEM "{url}/a.dtd"><rss/>'
    entity = (
        f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{url}/x">]><rss><channel><item><title>&x;</title></item></channel></rss>'
    )
    parameter = f'<!DOCTYPE rss [<!ENTITY % x SYSTEM "{url}/x"> %x;]><rss/>'
    file = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item><title>&x;</title></item></channel></rss>'
    include = (
        f'<rss xmlns:xi="http://www.w3.org/2001/XInclude"><channel><item><title>t</title><xi:include href="{url}/i"/>'
        '<description><xi:include href="file:///etc/passwd" parse="text"/></description></item></channel></rss>'
    )
    stylesheet = f'<?xml version="1.0"?><?xml-stylesheet href="{url}/s.xsl" type="text/xsl"?>{include}'
    quadratic = f'<!DOCTYPE rss [<!ENTITY a "{"a" * 100_000}">]><rss>{"&a;" * 100_000}</rss>'
    utf7 = '<?xml version="1.0" encoding="UTF-7"?>+ADw-!DOCTYPE rss [+ADw-!ENTITY x SYSTEM +ACI-file:///etc/passwd+ACI-+AD4-]+AD4-<rss/>'
    utf16 = laughs().decode().replace("?>", ' encoding="UTF-16"?>', 1)
    return {
        "laughs": laughs,
        "laughs in UTF-16": lambda: utf16.encode("utf-16"),
        "laughs in UTF-16 without a mark": lambda: utf16.encode("utf-16-le"),
        "UTF-7": utf7.encode,
        "UTF-32": lambda: '<?xml version="1.0" encoding="UTF-32"?><rss/>'.encode("utf-32"),
        "another encoding": lambda: b'<?xml version="1.0" encoding="rot13"?><rss/>',
        "quadratic": quadratic.encode,
        "external DTD": outside.encode,
        "external entity": entity.encode,
        "parameter entity": parameter.encode,
        "a file as an entity": file.encode,
        "XInclude": include.encode,
        "stylesheet": stylesheet.encode,
        "depth": lambda: b"<rss><channel><item>" + b"<a>" * 100_000,
        "depth outside": lambda: b"<a>" * 100_000,
        "gzip": lambda: gzip.compress(laughs()),
        "gzip of much": lambda: gzip.compress(RSS + b"a" * (64 << 20)),
        "text": lambda: Endless(RSS + b"<title>", b"a"),
        "astral text": lambda: Endless(RSS + b"<title>a", "\N{AUTOMOBILE}".encode()),
        "lines": lambda: Endless(RSS + b"<title>", b"\n"),
        "references": lambda: Endless(RSS + b"<title>", b"&#65;"),
        "text outside": lambda: Endless(b"<rss><channel><a>", b"a"),
        "CDATA": lambda: Endless(RSS + b"<content:encoded><![CDATA[", b"]"),
        "comment": lambda: Endless(RSS + b"<!--", b"a"),
        "processing instruction": lambda: Endless(RSS + b"<?a ", b"a"),
        "attribute": lambda: Endless(RSS + b'<a b="', b"a"),
        "name": lambda: Endless(RSS + b"<", b"a"),
        "DOCTYPE name": lambda: Endless(b"<!DOCTYPE ", b"a"),
        "attributes": lambda: (
            RSS + b"<a " + b"".join(b'b%d="" ' % number for number in range(60_000)) + b"/></item></channel></rss>"
        ),
        "elements": lambda: Endless(RSS, b"<a/>"),
        "elements outside": lambda: Endless(b"<rss><channel>", b"<a/>"),
        "items that say nothing": lambda: Endless(b"<rss><channel><a>", b"<b></b>"),
        "namespaces": lambda: Endless(RSS, b'<a xmlns="u:1" xmlns:b="u:2"/>'),
        "no XML at all": lambda: Endless(b"", b"\x00\x01"),
        "nothing": lambda: b"",
    }


def main(form: str, url: str) -> None:
    print(json.dumps({name: read(make(), form) for name, make in bombs(url).items()}))  # noqa: T201 (its answer)


WORDPRESS = b"<!-- <wp:wxr_version>1.2</wp:wxr_version> -->"
"""What makes a file a WordPress export for the reader."""


def read(data: bytes | Endless, form: str) -> dict[str, Any]:
    if form == "wxr" and isinstance(data, Endless):
        data.head(WORDPRESS)
    elif form == "wxr" and data.startswith((b"<rss", b"<a>")):
        data = WORDPRESS + data
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the most so far begins anew
    before = peak()
    start = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    lines = list(import_registry.get_format(form, None, ZoneInfo("Europe/Rome")).lines(stream))  # type: ignore[arg-type]
    cpu = sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - start
    said = [line.problem.message for line in lines if line.problem]
    leaks = b"root:" in b"".join(line.raw for line in lines)
    records = sum(1 for line in lines if line.raw or line.note)
    return {"cpu": round(cpu, 3), "mb": round(peak() - before, 1), "said": said, "leaks": leaks, "records": records}


def peak() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
