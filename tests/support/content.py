"""A small magazine, made once in each database, for tests that only read."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
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
def magazine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Magazine]:
    """Read only: every test of the session sees the same one."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            path = tmp_path_factory.mktemp("magazine") / "news.sqlite3"
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            url = f"sqlite:///{path}"
        else:
            template = request.getfixturevalue("postgresql_template")
            url = stack.enter_context(
                servers.database(servers.database_url(request.config), template=template),
            )
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
