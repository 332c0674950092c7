"""Queries that people judged: the right articles come first, and on both databases the same ones."""

import math
import statistics
from pathlib import Path
from urllib.parse import urlencode

import pytest

LINES = (Path(__file__).parent / "judged.txt").read_text().splitlines()
JUDGED = [tuple(part.strip() for part in line.split("|")) for line in LINES if not line.startswith("#")]


def gains(best):
    """What each article is worth: the first ones 3, then 2, then 1."""
    found, worth = {}, 4
    for slug in best.split():
        worth = worth if slug.startswith("+") else max(1, worth - 1)
        found[slug.lstrip("+")] = worth
    return found


def ndcg(slugs, worth):
    """How good the first ten are, of at most 1 (Järvelin and Kekäläinen 2002)."""
    got = sum((2 ** worth.get(slug, 0) - 1) / math.log2(place + 2) for place, slug in enumerate(slugs[:10]))
    most = sum((2**gain - 1) / math.log2(place + 2) for place, gain in enumerate(sorted(worth.values())[::-1][:10]))
    return got / most


def test_the_set_is_large_enough():
    assert len(JUDGED) >= 60


def test_the_right_articles_come_first(archive):
    found = {query: ndcg(archive.slugs(query, limit=10), gains(best)) for query, best in JUDGED}
    worst = sorted((round(value, 2), query) for query, value in found.items())[:12]
    assert statistics.mean(found.values()) >= 0.97, worst


def test_it_is_the_order_that_is_judged(archive):
    """Of the queries that find several, the order by score is worth a lot more than the newest first."""
    by_score, by_time = [], []
    for query, best in JUDGED:
        if len(archive.slugs(query, limit=10)) > 2:
            newest = archive.client.get(f"/v1/articles?{urlencode({'q': query, 'limit': 10})}").json["data"]
            by_score.append(ndcg(archive.slugs(query, limit=10), gains(best)))
            by_time.append(ndcg([article["slug"] for article in newest], gains(best)))
    assert len(by_score) > 20
    assert statistics.mean(by_score) > 0.9
    assert statistics.mean(by_score) - statistics.mean(by_time) > 0.15


def test_every_query_finds_what_is_wanted_somewhere(archive):
    missed = {query: best for query, best in JUDGED if not {*gains(best)} & {*archive.slugs(query, limit=100)}}
    assert missed == {}


@pytest.mark.parametrize("more", [{}, {"limit": 3}])
def test_both_databases_answer_the_same(in_sqlite, in_postgresql, more):
    for query, _ in JUDGED:
        one, other = (there.search(query, **more)["data"] for there in (in_sqlite, in_postgresql))
        shown = [[(hit["slug"], hit["score"], hit["highlights"]) for hit in hits] for hits in (one, other)]
        assert shown[0] == shown[1], query
