"""The check before production uses each service that the settings name, and creates nothing."""

import re
import sqlite3
from datetime import timedelta

import psycopg
import pytest
import redis

from newsapi.cli import service_checks
from newsapi.db.clock import utc_now
from tests.subscriptions.conftest import MailServer
from tests.support import servers
from tests.support.fake_servers import Elsewhere
from tests.support.processes import free_port

QUIET = {"NEWSAPI_API_URL": "https://api.example.com", "NEWSAPI_RATE_LIMITS": "10,10"}


@pytest.fixture
def check(newsapi, sqlite_url):
    """Return the lines that the check prints, of a database that is as it should be unless another is given."""

    def check(**settings):
        done = newsapi("check-config", **{**QUIET, "NEWSAPI_DATABASE_URL": sqlite_url, **settings})
        assert done.returncode == (done.stdout != "No problems found.\n")
        return [line for line in done.stdout.splitlines() if line != "No problems found."]

    return check


@pytest.fixture
def closed():
    return f"127.0.0.1:{free_port()}"


def test_of_services_that_respond_nothing_is_said(check, pytestconfig):
    cdn, mail = Elsewhere(), MailServer()
    try:
        assert (
            check(
                NEWSAPI_REDIS_URL=servers.redis_url(pytestconfig),
                NEWSAPI_PURGE_URL=f"varnish+{cdn.url}",
                NEWSAPI_SMTP_URL=mail.url,
                NEWSAPI_MAIL_FROM="News <news@example.com>",
                NEWSAPI_SECRET_KEY="a secret of thirty-two characters",
            )
            == []
        )
    finally:
        cdn.close()
        mail.close()
    assert [asked.words for asked in cdn.asked] == [{"newsapi-probe"}]
    assert mail.mails == []


def test_a_sqlite_file_that_is_missing_is_not_created(check, tmp_path):
    [line] = check(NEWSAPI_DATABASE_URL="sqlite:///other.sqlite3")
    assert "the file other.sqlite3 does not exist" in line
    [line] = check(NEWSAPI_DATABASE_URL="")
    assert "the file newsapi.sqlite3 does not exist" in line
    assert {path.name for path in tmp_path.iterdir()} <= {"news.sqlite3"}


def test_tables_that_are_missing_are_not_created(check, tmp_path):
    sqlite3.connect(tmp_path / "empty.sqlite3").execute("CREATE TABLE other (id)").connection.close()
    [line] = check(NEWSAPI_DATABASE_URL="sqlite:///empty.sqlite3")
    assert "run `newsapi db upgrade`" in line
    with sqlite3.connect(tmp_path / "empty.sqlite3") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("other",)]


def test_a_file_that_is_no_database_is_named(check, tmp_path):
    (tmp_path / "text.sqlite3").write_text("This is a text. " * 100)
    [line] = check(NEWSAPI_DATABASE_URL="sqlite:///text.sqlite3")
    assert "it is not a SQLite database" in line


def test_a_file_that_takes_no_writes_is_named(check, sqlite_url, tmp_path):
    """The lock of a writer stands for a file system that is read-only: the tests may run as root."""
    writer = sqlite3.connect(tmp_path / "news.sqlite3", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    [line] = check()
    assert "another process has locked it" in line
    writer.close()
    assert check() == []


def test_a_postgresql_that_does_not_respond_is_named_and_not_its_password(check, closed):
    [line] = check(NEWSAPI_DATABASE_URL=f"postgresql://anna:geheim@{closed}/news")
    assert line.startswith(f"NEWSAPI_DATABASE_URL: the database cannot be used: PostgreSQL at {closed}")
    assert "geheim" not in line


def test_a_postgresql_without_tables_and_a_replica_that_is_none_are_named(check, pytestconfig, postgresql_url, closed):
    with servers.database(servers.database_url(pytestconfig)) as empty:
        [line] = check(NEWSAPI_DATABASE_URL=empty)
        assert "run `newsapi db upgrade`" in line
        replicas = f"{empty},postgresql://postgres@{closed}/news"
        lines = check(NEWSAPI_DATABASE_URL=postgresql_url, NEWSAPI_DATABASE_REPLICA_URLS=replicas)
        with psycopg.connect(empty.replace("+psycopg", "")) as connection:
            assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    assert len(lines) == 2
    assert "check that it replicates it" in lines[0]
    assert f"a replica cannot be used: PostgreSQL at {closed}" in lines[1]


@pytest.mark.parametrize(("seconds", "word"), [(-90, "ahead of"), (90, "behind")])
def test_a_clock_that_differs_from_that_of_the_database_is_named(check, postgresql_url, monkeypatch, seconds, word):
    monkeypatch.setattr(service_checks, "utc_now", lambda: utc_now() + timedelta(seconds=seconds))
    [line] = check(NEWSAPI_DATABASE_URL=postgresql_url)
    assert re.search(rf"is (89|90|91) seconds {word} that of this machine", line)


def test_a_redis_that_is_gone_or_refuses_writes_is_named(check, closed):
    [line] = check(NEWSAPI_REDIS_URL=f"redis://{closed}/0")
    assert line.startswith("NEWSAPI_REDIS_URL: Redis does not answer")
    with servers.valkey() as url:
        redis.from_url(url).config_set("maxmemory", "1")
        [line] = check(NEWSAPI_REDIS_URL=url)
    assert line.startswith("NEWSAPI_REDIS_URL: Redis refuses commands")


def test_a_mail_server_that_is_gone_and_a_cdn_that_refuses_are_named(check, closed):
    cdn = Elsewhere()
    cdn.status = 403
    lines = check(
        NEWSAPI_SMTP_URL=f"smtp://{closed}",
        NEWSAPI_MAIL_FROM="News <news@example.com>",
        NEWSAPI_SECRET_KEY="a secret of thirty-two characters",
        NEWSAPI_PURGE_URL=f"fastly+{cdn.url}/service/x",
        NEWSAPI_PURGE_KEY="token",
    )
    cdn.close()
    assert len(lines) == 2
    assert lines[0].startswith("NEWSAPI_PURGE_URL: the CDN does not confirm a purge")
    assert lines[1].startswith("NEWSAPI_SMTP_URL: the mail server cannot be used (ConnectionRefusedError)")


def test_a_folder_of_the_search_index_that_takes_no_files_is_named(check, tmp_path):
    (tmp_path / "file").write_text("")
    [line] = check(NEWSAPI_SEARCH_INDEX=str(tmp_path / "file" / "index"))
    assert line.startswith("NEWSAPI_SEARCH_INDEX: no files can be written")
    assert check(NEWSAPI_SEARCH_INDEX=str(tmp_path / "new" / "index")) == []
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_serve_refuses_a_short_secret(newsapi, command, tmp_path):
    done = newsapi(command, NEWSAPI_SECRET_KEY="short")
    assert done.returncode == 1
    assert "NEWSAPI_SECRET_KEY is shorter than 32 characters" in done.stderr
    assert not (tmp_path / "newsapi.sqlite3").exists()
