"""Prepared statements of reads on PostgreSQL: they stay from read to read, and their loss is not noticed."""

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from newsapi.changelog.tables import ChangelogHead
from newsapi.content.queries import facets
from newsapi.content.tables.terms import Brand
from newsapi.db import compiled_queries
from newsapi.db.database import PREPARE_THRESHOLD, Database
from newsapi.errors import Unavailable

HEAD = select(ChangelogHead.seq)
BRANDS = select(func.count()).select_from(Brand)
PREPARED = text("SELECT count(*) FROM pg_prepared_statements")
ENOUGH = PREPARE_THRESHOLD + 1


@pytest.fixture
def single(postgresql_url):
    """A database whose reads all use one connection."""
    database = Database(postgresql_url, pool_size=1)
    yield database
    database.dispose()


def read_head(database, times=1):
    for _ in range(times):
        with database.read_transaction() as connection:
            assert compiled_queries.fetch_rows(connection, HEAD, {}) == [(0,)]


def prepared(database):
    with database.read_transaction() as connection:
        return connection.execute(PREPARED).scalar_one()


def session_id(database):
    with database.read_transaction() as connection:
        return connection.connection.driver_connection.info.backend_pid


def run_in_session(database, statement):
    """Run a statement in the session of the reads, without psycopg's knowledge of what it does."""
    with database.read_transaction() as connection:
        connection.connection.driver_connection.pgconn.exec_(statement)


def test_a_frequent_statement_is_prepared_and_stays_from_read_to_read(single):
    read_head(single, PREPARE_THRESHOLD)
    assert prepared(single) == 0
    read_head(single, 3)
    assert prepared(single) == 1


def test_a_list_is_prepared_with_its_filters(single):
    for _ in range(ENOUGH):
        with single.read_transaction() as connection:
            facets.resolve_filters(connection, {"brand": ["fiat"]})
    assert prepared(single) == 1


def test_the_setting_turns_prepared_statements_off(postgresql_url):
    database = Database(postgresql_url, pool_size=1, prepared_statements=False)
    read_head(database, 2 * ENOUGH)
    with database.transaction() as session:
        for _ in range(2 * ENOUGH):
            session.execute(HEAD)
        assert session.execute(PREPARED).scalar_one() == 0
    assert prepared(database) == 0
    database.dispose()


def test_the_loss_of_all_prepared_statements_is_not_noticed(single):
    read_head(single, ENOUGH)
    pid = session_id(single)
    run_in_session(single, b"DEALLOCATE ALL")
    assert prepared(single) == 0
    read_head(single, 2 * ENOUGH)
    assert session_id(single) == pid
    assert prepared(single) >= 1


def test_statements_of_another_session_are_prepared_anew(single):
    read_head(single, ENOUGH)
    run_in_session(single, b"DEALLOCATE ALL")
    run_in_session(single, b"PREPARE _pg3_0 AS SELECT 7::bigint")  # that of another client of a pooler
    with single.read_transaction() as connection:  # the name is known, its statement is not ours
        assert compiled_queries.fetch_rows(connection, BRANDS, {}) == [(0,)]


def test_a_migration_may_change_the_type_of_a_column_that_is_read(single, postgresql_url):
    with single.connection() as connection:
        connection.execute(text("CREATE TABLE extra (n integer)"))
        connection.execute(text("INSERT INTO extra VALUES (7)"))
        connection.commit()
    extra = text("SELECT n FROM extra")
    for _ in range(ENOUGH):
        with single.read_transaction() as connection:
            assert connection.execute(extra).scalar_one() == 7
    assert prepared(single) == 1
    with single.connection() as connection:
        connection.execute(text("ALTER TABLE extra ALTER n TYPE text"))
        connection.commit()
    for _ in range(2):
        with single.read_transaction() as connection:
            assert connection.execute(extra).scalar_one() == "7"


def test_a_read_that_has_begun_does_not_continue_in_another_snapshot(single):
    def read_both():
        with single.read_transaction() as connection:
            assert connection.execute(BRANDS).scalar_one() == 0
            compiled_queries.fetch_rows(connection, HEAD, {})

    read_head(single, ENOUGH)
    run_in_session(single, b"DEALLOCATE ALL")
    with pytest.raises(Unavailable):
        read_both()
    read_both()


def test_a_read_of_several_prepared_statements_is_one_snapshot(single):
    def read_both(*, write=False):
        with single.read_transaction() as connection:
            before = connection.execute(BRANDS).scalar_one()
            if write:
                with single.transaction() as session:
                    session.execute(text("UPDATE changelog_head SET seq = 7"))
            return before, connection.execute(HEAD).scalar_one()

    assert [read_both() for _ in range(ENOUGH)] == [(0, 0)] * ENOUGH
    assert read_both(write=True) == (0, 0)
    assert read_both() == (0, 7)


def test_no_transaction_stays_open_after_a_read(single):
    read_head(single)
    pid = session_id(single)
    with single.connection() as connection:
        state = text("SELECT state FROM pg_stat_activity WHERE pid = :pid")
        assert connection.execute(state, {"pid": pid}).scalar_one() == "idle"


def test_after_a_cancelled_statement_the_connection_is_used_again(single):
    read_head(single, ENOUGH)
    pid = session_id(single)
    with single.read_transaction() as connection, pytest.raises(DBAPIError, match="statement timeout"):
        connection.execute(select(func.pg_sleep(5)))
    read_head(single, ENOUGH)
    assert session_id(single) == pid


def test_after_the_session_was_ended_reads_get_a_new_one(single, postgresql_url):
    read_head(single, ENOUGH)
    pid = session_id(single)
    with psycopg.connect(postgresql_url.replace("+psycopg", "", 1), autocommit=True) as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    read_head(single, ENOUGH)
    assert session_id(single) != pid
