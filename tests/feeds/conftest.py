"""An application with a few articles, and readers of feeds."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from newsapi.app import WRITE_HOOKS
from newsapi.imports import loader as import_loader
from tests.support.import_records import lines

SITE = {
    "article_url": "https://www.example.it/{section}/{slug}",
    "brand_url": "https://www.example.it/marche/{slug}",
    "author_url": "https://www.example.it/firme/{slug}",
    "publisher": "Motori & Co",
    "websub_hub": "https://hub.example.com/",
}


@pytest.fixture
def site(settings, build) -> FlaskClient:
    """A client of the API of a site with pages of its own."""
    return build(replace(settings, **SITE)).test_client()


@pytest.fixture
def load(database, settings, clock) -> Callable[..., None]:
    """Import these records; none may be refused."""

    def load(*records: Any) -> None:
        refused: list[Any] = []
        import_loader.import_records(
            database,
            settings,
            BytesIO(lines(*records)),
            hooks=WRITE_HOOKS,
            now=clock,
            reject=lambda *fault: refused.append(fault),
        )
        assert not refused, refused

    return load
