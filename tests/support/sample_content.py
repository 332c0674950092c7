"""A small magazine: an article with everything, one with nothing, some between, and three that nobody may see."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tests.support.factories import Make

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
