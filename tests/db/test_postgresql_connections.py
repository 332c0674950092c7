"""Connections to PostgreSQL: what each transaction sets, how many there are, and their end."""

import contextlib
import socket
import time

import psycopg
import pytest
from sqlalchemy import text

from newsapi.db import deadlines
from newsapi.db.database import Database
from newsapi.errors import Unavailable


@pytest.fixture
def database_url(postgresql_url):
    return postgresql_url


def show(connection, name):
    return connection.execute(text(f"SHOW {name}")).scalar_one()


@pytest.mark.parametrize(("long_running", "timeout"), [(False, "900ms"), (True, "0")])
def test_each_read_is_one_snapshot_that_cannot_write_and_has_a_time_limit(database_url, long_running, timeout):
    database = Database(database_url, pool_size=1, long_running=long_running)
    for _ in range(2):
        with database.read_transaction() as connection:
            assert show(connection, "transaction_isolation") == "repeatable read"
            assert show(connection, "transaction_read_only") == "on"
            assert show(connection, "statement_timeout") == timeout
            assert show(connection, "random_page_cost") == "1.1"
    database.dispose()


def test_an_optional_write_waits_for_nothing(database):
    for _ in range(7):  # prepared statements do not change it
        with database.try_transaction() as session:
            assert show(session, "lock_timeout") == "50ms"
            assert show(session, "statement_timeout") == "50ms"
            assert show(session, "synchronous_commit") == "off"
    with database.transaction() as session:
        assert show(session, "lock_timeout") == "0"


def test_a_pool_opens_no_more_connections_than_it_may(database_url, monkeypatch):
    monkeypatch.setattr(deadlines, "READ_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(deadlines, "EDITOR_WRITE_TIMEOUT_SECONDS", 0.1)
    database = Database(database_url, pool_size=4)
    for open_transaction, maximum in (
        (database.read_transaction, 4),
        (database.transaction, 2),
        (database.try_transaction, 1),
    ):
        with contextlib.ExitStack() as stack:
            for _ in range(maximum):
                stack.enter_context(open_transaction()).execute(text("SELECT 1"))
            with pytest.raises(Unavailable, match="not responding"), open_transaction() as connection:
                connection.execute(text("SELECT 1"))
    with database.connection() as connection:
        names = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        assert connection.execute(names).scalar_one() == 7
    database.dispose()


@pytest.mark.parametrize("kind", ["read_transaction", "transaction", "try_transaction"])
def test_a_lost_connection_is_replaced_without_a_traceback_in_the_log(database, kind, caplog):
    open_transaction = getattr(database, kind)
    address = database.url.render_as_string(hide_password=False).replace("+psycopg", "", 1)

    def end_session(connection):
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with psycopg.connect(address) as administrator:
            administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    def read_after_the_end():
        with open_transaction() as connection:
            end_session(connection)
            connection.execute(text("SELECT 1"))

    def fail_after_the_end():  # the loss is noticed when the transaction is rolled back
        with open_transaction() as connection:
            end_session(connection)
            raise ZeroDivisionError

    with pytest.raises(Unavailable):
        read_after_the_end()
    with pytest.raises(ZeroDivisionError):
        fail_after_the_end()
    with open_transaction() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    assert caplog.records == []


@pytest.mark.real_time
@pytest.mark.parametrize(("option", "seconds"), [("", deadlines.CONNECT_TIMEOUT_SECONDS), ("?connect_timeout=1", 1.0)])
def test_the_url_may_set_the_time_limit_for_connecting(option, seconds):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        database = Database(f"postgresql+psycopg://news@127.0.0.1:{silent.getsockname()[1]}/news{option}")
        began = time.monotonic()
        with pytest.raises(Unavailable), database.read_transaction():
            pass
        assert seconds <= time.monotonic() - began < seconds + 0.3
        database.dispose()
