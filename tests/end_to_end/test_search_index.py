"""The search index of machines that serve: two of them on one database, and an indexer that is killed."""

import json
import os
import signal
import subprocess
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.support.processes import NEWSAPI, descendants, environ, serving

pytestmark = pytest.mark.real_time

SCOPES = ("content:write", "content:publish", "drafts:read")
PATIENCE_SECONDS = 60


@pytest.fixture
def machines(database_url, tmp_path):
    """Two servers, each with an index of its own."""
    usual = {"NEWSAPI_DATABASE_URL": database_url, "NEWSAPI_LOG_LEVEL": "error", "NEWSAPI_PROCESSES": "1"}
    with (
        serving(tmp_path, "serve", NEWSAPI_SEARCH_INDEX=str(tmp_path / "one"), **usual) as one,
        serving(tmp_path, "serve", NEWSAPI_SEARCH_INDEX=str(tmp_path / "two"), **usual) as two,
    ):
        for machine in (one, two):
            until(lambda machine=machine: ask(machine, "GET", "/readyz")[1]["parts"].get("search") == "ok")
        yield one, two


@pytest.fixture
def key(database_url, tmp_path):
    command = [NEWSAPI, "keys", "create", "anna", *(word for scope in SCOPES for word in ("--scope", scope))]
    settings = environ(NEWSAPI_DATABASE_URL=database_url)
    return subprocess.run(
        command, cwd=tmp_path, env=settings, capture_output=True, text=True, check=True
    ).stdout.strip()


def ask(machine, method, path, body=None, **headers):
    connection = HTTPConnection(urlsplit(machine.base).netloc, timeout=20)
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    status, text = answer.status, answer.read()
    seq = answer.headers["Content-Seq"]
    connection.close()
    return status, json.loads(text) if text else None, seq


def until(condition, seconds=PATIENCE_SECONDS):
    """Wait for a condition; return the seconds that it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() < start + seconds, "not in time"
        time.sleep(0.02)
    return time.monotonic() - start


def slugs(machine, q, **more):
    """Search, once more while the index is not up to date; a machine under load may take more than a second."""
    query = "&".join([f"q={q}", *(f"{name}={value}" for name, value in more.items())])
    answers = []

    def is_answered():
        answers.append(ask(machine, "GET", f"/v1/search?{query}"))
        assert answers[-1][0] in {200, 503}
        return answers[-1][0] == 200

    until(is_answered)
    return [hit["slug"] for hit in answers[-1][1]["data"]]


def test_what_is_written_on_one_machine_is_found_and_gone_on_both(machines, key):
    one, two = machines
    authorization = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for number in range(5):
        body = {"headline": f"Granturismo {number}", "slug": f"gt-{number}", "status": "published", "language": "it"}
        status, made, seq = ask(one, "POST", "/v1/articles", body, **authorization)
        assert status == 201
        for machine in machines:
            assert f"gt-{number}" in slugs(machine, "granturismo", min_seq=seq)
        status, _, seq = ask(one, "DELETE", f"/v1/articles/{made['data']['id']}", **authorization)
        assert status == 200
        assert slugs(one, "granturismo") == []
        seconds = until(lambda: slugs(two, "granturismo") == [])
        print(f"gone on the other machine after {seconds:.3f} s")  # noqa: T201 (figures)


def indexers(machine):
    processes = descendants(machine.process.pid)
    return [pid for pid, command in processes if command == "newsapi search indexer"]


def test_an_indexer_that_is_killed_is_not_missed(machines, key):
    one, two = machines
    authorization = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for number in range(3):
        kill_and_write(one, two, number, authorization)


def kill_and_write(one, two, number, authorization):
    [indexer] = indexers(one)
    os.kill(indexer, signal.SIGKILL)
    body = {"headline": f"Granturismo {number}", "slug": f"gt-{number}", "status": "published", "language": "it"}
    assert ask(one, "POST", "/v1/articles", body, **authorization)[0] == 201
    expected = {f"gt-{written}" for written in range(number + 1)}
    assert {*slugs(one, "granturismo")} == expected
    until(lambda: indexers(one) not in ([], [indexer]))
    until(lambda: {*slugs(two, "granturismo")} == expected)
