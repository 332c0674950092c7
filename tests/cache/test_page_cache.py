"""The same promises on both stores: the memory of this process and a real Valkey."""

import pickle
import socket
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from redis import Redis

from newsapi.cache.pages import Answer, PageCache
from tests import servers

ANSWER = Answer(
    body='{"data":"perché"}'.encode(),
    seq=7,
    mark=1 << 62,
    changed_at=datetime(2026, 10, 25, 0, 30, 15, 123456, UTC),
    tags=("brand:land-rover", "articles"),
    link='<https://api.example.com/v1/articles>; rel="self"',
    language="it",
)


@pytest.fixture
def redis_url(pytestconfig):
    url = servers.redis_url(pytestconfig)
    yield url
    Redis.from_url(url).flushdb()


@pytest.fixture(params=["memory", "redis"])
def pages(request):
    return PageCache(request.getfixturevalue("redis_url") if request.param == "redis" else None, "r")


@pytest.fixture
def shared(redis_url):
    return PageCache(redis_url, "r")


def put_raw(pages, key, raw):
    pages._store.set(key, raw)


def test_what_was_put_comes_back_whole(pages):
    pages.put("k", ANSWER)
    assert pages.get("k") == ANSWER


def test_nothing_comes_back_under_another_key(pages):
    pages.put("k", ANSWER)
    assert pages.get("other") is None


def test_an_answer_without_times_or_headers_comes_back_too(pages):
    bare = Answer(body=b"", seq=0, mark=0, changed_at=None)
    pages.put("k", bare)
    assert pages.get("k") == bare


def test_the_last_put_stands(pages):
    pages.put("k", ANSWER)
    pages.put("k", replace(ANSWER, seq=8))
    assert pages.get("k").seq == 8


@pytest.mark.parametrize("raw", [b"", b"x", b"not ours at all, but long enough to be one", pickle.dumps(ANSWER.body)])
def test_foreign_bytes_under_a_key_are_a_miss(pages, raw):
    put_raw(pages, "k", raw)
    assert pages.get("k") is None


def test_an_answer_under_the_key_of_another_is_a_miss(pages):
    pages.put("a", ANSWER)
    put_raw(pages, "b", pages._store.get("a"))
    assert pages.get("b") is None


def test_cut_or_altered_bytes_are_a_miss(pages):
    pages.put("k", ANSWER)
    whole = pages._store.get("k")
    for length in range(len(whole)):
        put_raw(pages, "k", whole[:length])
        assert pages.get("k") is None
    for place in range(len(whole)):
        put_raw(pages, "k", whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert pages.get("k") is None


def test_what_another_program_left_in_redis_is_never_run(shared, redis_url):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("a pickle was opened",))

    Redis.from_url(redis_url).set("newsapi:page:k", b"!" + pickle.dumps(Trap()))
    assert shared.get("k") is None


def test_two_processes_share_what_redis_keeps(shared, redis_url):
    shared.put("k", ANSWER)
    assert PageCache(redis_url, "r").get("k") == ANSWER


def test_a_redis_that_refuses_is_a_miss():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        pages = PageCache(f"redis://127.0.0.1:{nobody.getsockname()[1]}", "r")
        pages.put("k", ANSWER)
        assert pages.get("k") is None
        assert "does not answer" in pages.state()


def test_a_redis_that_hangs_is_asked_once_and_then_left_alone():
    asked = []
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen()
        pages = PageCache(f"redis://127.0.0.1:{hole.getsockname()[1]}", "r")
        pages._store.get = lambda key, get=pages._store.get: asked.append(key) or get(key)
        for _ in range(5):
            assert pages.get("k") is None
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
