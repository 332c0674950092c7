"""What both databases promise: snapshots, reads that cannot write, writers that wait, times and ids that keep order."""

import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from sqlalchemy import column, func, literal, select, table, text, type_coerce, union_all
from sqlalchemy.exc import DatabaseError, StatementError

from newsapi.changelog.tables import ChangelogHead
from newsapi.content.tables.articles import Article
from newsapi.content.tables.terms import Brand
from newsapi.db import database as database_module
from newsapi.db.types import Id, UtcDateTime, uuid7
from newsapi.errors import MigrationsPending, Unavailable


def test_what_reads_cannot_write(database):
    with database.read_transaction() as connection, pytest.raises(DatabaseError, match=r"read-?only"):
        connection.execute(text("UPDATE changelog_head SET seq = 7"))
    with database.read_transaction() as connection, pytest.raises(DatabaseError, match=r"read-?only"):
        connection.execute(text("CREATE TABLE x (y INTEGER)"))
    with database.read_transaction() as connection:
        assert connection.execute(select(ChangelogHead.seq)).scalar_one() == 0


def test_a_reading_block_is_one_snapshot(database, make):
    count = select(func.count()).select_from(Brand)
    with database.read_transaction() as connection:
        assert connection.execute(count).scalar_one() == 0
        make.brand("fiat")
        assert connection.execute(count).scalar_one() == 0
        assert connection.execute(select(ChangelogHead.seq)).scalar_one() == 0
    with database.read_transaction() as connection:
        assert connection.execute(count).scalar_one() == 1


def test_an_error_leaves_the_connection_fit_for_the_next_read(database):
    for _ in range(12):  # more than the pool has
        with pytest.raises(MigrationsPending), database.read_transaction() as connection:
            connection.execute(text("SELECT * FROM non_esiste"))
    with database.read_transaction() as connection:
        assert connection.execute(select(ChangelogHead.id)).scalar_one() == 1


def test_a_transaction_that_fails_leaves_nothing(database, make):
    def broken():
        with database.transaction() as session:
            make._term(session, "tag", "suv")
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    with database.read_transaction() as connection:
        assert connection.execute(select(ChangelogHead.seq)).scalar_one() == 0


def test_writers_wait_for_each_other(database, make):
    """On SQLite too: what reads and then writes takes the lock before it reads."""
    failed = []

    def write(number):
        try:
            for step in range(5):
                with database.transaction() as session:
                    session.execute(select(ChangelogHead.seq).with_for_update())
                    time.sleep(0.002)
                    make._term(session, "tag", f"tag-{number}-{step}")
        except Exception as error:  # noqa: BLE001 (told below)
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with database.read_transaction() as connection:
        assert connection.execute(select(ChangelogHead.seq)).scalar_one() == 30


@pytest.mark.real_time
def test_a_reader_does_not_wait_for_a_writer(database, make):
    with database.transaction() as session:
        make._term(session, "tag", "suv")
        started = time.monotonic()
        with database.read_transaction() as connection:
            assert connection.execute(select(ChangelogHead.seq)).scalar_one() == 0
        assert time.monotonic() - started < 1


def test_postgresql_cuts_off_a_read_that_takes_too_long(postgresql_url, monkeypatch):
    monkeypatch.setattr(database_module, "READ_STATEMENT_TIMEOUT_MS", 50)
    database = database_module.Database(postgresql_url)
    with database.read_transaction() as connection, pytest.raises(DatabaseError, match="statement timeout"):
        connection.execute(select(func.pg_sleep(5)))
    with database.read_transaction() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "50ms"
        assert connection.execute(text("SHOW transaction_isolation")).scalar_one() == "repeatable read"
    database.dispose()


COUNT_SLOWLY = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT :rows) SELECT count(*) FROM n"
)


def test_sqlite_interrupts_a_read_that_executes_too_many_instructions(sqlite_url, monkeypatch):
    monkeypatch.setattr(database_module, "SQLITE_MAX_READ_CHECKS", 20)
    database = database_module.Database(sqlite_url)
    with pytest.raises(Unavailable) as refused, database.read_transaction() as connection:
        connection.execute(COUNT_SLOWLY, {"rows": 100_000_000})
    assert refused.value.cause == "SQLite interrupted a read that executed too many instructions."
    with database.read_transaction() as connection:
        assert connection.execute(COUNT_SLOWLY, {"rows": 1_000}).scalar_one() == 1_000
    database.dispose()
    background = database_module.Database(sqlite_url, long_running=True)
    with background.read_transaction() as connection:
        assert connection.execute(COUNT_SLOWLY, {"rows": 1_000_000}).scalar_one() == 1_000_000
    background.dispose()


def test_postgresql_takes_a_look_up_to_be_cheap_on_reading(postgresql_url):
    database = database_module.Database(postgresql_url)
    with database.read_transaction() as connection:
        assert connection.execute(text("SHOW random_page_cost")).scalar_one() == "1.1"
    database.dispose()


def test_sqlite_is_set_up_to_lose_nothing(sqlite_url):
    database = database_module.Database(sqlite_url)
    for way, waits in (
        (database.connection, database_module.SQLITE_BEGIN_TIMEOUT_MS),
        (database.read_transaction, 5_000),
    ):
        with way() as connection:
            found = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": waits}
    database.dispose()


def test_who_cannot_begin_to_write_in_time_is_told_in_our_words(sqlite_url, monkeypatch):
    monkeypatch.setattr(database_module, "SQLITE_BUSY_TIMEOUT_MS", 50)
    first, second = (database_module.Database(sqlite_url) for _ in range(2))
    with first.transaction() as session:
        session.execute(text("UPDATE changelog_head SET seq = seq"))
        with pytest.raises(Unavailable), second.transaction() as other:
            other.execute(text("UPDATE changelog_head SET seq = seq"))
        with second.read_transaction() as connection:
            assert connection.execute(text("SELECT seq FROM changelog_head")).scalar_one() == 0
    with second.transaction() as session:
        session.execute(text("UPDATE changelog_head SET seq = seq"))
    first.dispose()
    second.dispose()


def returned(database, value, type_):
    """A value as it comes back from the database, and whether it is null there."""
    with database.read_transaction() as connection:
        return connection.execute(select(literal(value, type_))).scalar_one()


@pytest.mark.parametrize(
    "value",
    [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        None,
    ],
)
def test_a_time_comes_back_to_the_microsecond(database, value):
    assert returned(database, value, UtcDateTime()) == value


def test_a_time_comes_back_in_utc(database):
    there = datetime(2026, 3, 29, 3, tzinfo=timezone(timedelta(hours=14)))
    found = returned(database, there, UtcDateTime())
    assert found == there
    assert found.utcoffset() == timedelta(0)


def test_a_time_without_an_offset_is_refused(database):
    with pytest.raises(StatementError, match="without an offset"):
        returned(database, datetime(2026, 1, 1), UtcDateTime())  # noqa: DTZ001 (that is the point)


def test_ids_come_back_and_are_ordered_by_their_bytes(database):
    ids = [UUID(int=number) for number in (0, 1, 1 << 63, 1 << 64, 255 << 120, (1 << 128) - 1)] + [uuid7(), uuid7()]
    rows = union_all(*(select(literal(id_, Id()).label("id")) for id_ in reversed(ids))).subquery()
    with database.read_transaction() as connection:
        found = connection.execute(select(type_coerce(rows.c.id, Id())).order_by(rows.c.id)).scalars().all()
    assert found == sorted(ids)


def test_slugs_are_ordered_by_their_bytes(database, make):
    slugs = ["a-b", "a0", "aa", "a", "b-1", "b1", "z"]
    for slug in slugs:
        make.tag(slug)
    found = select(column("slug")).select_from(table("tag")).order_by(column("slug"))
    with database.read_transaction() as connection:
        assert connection.execute(found).scalars().all() == sorted(slugs)


def test_ids_are_of_version_7_and_grow_with_time():
    ids = []
    for _ in range(5):
        ids.append(uuid7())
        time.sleep(0.002)
    assert ids == sorted(ids)
    assert {id_.version for id_ in ids} == {7}
    assert {id_.variant for id_ in ids} == {"specified in RFC 4122"}
    assert len({uuid7() for _ in range(10_000)}) == 10_000
    assert abs((ids[-1].int >> 80) / 1000 - time.time()) < 1


def test_a_missing_value_is_null_and_not_the_word(database, make):
    article = make.article(image=None)
    with database.read_transaction() as connection:
        assert connection.execute(select(Article.id).where(Article.image.is_(None))).scalar_one() == article
