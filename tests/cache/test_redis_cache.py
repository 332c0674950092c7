"""What processes share: answers in a real Valkey, and nothing but answers of ours."""

import pickle
import socket
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from redis import Redis

from newsapi.cache.cached_response import CachedResponse
from newsapi.cache.redis_cache import RedisResponseCache
from newsapi.cache.shared_cache import NullCache
from tests.support import servers

ANSWER = CachedResponse(
    body='{"data":"perché"}'.encode(),
    encoded_bodies={"br": b"not really", "gzip": b"nor this"},
    seq=7,
    nonce=1 << 62,
    changed_at=datetime(2026, 10, 25, 0, 30, 15, 123456, UTC),
    dependencies=frozenset({12, 7, "article:1", "brand:land-rover"}),
    surrogate_keys=("brand:land-rover", "articles"),
    link='<https://api.example.com/v1/articles>; rel="self"',
    language="it",
)


def told(answer):
    return {field.name: getattr(answer, field.name) for field in fields(CachedResponse)}


@pytest.fixture
def redis_url(pytestconfig):
    url = servers.redis_url(pytestconfig)
    yield url
    Redis.from_url(url).flushdb()


@pytest.fixture
def shared(redis_url):
    return RedisResponseCache(redis_url, "r")


def put_raw(shared, key, raw):
    shared._store.set(key, raw)


def test_what_was_put_comes_back_whole(shared):
    shared.put("k", ANSWER)
    assert told(shared.get("k")) == told(ANSWER)


def test_nothing_comes_back_under_another_key(shared):
    shared.put("k", ANSWER)
    assert shared.get("other") is None


def test_an_answer_without_times_or_headers_comes_back_too(shared):
    bare = CachedResponse(body=b"", seq=0, nonce=0, changed_at=None)
    shared.put("k", bare)
    assert told(shared.get("k")) == told(bare)


def test_the_last_put_stands(shared):
    shared.put("k", ANSWER)
    shared.put("k", replace(ANSWER, seq=8))
    assert shared.get("k").seq == 8


@pytest.mark.parametrize("raw", [b"", b"x", b"not ours at all, but long enough to be one", pickle.dumps(ANSWER.body)])
def test_foreign_bytes_under_a_key_are_a_miss(shared, raw):
    put_raw(shared, "k", raw)
    assert shared.get("k") is None


def test_an_answer_under_the_key_of_another_is_a_miss(shared):
    shared.put("a", ANSWER)
    put_raw(shared, "b", shared._store.get("a"))
    assert shared.get("b") is None


def test_cut_or_altered_bytes_are_a_miss(shared):
    shared.put("k", ANSWER)
    whole = shared._store.get("k")
    for length in range(len(whole)):
        put_raw(shared, "k", whole[:length])
        assert shared.get("k") is None
    for place in range(len(whole)):
        put_raw(shared, "k", whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert shared.get("k") is None


def test_what_another_program_left_in_redis_is_never_run(shared, redis_url):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was opened",))

    Redis.from_url(redis_url).set("newsapi:r:k", b"!" + pickle.dumps(Trap()))
    assert shared.get("k") is None


def test_two_processes_share_what_redis_keeps(shared, redis_url):
    shared.put("k", ANSWER)
    assert told(RedisResponseCache(redis_url, "r").get("k")) == told(ANSWER)


def test_a_redis_that_refuses_is_a_miss():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        shared = RedisResponseCache(f"redis://127.0.0.1:{nobody.getsockname()[1]}", "r")
        shared.put("k", ANSWER)
        assert shared.get("k") is None
        assert "does not answer" in shared.state()


def test_a_redis_that_hangs_is_asked_once_and_then_left_alone():
    asked = []
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen()
        shared = RedisResponseCache(f"redis://127.0.0.1:{hole.getsockname()[1]}", "r")
        shared._store.get = lambda key, get=shared._store.get: asked.append(key) or get(key)
        for _ in range(5):
            assert shared.get("k") is None
    assert asked == ["k"]


def test_a_redis_that_is_full_keeps_nothing_and_hurts_nobody(shared, redis_url):
    client = Redis.from_url(redis_url)
    before = client.config_get("maxmemory")["maxmemory"]
    client.config_set("maxmemory", 1)
    try:
        shared.put("k", ANSWER)
    finally:
        client.config_set("maxmemory", before)
    assert shared.get("k") is None


def test_one_process_at_a_time_builds_an_answer(shared, redis_url):
    other = RedisResponseCache(redis_url, "r")
    assert shared.claim("k")
    assert not other.claim("k")
    assert other.claim("another")
    shared.release("k")
    assert other.claim("k")


def test_a_release_with_other_bytes_shares_nothing(shared, redis_url):
    shared.put("k", ANSWER)
    assert RedisResponseCache(redis_url, "s").get("k") is None


def test_without_redis_every_process_builds_for_itself():
    alone = NullCache()
    alone.put("k", ANSWER)
    assert alone.get("k") is None
    assert alone.claim("k")


@pytest.mark.parametrize(
    ("acts", "credentials", "cause"),
    [
        ([("CONFIG", "SET", "requirepass", "right")], "", "AuthenticationError"),
        ([("CONFIG", "SET", "requirepass", "right")], ":wrong@", "AuthenticationError"),
        ([("REPLICAOF", "127.0.0.1", "1")], "", "ReadOnlyError"),
        ([("CONFIG", "SET", "maxmemory", "1")], "", "OutOfMemoryError"),
    ],
)
def test_a_redis_that_answers_and_refuses_is_counted_and_named(acts, credentials, cause):
    with servers.valkey() as url:
        administrator = Redis.from_url(url)
        for act in acts:
            administrator.execute_command(*act)
        shared = RedisResponseCache(url.replace("unix://", f"unix://{credentials}"), "r")
        shared.put("k", ANSWER)
        assert shared.failures == 1
        assert shared.state() == f"Redis refuses commands ({cause}); responses are built without it"
        administrator.close()
