"""The front when more reads arrive than its threads can build: what is refused, and what is still sent."""

import asyncio
import sys
import threading

import pytest
from structlog.testing import capture_logs

from newsapi.cache.cached_response import CachedResponse
from newsapi.cache.log_follower import ChangelogDelta, ChangelogFollower
from newsapi.cache.memory_cache import MemoryCache
from newsapi.cache.response_cache import ResponseCache
from newsapi.cache.shared_cache import NullCache
from newsapi.server import concurrency
from newsapi.server.concurrency import MAX_QUEUED
from newsapi.server.front import Front, FrontConfig
from newsapi.server.metrics import RequestMetrics
from newsapi.server.wsgi_bridge import ENV_CACHE_RESULT
from newsapi.web.problems import refusal_factory

HOT = "brand=land-rover"
OCCUPIED = 6 + MAX_QUEUED // 2
"""Number of lists that eight threads build or let wait."""

NAMES = 50_000
"""Number of requests that each of eight threads names: enough for two to do it in the same instant."""


class Headers:
    def get(self, name):
        return {"host": "x"}.get(name)

    def get_all(self, name):
        return ["x"] if name == "host" else []

    def items(self):
        return [("host", "x")]


class Request:
    """A GET of a list, and the response that it was sent."""

    http_version, scheme, method, path = "1.1", "http", "GET", "/v1/articles"
    server, client, headers = "127.0.0.1:80", "127.0.0.1:9", Headers()

    def __init__(self, query):
        self.query_string, self.status, self.sent = query, 0, {}

    def response_bytes(self, status, headers, _body):
        self.status, self.sent = status, dict(headers)


class Site:
    """A front on an application whose builds, except that of the hot list, wait until the gate is opened."""

    def __init__(self):
        self.gate, self.now, self.seq, self.built = threading.Event(), 0.0, 1, []
        self.follower = ChangelogFollower(
            lambda _after, _most: ChangelogDelta(None, self.seq, self.seq, None), clock=lambda: self.now
        )
        self.cache = ResponseCache(MemoryCache(1 << 20), NullCache(), self.follower)
        config = FrontConfig(cdn_lifetime=2, max_body_bytes=1, streamed_endpoints=frozenset(), db_threads=8)
        self.front = Front(self.application, self.cache, refusal_factory(""), config, RequestMetrics())

    def application(self, environ, _start_response):
        query = environ["QUERY_STRING"]
        if query != HOT:
            assert self.gate.wait(60)
        self.built.append(query)
        response = CachedResponse(body=query.encode(), seq=self.seq, nonce=self.seq)
        environ[ENV_CACHE_RESULT] = self.cache.get(query, lambda: response)
        return []

    async def ask(self, query):
        request = Request(query)
        await self.front.__rsgi__(request, request)
        return request

    async def occupy(self):
        """Let requests take all threads for lists and all places in the queue."""
        held = [asyncio.create_task(self.ask(f"limit={number}")) for number in range(OCCUPIED)]
        await asyncio.sleep(0)
        assert self.front._threads.in_use == OCCUPIED
        return held

    def change_everything(self):
        self.seq += 1
        self.now += 0.5
        assert self.follower.catch_up()


@pytest.fixture
def run():
    def run(story):
        async def main():
            site = Site()
            site.front.__rsgi_init__(asyncio.get_running_loop())
            try:
                await story(site)
            finally:
                site.gate.set()
                site.front.__rsgi_del__(asyncio.get_running_loop())

        asyncio.run(main())

    return run


def test_what_is_refused_is_told_when_to_come_again_and_hits_are_sent(run):
    async def story(site):
        assert [(await site.ask(HOT)).sent["Cache-Status"] for _ in range(2)] == ["newsapi; fwd=miss", "newsapi; hit"]
        held = await site.occupy()
        refused = await site.ask("limit=99")
        assert (refused.status, refused.sent["Retry-After"]) == (503, "1")
        assert (await site.ask(HOT)).sent["Cache-Status"] == "newsapi; hit"
        site.gate.set()
        assert {request.status for request in await asyncio.gather(*held)} == {200}

    run(story)


def test_a_response_that_was_cached_is_renewed_before_others_are_built(run):
    async def story(site):
        for _ in range(2):
            await site.ask(HOT)
        held = await site.occupy()
        site.change_everything()
        renewal = asyncio.create_task(site.ask(HOT))
        await asyncio.sleep(0)
        assert (await site.ask(HOT)).sent["Cache-Status"] == "newsapi; hit; detail=stale"
        site.built.clear()
        site.gate.set()
        assert (await renewal).sent["Cache-Status"] == "newsapi; fwd=miss"
        assert {request.status for request in await asyncio.gather(*held)} == {200}
        assert site.built.index(HOT) < OCCUPIED / 2

    run(story)


def test_a_response_that_just_became_outdated_is_sent_as_stale_within_the_second_and_no_longer(run, monkeypatch):
    monkeypatch.setattr(concurrency, "MAX_QUEUED_REFRESHES", 0)

    async def story(site):
        for _ in range(2):
            await site.ask(HOT)
        await site.occupy()
        site.change_everything()
        stale = await site.ask(HOT)
        assert (stale.status, stale.sent["Cache-Status"]) == (200, "newsapi; hit; detail=stale")
        site.now += 0.6  # it was valid more than a second ago
        assert (await site.ask(HOT)).status == 503

    run(story)


def test_an_overload_is_one_line_a_second_in_the_log(run, monkeypatch):
    monkeypatch.setattr(concurrency, "REFUSAL_LOG_SECONDS", 0.05)

    async def story(site):
        await site.occupy()
        with capture_logs() as lines:
            for number in range(100):
                assert (await site.ask(f"limit=1&q={number}")).status == 503
            await asyncio.sleep(0.2)
        assert [(line["count"], line["kinds"]) for line in lines if "refused" in line["event"]] == [
            (100, {"articles": 100})
        ]

    run(story)


def test_threads_that_name_requests_at_the_same_time_get_different_ids():
    sender, request, ids = Site().front._sender, Request(""), []

    def name_requests():
        ids.extend([sender.request_id(request) for _ in range(NAMES)])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=name_requests) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(ids) == len(set(ids)) == 8 * NAMES
