"""Hostile XML: refused soon, in little memory, and without asking anybody for anything."""

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.imports.formats.xml_bombs import bombs

TOP = Path(__file__).parents[3]
MOST_CPU, MOST_MB = 1.0, 64


@pytest.fixture(scope="module")
def listener():
    """An address that nobody may ask for, and who did."""
    asked = []
    server = socket.create_server(("127.0.0.1", 0))

    def accept():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            asked.append(connection.recv(1_000))
            connection.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


@pytest.fixture(scope="module", params=["wxr", "rss"])
def told(request, listener):
    """What each file cost and what was said of it, and who was asked meanwhile."""
    url, asked = listener
    done = subprocess.run(
        [sys.executable, "-m", "tests.imports.formats.xml_bombs", request.param, url],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=55,
        check=True,
    )
    return json.loads(done.stdout), list(asked)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="asks Linux for the memory of a process")
@pytest.mark.parametrize("name", sorted(bombs("")))
def test_it_is_refused_soon_in_little_memory_and_asks_nobody(name, told):
    one, asked = told[0][name], told[1]
    print(name, one)  # noqa: T201 (figures)
    assert one["said"] or one["records"], "what names other files is read, and they are not"
    assert one["mb"] <= MOST_MB
    assert one["cpu"] <= MOST_CPU
    assert not one["leaks"]
    assert asked == []


def test_the_listener_would_have_heard_it(listener):
    url, asked = listener
    before = len(asked)
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"x")
        connection.recv(1)
    assert asked[before:] == [b"x"]
    asked.clear()


def test_an_item_that_is_not_well_formed_is_repaired_and_reported(read):
    good = b"<item><title>Uno</title><link>https://x.example/la-prima</link></item>\n"
    found = read(b"<rss><channel>\n" + good + b"<item><title>Due</item>" + good + b"</channel></rss>", "rss")
    assert [article["headline"] for article in found.articles] == ["Uno", "Due", "Uno"]
    assert found.warnings[1].message.startswith("item 2 «Due» is not well-formed XML (Opening and ending tag mismatch")


def test_an_item_of_10_mb_is_rejected_and_the_next_is_read(read):
    large = b"<item><title>Grande</title><description>" + b"a " * (5 << 20) + b"</description></item>\n"
    found = read(b"<rss><channel>" + large + b"<item><title>Dopo</title></item></channel></rss>", "rss")
    assert found.messages == ["item 1 «Grande» is longer than 4,194,304 characters"]
    assert [article["headline"] for article in found.articles] == ["Dopo"]
    assert found.lines == [2]


def test_an_entity_that_a_file_declares_is_left_as_it_is_written(read):
    data = (
        b'<!DOCTYPE rss [<!ENTITY a "b"><!ENTITY nbsp "&#160;">]><rss><channel><item><title>x&a;&nbsp;y</title></item>'
    )
    assert read(data + b"</channel></rss>", "rss").article["headline"] == "x&a; y"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings_that_are_in_use_are_read(read, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><rss><channel><item><title>Città</title></item></channel></rss>'
    assert read(text.encode(encoding), "rss").article["headline"] == "Città"


@pytest.mark.parametrize("character", ["\0", "\x08", "\x1a", "\ufffe", "&#x1f;", "&#xFFFF;"])
def test_a_forbidden_character_is_removed(read, character):
    data = f"<rss><channel><item><title>Un{character}o</title></item><item><title>Due</title></item></channel></rss>"
    headlines = [article["headline"] for article in read(data.encode(), "rss").articles]
    assert headlines == ["Uno", "Due"]


def test_a_byte_that_is_invalid_is_read_as_windows_1252_and_reported(read):
    data = "<rss><channel><item><title>Città</title></item><item><title>Sì — no</title></item></channel></rss>"
    reading = read(data.encode().replace("ì — no".encode(), b"\xec \x97 no"), "rss")
    assert [article["headline"] for article in reading.articles] == ["Città", "Sì — no"]
    assert "invalid in the encoding" in reading.warnings[1].message


@pytest.mark.parametrize(
    ("encoding", "end"),
    [
        ("utf-16", b"\x00"),
        ("utf-16", b"\x00\xd8"),
        ("gb18030", b"\x81"),
        ("gb18030", b"\x81\x30<"),
        ("shift_jis", b"\x81"),
    ],
)
def test_a_character_that_is_cut_hides_nothing(read, encoding, end):
    text = f'<?xml version="1.0" encoding="{encoding}"?><rss><channel><item><title>Uno</title></item></channel></rss>'
    assert read(text.encode(encoding) + end, "rss").article["headline"] == "Uno"


def test_an_element_with_a_name_that_is_none_is_read(read):
    data = "<rss><channel><item><title>x</title><description>a<x:1>b</x:1></description></item></channel></rss>"
    assert read(data.encode(), "rss").article["body_html"] == "<p>a<span>b</span></p>"


@pytest.mark.parametrize("base", ["http://[x", "http://x:99999999/", "://", "javascript:alert(1)", " "])
def test_a_base_that_is_no_address_is_ignored(read, base):
    data = (
        f'<rss><channel><link>https://x.example/</link><item xml:base="{base}"><link>/a</link><title>x</title></item>'
    )
    assert read(f"{data}</channel></rss>".encode(), "rss").article["canonical_url"] == "https://x.example/a"


def test_an_item_whose_start_tag_is_damaged_is_reported(read):
    data = "<rss><channel>\n<ite m><title>Persa</title></item>\n<item><title>x</title></item></channel></rss>"
    reading = read(data.encode(), "rss")
    assert [article["headline"] for article in reading.articles] == ["x"]
    [(line, problem)] = reading.problems
    assert (line, "has no start tag" in problem.message) == (2, True)
