"""A served API while its database hangs or one of its queries is held up, as its clients see it."""

import contextlib
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from tests.conftest import Clock, migrate
from tests.support import servers
from tests.support.factories import make_articles
from tests.support.processes import suspended

pytestmark = pytest.mark.real_time

NO_WAIT = 5
CLIENTS = 40


@pytest.fixture(scope="module")
def server():
    with servers.postgresql() as url:
        yield url


@pytest.fixture
def url(server):
    template = servers.template(server, build=migrate)
    with servers.database(server, template=template) as made:
        make_articles(made, 5, Clock())
        yield made


@pytest.fixture
def served(serve, url):
    with serve("serve", NEWSAPI_DATABASE_URL=url, NEWSAPI_PROCESSES="1", NEWSAPI_LOG_LEVEL="error") as served:
        yield served


def get(served, path):
    """Status, headers, body and seconds of one request, on a connection of its own."""
    began = time.monotonic()
    with contextlib.closing(HTTPConnection(urlsplit(served.base).netloc, timeout=30)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    return answer.status, answer.headers, body, time.monotonic() - began


def at_once(served, paths):
    with ThreadPoolExecutor(len(paths)) as clients:
        return list(clients.map(lambda path: get(served, path), paths))


@contextlib.contextmanager
def hanging(server):
    folder = Path(server.rpartition("host=")[2])
    postmaster = psutil.Process(int((folder / "data/postmaster.pid").read_text().split()[0]))
    with suspended([postmaster.pid, *(child.pid for child in postmaster.children())]):
        yield


def test_while_the_database_hangs_clients_get_what_is_kept_or_are_told_to_come_again(served, server):
    warm = ["/v1/articles/a-1", "/v1/articles"]
    for path in warm:
        assert get(served, path)[0] == 200
    time.sleep(1.1)  # so that what the process knows is not fresh any more
    with hanging(server):
        cold = [f"/v1/articles?limit={number}" for number in range(21, CLIENTS + 17)]  # 20 is what is kept
        found = at_once(served, [*warm, "/healthz", "/readyz", *cold])
        assert [answer[0] for answer in found[:4]] == [200, 200, 200, 503]
        assert {(answer[0], answer[1]["Retry-After"]) for answer in found[4:]} == {(503, "1")}
        assert max(answer[3] for answer in found) < NO_WAIT
        found = at_once(served, [*warm * 10, *cold[:10], "/readyz"])
        assert {answer[1]["Cache-Status"] for answer in found[:20]} == {"newsapi; hit; detail=stale"}
        assert {answer[0] for answer in found[20:]} == {503}
    end = time.monotonic() + NO_WAIT
    while get(served, "/v1/articles?limit=1")[0] != 200:
        assert time.monotonic() < end
    assert [get(served, path)[1]["Cache-Status"] for path in warm] == ["newsapi; hit"] * 2
    assert get(served, "/readyz")[0] == 200


def test_requests_behind_a_lock_leave_threads_to_all_others(served, server, url):
    assert get(served, "/v1/articles/a-1")[0] == 200
    release = threading.Event()

    def hold():
        with psycopg.connect(url.replace("+psycopg", "")) as other:
            other.execute("LOCK TABLE brand IN ACCESS EXCLUSIVE MODE")
            locked.set()
            release.wait(60)

    locked = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(60)
    stop = threading.Event()
    outcomes = []

    def insist(number):
        turn = 0
        while not stop.is_set():
            turn += 1
            outcomes.append(get(served, f"/v1/brands?q=x{number}y{turn}"))

    with ThreadPoolExecutor(CLIENTS) as clients:
        try:
            for number in range(CLIENTS):
                clients.submit(insist, number)
            time.sleep(0.5)
            others = [
                get(served, path) for path in ["/v1/tags?q=a", "/v1/tags?q=b", "/v1/articles/a-1", "/healthz"] * 3
            ]
        finally:
            stop.set()
            release.set()
            holder.join()
    assert {answer[0] for answer in others} == {200}
    assert {answer[0] for answer in outcomes} <= {200, 503}
    assert max(answer[3] for answer in outcomes) < NO_WAIT


@pytest.mark.long
def test_who_leaves_before_the_answer_never_gets_it_to_somebody_else(served):
    """A thousand clients hang up in the middle; then, and meanwhile, everybody else gets what was asked for."""
    wrong = []

    def leave(number):
        with contextlib.closing(HTTPConnection(urlsplit(served.base).netloc, timeout=30)) as connection:
            connection.request("GET", f"/v1/articles/a-{number % 5}?include=related&related_limit={1 + number % 20}")
            if number % 3:
                connection.sock.recv(1 + number % 200)

    def stay(number):
        status, _, body, _ = get(served, f"/v1/articles/a-{number % 5}?fields=slug,headline&related_limit=3")
        if status not in {200, 400, 503} or (status == 200 and json.loads(body)["data"]["slug"] != f"a-{number % 5}"):
            wrong.append((number, status, body))

    with ThreadPoolExecutor(16) as clients:
        for number in range(1000):
            clients.submit(leave, number)
            if number % 4 == 0:
                clients.submit(stay, number)
    for number in range(20):
        status, _, body, _ = get(served, f"/v1/articles/a-{number % 5}")
        assert (status, json.loads(body)["data"]["slug"]) == (200, f"a-{number % 5}")
    assert wrong == []
