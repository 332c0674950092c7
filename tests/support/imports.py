"""Imports: run one and check the invariants of the database, or fail where a record is rejected."""

from collections.abc import Callable, Iterable
from dataclasses import astuple
from io import BytesIO
from typing import Any, NamedTuple, cast

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from newsapi.changelog.tables import Change
from newsapi.content.tables.articles import Article
from newsapi.db.database import Database
from newsapi.imports import loader as import_loader
from newsapi.imports.formats import RecordFormat
from newsapi.imports.import_run import ImportRun
from newsapi.imports.line_index import LineIndex
from newsapi.imports.registry import get_format
from newsapi.imports.report import ImportReport
from newsapi.settings import Settings
from newsapi.write_hooks import WRITE_HOOKS
from tests.support.client import slugs_of
from tests.support.import_records import Record, lines
from tests.support.invariants import consistent


class Result(NamedTuple):
    """Outcome of an import.

    Attributes:
        counts: Records created, updated, unchanged and rejected.
        rejects: Line number, JSON pointer and message of each rejected record.
    """

    counts: tuple[int, ...]
    rejects: list[tuple[int, str, str]]

    @property
    def places(self) -> list[tuple[int, str]]:
        return [(line, place) for line, place, _ in self.rejects]


Load = Callable[..., Result]


def import_accepted(
    database: Database, settings: Settings, records: bytes | Iterable[Record | bytes], now: Callable[[], Any]
) -> tuple[int, ...]:
    """Import records, or a file of them, and fail if one is rejected.

    Returns:
        The number of records created, updated, unchanged and rejected.
    """
    data = records if isinstance(records, bytes) else lines(*records)
    rejects: list[tuple[object, ...]] = []
    counts = import_loader.import_records(
        database, settings, BytesIO(data), hooks=WRITE_HOOKS, now=now, reject=lambda *reject: rejects.append(reject)
    )
    assert not rejects, rejects
    return astuple(counts)


@pytest.fixture
def load(database: Database, settings: Settings, clock: Callable[[], Any]) -> Load:
    """Import records or lines, and check the invariants of the database afterwards."""

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


StartImport = Callable[..., ImportRun]


@pytest.fixture
def start_import(database: Database, settings: Settings, clock: Callable[[], Any]) -> StartImport:
    """Return a run of an import that has read nothing yet."""

    def start_import(stream: BytesIO, record_format: RecordFormat, *, overwrite: bool = False) -> ImportRun:
        return ImportRun(
            database,
            settings,
            clock,
            WRITE_HOOKS,
            lambda *_: None,
            LineIndex(stream, record_format),
            record_format=record_format,
            overwrite=overwrite,
        )

    return start_import


ImportFile = Callable[..., ImportReport]


@pytest.fixture
def import_file(database: Database, settings: Settings, start_import: StartImport) -> ImportFile:
    """Import records, lines or a whole file in any format; check the database, and return the report."""

    def import_file(*records: Record | bytes, name: str = "ndjson", overwrite: bool = False) -> ImportReport:
        data = b"".join(cast("tuple[bytes, ...]", records)) if name != "ndjson" else lines(*records)
        stream = BytesIO(data)
        run = start_import(stream, get_format(name, None, settings.time_zone), overwrite=overwrite)
        for _ in import_loader.iter_batches(run, stream):
            pass
        consistent(database)
        return run.report

    return import_file


@pytest.fixture
def stored(database: Database) -> Callable[[str], Any]:
    """Read the row of the article with a slug."""

    def stored(slug: str) -> Any:
        with database.read_transaction() as connection:
            return connection.execute(select(Article.__table__).where(Article.slug == slug)).one()

    return stored


@pytest.fixture
def changes(database: Database) -> Callable[[], list[Any]]:
    """Read the changes of articles, in order."""

    def changes() -> list[Any]:
        with database.read_transaction() as connection:
            found = select(Change.__table__).where(Change.kind == "article").order_by(Change.seq)
            return list(connection.execute(found))

    return changes


@pytest.fixture
def slugs(client: FlaskClient) -> Callable[[str], list[str]]:
    """Read the slugs of a public list of articles."""

    def slugs(query: str = "") -> list[str]:
        return slugs_of(client.get(f"/v1/articles?limit=100&{query}"))

    return slugs
