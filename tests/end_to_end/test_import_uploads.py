"""Imports over a server that runs: as large as they may be, in little memory, and whoever is slow holds nobody up."""

import socket
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from tests.support.import_records import archive, lines
from tests.support.processes import descendants

pytestmark = pytest.mark.real_time

MB = 1 << 20


@pytest.fixture
def served(serve, sqlite_url):
    with serve("serve", NEWSAPI_DATABASE_URL=sqlite_url, NEWSAPI_PROCESSES="1", NEWSAPI_IMPORT_MAX_MB="200") as served:
        yield served


@pytest.fixture
def key(sqlite_url):
    database = Database(sqlite_url)
    made = key_commands.create(database, "anna", ("content:write", "content:publish"), now=utc_now())
    database.dispose()
    return made


@pytest.fixture
def ask(served, key):
    """Ask for something of imports; answer status and body."""

    def ask(method, path="", body=None, **headers):
        connection = HTTPConnection(urlsplit(served.base).netloc, timeout=30)
        sent = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson", **headers}
        connection.request(method, f"/v1/imports{path}", body=body, headers=sent)
        answer = connection.getresponse()
        found = answer.status, orjson.loads(answer.read())
        connection.close()
        return found

    return ask


def finished(ask, job):
    until = time.monotonic() + 40
    while True:
        _, found = ask("GET", f"/{job['data']['id']}")
        if found["data"]["state"] not in {"queued", "running"}:
            return found["data"]
        assert time.monotonic() < until, found
        time.sleep(0.1)


def test_a_file_in_chunks_without_a_length_is_taken_in_and_imported(served, ask):
    whole = lines(*archive(300))
    pieces = (whole[start : start + 10_000] for start in range(0, len(whole), 10_000))
    status, job = ask("POST", body=pieces)
    assert (status, job["data"]["size"]) == (202, len(whole))
    done = finished(ask, job)
    assert (done["state"], done["created"], done["rejected"]) == ("done", 320, 0)
    assert served.json("/v1/articles?total=true")["page"]["total"] > 200


def test_what_breaks_off_leaves_nothing_and_what_has_no_key_is_not_even_read(served, ask, key):
    head = f"POST /v1/imports HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: {3 * MB}\r\n"
    host, port = urlsplit(served.base).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as cut:
        cut.sendall(f"{head}Authorization: Bearer {key}\r\n\r\n".encode() + b"x" * 2 * MB)
    with socket.create_connection((host, int(port)), timeout=20) as unknown:
        unknown.sendall(f"{head}\r\n".encode())
        assert unknown.recv(100).startswith(b"HTTP/1.1 401")
    assert ask("GET")[1]["data"] == []


def test_more_than_may_be_is_refused_by_its_length_and_without_one(ask):
    assert ask("POST", body=b"x" * MB, **{"Content-Length": str(201 * MB)})[0] == 413


def test_while_two_are_slow_a_third_is_told_so_and_reads_go_on(served, ask, key):
    host, port = urlsplit(served.base).netloc.split(":")
    head = "POST /v1/imports HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 5000000\r\n"
    slow = [socket.create_connection((host, int(port)), timeout=20) for _ in range(2)]
    for connection in slow:
        connection.sendall(f"{head}Authorization: Bearer {key}\r\n\r\n{{}}".encode())
    time.sleep(0.5)
    status, told = ask("POST", body=b"{}")
    assert (status, told["type"].rpartition("/")[2]) == (503, "unavailable")
    assert served.get(f"{served.base}/v1/articles")[0] == 200
    assert ask("GET")[0] == 200
    for connection in slow:
        connection.close()


def memory(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the memory of a process")
def test_a_large_file_is_never_in_memory(served, ask):
    ask("POST", body=b"{}\n")
    time.sleep(1)
    before = {(pid, command): memory(pid) for pid, command in descendants(served.process.pid)}
    status, job = ask("POST", body=(b"x" * MB for _ in range(150)))  # one line that is much too long
    assert status == 202
    done = finished(ask, job)
    assert (done["rejected"], done["errors"][0]["message"]) == (1, "longer than 4,194,304 bytes")
    grown = {(pid, command): memory(pid) - most for (pid, command), most in before.items()}
    print(grown)  # noqa: T201 (figures)
    by_worker = {growth for (_, command), growth in grown.items() if command == "newsapi worker"}
    by_servers = {growth for (_, command), growth in grown.items() if command == "newsapi server process"}
    assert max(by_servers) < 20, grown
    assert max(by_worker) < 80, "the worker reads through SQLite, which keeps 64 MB of what it read"
