"""Redis refuses, hangs, is late, breaks off, is full, or comes back with what it knew before: reads go on and are true.

A time that is measured here only tells waiting from not waiting: redis-py, left alone, tries for more than half a
minute.
"""

import pickle
import threading
import time
from dataclasses import replace

import pytest
from redis import Redis

from newsapi.cache import circuit_breaker
from newsapi.cache import redis_cache as shared_module
from newsapi.cache.cached_response import CachedResponse
from newsapi.cache.log_follower import ChangelogDelta, ChangelogFollower
from newsapi.cache.memory_cache import MemoryCache
from newsapi.cache.redis_cache import RedisResponseCache
from newsapi.cache.response_cache import ResponseCache
from tests.support import faulty_proxy as proxies
from tests.support import servers

pytestmark = pytest.mark.real_time

FAULTS = ["refuse", "hang", "slow", "reset"]
NO_WAIT = 5
URL = "/v1/articles/velar"


@pytest.fixture
def database_url(sqlite_url):
    """One kind of database will do."""
    return sqlite_url


@pytest.fixture(scope="module")
def valkey():
    with servers.valkey() as url:
        yield url


@pytest.fixture
def client_of_redis(valkey):
    client = Redis.from_url(valkey)
    client.flushall()
    yield client
    client.config_set("maxmemory", 0)
    client.close()


@pytest.fixture
def proxy(valkey, client_of_redis):
    with proxies.before(valkey) as made:
        yield made


@pytest.fixture
def redis_url(proxy):
    return f"redis://127.0.0.1:{proxy.port}/0"


@pytest.fixture
def shared(redis_url):
    made = RedisResponseCache(redis_url, "r")
    yield made
    made._client.close()


@pytest.fixture
def node(build, settings, redis_url):
    """Make one more server process, with a memory of its own."""
    made = []

    def node():
        app = build(replace(settings, redis_url=redis_url))
        made.append(app.extensions["newsapi"].response_cache.shared)
        return app.test_client()

    yield node
    for one in made:
        one._client.close()


@pytest.fixture
def short_pause(monkeypatch):
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 0.2)


def answer(text, seq=1):
    return CachedResponse(body=text.encode(), seq=seq)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_met_once_and_then_redis_is_left_alone(shared, proxy, fault):
    shared.put("k", answer("one"))
    proxy.mode = fault
    began = time.monotonic()
    assert shared.get("k") is None
    proxy.asked = 0
    for number in range(50):
        assert shared.claim(f"k{number}")
        assert shared.get("k") is None
        shared.put("k", answer("two"))
        shared.release(f"k{number}")
    assert time.monotonic() - began < NO_WAIT
    assert proxy.asked == 0


@pytest.mark.parametrize(("username", "password"), [("default", "wrong"), ("default", ""), ("reader", "secret")])
def test_a_redis_that_refuses_to_serve_us_counts_as_a_failure(client_of_redis, valkey, username, password):
    """A wrong password, none at all, and a user who may not do this."""
    client_of_redis.acl_setuser("reader", enabled=True, passwords=["+secret"], commands=["+ping"])
    client_of_redis.config_set("requirepass", "right")
    shared = RedisResponseCache(f"{valkey}?username={username}&password={password}", "r")
    try:
        assert shared.get("k") is None
        assert shared.failures == 1
    finally:
        shared._client.close()
        client_of_redis.config_set("requirepass", "")


@pytest.mark.usefixtures("short_pause")
@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_used_again_soon_after_it_is_back(shared, proxy, fault):
    shared.put("k", answer("one"))
    proxy.mode = fault
    assert shared.get("k") is None
    proxy.mode = "calm"
    end = time.monotonic() + NO_WAIT
    while (found := shared.get("k")) is None:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert found.body == b"one"


@pytest.mark.usefixtures("short_pause")
def test_after_the_pause_one_tries_and_nobody_waits_with_it(shared, proxy, monkeypatch):
    monkeypatch.setattr(shared_module, "TIMEOUT_SECONDS", 0.1)
    proxy.mode = "hang"
    shared.get("k")
    time.sleep(0.25)
    tries = []
    tried = shared._run_timed
    monkeypatch.setattr(shared, "_run_timed", lambda ask: tries.append(1) or tried(ask))
    barrier = threading.Barrier(8)

    def ask():
        barrier.wait()
        shared.get("k")

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tries) == 1


def test_steps_that_are_each_in_time_but_slow_together_count_as_a_fault(shared, proxy):
    shared._client.connection_pool.connection_kwargs["db"] = 1  # one step more, to choose it
    proxy.mode, proxy.delay = "slow", shared_module.TIMEOUT_SECONDS * 0.7
    shared.get("k")
    proxy.asked = 0
    shared.get("k")
    assert proxy.asked == 0


def test_a_full_redis_keeps_nothing_new_and_still_gives_what_it_has(shared, client_of_redis):
    shared.put("old", answer("one"))
    client_of_redis.config_set("maxmemory", 1)
    for number in range(5):
        assert shared.claim(f"new{number}")
        shared.put(f"new{number}", answer("two"))
        assert shared.get(f"new{number}") is None
    assert shared.get("old").body == b"one"


def test_a_claim_has_its_end_from_the_first_moment(shared, proxy, client_of_redis):
    """Set in two steps, it would stay for ever after a fault between them, and all would wait for nobody."""
    shared.get("k")  # connect
    proxy.asked = 0
    assert shared.claim("k")
    assert proxy.asked == 1
    assert not shared.claim("k")
    assert 0 < client_of_redis.ttl("newsapi:r:k:claim") <= shared_module.BUILD_LOCK_SECONDS


def test_late_replies_never_answer_another_question(shared, proxy, monkeypatch):
    """Replies come about when the wait for them ends: what comes too late must not be read by who asks next."""
    monkeypatch.setattr(circuit_breaker, "OPEN_SECONDS", 0.0)
    keys = [f"k{number}" for number in range(8)]
    for key in keys:
        shared.put(key, answer(key))
    proxy.mode = "slow"
    came, wrong = [], []

    def ask(step):
        for turn in range(12):
            key = keys[(turn * step) % len(keys)]
            proxy.delay = shared_module.TIMEOUT_SECONDS * (0.05 if turn % 2 else 1.02)
            if found := shared.get(key):
                came.append(key)
                if found.body != key.encode():
                    wrong.append((key, found.body))

    threads = [threading.Thread(target=ask, args=(step,)) for step in (1, 3, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert came
    assert wrong == []


@pytest.mark.parametrize("fault", FAULTS)
def test_reads_go_on_and_tell_every_edit_while_redis_is_in_trouble(node, proxy, make, fault):
    make.article("velar")
    one = node()
    assert one.get(URL).status_code == 200
    proxy.mode = fault
    began = time.monotonic()
    for number in range(5):
        make.article(f"new-{number}")
        listed = one.get("/v1/articles")
        assert (listed.status_code, len(listed.json["data"])) == (200, number + 2)
    assert "does not answer" in one.get("/readyz").text or fault == "slow"
    assert one.get("/readyz").status_code == 200
    assert time.monotonic() - began < NO_WAIT


@pytest.mark.usefixtures("short_pause")
@pytest.mark.parametrize("fault", ["hang", "refuse"])
def test_redis_is_back_with_its_old_memory_after_edits(node, proxy, make, fault):
    article = make.article("velar", brand="land-rover")
    one = node()
    urls = [URL, "/v1/articles", "/v1/articles?brand=land-rover", "/v1/brands"]
    before = {url: one.get(url).data for url in urls}
    proxy.mode = fault
    make.hide(article)
    during = {url: one.get(url) for url in urls}
    assert during[URL].status_code == 410
    proxy.mode = "calm"
    time.sleep(0.3)
    for back in (one, node()):  # one that saw the edit, and one that knows nothing but what Redis holds
        for url in urls:
            found = back.get(url)
            assert found.status_code == during[url].status_code
            assert url == URL or found.data != before[url]
            assert found.headers["Content-Seq"] == during[url].headers["Content-Seq"]


def test_what_is_not_ours_under_a_live_key_is_a_miss_and_is_written_over(node, client_of_redis, make):
    make.article("velar")
    first = node().get(URL)
    (key,) = client_of_redis.keys("newsapi:*velar*")
    whole = client_of_redis.get(key)
    for raw in (b"", b"hello", whole[: len(whole) // 2], b"!" + pickle.dumps(1), b"nwp1" + whole[4:]):
        client_of_redis.set(key, raw)
        found = node().get(URL)
        assert (found.status_code, found.data) == (200, first.data)
        assert found.headers["Cache-Status"] == "newsapi; fwd=miss"
        assert client_of_redis.get(key)[:4] == whole[:4]
    assert node().get(URL).headers["Cache-Status"] == "newsapi; hit"
    client_of_redis.delete(key)
    client_of_redis.rpush(key, "a list")
    assert node().get(URL).data == first.data


def test_a_flushed_redis_costs_one_build_in_each_process(shared, client_of_redis):
    """Two processes, eight threads each, ask for one address at once, and nobody has it."""
    built = []

    def build():
        built.append(1)
        time.sleep(0.1)
        return answer("new", seq=1)

    def process():
        follower = ChangelogFollower(lambda _place, _most: ChangelogDelta(None, 1, 0, []))
        return ResponseCache(MemoryCache(1 << 20), shared, follower)

    processes = [process(), process()]
    for pages in processes:
        pages.get("k", build)
    client_of_redis.flushall()
    built.clear()
    for pages in processes:
        pages.memory = MemoryCache(1 << 20)
    given = []
    threads = [
        threading.Thread(target=lambda pages=pages: given.append(pages.get("k", build)))
        for pages in processes
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.response.body for one in given} == {b"new"}
    assert len(given) == 16
    assert len(built) <= 2
