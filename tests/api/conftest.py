"""A small magazine, made once in each database, for tests that only read."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from tests import servers
from tests.make import Make

from newsapi.app import create_app
from newsapi.settings import Settings
from newsapi.store.database import Database

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)

PICTURE = {
    "url": "https://img.example.com/velar.jpg",
    "alt": "",
    "caption": "La Velar al Salone",
    "width": 1600,
    "height": 900,
    "credit": "Land Rover",
    "focal": {"x": 0.5, "y": 0.25},
}

RICH: dict[str, Any] = {
    "standfirst": "La casa inglese studia una fabbrica.",
    "image": PICTURE,
    "body_html": "<p>Una <strong>fabbrica</strong> di batterie.</p>" + "<p>Testo lungo abbastanza.</p>" * 60,
    "source": {"name": "Agenzia", "url": None},
    "canonical_url": "https://site.example.com/fabbrica",
    "corrections": [{"at": "2016-07-28T10:00:00Z", "text": "Era la Velar."}],
    "rights": {
        "holder": "Editore",
        "terms": None,
        "license_url": None,
        "syndicatable": True,
        "expires_at": None,
        "ai": "denied",
    },
    "seo": {"title": "Fabbrica", "description": None, "robots": None},
    "media": [
        {
            "id": "m1",
            "kind": "image",
            "image": PICTURE,
            "sources": [],
            "embed_url": None,
            "poster": None,
            "duration_seconds": None,
            "captions": [],
            "caption": None,
            "credit": None,
        },
        {
            "id": None,
            "kind": "video",
            "image": None,
            "sources": [
                {"url": "https://v.example.com/a.mp4", "type": "video/mp4", "width": None, "height": None},
            ],
            "embed_url": None,
            "poster": "https://v.example.com/a.jpg",
            "duration_seconds": 12.5,
            "captions": [{"language": "it", "url": "https://v.example.com/a.vtt"}],
            "caption": "Un filmato",
            "credit": None,
        },
    ],
}


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
        answer = self.client.get(f"/v1/articles?{query}")
        assert answer.status_code == 200, answer.text
        return [item["slug"] for item in answer.json["data"]]


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
            },
        )
        app = create_app(settings)
        app.extensions["newsapi"] = replace(app.extensions["newsapi"], now=lambda: NOW)
        stack.callback(app.extensions["newsapi"].database.dispose)
        yield Magazine(app.test_client(), ids, settings, database)


def fill(make: Make) -> dict[str, UUID]:
    brands = {
        "jaguar-land-rover": make.brand("jaguar-land-rover"),
        "land-rover": make.brand("land-rover", parent="jaguar-land-rover", logo=PICTURE, aliases=["Solihull"]),
        "jaguar": make.brand("jaguar", parent="jaguar-land-rover", description="Felini"),
        "tesla": make.brand("tesla"),
        "skoda": make.brand("skoda", name="Škoda", aliases=["Mladá Boleslav"]),
        "100-percento": make.brand("100-percento", name="100% elettrico_puro\\oggi"),
    }
    author = make.author("francesco-donnici", email="francesco@example.com", bio="Scrive di auto.")
    make.author("anna-bianchi", email="anna@example.com")
    section = make.section("curiosita", name="Curiosità")
    tag = make.tag("batterie")
    make.old_slug("brand", "rover", brands["land-rover"])
    make.old_slug("author", "f-donnici", author)
    make.old_slug("section", "notizie", section)
    make.old_slug("tag", "batteria", tag)
    ids = {
        "fabbrica": make.article(
            "fabbrica",
            headline="Jaguar Land Rover: allo studio una fabbrica",
            brand="jaguar-land-rover",
            section="curiosita",
            authors=["francesco-donnici"],
            mentions=["tesla"],
            tags=["batterie", "suv"],
            word_count=450,
            published_at=make.at("2016-07-26T08:10:00Z"),
            updated_at=make.at("2020-01-01T00:00:00Z"),
            **RICH,
        ),
        "velar": make.article(
            "velar",
            brand="land-rover",
            section="anteprime",
            authors=["francesco-donnici", "anna-bianchi"],
            tags=["suv"],
            format="gallery",
            image=PICTURE,
            published_at=make.at("2017-02-22T10:00:00Z"),
        ),
        "discovery": make.article(
            "discovery",
            brand="land-rover",
            section="anteprime",
            format="video",
            language="en",
            published_at=make.at("2017-03-01T10:00:00Z"),
        ),
        "i-pace": make.article(
            "i-pace",
            brand="jaguar",
            section="play",
            mentions=["land-rover", "tesla"],
            tags=["batterie"],
            published_at=make.at("2018-03-01T12:00:00Z"),
        ),
        "model-3": make.article(
            "model-3",
            brand="tesla",
            authors=["anna-bianchi"],
            language="en-GB",
            published_at=make.at("2018-04-01T10:00:00Z"),
        ),
        "senza-marca": make.article("senza-marca", published_at=make.at("2019-01-01T10:00:00Z")),
        "bozza": make.article(
            "bozza", status="draft", published_at=None, updated_at=NOW, brand="tesla", authors=["anna-bianchi"]
        ),
        "programmato": make.article(
            "programmato", status="scheduled", published_at=make.at("2026-12-01T10:00:00Z"), brand="tesla"
        ),
        "ritirato": make.article("ritirato", brand="tesla", published_at=make.at("2018-05-01T10:00:00Z")),
    }
    make.hide(ids["ritirato"])
    make.old_slug("article", "fabbrica-di-prima", ids["fabbrica"])
    make.old_slug("article", "bozza-di-prima", ids["bozza"])
    make.old_slug("article", "ritirato-di-prima", ids["ritirato"])
    return ids
