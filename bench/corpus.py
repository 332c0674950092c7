"""An archive of any size as import records: the same number of articles gives the same bytes on every machine.

Shaped like a motoring site: few brands have most of the articles, some belong to a group, articles name other brands,
come in an uneven rhythm over ten years, and one in five is touched again later. The words are made up; what counts is
how often each brand, author and tag comes. The first 10,000 articles of a million are about what 10,000 are about.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import orjson

GROUPS = {
    "gruppo-stellantis": "fiat alfa-romeo lancia jeep peugeot citroen opel abarth maserati ds",
    "gruppo-volkswagen": "volkswagen audi porsche seat skoda lamborghini bentley cupra",
    "gruppo-bmw": "bmw mini rolls-royce",
    "jaguar-land-rover": "land-rover jaguar",
}
BRANDS = (
    "fiat volkswagen ford audi alfa-romeo bmw land-rover toyota renault jeep mercedes-benz peugeot tesla"
    " citroen hyundai opel kia lancia volvo nissan porsche ferrari dacia mini skoda honda jaguar mazda seat"
    " suzuki maserati abarth byd mg ds cupra subaru lexus smart polestar lamborghini mitsubishi alpine"
    " aston-martin lotus bentley rolls-royce mclaren genesis pagani koenigsegg infiniti dr lynk-co"
).split()
"""From the one most written about to the least."""
SECTIONS = "anteprime curiosita mercato prove play tecnica sport norme".split()
FIRST_NAMES = "anna bruno carla dario elena fabio giulia ivo lara marco".split()
AUTHORS = [f"{first}-{last}" for last in "amato bassi colli donati".split() for first in FIRST_NAMES]
TAGS = [f"tema-{number:03}" for number in range(1, 401)]
FORMATS = ("article",) * 8 + ("gallery", "video")
LANGUAGES = ("it",) * 19 + ("en",)

FIRST_DAY = datetime(2016, 1, 1, 6, tzinfo=UTC)
TEN_YEARS = timedelta(days=3652)
SYLLABLES = "ba ce di fo gu la me ni po ru sta tre vi zo qua sche glia".split()


def records(articles: int, seed: int = 7) -> Iterator[dict[str, Any]]:
    """Yield all records: first what articles refer to, then the articles from the oldest to the newest."""
    parents = {brand: group for group, brands in GROUPS.items() for brand in brands.split()}
    for group in GROUPS:
        yield {"type": "brand", "slug": group, "name": _name(group)}
    for brand in BRANDS:
        yield {"type": "brand", "slug": brand, "name": _name(brand), "parent": parents.get(brand)}
    for kind, slugs in (("section", SECTIONS), ("author", AUTHORS), ("tag", TAGS)):
        for slug in slugs:
            yield {"type": kind, "slug": slug, "name": _name(slug)}
    yield from _articles(articles, random.Random(seed))


def _articles(articles: int, rng: random.Random) -> Iterator[dict[str, Any]]:
    sentences = [_sentence(rng, rng.randint(8, 16)) for _ in range(2_000)]
    paragraphs = [f"<p>{' '.join(rng.choices(sentences, k=rng.randint(2, 5)))}</p>" for _ in range(1_000)]
    brand_odds, author_odds, tag_odds = _zipf(len(BRANDS), 1.0), _zipf(len(AUTHORS), 0.7), _zipf(len(TAGS), 0.9)
    step = TEN_YEARS / max(articles, 1)
    for number in range(articles):
        brand, *others = rng.choices(BRANDS, cum_weights=brand_odds, k=1 + rng.choice((0, 1, 1, 2, 3)))
        headline = f"{_name(brand)}, {rng.choice(sentences)[:60].rstrip(' .').lower()}"
        # Somewhere within its step: no two come at the same distance, and the order is that of the numbers.
        published = FIRST_DAY + step * (number + rng.random())
        later = timedelta(days=60) * rng.random() if number % 5 == 0 else timedelta(0)
        yield {
            "type": "article",
            "slug": f"{brand}-{number}",
            "headline": headline,
            "standfirst": rng.choice(sentences),
            "body_html": "".join(rng.choices(paragraphs, k=4)),
            "language": rng.choice(LANGUAGES),
            "format": rng.choice(FORMATS),
            "brand": brand,
            "mentions": sorted({*others} - {brand}),
            "section": rng.choice(SECTIONS),
            "authors": sorted({*rng.choices(AUTHORS, cum_weights=author_odds, k=rng.choice((1, 1, 1, 2)))}),
            "tags": sorted({*rng.choices(TAGS, cum_weights=tag_odds, k=rng.randint(1, 4))}),
            "image": {"url": f"https://img.example.com/{number}.jpg", "alt": headline, "width": 1600, "height": 900},
            "status": "published",
            "published_at": _written(published),
            "updated_at": _written(published + later),
        }


class Stream(io.RawIOBase):
    """The records as a file that is written while it is read; `told` hears how many records were made so far."""

    def __init__(self, articles: int, told: Callable[[int], object]) -> None:
        """Take the number of articles."""
        self._lines = (orjson.dumps(record) + b"\n" for record in records(articles))
        self._told, self._made, self._rest = told, 0, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while len(self._rest) < len(buffer) and (line := next(self._lines, None)):
            self._made += 1
            self._rest += line
        taken, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(taken)] = taken
        self._told(self._made)
        return len(taken)


def _name(slug: str) -> str:
    return slug.replace("-", " ").title()


def _sentence(rng: random.Random, words: int) -> str:
    made = ("".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) for _ in range(words))
    return " ".join(made).capitalize() + "."


def _zipf(many: int, power: float) -> list[float]:
    """Cumulated odds: the second is half as likely as the first, the third a third, and so on (for a power of 1)."""
    return list(accumulate(1 / rank**power for rank in range(1, many + 1)))


def _written(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
