"""A synthetic archive of any size as import records: equal numbers of articles give equal bytes on every machine.

It has the distribution of a motoring site: a few brands have most of the articles, some brands belong to a group,
articles mention other brands, are published at uneven intervals over ten years, and one in five is updated later. The
text is random; only the frequencies of brands, authors and tags matter. They do not depend on the number of articles.
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
"""In descending order of frequency."""
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
    """Yield all records: first the terms, then the articles from the oldest to the newest."""
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
        # A random time within the step of its number: the intervals differ, the order is kept.
        published = FIRST_DAY + step * (number + rng.random())
        update_delay = timedelta(days=60) * rng.random() if number % 5 == 0 else timedelta(0)
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
            "updated_at": _written(published + update_delay),
        }


class Stream(io.RawIOBase):
    """The records as a file that is generated while it is read."""

    def __init__(self, articles: int, on_progress: Callable[[int], object]) -> None:
        """Generate a number of articles; `on_progress` is called with the number of records so far."""
        self._lines = (orjson.dumps(record) + b"\n" for record in records(articles))
        self._told, self._made, self._rest = on_progress, 0, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while len(self._rest) < len(buffer) and (line := next(self._lines, None)):
            self._made += 1
            self._rest += line
        chunk, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(chunk)] = chunk
        self._told(self._made)
        return len(chunk)


def _name(slug: str) -> str:
    return slug.replace("-", " ").title()


def _sentence(rng: random.Random, words: int) -> str:
    random_words = ("".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) for _ in range(words))
    return " ".join(random_words).capitalize() + "."


def _zipf(count: int, power: float) -> list[float]:
    """Return the cumulative weights of a Zipf distribution: item n has the weight 1 / n**power."""
    return list(accumulate(1 / rank**power for rank in range(1, count + 1)))


def _written(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
