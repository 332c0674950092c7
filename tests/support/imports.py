"""What the tests of imports share: run one, and see that everything agrees after it."""

from collections.abc import Callable
from dataclasses import astuple
from io import BytesIO
from typing import Any, NamedTuple

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from newsapi.app import WRITE_HOOKS
from newsapi.changelog.tables import Change
from newsapi.content.tables.articles import Article
from newsapi.db.database import Database
from newsapi.imports import loader as import_loader
from newsapi.settings import Settings
from tests.support.import_records import Record, lines
from tests.support.invariants import consistent


class Result(NamedTuple):
    """What became of an import: created, updated, unchanged, rejected; and the rejects, by line and pointer."""

    counts: tuple[int, ...]
    rejects: list[tuple[int, str, str]]

    @property
    def places(self) -> list[tuple[int, str]]:
        return [(line, place) for line, place, _ in self.rejects]


Load = Callable[..., Result]


@pytest.fixture
def load(database: Database, settings: Settings, clock: Callable[[], Any]) -> Load:
    """Import records or lines, and check that all tables agree afterwards."""

    def load(*records: Record | bytes) -> Result:
        rejects: list[tuple[int, str, str]] = []
        counts = import_loader.import_records(
            database,
            settings,
            BytesIO(lines(*records)),
            hooks=WRITE_HOOKS,
            now=clock,
            reject=lambda line, fault: rejects.append((line, fault.location, fault.message)),
        )
        consistent(database)
        return Result(astuple(counts), rejects)

    return load


@pytest.fixture
def stored(database: Database) -> Callable[[str], Any]:
    """The row of the article with a slug."""

    def stored(slug: str) -> Any:
        with database.read_transaction() as connection:
            return connection.execute(select(Article.__table__).where(Article.slug == slug)).one()

    return stored


@pytest.fixture
def changes(database: Database) -> Callable[[], list[Any]]:
    """The changes of articles, in order."""

    def changes() -> list[Any]:
        with database.read_transaction() as connection:
            found = select(Change.__table__).where(Change.kind == "article").order_by(Change.seq)
            return list(connection.execute(found))

    return changes


@pytest.fixture
def slugs(client: FlaskClient) -> Callable[[str], list[str]]:
    """The slugs of a public list of articles."""

    def slugs(query: str = "") -> list[str]:
        return [item["slug"] for item in client.get(f"/v1/articles?limit=100&{query}").json["data"]]

    return slugs
