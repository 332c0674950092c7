"""Fixtures of all tests: databases, applications, a clock that the test moves, executed statements."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event

from newsapi.db.database import Database
from newsapi.migrations.upgrade import upgrade
from newsapi.search import freshness
from newsapi.settings import Settings
from tests.support import servers
from tests.support.applications import ApplicationPool, stop_clock
from tests.support.compiled_statements import share_compiled_statements
from tests.support.factories import Make

pytest_plugins = (
    "tests.support.client",
    "tests.support.content",
    "tests.support.events",
    "tests.support.invariants",  # before those that import it, so that pytest rewrites its assertions
    "tests.support.imports",
    "tests.support.mirror",
    "tests.support.processes",
)


class Clock:
    """A clock that a test sets and moves."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **delta: float) -> None:
        self.time += timedelta(**delta)


def pytest_configure(config: pytest.Config) -> None:
    servers.share(config)
    share_compiled_statements()
    if "workerinput" not in config.__dict__:  # search indexes of PostgreSQL databases; parallel workers inherit it
        folder = tempfile.TemporaryDirectory(prefix="newsapi-tests-")
        os.environ["XDG_CACHE_HOME"] = folder.name
        config.add_cleanup(folder.cleanup)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # A background job of a shell ignores SIGINT, and so would every process that a test starts and interrupts.
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Exempt what was imported from garbage collection: it stays, and each full collection would visit all of it."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-databases", action="store_true", help="run tests marked one_database on PostgreSQL too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let tests in real time be repeated, and deselect the PostgreSQL variant of those that need one database only."""
    for item in items:
        if item.get_closest_marker("real_time"):
            item.add_marker(pytest.mark.flaky(reruns=REAL_TIME_REPEATS))
    if config.getoption("all_databases"):
        return
    repeated = [item for item in items if item.get_closest_marker("one_database") and _is_on_postgresql(item)]
    if repeated:
        config.hook.pytest_deselected(items=repeated)
        items[:] = [item for item in items if item not in set(repeated)]


REAL_TIME_REPEATS = 2
"""How often a test that asserts what happens within seconds is repeated if it fails. No other test is repeated."""


def _is_on_postgresql(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    return callspec is not None and any(callspec.params.get(name) == "postgresql" for name in PARAMETRIZED_ON_DATABASE)


PARAMETRIZED_ON_DATABASE = ("database_url", "magazine", "archive")
"""Fixtures that run each test once on SQLite and once on PostgreSQL."""


def migrate(url: str) -> None:
    database = Database(url)
    with database.connection() as connection:
        upgrade(connection)
    database.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "news.sqlite3"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_template(pytestconfig: pytest.Config) -> str:
    return servers.template(servers.database_url(pytestconfig), build=migrate)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "news.sqlite3"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(pytestconfig: pytest.Config, postgresql_template: str) -> Iterator[str]:
    with servers.database(servers.database_url(pytestconfig), template=postgresql_template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database of each kind."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.dispose()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(database: Database, clock: Clock) -> Make:
    return Make(database, clock)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings.from_env(
        {
            "NEWSAPI_DATABASE_URL": database_url,
            "NEWSAPI_API_URL": "https://api.example.com",
            "NEWSAPI_SECRET_KEY": "a secret of thirty-two characters",
            "NEWSAPI_RATE_LIMITS": "off",
        }
    )


@pytest.fixture
def build(clock: Clock) -> Iterator[Callable[[Settings], Flask]]:
    """Build applications, for tests that need other settings or several applications."""
    pool = ApplicationPool()

    def build(settings: Settings) -> Flask:
        app = pool.lend(settings)
        stop_clock(app, clock)
        return app

    yield build
    pool.close()


@pytest.fixture
def app(settings: Settings, build: Callable[[Settings], Flask]) -> Flask:
    return build(settings)


@pytest.fixture(autouse=True)
def patient_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let searches in the process of the test wait longer for the index, which is slow on a loaded machine."""
    monkeypatch.setattr(freshness, "MAX_WAIT_SECONDS", 20.0)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """The statements that were run, on any connection; clear() it before what is to be counted."""
    seen: list[str] = []

    def record(_c: Connection, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", record)
    yield seen
    event.remove(Engine, "before_cursor_execute", record)
