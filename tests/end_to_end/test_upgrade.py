"""An upgrade while the service reads and writes: migrations, new processes, one node after the other."""

import shutil
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest
from sqlalchemy import inspect

import newsapi.migrations
from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from newsapi.migrations import upgrade
from tests.support.client import EVERYTHING
from tests.support.load import Load, uncached_reads, writes
from tests.support.processes import PATIENCE, descendants, environ, free_port, serving

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

MIGRATION = '''
"""Add a column; the first time, wait in the middle of the transaction."""

import time
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
begun = Path(__file__).with_name("begun")


def upgrade():
    op.add_column("article", sa.Column("added", sa.Text()))
    if not begun.exists():
        begun.touch()
        time.sleep(60)
'''

UPGRADE = """
import sys
from pathlib import Path
from newsapi.migrations import upgrade
upgrade._FOLDER = Path(sys.argv[1])
from newsapi.cli.main import main
main(["db", "upgrade"])
"""


@pytest.fixture
def release(tmp_path, database_url):
    """The migrations of a next release, and how its `newsapi db upgrade` is started."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(newsapi.migrations.__file__).parent, folder)
    (folder / "versions" / "0002_added.py").write_text(MIGRATION)

    def start():
        command = [sys.executable, "-c", UPGRADE, str(folder)]
        with start.printed.open("w") as out:
            return subprocess.Popen(command, env=environ(NEWSAPI_DATABASE_URL=database_url), cwd=tmp_path, stdout=out)

    start.printed = tmp_path / "printed"
    start.begun = folder / "versions" / "begun"
    return start


@pytest.fixture
def key(database):
    return key_commands.create(database, "anna", EVERYTHING, now=datetime.now(UTC))


def columns(url):
    database = Database(url)
    with database.connection() as connection:
        found = {column["name"] for column in inspect(connection).get_columns("article")}
    database.dispose()
    return found


def until(condition, pause=0.1):
    end = time.monotonic() + 3 * PATIENCE  # five processes start one after the other on a busy machine
    while not condition():
        assert time.monotonic() < end
        time.sleep(pause)


def processes(served):
    return {pid for pid, command in descendants(served.process.pid) if command == "newsapi server process"}


def upgrade_during_long_read(release, url):
    """Start a migration while a read, such as an export, goes on, which ends when the migration has waited for it."""
    with psycopg.connect(url.replace("+psycopg", "", 1)) as connection:
        connection.execute("SELECT count(*) FROM article")
        started = release()
        until(lambda: "migration waits for a lock" in release.printed.read_text())
    return started


def is_ready(served):
    with urlopen(f"{served.base}/readyz", timeout=20) as response:
        return response.status == 200


def test_a_migration_and_a_reload_lose_no_request(tmp_path, database_url, release, key):
    with serving(tmp_path, "serve", NEWSAPI_DATABASE_URL=database_url) as served:
        until(lambda: len(processes(served)) == 2)
        old = processes(served)
        clients = [uncached_reads(), uncached_reads()]
        with Load([served.base], kept=[*clients, writes(key)], new=[uncached_reads()], pause=0.05) as load:
            killed = release()
            until(release.begun.exists, pause=0.005)
            killed.kill()
            killed.wait()
            assert "added" not in columns(database_url)
            assert is_ready(served)

            is_postgresql = database_url.startswith("postgresql")
            repeated = upgrade_during_long_read(release, database_url) if is_postgresql else release()
            assert repeated.wait(PATIENCE) == 0
            assert "added" in columns(database_url)
            assert is_ready(served)  # the processes of the old release
            time.sleep(1)

            served.process.send_signal(signal.SIGHUP)
            until(lambda: len(processes(served)) == 2 and not processes(served) & old)
            time.sleep(1)
        assert is_ready(served)
        sys.stdout.write(f"{load.results}, seconds of the slowest: {load.slowest}\n")
        assert set(load.results) == {200, 201}
        assert "Traceback" not in served.printed
    assert release().wait(PATIENCE) == 0  # nothing is left to do


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_nodes_that_are_restarted_in_turn_lose_no_request(tmp_path, database_url, key):
    ports = [free_port(), free_port()]
    with ExitStack() as nodes:

        def start(number):
            index = str(tmp_path / f"index-{number}")
            settings = {"NEWSAPI_DATABASE_URL": database_url, "NEWSAPI_SEARCH_INDEX": index, "NEWSAPI_PROCESSES": "1"}
            return nodes.enter_context(serving(tmp_path, "serve", port=ports[number], **settings))

        first, second = start(0), start(1)
        clients = [uncached_reads(), writes(key)]
        with Load([first.base, second.base], kept=clients, new=[uncached_reads()], pause=0.05) as load:
            time.sleep(1)
            assert first.stop()[0] == 0
            start(0)
            time.sleep(1)
            assert second.stop()[0] == 0
            start(1)
            time.sleep(1)
        sys.stdout.write(f"{load.results}, seconds of the slowest: {load.slowest}\n")
        assert set(load.results) == {200, 201}
        assert load.results[201] > 20


def test_older_code_accepts_the_tables_of_a_later_release_and_no_others(database):
    with database.connection() as connection:
        for revision, is_accepted in (("0002", True), ("0001", True), ("0000", False), ("ae10", False)):
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
            assert upgrade.is_current(connection) is is_accepted
