"""The most expensive requests that are allowed, and what they cost beside the usual ones, in 21,000 articles."""

import statistics
import time
from dataclasses import replace

import pytest

from tests.content import synthetic_archive as contents

pytestmark = [pytest.mark.long, pytest.mark.timeout(280)]

MAX_RATIO = 50
REPETITIONS = 3
THEMES = ",".join(contents.THEMES[:100])
MANY = ",".join(f"articolo-{number * 200}" for number in range(100))

USUAL = [
    "/v1/articles?limit=20",
    "/v1/articles?brand=fiat",
    "/v1/articles?section=mercato&limit=20",
    "/v1/articles/articolo-{}",
    "/v1/articles/articolo-{}?include=related",
    "/v1/brands",
    "/v1/search?q=articolo",
]
COSTLY = [
    "/v1/articles?limit=100&include=brand,authors,section&fields=headline,body_html,body_text,tags,media,mentions",
    "/v1/articles?limit=100&tag=pari&author=carla",
    f"/v1/articles?limit=100&tag={THEMES}&total=true",
    f"/v1/articles?limit=100&about={','.join(f'marca-{n}' for n in range(20))}&total=true",
    f"/v1/articles?slug={MANY}",
    "/v1/articles?limit=100&sort=updated_at&updated_from=2000-01-01&updated_until=2100-01-01&total=true",
    "/v1/articles?limit=100&tag=pari&author=carla&q=articolo",
    "/v1/articles/articolo-{}?include=related,blocks,brand,authors,section,jsonld&related_limit=20",
    "/v1/search?q=a&limit=100&facets=brand,section,author,tag,format",
    "/v1/search?q=art&limit=100&facets=brand,section,author,tag,format",
    "/v1/search?limit=100&facets=brand,section,author,tag,format&q=" + "+".join(f"w{n:02}" for n in range(50)),
    "/v1/search?limit=100&q=" + "+".join("abcdefghijklmnopqrstuvwxyz" * 3),
    "/v1/suggest?q=a&limit=20",
    "/v1/feeds/articles.rss?limit=100",
    "/v1/feeds/articles.ninjs?limit=100&tag=pari&author=carla",
    "/sitemap-1.xml",
    "/v1/tags?limit=100&q=tema",
    "/v1/changes?limit=1000",
    "/v1/changes?limit=1000&brand=marca-5",
    "/v1/digest?brand=land-rover",
]
COUNTING = [
    "/v1/articles?limit=100&tag=pari&author=carla&total=true",
    f"/v1/articles?limit=100&tag=pari,dispari,{','.join(contents.THEMES[:98])}&author=anna,bruno,carla&total=true",
]
"""Totals of several filters, which read the smallest of them completely: PostgreSQL ends them after a while."""


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """The archive; nothing is written to it."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite_archive")
    return request.getfixturevalue("postgresql_archives")["counted"]


@pytest.fixture
def measure(settings, build):
    """Return the median time of a request that no cache holds, in milliseconds, and the size of its response."""
    client = build(replace(settings, cache_mb=0)).test_client()

    def measure(path):
        seconds = []
        for number in range(REPETITIONS):
            began_at = time.perf_counter()
            answer = client.get(path.format(number + 100))
            seconds.append(time.perf_counter() - began_at)
            assert answer.status_code == 200 or (path in COUNTING and answer.status_code == 503), (path, answer.text)
        return statistics.median(seconds) * 1000, len(answer.data)

    return measure


def test_none_costs_more_than_fifty_times_the_median_of_the_usual_ones(measure, record_property):
    for path in (*USUAL, *COSTLY):
        measure(path)  # compiles statements, builds the index, stores related lists
    median = statistics.median(measure(path)[0] for path in USUAL)
    costs = {path: measure(path) for path in COSTLY}
    worst = max(costs, key=lambda path: costs[path][0])
    milliseconds, size = costs[worst]
    counting = max(measure(path)[0] for path in COUNTING)
    record_property(
        "measured",
        f"median {median:.1f} ms; worst {milliseconds:.0f} ms = {milliseconds / median:.0f} times, {size / 1e6:.1f} MB"
        f" ({worst[:40]}…); totals of several filters {counting:.0f} ms",
    )
    assert {path: cost for path, (cost, _) in costs.items() if cost > MAX_RATIO * median} == {}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/articles?limit=101",
        f"/v1/articles?tag={THEMES},one-more",
        f"/v1/articles?slug={MANY},one-more",
        f"/v1/search?q={'a' * 201}",
        "/v1/articles/articolo-1/related?limit=21",
        "/v1/changes?limit=1001",
        "/v1/feeds/articles.rss?limit=10000",
        "/v1/suggest?q=a&limit=21",
    ],
)
def test_more_is_refused(magazine, path):
    assert magazine.get(path).status_code == 400
