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
HARMLESS = {"XInclude", "stylesheet"}
"""Files that are read: what they would have us fetch is a word like any other."""

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
    assert bool(one["said"]) is (name not in HARMLESS)
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


def test_what_came_before_the_place_where_a_file_breaks_is_read(read):
    good = b"<item><title>Uno</title><link>https://x.example/la-prima</link></item>\n"
    found = read(b"<rss><channel>\n" + good + b"<item><title>Due</item></channel></rss>", "rss")
    assert found.slugs() == ["la-prima"]
    ((line, problem),) = found.problems
    assert (line, problem.message) == (3, "not well-formed XML: mismatched tag")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings_that_are_in_use_are_read(read, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><rss><channel><item><title>Città</title></item></channel></rss>'
    (item,) = read(text.encode(encoding), "rss").records
    assert item["headline"] == "Città"
