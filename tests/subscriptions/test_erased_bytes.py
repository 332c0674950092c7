"""What is erased leaves the files of SQLite."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from newsapi.db.database import Database
from tests.subscriptions.conftest import token

ADDRESS = b"lettori.example"


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


def stored_bytes(database):
    """The database file and its write-ahead log, as they are on disk."""
    path = Path(database.url.database)
    return b"".join(file.read_bytes() for file in (path, path.with_name(f"{path.name}-wal")) if file.exists())


def checkpoint(database):
    with database.connection() as connection, closing(connection.connection.cursor()) as cursor:
        cursor.execute("PRAGMA wal_checkpoint(FULL)")


@pytest.fixture
def manage(subscribe):
    return token(subscribe("lucia@lettori.example"), "manage")


def test_the_address_is_in_the_files_before(manage, database):
    assert ADDRESS in stored_bytes(database)


@pytest.mark.parametrize("is_checkpointed", [False, True], ids=["log", "file"])
@pytest.mark.parametrize("way", ["api", "page", "bounce"])
def test_an_erased_address_is_in_no_file(manage, database, post, client, publish, work, server, is_checkpointed, way):
    if is_checkpointed:
        checkpoint(database)
        assert ADDRESS in Path(database.url.database).read_bytes()
    if way == "api":
        assert post("erase", {"token": manage}).status_code == 204
    elif way == "page":
        form = {"do": "erase", "token": manage}
        assert client.post("/subscriptions", data=form).status_code == 200
    else:
        server.answer = lambda _: "550 5.1.1 User unknown"
        publish()
        work()
    assert ADDRESS not in stored_bytes(database)
    checkpoint(database)
    assert ADDRESS not in stored_bytes(database)


def test_among_many(subscribe, database, post):
    """Pages that are split, merged and freed keep no copy."""
    tokens = [token(subscribe(f"reader{number}@lettori.example"), "manage") for number in range(60)]
    checkpoint(database)
    for each in tokens[::-1][::2] + tokens[::2]:
        assert post("erase", {"token": each}).status_code == 204
    assert ADDRESS not in stored_bytes(database)


def test_whoever_leaves_is_erased_by_the_next_clean_up(subscribe, publish, work, server, post, database, clock):
    subscribe("lucia@lettori.example")
    publish()
    work()
    assert post("unsubscribe", {"token": token(server.mails[-1], "leave")}).status_code == 204
    clock.forward(minutes=11)
    work()
    assert ADDRESS not in stored_bytes(database)


def test_a_reader_delays_it_to_the_next_clean_up(manage, database, post, clock, work):
    with database.read_transaction() as connection:
        connection.execute(sql("SELECT count(*) FROM subscriber"))
        assert post("erase", {"token": manage}).status_code == 204
        assert ADDRESS in stored_bytes(database)
    clock.forward(minutes=11)
    work()
    assert ADDRESS not in stored_bytes(database)


def test_an_erasure_succeeds_though_the_log_cannot_be_emptied(manage, database, post, app):
    engine = app.extensions["newsapi"].database._nowait_writer
    with engine.connect():  # the only connection of its pool
        assert post("erase", {"token": manage}).status_code == 204


@pytest.mark.parametrize("writer", ["transaction", "try_transaction"])
def test_every_writer_overwrites_what_it_deletes(database, writer):
    with getattr(database, writer)() as session:
        assert session.execute(sql("PRAGMA secure_delete")).scalar() == 1


def test_postgresql_looks_after_its_own_log(postgresql_url):
    with closing(_Disposed(postgresql_url)) as database:
        assert database.truncate_write_ahead_log() is True


class _Disposed(Database):
    close = Database.dispose
