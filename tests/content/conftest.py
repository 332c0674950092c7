"""The archive, filled once a run: on SQLite, and on PostgreSQL as it knows it, knew it and never knew it."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from newsapi.db.database import Database
from tests.content import synthetic_archive as contents
from tests.support import servers

# As if the rows had never been counted: what PostgreSQL goes by right after an import.
FORGET = (
    "DELETE FROM pg_statistic WHERE starelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)",
    "UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
)


@pytest.fixture(scope="session")
def sqlite_archive(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    def build(path: Path) -> None:
        shutil.copy(sqlite_template, path)
        _fill(f"sqlite:///{path}")

    path = tmp_path_factory.mktemp("archive") / "news.sqlite3"
    shutil.copy(servers.shared_file(tmp_path_factory, "archive.sqlite3", build), path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgresql_archives(pytestconfig: pytest.Config, postgresql_template: str) -> Iterator[dict[str, str]]:
    """The archive three times: counted when it was small, counted now, never counted."""
    server = servers.database_url(pytestconfig)
    filled = servers.template(server, _fill, what="archive", source=postgresql_template)
    with ExitStack() as stack:
        stale, counted, uncounted = (stack.enter_context(servers.database(server, template=filled)) for _ in range(3))
        database = Database(counted)
        database.analyze()
        database.dispose()
        database = Database(uncounted)
        with database.connection() as connection:
            for statement in FORGET:
                connection.exec_driver_sql(statement)
            connection.commit()
        database.dispose()
        yield {"stale": stale, "counted": counted, "uncounted": uncounted}


def _fill(url: str) -> None:
    database = Database(url)
    contents.fill(database, counted_after=1_000)
    database.dispose()


@pytest.fixture(scope="session", params=["sqlite", "counted", "stale", "uncounted"])
def archive(request: pytest.FixtureRequest) -> Iterator[Database]:
    if request.param == "sqlite":
        url = request.getfixturevalue("sqlite_archive")
    else:
        url = request.getfixturevalue("postgresql_archives")[request.param]
    database = Database(url)
    yield database
    database.dispose()


@pytest.fixture
def archive_name(request: pytest.FixtureRequest) -> str:
    """Which of the archives this is."""
    return request.node.callspec.params["archive"]
