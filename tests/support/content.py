"""A small magazine, made once in each database, for tests that only read."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from newsapi.app import create_app
from newsapi.db.database import Database
from newsapi.settings import Settings
from tests.support import servers
from tests.support.client import slugs_of
from tests.support.factories import Make
from tests.support.sample_content import NOW, fill


@dataclass(frozen=True)
class Magazine:
    """A client of the application that serves it, and the ids of its articles by slug."""

    client: FlaskClient
    ids: dict[str, UUID]
    settings: Settings
    database: Database

    def get(self, path: str, **kwargs: Any) -> Any:
        return self.client.get(path, **kwargs)

    def slugs(self, query: str) -> list[str]:
        return slugs_of(self.client.get(f"/v1/articles?{query}"))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def magazine(request: pytest.FixtureRequest) -> Magazine:
    """Read only: every test of the session sees the same one, which stays while tests use the other database."""
    found: Magazine = request.getfixturevalue(f"{request.param}_magazine")
    return found


@pytest.fixture(scope="session")
def sqlite_magazine(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Magazine]:
    path = tmp_path_factory.mktemp("magazine") / "news.sqlite3"
    shutil.copy(sqlite_template, path)
    with _serve_magazine(f"sqlite:///{path}") as served:
        yield served


@pytest.fixture(scope="session")
def postgresql_magazine(pytestconfig: pytest.Config, postgresql_template: str) -> Iterator[Magazine]:
    server = servers.database_url(pytestconfig)
    with servers.database(server, template=postgresql_template) as url, _serve_magazine(url) as served:
        yield served


@contextmanager
def _serve_magazine(url: str) -> Iterator[Magazine]:
    """Fill an empty database and serve it with an application whose clock stands still."""
    with ExitStack() as stack:
        database = Database(url)
        stack.callback(database.dispose)
        ids = fill(Make(database, lambda: NOW))
        settings = Settings.from_env(
            {
                "NEWSAPI_DATABASE_URL": url,
                "NEWSAPI_API_URL": "https://api.example.com",
                "NEWSAPI_SECRET_KEY": "a secret of thirty-two characters",
                "NEWSAPI_RATE_LIMITS": "off",
            },
        )
        app = create_app(settings)
        app.extensions["newsapi"] = replace(app.extensions["newsapi"], now=lambda: NOW, clock=lambda _: NOW)
        stack.callback(app.extensions["newsapi"].close)
        yield Magazine(app.test_client(), ids, settings, database)
