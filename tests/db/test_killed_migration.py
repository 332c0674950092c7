"""A migration that is killed at any of its statements leaves nothing behind, and the next attempt completes it."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from newsapi.db.database import Database
from newsapi.db.types import Base
from newsapi.migrations.upgrade import is_current
from tests.support import servers

TOP = Path(__file__).parents[2]
SEED = 7
KILLS = 5
MIGRATE = """
import os, signal, sys
from sqlalchemy import Engine, event
from newsapi.db.database import Database
from newsapi.migrations.upgrade import upgrade

url, last = sys.argv[1], int(sys.argv[2])
count = 0

@event.listens_for(Engine, "after_cursor_execute")
def count_statement(*_):
    global count
    count += 1
    if count == last:
        os.kill(os.getpid(), signal.SIGKILL)

database = Database(url)
with database.connection() as connection:
    upgrade(connection)
print(count)
"""
"""Upgrades a database, and kills itself after a number of statements; 0 never comes."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, pytestconfig, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/news.sqlite3"
    else:
        with servers.database(servers.database_url(pytestconfig)) as url:
            yield url


def migrate(url, kill_after=0):
    command = [sys.executable, "-c", MIGRATE, url, str(kill_after)]
    return subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False, timeout=60)


def statement_count(tmp_path):
    done = migrate(f"sqlite:///{tmp_path}/other.sqlite3")
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.long
def test_a_migration_that_is_killed_again_and_again_is_completed_by_the_next_attempt(
    empty_url, tmp_path, record_property
):
    places = random.Random(SEED).sample(range(2, statement_count(tmp_path) + 1), KILLS)
    for place in places:
        assert migrate(empty_url, kill_after=place).returncode == -signal.SIGKILL
        database = Database(empty_url)
        with database.connection() as connection:
            assert set(inspect(connection).get_table_names()) <= {"alembic_version"}, place
        database.dispose()
    assert migrate(empty_url).returncode == 0
    database = Database(empty_url)
    with database.connection() as connection:
        assert is_current(connection)
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    database.dispose()
    record_property("measured", f"killed after statements {', '.join(map(str, sorted(places)))}; nothing was left")
