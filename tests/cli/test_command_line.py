"""The commands as they are typed: what they say, and with which status they end."""

import os
import pty
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from newsapi.cli.main import main
from tests.support import servers
from tests.support.import_records import archive, article, lines
from tests.support.processes import free_port

NEWSAPI = Path(sys.executable).with_name("newsapi")


@pytest.fixture
def bare_postgresql(pytestconfig):
    """A database on PostgreSQL without any table."""
    with servers.database(servers.database_url(pytestconfig)) as url:
        yield url.replace("postgresql+psycopg://", "postgresql://")


@pytest.fixture
def news(tmp_path):
    file = tmp_path / "news.ndjson"
    file.write_bytes(lines(article("velar"), article("evoque")))
    return file


def test_help_names_every_command(newsapi_process):
    done = newsapi_process("--help")
    assert done.returncode == 0
    assert {"serve", "worker", "demo", "import", "export", "db", "openapi"} <= set(done.stdout.split())


@pytest.mark.parametrize(
    "words",
    [["serve"], ["worker"], ["demo"], ["import"], ["export"], ["db"], ["db", "upgrade"], ["openapi"]],
    ids=" ".join,
)
def test_every_command_explains_itself(words):
    done = CliRunner().invoke(main, [*words, "--help"])
    assert done.exit_code == 0
    assert done.output.count("\n") > 3


def test_an_import_says_what_became_of_the_lines(newsapi, news):
    done = newsapi("import", news)
    assert (done.returncode, done.stdout) == (0, "2 created, 0 updated, 0 unchanged, 0 rejected\n")
    assert done.stderr == "Format: ndjson\n"
    done = newsapi("import", "--format", "ndjson", news)
    assert (done.returncode, done.stdout) == (0, "0 created, 0 updated, 2 unchanged, 0 rejected\n")


def test_an_import_names_rejected_lines_and_ends_with_status_1(newsapi, tmp_path):
    file = tmp_path / "news.ndjson"
    file.write_bytes(lines(article("velar"), b"[]", article("evoque", authors=["anna"]), article("defender")))
    done = newsapi("import", file)
    assert (done.returncode, done.stdout) == (1, "2 created, 0 updated, 0 unchanged, 2 rejected\n")
    assert done.stderr.splitlines() == [
        "Format: ndjson",
        "line 2: the whole record: expected an object, not a list",
        "line 3: /authors/0: there is no author anna",
    ]


def test_an_import_shows_its_progress_on_a_terminal(newsapi, tmp_path):
    file = tmp_path / "news.ndjson"
    file.write_bytes(lines(*archive(600), b"[]"))
    terminal, end = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("NEWSAPI_")}
    process = subprocess.Popen(
        [NEWSAPI, "import", file], cwd=tmp_path, env={**environ, "TERM": "xterm"}, stdout=subprocess.PIPE, stderr=end
    )
    os.close(end)
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # Linux, where the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(terminal)
    output, _ = process.communicate(timeout=40)
    assert b"600 created" not in shown
    assert b"1 rejected" in output
    assert b"news.ndjson" in shown
    assert b"100%" in shown
    assert b"\r\x1b[Kline 621: the whole record" in shown  # on a line of its own, not behind the bar


@pytest.mark.parametrize("size", [0, 1])
def test_an_import_of_nothing_is_an_error(newsapi, tmp_path, size):
    (tmp_path / "news.ndjson").write_bytes(b"\n" * size)
    done = newsapi("import", "--format", "ndjson", "news.ndjson")
    assert (done.returncode, done.stdout) == (1, "0 created, 0 updated, 0 unchanged, 0 rejected\n")
    assert done.stderr == "Error: nothing was found to import: the file seems to be an empty file\n"
    done = newsapi("import", "news.ndjson")
    assert (done.returncode, done.stdout) == (2, "")
    assert "an empty file" in done.stderr


def test_an_import_without_its_file_is_a_clear_message(newsapi):
    done = newsapi("import", "nothing.ndjson")
    assert done.returncode == 2
    assert "nothing.ndjson" in done.stderr
    assert "Traceback" not in done.stderr


def test_postgresql_without_tables_is_told_what_to_run_and_then_works(newsapi_process, bare_postgresql, news):
    settings = {"NEWSAPI_DATABASE_URL": bare_postgresql, "NEWSAPI_PORT": str(free_port())}
    for words in (["import", news], ["serve"]):
        done = newsapi_process(*words, **settings)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "Error: The database is not up to date; run `newsapi db upgrade`.\n"
    for _ in range(2):
        done = newsapi_process("db", "upgrade", **settings)
        assert (done.returncode, done.stdout, done.stderr) == (0, "The database is up to date.\n", "")
    done = newsapi_process("import", news, **settings)
    assert (done.returncode, done.stdout) == (0, "2 created, 0 updated, 0 unchanged, 0 rejected\n")


def test_a_sqlite_file_is_made_where_there_is_none(newsapi, tmp_path):
    assert newsapi("db", "upgrade").returncode == 0
    with sqlite3.connect(tmp_path / "newsapi.sqlite3") as connection:
        assert connection.execute("SELECT seq FROM changelog_head").fetchall() == [(0,)]
    connection.close()


def test_settings_are_read_from_a_file_and_the_environment_wins(newsapi, tmp_path):
    (tmp_path / ".env").write_text("NEWSAPI_DATABASE_URL=sqlite:///from-file.sqlite3\nNEWSAPI_PORT=80\n")
    newsapi("db", "upgrade")
    newsapi("db", "upgrade", NEWSAPI_DATABASE_URL="sqlite:///from-environment.sqlite3")
    assert (tmp_path / "from-file.sqlite3").exists()
    assert (tmp_path / "from-environment.sqlite3").exists()


INVALID_ENV_FILES = [
    (b"NEWSAPI_PUBLISHER=Caff\xe8\n", "is not text in UTF-8 (line 1)"),
    ("NEWSAPI_PORT=1\nNEWSAPI_HOST=x\n".encode("utf-16"), "is not text in UTF-8 (line 1)"),
    (b"A=1\nNEWSAPI_PORT=8000\0\n", "contains a NUL character (line 2)"),
    (b"A=1\n\nNEWSAPI_PORT 8000\n", "has a line that is not NAME=VALUE (line 3)"),
    (b"NEWSAPI_PORT\n", "has a line that is not NAME=VALUE (line 1)"),
    (b"NEWSAPI_PUBLISHER='open\n", "has a line that is not NAME=VALUE (line 1)"),
]


@pytest.mark.parametrize(("content", "reason"), INVALID_ENV_FILES)
def test_a_settings_file_that_cannot_be_read_is_one_sentence(newsapi, tmp_path, content, reason):
    (tmp_path / ".env").write_bytes(content)
    done = newsapi("db", "upgrade")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"Error: The file .env {reason}\n")
    assert [file.name for file in tmp_path.iterdir()] == [".env"]


def test_a_mistyped_setting_in_the_file_is_refused_too(newsapi, tmp_path):
    (tmp_path / ".env").write_text("NEWSAPI_DATABSE_URL=sqlite:///a.sqlite3\n")
    done = newsapi("db", "upgrade")
    assert done.returncode == 1
    assert done.stderr.endswith("the most similar setting is NEWSAPI_DATABASE_URL\n")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfNEWSAPI_DATABASE_URL=sqlite:///from-file.sqlite3\n",
        b"NEWSAPI_DATABASE_URL=sqlite:///from-file.sqlite3\r\n",
        b"what is this\nOTHER\nexport NEWSAPI_DATABASE_URL='sqlite:///from-file.sqlite3' # here\n",
        b"NAME=from-file\nNEWSAPI_DATABASE_URL=sqlite:///${NAME}.sqlite3",
    ],
    ids=["BOM", "CRLF", "lines of others", "variable"],
)
def test_a_settings_file_may_be_written_in_several_ways(newsapi, tmp_path, content):
    (tmp_path / ".env").write_bytes(content)
    done = newsapi("db", "upgrade")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "from-file.sqlite3").exists()


def test_a_folder_with_the_name_of_the_settings_file_is_ignored(newsapi, tmp_path):
    (tmp_path / ".env").mkdir()
    assert newsapi("db", "upgrade").returncode == 0


def test_openapi_prints_the_document_and_needs_no_database(newsapi, tmp_path):
    done = newsapi("openapi", NEWSAPI_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 0
    assert yaml.safe_load(done.stdout)["openapi"].startswith("3.")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NEWSAPI_PORT", "abc"),
        ("NEWSAPI_HOST", "999.1.1.1"),
        ("NEWSAPI_DATABASE_URL", "postgresql://user@host:port/news"),
        ("NEWSAPI_TIME_ZONE", "Roma"),
        ("NEWSAPI_SECRET_KEY", "short"),
    ],
)
def test_a_bad_setting_is_one_sentence(newsapi_process, name, value):
    done = newsapi_process("serve", **{"NEWSAPI_PORT": str(free_port()), name: value})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {name} ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "PostgreSQL at 127.0.0.1:1, database none: "),
        (
            "sqlite:////nowhere/news.sqlite3",
            "SQLite cannot use /nowhere/news.sqlite3: the folder /nowhere does not exist.",
        ),
    ],
)
@pytest.mark.parametrize("command", ["serve", "import", "db upgrade", "keys list"])
def test_a_database_that_is_not_there_is_one_line_with_its_cause(newsapi_process, news, url, cause, command):
    words = ["import", news] if command == "import" else command.split()
    done = newsapi_process(*words, NEWSAPI_DATABASE_URL=url, NEWSAPI_PORT=str(free_port()))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: The database is not responding. {cause}")
    assert done.stderr.count("\n") == 1


def test_a_mistyped_setting_is_one_sentence(newsapi):
    done = newsapi("db", "upgrade", NEWSAPI_PROT="1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: NEWSAPI_PROT is not a setting; the most similar setting is NEWSAPI_PORT\n"


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_in_use_is_one_sentence_and_nothing_is_touched(newsapi, tmp_path, command):
    (tmp_path / "newsapi-demo.sqlite3").write_bytes(b"of a demo that runs")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = newsapi(command, NEWSAPI_PORT=port)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: NEWSAPI_PORT is set to {port}, which is in use; choose another port\n"
    assert [file.name for file in tmp_path.iterdir()] == ["newsapi-demo.sqlite3"]
    assert (tmp_path / "newsapi-demo.sqlite3").read_bytes() == b"of a demo that runs"


def test_serving_an_own_database_shows_what_was_imported(newsapi, serve, news):
    newsapi("import", news)
    with serve("serve") as served:
        assert {item["slug"] for item in served.json("/v1/articles")["data"]} == {"velar", "evoque"}
        assert served.get(f"{served.base}/demo/pictures/fabbrica-batterie.jpg")[0] == 404
        assert "WARNING" not in served.printed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_demo_stops_at_once_and_begins_afresh(serve, tmp_path, number):
    with serve("demo") as served:
        first = served.json("/v1/articles?limit=1")["data"][0]["id"]
        assert not any(word in served.printed for word in ("WARNING", "ERROR", "Traceback", "line "))
        status, seconds = served.stop(number)
        assert status in {0, -number}
        assert seconds < 25  # a process that does not stop is killed after 30
        assert "Traceback" not in served.printed
    assert (tmp_path / "newsapi-demo.sqlite3").exists()
    if number == signal.SIGTERM:
        with serve("demo") as served:
            assert served.json("/v1/articles?limit=1&total=true")["page"]["total"] == 45
            assert served.json("/v1/articles?limit=1")["data"][0]["id"] != first
