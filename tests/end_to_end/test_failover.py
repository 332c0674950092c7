"""A standby takes over from the primary: several hosts in the URL, and what a server on a standby says of itself."""

import contextlib
import dataclasses
import signal
import time

import pytest
from sqlalchemy import text

from newsapi.db import deadlines, timelines
from newsapi.db.database import Database
from newsapi.errors import Unavailable
from newsapi.keys import commands as key_commands
from newsapi.settings import Settings
from tests.support.client import EVERYTHING, Editor
from tests.support.processes import free_port, suspended
from tests.support.replication import PATIENCE, streaming

pytestmark = pytest.mark.real_time

TCP_LIMITS = ("keepalives_idle", "keepalives_interval", "keepalives_count", "user_timeout")


@pytest.fixture
def servers():
    with streaming(free_port(), free_port()) as nodes:
        yield nodes


@pytest.fixture
def database_url(servers):
    return servers[0].url


@pytest.fixture
def secret(database, servers, clock):
    secret = key_commands.create(database, "anna", EVERYTHING, now=clock())
    servers[1].await_replay(servers[0])
    return secret


def several_hosts(servers, wanted):
    """The URL of both servers as an operator writes it, as setting."""
    hosts = "&".join(f"host=127.0.0.1:{node.port}" for node in servers)
    url = f"postgresql://postgres@/postgres?{hosts}&target_session_attrs={wanted}"
    return Settings.from_env({"NEWSAPI_DATABASE_URL": url}).database_url


@pytest.mark.parametrize("wanted", ["read-write", "primary"])
def test_writes_go_to_the_promoted_standby(wanted, servers, settings, secret, build):
    primary, standby = servers
    settings = dataclasses.replace(settings, database_url=several_hosts([standby, primary], wanted))
    editor = Editor(build(settings), secret)
    editor.write(slug="before")
    standby.await_replay(primary)
    primary.stop(signal.SIGKILL)
    refused = editor.post("/v1/articles", {"headline": "x", "body_html": "<p>x</p>"})
    assert (refused.status_code, "Retry-After" in refused.headers) == (503, True)
    standby.execute("SELECT pg_promote()")
    promoted_at = time.monotonic()
    while (answer := editor.post("/v1/articles", {"headline": "x", "body_html": "<p>x</p>"})).status_code != 201:
        assert answer.status_code == 503, answer.text
        assert time.monotonic() < promoted_at + PATIENCE
        time.sleep(0.1)
    assert time.monotonic() - promoted_at < 5
    assert editor.get("/v1/articles/before").status_code == 200
    assert Editor(editor.client.application, None).get("/readyz").status_code == 200


@pytest.fixture
def forget(monkeypatch):
    """Return a function that makes this process forget the timelines, as one that has just started."""

    def forget():
        monkeypatch.setattr(timelines, "register", timelines.TimelineRegister())
        monkeypatch.setattr(deadlines, "_surveyed", set())

    forget()
    return forget


def port_of(database):
    """Return the port of the server that a database writes to."""
    with database.transaction() as session:
        return session.execute(text("SELECT current_setting('port')::integer")).scalar_one()


@contextlib.contextmanager
def opened(url, **options):
    database = Database(url, **options)
    try:
        yield database
    finally:
        database.dispose()


def test_a_primary_that_returns_after_it_was_replaced_is_not_used(servers, secret, forget):
    primary, standby = servers
    url = several_hosts(servers, "read-write")
    with opened(url) as busy, opened(url) as idle:
        assert [port_of(busy), port_of(idle)] == [primary.port] * 2
        with suspended([primary.pid, *primary.process_ids()]):  # its connections stay open, as those to a lost machine
            standby.execute("SELECT pg_promote()")
            assert port_of(busy) == standby.port
        assert primary.execute("SELECT pg_is_in_recovery()") is False
        assert [port_of(busy), port_of(idle)] == [standby.port] * 2
    forget()
    with opened(url) as started, opened(primary.url) as other:
        assert port_of(started) == standby.port
        standby.stop(signal.SIGKILL)
        for database in (started, other):
            with pytest.raises(Unavailable) as refused:
                port_of(database)
        assert "another server was promoted" in str(refused.value.__cause__)


def test_the_server_finds_out_that_the_machine_of_a_client_is_gone(servers, secret):
    """By default it keeps its sessions for two hours, and the connections that may be open are used up."""
    for url, is_replica in ((servers[0].url, False), (servers[1].url, True)):
        with opened(url, is_replica=is_replica) as database, database.read_transaction() as connection:
            limits = [connection.exec_driver_sql(f"SHOW tcp_{name}").scalar_one() for name in TCP_LIMITS]
            assert limits == ["30", "10", "3", "60000"]


def test_a_promoted_replica_does_not_take_the_place_of_the_primary(servers, secret, forget):
    primary, replica = servers
    with opened(primary.url) as database, opened(replica.url, is_replica=True) as reader:
        replica.execute("SELECT pg_promote()")
        with reader.read_transaction() as connection:
            assert connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one() is False
        assert port_of(database) == primary.port


def test_a_server_on_a_standby_is_not_ready_and_refuses_writes(servers, settings, secret, build, newsapi):
    editor = Editor(build(dataclasses.replace(settings, database_url=servers[1].url)), secret)
    answer = editor.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["parts"]["database"] == "refuses writes: it is a replica, or read-only"
    refused = editor.post("/v1/articles", {"headline": "x", "body_html": "<p>x</p>"})
    assert (refused.status_code, refused.json["type"].rpartition("/")[2]) == (503, "unavailable")
    assert refused.headers["Retry-After"]
    assert editor.get("/v1/articles").status_code == 200
    checked = newsapi("check-config", NEWSAPI_DATABASE_URL=servers[1].url)
    assert "refuses writes" in checked.stdout
    servers[1].execute("SELECT pg_promote()")
    assert editor.get("/readyz").status_code == 200
    editor.write(slug="after")


def test_a_primary_that_is_set_to_read_only_is_not_ready(servers, settings, build, secret):
    servers[0].execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
    editor = Editor(build(settings), secret)
    assert editor.get("/readyz").status_code == 503
    assert editor.post("/v1/articles", {"headline": "x", "body_html": "<p>x</p>"}).status_code == 503
