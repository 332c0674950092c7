"""Reads on a streaming replica that is paused, killed, stopped or promoted: no answer is old, wrong or an error."""

import contextlib
import dataclasses
import itertools
import os
import re
import signal
import sys
import time
import urllib.request
from collections import Counter
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from newsapi.cache import circuit_breaker
from newsapi.cache.read_router import LAG_PAUSE_SECONDS
from newsapi.db import timelines
from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from newsapi.settings import Settings
from tests.end_to_end.cache_coherence import Checker
from tests.support.factories import Make
from tests.support.processes import free_port, serving, suspended
from tests.support.replication import PATIENCE, Node, streaming

pytestmark = pytest.mark.real_time

NUMBERS = itertools.count()
RESULTS = ("used", "behind", "failed")


@pytest.fixture(scope="module")
def servers():
    """A primary and its replica."""
    with streaming(free_port(), free_port()) as nodes:
        yield nodes


@pytest.fixture
def primary(servers):
    return servers[0]


@pytest.fixture
def replica(servers):
    """The replica, running and up to date at the start of each test."""
    servers[1].execute("SELECT pg_wal_replay_resume()")
    servers[1].await_replay(servers[0])
    return servers[1]


@pytest.fixture
def database_url(primary):
    return primary.url


@pytest.fixture
def settings(settings, replica):
    return dataclasses.replace(settings, database_replica_urls=(replica.url,))


@pytest.fixture
def publish(make):
    """Publish an article that is newer than all others, of other tests too; return its slug."""

    def publish():
        number = next(NUMBERS)
        make.article(
            f"a{number}", brand="fiat", published_at=make.at("2027-01-01T00:00:00Z") + timedelta(minutes=number)
        )
        return f"a{number}"

    return publish


@pytest.fixture
def article(publish, primary, replica):
    """The slug of an article that the replica has; it is the newest one."""
    slug = publish()
    replica.await_replay(primary)
    return slug


@contextlib.contextmanager
def paused(replica):
    replica.execute("SELECT pg_wal_replay_pause()")
    try:
        yield
    finally:
        replica.execute("SELECT pg_wal_replay_resume()")


@pytest.fixture
def counts():
    """How many reads the replica got since this was called last, by result; results without any are left out."""
    seen = Counter()

    def counts():
        before = Counter(seen)
        for name in RESULTS:
            seen[name] = int(REGISTRY.get_sample_value("newsapi_replica_reads_total", {"result": name}) or 0)
        return dict(+Counter({name: seen[name] - before[name] for name in RESULTS}))

    counts()
    return counts


@pytest.fixture
def newest(client):
    """Read the slug of the newest article, past all caches."""
    turns = itertools.count()

    def newest(**headers):
        answer = client.get(f"/v1/articles?limit=1&published_until={2100 + next(turns)}-01-01", headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json["data"][0]["slug"]

    return newest


SURFACES = [
    "/v1/articles?brand=fiat&total=true",
    "/v1/articles/SLUG?include=related",
    "/v1/articles/SLUG/related",
    "/v1/articles/SLUG/jsonld",
    "/v1/articles/unknown",
    "/v1/brands/fiat?include=articles",
    "/v1/search?q=titolo",
    "/v1/changes",
    "/v1/digest",
    "/v1/feeds/articles.rss",
    "/sitemap.xml",
]


@pytest.mark.parametrize("surface", SURFACES)
def test_public_reads_are_built_on_the_replica(surface, client, article, counts):
    answer = client.get(surface.replace("SLUG", article))
    assert answer.status_code == (404 if "unknown" in surface else 200)
    assert counts() == {"used": 1}
    assert client.get("/readyz").json["parts"]["replicas"] == "ok"


def test_a_replica_that_is_paused_is_left_until_it_has_caught_up(
    client, article, newest, counts, publish, primary, replica
):
    assert newest() == article
    assert counts() == {"used": 1}
    with paused(replica):
        second = publish()
        assert newest() == second
        assert counts() == {"behind": 1}
        assert client.get("/readyz").json["parts"]["replicas"] == "1 behind, of 1"
        seq = client.get("/v1/articles").headers["Content-Seq"]
        assert client.get(f"/v1/articles/{second}?min_seq={seq}").status_code == 200
    replica.await_replay(primary)
    time.sleep(2 * LAG_PAUSE_SECONDS)
    counts()
    assert newest() == second
    assert counts() == {"used": 1}
    assert client.get("/readyz").json["parts"]["replicas"] == "ok"


def test_the_replica_may_be_ahead_of_what_a_process_knows(app, article, newest, counts, publish, primary, replica):
    assert newest() == article
    app.extensions["newsapi"].response_cache.follower.max_staleness = 600
    assert newest() == article
    second = publish()
    replica.await_replay(primary)
    assert newest() == second
    assert counts() == {"used": 3}


@pytest.mark.parametrize(("scopes", "results"), [(["partner:read"], {"used": 1}), (["drafts:read"], {})])
def test_only_keys_that_see_no_drafts_read_on_the_replica(scopes, results, article, newest, counts, database, clock):
    secret = key_commands.create(database, "Key", scopes, now=clock())
    counts()
    assert newest(Authorization=f"Bearer {secret}") == article
    assert counts() == results


def test_a_draft_is_read_where_it_was_written(client, article, counts, make, replica, database, clock):
    secret = key_commands.create(database, "Key", ["drafts:read"], now=clock())
    with paused(replica):
        make.article("only-a-draft", status="draft")
        answer = client.get("/v1/articles/only-a-draft", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 200
    assert counts() == {}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_replica_that_is_killed_is_left_and_used_again(number, article, newest, counts, replica, monkeypatch):
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 4.0)
    assert newest() == article
    replica.stop(number)
    try:
        counts()
        assert [newest() for _ in range(5)] == [article] * 5
        assert counts() == {"failed": 1}
    finally:
        replica.start()
    end = time.monotonic() + PATIENCE
    while counts() != {"used": 1}:
        assert newest() == article
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_replica_that_hangs_delays_one_read(article, newest, counts, replica):
    assert newest() == article
    with suspended([replica.pid, *replica.process_ids()]):
        counts()
        began = time.monotonic()
        assert newest() == article
        assert time.monotonic() - began < 5  # without a bound it would wait for ever
        assert [newest() for _ in range(5)] == [article] * 5
        assert counts() == {"failed": 1}


def test_a_replica_that_ends_a_read_in_its_middle_costs_no_error(client, article, counts, primary, replica):
    """A vacuum on the primary removes rows that the read on the replica needs: PostgreSQL cancels the read."""
    router = client.application.extensions["newsapi"].reads
    replica.execute("ALTER SYSTEM SET max_standby_streaming_delay = 0")
    replica.execute("SELECT pg_reload_conf()")
    servers = []

    def build(connection):
        connection.exec_driver_sql("SELECT count(*) FROM article").scalar_one()
        server = connection.exec_driver_sql("SELECT inet_server_port()").scalar_one()
        servers.append(server)
        if server == replica.port:
            primary.execute("UPDATE article SET version = version")
            primary.execute("VACUUM FULL article")
            replica.await_replay(primary)
        return connection.exec_driver_sql("SELECT count(*) FROM article").scalar_one()

    counts()
    assert router.read(build) > 0
    assert servers == [replica.port, primary.port]
    assert counts() == {"used": 1, "failed": 1}


@pytest.fixture
def copy(primary):
    """A second replica, for tests that make it useless."""
    node = Node(free_port())
    try:
        node.copy_from(primary)
        node.start()
        yield node
    finally:
        node.remove()


def test_a_promoted_replica_with_changes_of_its_own_is_refused(
    copy, primary, settings, build, make, clock, counts, publish, monkeypatch
):
    slug = publish()
    copy.await_replay(primary)
    copy.execute("SELECT pg_promote()")
    with monkeypatch.context() as other_process:
        other_process.setattr(timelines, "register", timelines.TimelineRegister())
        other = Database(copy.url)
        Make(other, clock).article("of-another-history", published_at=make.at("2030-01-01T00:00:00Z"))
        other.dispose()
    client = build(dataclasses.replace(settings, database_replica_urls=(copy.url,))).test_client()
    counts()
    for changes in range(3):  # fewer than over there, as many, more
        assert client.get("/v1/articles?limit=1").json["data"][0]["slug"] == slug
        assert counts() == {"behind": 1}, changes
        slug = publish()
        time.sleep(2 * LAG_PAUSE_SECONDS)


def test_the_primary_may_share_the_reads(primary, replica, article, settings, build, counts):
    urls = (primary.url, replica.url)
    router = build(dataclasses.replace(settings, database_replica_urls=urls)).extensions["newsapi"].reads
    ports = [
        router.read(lambda connection: connection.exec_driver_sql("SELECT inet_server_port()").scalar_one())
        for _ in range(4)
    ]
    assert ports == [primary.port, replica.port] * 2
    assert counts() == {"used": 4}


def test_an_export_may_be_made_on_the_replica(article, primary, replica, newsapi):
    on_primary, on_replica = (newsapi("export", NEWSAPI_DATABASE_URL=node.url) for node in (primary, replica))
    assert (on_replica.returncode, on_replica.stdout) == (0, on_primary.stdout)
    assert article in on_replica.stdout


def used_reads(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    return sum(
        float(number)
        for number in re.findall(r'^newsapi_replica_reads_total{result="used"} (\S+)$', text, re.MULTILINE)
    )


@contextlib.contextmanager
def closing_at_end(database):
    try:
        yield database
    finally:
        database.dispose()


@pytest.fixture
def check(tmp_path):
    """Edit and read through two server processes while each act happens to their replica; count the reads there."""

    def check(*acts, seconds=1.5, **settings):
        port = free_port()
        with streaming(free_port(), free_port()) as (primary, replica):
            settings |= {
                "NEWSAPI_DATABASE_URL": primary.url,
                "NEWSAPI_DATABASE_REPLICA_URLS": replica.url,
                "NEWSAPI_LOG_LEVEL": "error",
                "NEWSAPI_METRICS_PORT": str(port),
            }
            with serving(tmp_path, "serve", **settings) as served, closing_at_end(Database(primary.url)) as database:
                checker = Checker(served.base, database, Settings.from_env(settings))
                checker.fill()
                with checker.reading(6):
                    checker.run(seconds, pace=lambda _: 0.05)
                    for act in acts:
                        act(replica)
                        checker.run(seconds, pace=lambda _: 0.05)
                used = used_reads(port)
        return checker, used

    return check


def pause(replica):
    replica.execute("SELECT pg_wal_replay_pause()")


def resume(replica):
    replica.execute("SELECT pg_wal_replay_resume()")


def kill(replica):
    replica.stop(signal.SIGKILL)


def promote(replica):
    replica.execute("SELECT pg_promote()")


def test_no_answer_is_wrong_or_an_error_whatever_happens_to_the_replica(check):
    checker, used = check(pause, resume, kill, Node.start, promote)
    assert checker.faults == checker.refused == []
    assert used > 50


def test_the_checker_finds_reads_on_a_replica_that_is_behind(check, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "from newsapi.cache.read_router import ReadRouter\nReadRouter._is_up_to_date = lambda *_: True\n"
    )
    path = f"{tmp_path}{os.pathsep}{os.pathsep.join(sys.path)}"
    checker, _ = check(pause, seconds=2.5, PYTHONPATH=path)
    assert any("as of" in fault for fault in checker.faults)
