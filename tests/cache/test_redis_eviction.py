"""A Redis that is full and evicts what was not used for the longest time: nothing outdated comes back."""

import random
from dataclasses import replace

import pytest
from redis import Redis

from newsapi.cache.log_follower import ChangelogFollower
from tests.support import servers

pytestmark = pytest.mark.one_database

SEED = 7
BRANDS = 12
LIMITS = 20
"""Responses for each brand: lists of the same articles with other limits."""

EDITS = 30
READS_PER_EDIT = 40
ROOM_BYTES = 200_000
"""Memory for entries: a fraction of what all responses need."""


@pytest.fixture(scope="module")
def valkey():
    with servers.valkey() as url:
        yield url


@pytest.fixture
def redis(valkey):
    client = Redis.from_url(valkey)
    client.flushall()
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("maxmemory", client.info("memory")["used_memory"] + ROOM_BYTES)
    yield client
    client.close()


@pytest.fixture
def nodes(build, settings, redis, valkey):
    """Two server processes without a memory of their own: what is cached is in Redis."""
    made = [build(replace(settings, redis_url=valkey, cache_mb=0)) for _ in range(2)]
    yield [app.test_client() for app in made]
    for app in made:
        app.extensions["newsapi"].response_cache.shared._client.close()


@pytest.fixture
def read_while_editing(nodes, redis, make):
    """Publish articles, and read lists on both nodes after each; count what was outdated, and what was a hit."""

    def read_while_editing():
        chance, stale, hits = random.Random(SEED), 0, 0
        headlines = {f"b{number}": [] for number in range(BRANDS)}
        for edit in range(EDITS):
            brand = f"b{edit % BRANDS}"
            make.article(headline=f"number {edit}", standfirst="a teaser " * 30, brand=brand)
            headlines[brand].insert(0, f"number {edit}")
            for _ in range(READS_PER_EDIT):
                brand, limit = f"b{int(chance.triangular(0, BRANDS, 0))}", int(chance.triangular(1, LIMITS, 1))
                answer = chance.choice(nodes).get(f"/v1/articles?brand={brand}&limit={limit}")
                assert answer.status_code == 200
                hits += answer.headers["Cache-Status"] == "newsapi; hit"
                stale += [item["headline"] for item in answer.json["data"]] != headlines[brand][:limit]
        assert hits > EDITS
        assert redis.info("stats")["evicted_keys"] > EDITS
        return stale, hits

    return read_while_editing


def test_nothing_outdated_is_read_while_redis_evicts(read_while_editing, redis, record_property):
    stale, hits = read_while_editing()
    evicted = redis.info("stats")["evicted_keys"]
    record_property(
        "measured", f"{stale} of {EDITS * READS_PER_EDIT} responses outdated; {hits} came from Redis, {evicted} evicted"
    )
    assert stale == 0


def test_without_validation_outdated_lists_are_read(read_while_editing, monkeypatch, record_property):
    monkeypatch.setattr(ChangelogFollower, "validate_foreign", lambda *_: True)
    stale, _ = read_while_editing()
    assert stale > 0
    record_property("control", f"without validation {stale} are outdated")
