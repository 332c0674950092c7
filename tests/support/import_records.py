"""Import records: the smallest that are valid, and as many varied ones as a test wants, the same ones every time.

lines(brand("land-rover"), article("velar", brand="land-rover", tags=["suv"]))
lines(*archive(2_000))
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

Record = dict[str, Any]

BRANDS = 12
SECTIONS = ("anteprime", "curiosita", "mercato")
WORDS = "motore strada prova gomma freno luce curva marcia telaio batteria salone pista neve viaggio città".split()


def lines(*records: Record | bytes) -> bytes:
    """Write records as NDJSON; bytes are lines as they are."""
    return b"".join((item if isinstance(item, bytes) else orjson.dumps(item)) + b"\n" for item in records)


def term(kind: str, slug: str, **values: Any) -> Record:
    return {"type": kind, "slug": slug, "name": slug.replace("-", " ").title(), **values}


def brand(slug: str, **values: Any) -> Record:
    return term("brand", slug, **values)


def article(slug: str, **values: Any) -> Record:
    usual = {
        "headline": f"Titolo di {slug}",
        "body_html": "<p>Una frase.</p>",
        "language": "it",
        "format": "article",
        "status": "published",
        "published_at": "2016-07-26T10:00:00Z",
    }
    return {"type": "article", "slug": slug, **usual, **values}


def archive(articles: int, *, seed: int = 7, prefix: str = "articolo") -> Iterator[Record]:
    """Terms and articles of all kinds; most are published, most name several terms, bodies are of real length."""
    chance = random.Random(seed)
    for number in range(BRANDS):
        yield brand(f"marca-{number}", parent="marca-0" if number in {1, 2} else None)
    for slug in SECTIONS:
        yield term("section", slug)
    for number in range(5):
        yield term("author", f"firma-{number}", email=f"firma-{number}@example.com")
    start = datetime(2015, 1, 1, tzinfo=UTC)
    for number in range(articles):
        day = start + timedelta(minutes=number * 137)
        status = chance.choices(("published", "draft", "withdrawn"), (20, 1, 1))[0]
        named = chance.sample(range(BRANDS), k=chance.randint(1, 4))
        yield article(
            f"{prefix}-{number}",
            headline=f"{' '.join(chance.choices(WORDS, k=6)).capitalize()} {number}",
            standfirst=f"{' '.join(chance.choices(WORDS, k=15)).capitalize()}.",
            body_html="".join(f"<p>{' '.join(chance.choices(WORDS, k=80))}.</p>" for _ in range(4)),
            format=chance.choice(("article", "article", "gallery", "video")),
            brand=f"marca-{named[0]}",
            mentions=[f"marca-{other}" for other in named[1:]],
            section=chance.choice(SECTIONS),
            authors=[f"firma-{chance.randrange(5)}"],
            tags=sorted({f"tema-{chance.randrange(60)}" for _ in range(chance.randint(0, 4))}),
            image={"url": f"https://img.example.com/{number}.jpg", "alt": "Una vettura", "width": 1600, "height": 900},
            status=status,
            published_at=day.isoformat().replace("+00:00", "Z"),
        )


IDS = [f"0192d3a0-0000-7000-8000-0000000000{number:02}" for number in range(4)]


LINKED = [*(f"a{number}" for number in range(8)), *(f"v{number}" for number in range(4)), *IDS]
"""What bodies link to: slugs that articles have or had, ids, and some that are nothing."""


def arbitrary(chance: random.Random) -> Record:
    """A record out of few names, so that records meet; some are refused."""
    if chance.random() < 0.25:
        parent = chance.choice([None, None, "b0", "b1", "b2", "b9"])
        return brand(f"b{chance.randrange(5)}", parent=parent, name=chance.choice(["Uno", "Due"]))
    if chance.random() < 0.1:
        return term(chance.choice(["section", "tag", "author"]), f"t{chance.randrange(3)}", name=chance.choice("xy"))
    number = chance.randrange(8)
    values = {
        "headline": chance.choice(["Prima", "Dopo"]),
        "brand": chance.choice([None, "b0", "b1", "b2", "b3"]),
        "section": chance.choice([None, None, "t0", "t1"]),
        "mentions": chance.sample(["b0", "b1", "b2"], k=chance.randrange(3)),
        "authors": chance.sample(["t0", "t1"], k=chance.choice([0, 0, 0, 1, 2])),
        "tags": chance.sample(["t0", "t1", "t2", "t3", "t4"], k=chance.randrange(4)),
        "format": chance.choice(["article", "gallery"]),
        "language": chance.choice(["it", "en"]),
        "status": chance.choice(["published", "published", "published", "draft", "withdrawn", "scheduled"]),
        "published_at": chance.choice(["2016-07-26", "2017-01-01T00:00:00Z", "2017-01-01T00:00:00Z", "2030-01-01"]),
        "updated_at": chance.choice([None, None, "2018-01-01T00:00:00Z"]),
        "translation_group": chance.choice([None, None, "storia-0", "storia-1"]),
        "previous_slugs": chance.choice([[], [], [], [f"v{chance.randrange(4)}"], [f"a{chance.randrange(8)}"]]),
    }
    if values["status"] == "withdrawn":
        values["published_at"] = None
    if chance.random() < 0.5:
        values["body_html"] = f'<p><a href="/v1/articles/{chance.choice(LINKED)}">Una frase.</a></p>'
    if chance.random() < 0.2:
        values["id"] = chance.choice(IDS)
    return article(f"a{number}", **values)
