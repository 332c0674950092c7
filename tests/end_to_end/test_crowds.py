"""Many clients at once: all for one article, or many behind one slow query."""

import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import psycopg
import pytest

from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from tests.conftest import Clock
from tests.support import servers
from tests.support.factories import make_articles
from tests.support.open_loop import Request, evenly, percentile, send
from tests.support.processes import serving

pytestmark = pytest.mark.real_time

PROCESSES = 2
CROWD = 500
ROUNDS = 5
CLIENTS_PER_SECOND = 200
LOCK_SECONDS = 4.0
OTHERS_PER_SECOND = 20
PATIENCE_SECONDS = 30.0


@pytest.fixture(scope="module")
def url(pytestconfig, postgresql_template):
    with servers.database(servers.database_url(pytestconfig), template=postgresql_template) as url:
        make_articles(url, 5, Clock())
        yield url


@pytest.fixture(scope="module")
def served(url, tmp_path_factory):
    settings = {"NEWSAPI_DATABASE_URL": url, "NEWSAPI_PROCESSES": str(PROCESSES), "NEWSAPI_LOG_LEVEL": "error"}
    with serving(tmp_path_factory.mktemp("crowds"), "serve", **settings) as served:
        send(served.base, evenly(20, 1, [f"/v1/tags?q=warm{number}" for number in range(20)]), PATIENCE_SECONDS)
        yield served


@pytest.fixture
def desk(url, served):
    database = Database(url)
    key = key_commands.create(database, "anna", ["content:write", "content:publish"], now=datetime.now(UTC))
    database.dispose()
    headers = {"Authorization": f"Bearer {key}", "If-Match": "*", "Content-Type": "application/merge-patch+json"}
    with httpx.Client(base_url=served.base, headers=headers, timeout=PATIENCE_SECONDS) as client:
        yield client


def count_builds(responses):
    return sum(one.headers.get("cache-status") == "newsapi; fwd=miss" for one in responses)


def test_a_crowd_at_an_article_that_just_changed_causes_one_build_a_process(served, desk, record_property):
    builds, slowest = [], []
    for number in range(ROUNDS):
        changed = desk.patch("/v1/articles/a-1", content=f'{{"headline": "Number {number}"}}')
        assert changed.status_code == 200, changed.text
        time.sleep(1.1)  # every process knows, and none may send what was valid a second ago
        crowd = send(served.base, [Request(0.0, "/v1/articles/a-1")] * CROWD, PATIENCE_SECONDS)
        assert {one.status for one in crowd} == {200}
        assert all(f"Number {number}".encode() in one.body for one in crowd)
        builds.append(count_builds(crowd))
        slowest.append(max(one.seconds for one in crowd))
    assert max(builds) <= PROCESSES
    record_property(
        "measured", f"{max(builds)} builds for {CROWD} requests at {PROCESSES} processes, slowest {max(slowest):.2f} s"
    )


def test_a_crowd_at_as_many_addresses_causes_as_many_builds(served, record_property):
    paths = [f"/v1/articles?published_from=2001-01-01T00:00:{second:02}Z" for second in range(30)]
    crowd = send(served.base, [Request(0.0, path) for path in paths], PATIENCE_SECONDS)
    assert count_builds(crowd) == len(paths)
    record_property("control", f"{len(paths)} addresses: {count_builds(crowd)} builds")


@contextmanager
def locked(url, seconds):
    """Hold a lock on the brands for some seconds, so that every query of them waits."""
    taken, release = threading.Event(), threading.Event()

    def hold():
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute("LOCK TABLE brand IN ACCESS EXCLUSIVE MODE")
            taken.set()
            release.wait(seconds)

    holder = threading.Thread(target=hold)
    holder.start()
    assert taken.wait(PATIENCE_SECONDS)
    try:
        yield
    finally:
        release.set()
        holder.join()


def others(turn):
    return evenly(OTHERS_PER_SECOND, LOCK_SECONDS, [f"/v1/tags?q=n{turn}x{number}" for number in range(1000)]) + evenly(
        OTHERS_PER_SECOND, LOCK_SECONDS, ["/v1/articles/a-2"] * 1000
    )


def test_clients_behind_a_slow_query_are_refused_soon_and_others_do_not_notice(served, url, record_property):
    behind = evenly(CLIENTS_PER_SECOND, LOCK_SECONDS, [f"/v1/brands?q=x{number}" for number in range(1000)])
    # Every process must have the article in memory: to build it again it would need the locked table. Simultaneous
    # requests open as many connections, so that each process gets some.
    send(served.base, [Request(0.0, "/v1/articles/a-2")] * 100, PATIENCE_SECONDS)
    calm = send(served.base, others("calm"), PATIENCE_SECONDS)
    with locked(url, LOCK_SECONDS + PATIENCE_SECONDS):
        responses = send(served.base, behind + others("locked"), PATIENCE_SECONDS)
    blocked = [one for one in responses if "/v1/brands" in one.request.path]
    beside = [one for one in responses if "/v1/brands" not in one.request.path]
    assert {one.status for one in blocked} == {503}
    assert all(one.headers["retry-after"] for one in blocked)
    assert {one.status for one in calm + beside} == {200}
    refusals = [one.seconds for one in blocked]
    assert percentile(refusals, 50) < 500
    assert max(refusals) < 3
    before, during = (percentile([one.seconds for one in group], 99) for group in (calm, beside))
    refused = " and ".join(f"p{percent} {percentile(refusals, percent):.0f} ms" for percent in (50, 99))
    answered = sum(one.status == 200 for one in beside)
    served_beside = f"{answered} of {len(beside)} others 200, p99 {during:.0f} ms (calm {before:.0f} ms)"
    record_property("measured", f"{len(blocked)} refused after {refused}; {served_beside}")


def test_without_the_lock_the_same_clients_are_served(served, record_property):
    paths = [f"/v1/brands?q=y{number}" for number in range(1000)]
    responses = send(served.base, evenly(CLIENTS_PER_SECOND, 1.0, paths), PATIENCE_SECONDS)
    assert sum(one.status == 200 for one in responses) > CLIENTS_PER_SECOND / 2
    record_property(
        "control", f"without the lock {sum(one.status == 200 for one in responses)} of {len(responses)} are served"
    )
