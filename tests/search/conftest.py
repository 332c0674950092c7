"""A magazine and a slice of a daily, imported and indexed once in each database, for tests that only read."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from newsapi.app import create_app
from newsapi.db.database import Database
from newsapi.demo import content
from newsapi.keys import commands as key_commands
from newsapi.search.index_folder import IndexFolder
from newsapi.search.rebuild import rebuild
from newsapi.settings import Settings
from tests.conftest import Clock
from tests.search.texts import records
from tests.support import servers
from tests.support.client import EVERYTHING, Editor
from tests.support.import_records import lines
from tests.support.imports import import_accepted


@dataclass(frozen=True)
class Archive:
    """A client of an application that serves it."""

    client: FlaskClient
    database: Database

    def search(self, q: str, **more: Any) -> Any:
        answer = self.client.get(f"/v1/search?{urlencode({'q': q, **more})}")
        assert answer.status_code == 200, answer.text
        return answer.json

    def slugs(self, q: str, **more: Any) -> list[str]:
        return [hit["slug"] for hit in self.search(q, **more)["data"]]


@contextmanager
def filled(url: str) -> Iterator[Archive]:
    """Import and index everything there is."""
    database = Database(url)
    settings = Settings.from_env(
        {
            "NEWSAPI_DATABASE_URL": url,
            "NEWSAPI_API_URL": "https://api.example.com",
            "NEWSAPI_SECRET_KEY": "a secret of thirty-two characters",
            "NEWSAPI_RATE_LIMITS": "off",
        }
    )
    with content.stream(settings.api_url) as stream:
        whole = stream.read() + b"\n" + lines(*records())
    import_accepted(database, settings, whole, Clock())
    rebuild(IndexFolder.of(settings), database)
    app = create_app(settings)
    yield Archive(app.test_client(), database)
    app.extensions["newsapi"].close()
    database.dispose()


@pytest.fixture(scope="session")
def in_sqlite(sqlite_template, tmp_path_factory) -> Iterator[Archive]:
    path = tmp_path_factory.mktemp("search") / "news.sqlite3"
    shutil.copy(sqlite_template, path)
    with filled(f"sqlite:///{path}") as archive:
        yield archive


@pytest.fixture(scope="session")
def in_postgresql(pytestconfig, postgresql_template) -> Iterator[Archive]:
    with ExitStack() as stack:
        url = stack.enter_context(servers.database(servers.database_url(pytestconfig), template=postgresql_template))
        yield stack.enter_context(filled(url))


@pytest.fixture(params=["sqlite", "postgresql"])
def archive(request) -> Archive:
    return request.getfixturevalue(f"in_{request.param}")


@pytest.fixture
def editor(app, database, clock):
    return Editor(app, key_commands.create(database, "anna", EVERYTHING, now=clock()))


@pytest.fixture
def load(database, settings, clock):
    return lambda *records: import_accepted(database, settings, records, clock)
