"""An application with a few articles, and readers of feeds."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.support.imports import import_accepted

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
    """Import records, all of which must be accepted."""

    def load(*records: Any) -> None:
        import_accepted(database, settings, records, clock)

    return load
