"""PostgreSQL hangs, is slow, loses its connections, comes back: nobody waits for it long, and what is kept is served.

The server is stopped by a signal, as a machine that swaps or a network that swallows packets would: it refuses nothing
and its own time-outs never fire. A time that is measured here only tells waiting from not waiting: without a bound the
readers below would wait for ever.
"""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import text

from newsapi.cache.cached_response import CachedResponse
from newsapi.cache.log_follower import ChangelogDelta, ChangelogFollower
from newsapi.cache.memory_cache import MemoryCache
from newsapi.cache.response_cache import ResponseCache
from newsapi.cache.shared_cache import NullCache
from newsapi.db import deadlines
from newsapi.db.database import Database
from newsapi.errors import Unavailable
from tests.conftest import migrate
from tests.support import servers

pytestmark = pytest.mark.real_time

NO_WAIT = 5
STALE = "newsapi; hit; detail=stale"


class Hangs:
    """A server that can be stopped, with all its processes, and let go on."""

    def __init__(self, url):
        folder = Path(url.rpartition("host=")[2])
        self._postmaster = psutil.Process(int((folder / "data/postmaster.pid").read_text().split()[0]))
        self._stopped = []

    def __enter__(self):
        for process in (self._postmaster, *self._postmaster.children()):
            os.kill(process.pid, signal.SIGSTOP)
            self._stopped.append(process.pid)

    def __exit__(self, *_):
        while self._stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._stopped.pop(), signal.SIGCONT)


@pytest.fixture(scope="module")
def server():
    with servers.postgresql() as url:
        yield url


@pytest.fixture(scope="module")
def template(server):
    return servers.template(server, build=migrate)


@pytest.fixture
def database_url(server, template):
    with servers.database(server, template=template) as url:
        yield url


@pytest.fixture
def hangs(server):
    made = Hangs(server)
    yield made
    made.__exit__()


def ask(database, statement="SELECT 1"):
    with database.read_transaction() as connection:
        return connection.execute(text(statement)).scalar_one()


def freed(work):
    """Whether some work is told in time that the database does not answer."""
    began = time.monotonic()
    with pytest.raises(Unavailable):
        work()
    return time.monotonic() - began < NO_WAIT


def soon(look):
    end = time.monotonic() + NO_WAIT
    while not (found := look()):
        assert time.monotonic() < end, "not in time"
        time.sleep(0.02)
    return found


# --- connections


def test_whoever_asks_a_server_that_hangs_is_freed(database, hangs):
    ask(database)
    with hangs:
        assert freed(lambda: ask(database))  # on a connection that stood
        assert freed(lambda: ask(database))  # on one that must be made
    assert ask(database) == 1


def test_whoever_waits_for_an_answer_when_the_server_begins_to_hang_is_freed(database, hangs):
    closed = []

    def work():
        with database.read_transaction() as connection:
            connection.execute(text("SELECT 1"))
            driver = connection.connection.driver_connection
            stack.enter_context(hangs)
            try:
                connection.execute(text("SELECT 2"))
            finally:
                closed.append(driver.closed)  # what comes late is nobody's answer

    with contextlib.ExitStack() as stack:
        assert freed(work)
    assert closed == [True]
    assert ask(database) == 1


def test_giving_a_connection_back_to_a_server_that_hangs_does_not_take_long(database, hangs):
    began = time.monotonic()
    with contextlib.ExitStack() as stack, contextlib.suppress(Unavailable), database.read_transaction() as connection:
        connection.execute(text("SELECT 1"))
        stack.enter_context(hangs)
    assert time.monotonic() - began < NO_WAIT
    hangs.__exit__()
    assert ask(database) == 1


def test_a_query_that_is_only_slow_is_ended_by_the_server_and_leaves_the_connection_usable(database):
    backend = ask(database, "SELECT pg_backend_pid()")
    assert freed(lambda: ask(database, "SELECT 1 FROM pg_sleep(20)"))
    assert ask(database, "SELECT pg_backend_pid()") == backend


def test_writers_may_take_longer_and_migrations_as_long_as_they_need(database, monkeypatch):
    slow = text("SELECT pg_sleep(0.4)")
    monkeypatch.setattr(deadlines, "READ_TIMEOUT_SECONDS", 0.2)
    with database.transaction() as session:
        session.execute(slow)
    monkeypatch.setattr(deadlines, "EDITOR_WRITE_TIMEOUT_SECONDS", 0.2)
    impatient = Database(database.url.render_as_string(hide_password=False))
    with impatient.connection() as connection:
        connection.execute(slow)
    with pytest.raises(Unavailable), impatient.transaction() as session:
        session.execute(slow)
    impatient.dispose()


def test_reads_of_background_work_may_take_longer(database_url, monkeypatch):
    monkeypatch.setattr(deadlines, "READ_TIMEOUT_SECONDS", 0.2)
    patient = Database(database_url, long_running=True)
    assert ask(patient, "SELECT 1 FROM pg_sleep(1.2)") == 1
    patient.dispose()


def test_the_first_request_after_all_connections_were_cut_is_fine(app, client, server, make):
    make.article("velar")
    parts = app.extensions["newsapi"]
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(parts.database.read_transaction()).execute(text("SELECT 1"))
    client.get("/v1/articles/velar")
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'newsapi'")
    for url in ("/v1/articles", "/v1/articles/velar", "/v1/brands", "/v1/tags", "/v1/authors"):
        assert client.get(url).status_code == 200


# --- readers


def test_what_is_kept_is_served_as_stale_and_all_else_refused_at_once(client, make, hangs):
    make.article("velar")
    kept = client.get("/v1/articles/velar")
    with hangs:
        began = time.monotonic()
        for number in range(20):
            stale = client.get("/v1/articles/velar")
            assert (stale.status_code, stale.headers["Cache-Status"], stale.data) == (200, STALE, kept.data)
            cold = client.get(f"/v1/articles?limit={number + 1}")
            assert (cold.status_code, cold.headers["Retry-After"]) == (503, "1")
            assert cold.content_type == "application/problem+json"
            assert cold.headers["Cache-Control"] == "no-store"
            assert client.get("/readyz").status_code == 503
            assert client.get("/healthz").status_code == 200
        assert time.monotonic() - began < NO_WAIT  # one after the other, sixty that would wait
        time.sleep(1)
        assert int(client.get("/v1/articles/velar").headers["Age"]) >= 1
    soon(lambda: client.get("/v1/articles?limit=1").status_code == 200)
    healed = client.get("/v1/articles/velar")
    assert (healed.headers["Cache-Status"], healed.headers["Age"]) == ("newsapi; hit", "0")
    assert client.get("/readyz").status_code == 200


def test_a_server_that_is_started_again_is_met_again_without_any_request(app, client, make, hangs):
    make.article("velar")
    with hangs:
        assert client.get("/v1/articles/velar").status_code == 503
    soon(lambda: not app.extensions["newsapi"].response_cache.follower.is_unavailable)
    assert client.get("/v1/articles/velar").status_code == 200


def test_what_was_withdrawn_is_not_served_as_stale(client, make, hangs):
    article = make.article("ritirato")
    make.article("altro")
    assert client.get("/v1/articles/ritirato").status_code == 200
    make.hide(article)
    assert client.get("/v1/articles/altro").status_code == 200  # so that the log was read since
    with hangs:
        assert client.get("/v1/articles/altro").headers["Cache-Status"] == STALE
        assert client.get("/v1/articles/ritirato").status_code == 503


def test_readers_that_wait_together_are_told_together(app, make, hangs):
    """Each would wait its second after the one before it, if it tried by itself."""
    make.article("velar")
    app.test_client().get("/v1/articles/velar")
    found = []
    threads = [
        threading.Thread(target=lambda number=number: found.append(app.test_client().get(f"/v1/tags?limit={number}")))
        for number in range(1, 17)
    ]
    with hangs:
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert time.monotonic() - began < NO_WAIT
    assert {answer.status_code for answer in found} == {503}


def test_one_query_behind_a_lock_is_refused_and_the_others_go_on(app, client, make, database):
    make.article("velar", brand="land-rover", tags=["suv"])
    with database.transaction() as session:
        session.execute(text("LOCK TABLE brand IN ACCESS EXCLUSIVE MODE"))
        began = time.monotonic()
        refused = client.get("/v1/brands")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert time.monotonic() - began < NO_WAIT
        assert client.get("/v1/tags").status_code == 200
        assert not app.extensions["newsapi"].response_cache.follower.is_unavailable
    assert client.get("/v1/brands").status_code == 200


# --- the parts alone


class Log:
    """A log that can be away, and tells how often it was asked."""

    def __init__(self):
        self.away, self.asked = False, 0

    def __call__(self, _place, _most):
        self.asked += 1
        if self.away:
            raise Unavailable
        return ChangelogDelta(None, 1, 7, [])


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def follower(log):
    made = ChangelogFollower(log, max_staleness=0)
    yield made
    made.close()


def test_while_the_log_is_away_no_reader_asks_it(log, follower):
    assert follower.latest()
    log.away = True
    assert follower.latest() is None
    threads = {thread.name for thread in threading.enumerate()}
    before = log.asked
    for _ in range(1000):
        assert follower.latest() is None
        assert not follower.catch_up()
    assert log.asked - before < 50  # the one thread that tries
    assert "follower" in threads
    log.away = False
    assert soon(follower.latest)


def test_a_reading_that_does_not_end_counts_as_failed():
    """As that of a server whose host's name is not to be found: the driver has no say in how long that takes."""
    go_on = threading.Event()
    reading = threading.Event()
    hung = []

    def read(_place, _most):
        if hung:
            reading.set()
            go_on.wait(60)
        return ChangelogDelta(None, 1, 7, [])

    follower = ChangelogFollower(read, max_staleness=0)
    assert follower.latest()
    hung.append(1)
    one = threading.Thread(target=follower.catch_up)
    one.start()
    reading.wait(60)
    began = time.monotonic()
    assert [follower.latest() for _ in range(20)] == [None] * 20
    assert follower.is_unavailable
    assert time.monotonic() - began < NO_WAIT
    hung.clear()
    go_on.set()
    one.join()
    assert follower.latest()


def test_after_a_write_that_could_not_be_read_back_nothing_older_is_trusted(log):
    follower = ChangelogFollower(log)  # of which what it knows counts for a second
    assert follower.latest()
    log.away = True
    follower.after_local_write()
    assert follower.latest() is None
    follower.close()


def test_who_waited_for_a_builder_that_failed_does_not_try_after_it(follower):
    pages = ResponseCache(MemoryCache(1 << 20), NullCache(), follower)
    tries, outcomes = [], []
    waiting = threading.Event()

    def build():
        tries.append(1)
        waiting.wait(NO_WAIT)
        raise Unavailable

    def read():
        try:
            outcomes.append(pages.get("k", build))
        except Unavailable as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    soon(lambda: pages._queues and pages._queues["k"].wanted == len(threads))
    waiting.set()
    for thread in threads:
        thread.join()
    assert outcomes == [Unavailable] * 6
    assert len(tries) == 1
    assert pages.get("k", lambda: CachedResponse(body=b"{}", seq=1)).response.body == b"{}"
