"""A database that cannot be used names the cause to operators, in one line and without the password."""

import os
import socket
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from newsapi.db.database import Database
from newsapi.db.failures import describe_failure
from newsapi.errors import Unavailable
from tests.support import servers


def cause_of(url):
    """Return the cause that a read of the database gives."""
    database = Database(url)
    try:
        with pytest.raises(Unavailable) as failed, database.read_transaction() as connection:
            connection.exec_driver_sql("SELECT 1 FROM changelog_head")
    finally:
        database.dispose()
    assert failed.value.cause
    assert "\n" not in failed.value.cause
    assert str(failed.value) == "The database is not responding."
    return failed.value.cause


def test_a_missing_folder(tmp_path):
    path = tmp_path / "missing" / "news.sqlite3"
    expected = f"SQLite cannot use {path}: the folder {path.parent} does not exist."
    assert cause_of(f"sqlite:///{path}") == expected


def test_a_folder_in_place_of_the_file(tmp_path):
    assert cause_of(f"sqlite:///{tmp_path}") == f"SQLite cannot use {tmp_path}: it is a folder."


def test_another_file(tmp_path):
    path = tmp_path / "news.sqlite3"
    path.write_bytes(b"This is a text of some length, and no database at all. " * 40)
    assert cause_of(f"sqlite:///{path}") == f"SQLite cannot use {path}: it is not a SQLite database."


def test_a_damaged_file(sqlite_url):
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    content = bytearray(path.read_bytes())
    content[100:4_000] = b"\xff" * 3_900
    path.write_bytes(content)
    assert cause_of(sqlite_url).startswith(f"SQLite cannot use {path}: ")


def test_a_locked_file(sqlite_url, monkeypatch):
    monkeypatch.setattr("newsapi.db.database.SQLITE_BUSY_TIMEOUT_MS", 10)
    path = sqlite_url.removeprefix("sqlite:///")
    database = Database(sqlite_url)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable) as failed, database.transaction() as session:
            session.connection()
    other.close()
    database.dispose()
    assert failed.value.cause == f"SQLite cannot use {path}: another process has locked it."


UNPRIVILEGED = """
import encodings.idna, importlib.readers, os, sys, tempfile
import newsapi.cli.processes
from newsapi.cli.main import main
main.get_command(None, sys.argv[1])
if os.geteuid() == 0:
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:  # imports what this user may not read afterwards
        os.chdir(folder)
        main(["db", "upgrade"], standalone_mode=False)
        os.chdir(here)
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
sys.stdout.write("---")
main()
"""


def run_unprivileged(folder, *words, **settings):
    """Run the command line in a folder as a user who may not do everything."""
    environ = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": os.environ["PATH"], **settings}
    command = [sys.executable, "-c", UNPRIVILEGED, *words]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=90)
    assert "Traceback" not in done.stderr
    assert done.stdout.rpartition("---")[2] == ""
    return done.returncode, done.stderr


@pytest.fixture
def shared_folder(tmp_path):
    """A folder that every user may enter."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == tmp_path.owner() and folder.is_relative_to("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path


@pytest.mark.parametrize("words", [("db", "upgrade"), ("keys", "list")], ids=" ".join)
def test_a_read_only_folder(shared_folder, words):
    shared_folder.chmod(0o555)
    reason = f"the folder {shared_folder} is read-only"
    expected = f"Error: The database is not responding. SQLite cannot use newsapi.sqlite3: {reason}.\n"
    assert run_unprivileged(shared_folder, *words) == (1, expected)


def test_a_read_only_file(shared_folder, sqlite_url):
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.chmod(0o444)
    shared_folder.chmod(0o777)
    expected = f"Error: The database is not responding. SQLite cannot use {path}: the file is read-only.\n"
    assert run_unprivileged(
        shared_folder, "keys", "create", "x", "--scope", "admin", NEWSAPI_DATABASE_URL=sqlite_url
    ) == (1, expected)


@pytest.mark.skipif(os.geteuid() != 0, reason="the file belongs to this user")
def test_a_settings_file_of_another_user(shared_folder):
    (shared_folder / ".env").write_text("NEWSAPI_PORT=1\n")
    (shared_folder / ".env").chmod(0o000)
    expected = (1, "Error: The file .env cannot be read: Permission denied\n")
    assert run_unprivileged(shared_folder, "db", "upgrade") == expected


def test_a_demo_in_a_read_only_folder(shared_folder):
    shared_folder.chmod(0o555)
    status, message = run_unprivileged(shared_folder, "demo")
    assert (status, message[:7], message.count("\n")) == (1, "Error: ", 1)
    assert "read-only" in message or "denied" in message


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


@pytest.fixture
def server(pytestconfig):
    return make_url(servers.database_url(pytestconfig))


def with_url(server, **parts):
    return server.set(**parts).render_as_string(hide_password=False)


def test_no_such_database(server):
    assert 'database "nowhere" does not exist' in cause_of(with_url(server, database="nowhere"))


def test_no_such_role(server):
    assert 'role "nobody-here"' in cause_of(with_url(server, username="nobody-here", password="hunter2"))


def test_no_server_at_the_port():
    cause = cause_of("postgresql+psycopg://anna:hunter2@127.0.0.1:1/news")
    assert cause.startswith("PostgreSQL at 127.0.0.1:1, database news: ")
    assert "refused" in cause
    assert "hunter2" not in cause


def test_a_server_that_does_not_reply():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        cause = cause_of(f"postgresql+psycopg://anna:hunter2@127.0.0.1:{port}/news")
    assert cause.endswith("the database server did not reply in time.")


def test_the_log_has_the_cause_and_clients_do_not_get_it(settings, build):
    url = "postgresql+psycopg://anna:hunter2@127.0.0.1:1/news"
    client = build(replace(settings, database_url=url)).test_client()
    with capture_logs() as lines:
        answer = client.get("/v1/articles")
    assert answer.status_code == 503
    assert not any(word in answer.text for word in ("127.0.0.1", "hunter2", "anna", "refused"))
    causes = [line["cause"] for line in lines if line["event"] in {"unavailable", "changelog unavailable"}]
    assert any(cause.startswith("PostgreSQL at 127.0.0.1:1, database news: ") for cause in causes)
    assert any("refused" in cause for cause in causes)
    assert "hunter2" not in str(lines)


def test_no_such_host():
    cause = cause_of("postgresql+psycopg://anna:hunter2@nowhere.invalid/news")
    assert cause.startswith("PostgreSQL at nowhere.invalid, database news: ")
    assert "resolve" in cause or "known" in cause


@pytest.mark.parametrize("query", ["foo=bar", "sslmode=foo", "connect_timeout=x"])
def test_an_unknown_option(server, query):
    assert cause_of(
        with_url(server)
        + ("&" if "?" in with_url(server) else "")
        + query.lstrip("?" if "?" in with_url(server) else "")
    )


def test_no_privileges(server, pytestconfig, postgresql_url):
    database = Database(postgresql_url)
    with database.connection() as connection:
        connection.exec_driver_sql("CREATE ROLE reader_only LOGIN")
        connection.commit()
    database.dispose()
    try:
        assert "permission denied" in cause_of(with_url(make_url(postgresql_url), username="reader_only"))
    finally:
        database = Database(postgresql_url)
        with database.connection() as connection:
            connection.exec_driver_sql("DROP ROLE reader_only")
            connection.commit()
        database.dispose()


def test_a_server_that_only_reads(postgresql_url):
    database = Database(postgresql_url)
    statement = "SET TRANSACTION READ ONLY; DELETE FROM facet"
    with pytest.raises(Unavailable) as failed, database.transaction() as session:
        session.connection().exec_driver_sql(statement)
    database.dispose()
    assert "read-only transaction" in failed.value.cause


def test_a_password_in_a_message_is_hidden():
    url = make_url("postgresql://anna:hunter2@db/news")
    assert "hunter2" not in describe_failure(RuntimeError('invalid "hunter2" in connection'), url)
