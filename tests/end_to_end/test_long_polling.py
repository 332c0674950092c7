"""Waiting for news before Flask: many at once, without a thread, woken by what concerns them and by nothing else."""

import json
import threading
import time
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from tests.end_to_end.test_partner_example import Desk

pytestmark = pytest.mark.real_time

CHANGES = "/v1/changes"
BUSY = 503


@pytest.fixture
def house(serve, sqlite_url):
    database = Database(sqlite_url)
    scopes = ("content:write", "content:publish", "drafts:read")
    key = key_commands.create(database, "anna", scopes, now=datetime.now(UTC))
    database.dispose()
    with serve("serve", NEWSAPI_DATABASE_URL=sqlite_url, NEWSAPI_PROCESSES="1") as served:
        yield served, Desk(served.base, key)


def ask(served, path, **headers):
    connection = HTTPConnection(urlsplit(served.base).netloc, timeout=40)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())
    finally:
        connection.close()


def test_who_waits_is_told_at_once_and_costs_nobody_a_thread(house):
    served, desk = house
    for name in "ab":
        desk.send("POST", "/v1/brands", {"slug": name, "name": name})
    cursors = {name: ask(served, f"{CHANGES}?brand={name}")[2]["cursor"] for name in "ab"}
    told = []

    def wait(name, seconds, **headers):
        answer = BUSY, {}, {}
        while answer[0] == BUSY:  # who comes when no thread is free comes again
            answer = ask(served, f"{CHANGES}?cursor={cursors[name]}&wait={seconds}", **headers)
        told.append((name, answer))

    threads = [threading.Thread(target=wait, args=("a", 25)) for _ in range(40)]
    threads.append(threading.Thread(target=wait, args=("a", 25), kwargs={"Authorization": f"Bearer {desk.key}"}))
    other = threading.Thread(target=wait, args=("b", 8))
    for thread in [*threads, other]:
        thread.start()
    time.sleep(1.5)
    assert not told
    for number in range(20):  # more than there are threads
        assert ask(served, f"/v1/articles?limit={number + 1}")[0] == 200
    assert not [one for one in told if one[0] == "a"]
    made = desk.send("POST", "/v1/articles", {"headline": "Velar", "brand": "a", "status": "published"})
    for thread in [*threads, other]:
        thread.join(30)
    woken = [answer for name, answer in told if name == "a"]
    assert len(woken) == 41
    for status, headers, page in woken:
        assert (status, "no-store" in headers["Cache-Control"]) == (200, True)
        assert [event["id"] for event in page["data"]] == [made["id"]]
    [(status, headers, page)] = [answer for name, answer in told if name == "b"]
    assert (status, page) == (200, {"data": [], "cursor": cursors["b"], "has_more": False})
    assert "Retry-After" not in headers


def test_who_waits_is_let_go_when_the_server_stops(house):
    served, _ = house
    cursor = ask(served, CHANGES)[2]["cursor"]
    told = []
    thread = threading.Thread(target=lambda: told.append(ask(served, f"{CHANGES}?cursor={cursor}&wait=30")))
    thread.start()
    time.sleep(1)
    served.stop()
    thread.join(10)
    [(status, _, page)] = told
    assert (status, page["data"]) == (200, [])
