"""The threads that handle requests: shared out among kinds, with a bounded queue and a bounded wait."""

import asyncio
import threading
from functools import partial

import pytest

from newsapi.server import concurrency
from newsapi.server.concurrency import MAX_QUEUED, MAX_QUEUED_WRITES, Overloaded, RequestThreads


class Gate:
    """Work that waits until the gate is opened."""

    def __init__(self):
        self.opened = threading.Event()
        self.entered = threading.Semaphore(0)

    def run(self):
        self.entered.release()
        assert self.opened.wait(60)
        return "done"


def run_with_threads(story, db_threads=4):
    async def main():
        threads, gate = RequestThreads(db_threads), Gate()
        threads.start(asyncio.get_running_loop())
        try:
            await story(threads, gate)
        finally:
            gate.opened.set()
            threads.shut_down()

    asyncio.run(main())


def entered(gate, count):
    return all(gate.entered.acquire(timeout=60) for _ in range(count))


def test_the_result_or_the_exception_of_a_request_is_returned():
    async def story(threads, _gate):
        assert await threads.submit("/v1/articles", lambda: 7) == 7
        with pytest.raises(ZeroDivisionError):
            await threads.submit("/v1/articles", lambda: 1 / 0)
        assert await threads.run(lambda: 8) == 8
        assert threads.in_use == 0

    run_with_threads(story)


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/", "/v1/articles", "/sitemap.xml", "/healthz", "//", ""])
def test_a_request_gives_its_thread_back(path):
    async def story(threads, _gate):
        for number in range(20):
            assert await threads.submit(path, lambda number=number: number) == number
            assert threads.in_use == 0

    run_with_threads(story)


def test_one_kind_of_request_leaves_threads_to_the_others():
    async def story(threads, gate):
        slow = [threads.submit("/v1/search", gate.run) for _ in range(4)]
        assert entered(gate, 2)
        assert await threads.submit("/v1/articles", lambda: 7) == 7
        assert await threads.submit("/healthz", lambda: 8) == 8
        assert not gate.entered.acquire(blocking=False)
        assert threads.in_use == 4
        gate.opened.set()
        assert await asyncio.gather(*slow) == ["done"] * 4

    run_with_threads(story)


def test_requests_of_a_kind_run_in_the_order_in_which_they_came():
    async def story(threads, gate):
        order = []
        held = [threads.submit("/v1/articles", gate.run) for _ in range(2)]
        assert entered(gate, 2)
        waiting = [threads.submit("/v1/articles", partial(order.append, number)) for number in range(20)]
        gate.opened.set()
        await asyncio.gather(*held, *waiting)
        assert sorted(order) == list(range(20))
        assert order[0] in {0, 1}

    run_with_threads(story, db_threads=2)


def test_what_does_not_fit_into_the_queue_is_refused_at_once():
    async def story(threads, gate):
        accepted = [threads.submit("/v1/articles", gate.run) for _ in range(2 + MAX_QUEUED // 2)]
        with pytest.raises(Overloaded):
            await threads.submit("/v1/articles", gate.run)
        gate.opened.set()
        assert await asyncio.gather(*accepted) == ["done"] * len(accepted)
        assert threads.in_use == 0

    run_with_threads(story)


def test_who_waits_too_long_for_a_thread_is_refused_and_the_rest_go_on(monkeypatch):
    monkeypatch.setattr(concurrency, "QUEUE_TIMEOUT_SECONDS", 0.02)

    async def story(threads, gate):
        held = [threads.submit("/v1/articles", gate.run) for _ in range(2)]
        assert entered(gate, 2)
        for _ in range(2):
            with pytest.raises(Overloaded):
                await threads.submit("/v1/articles", gate.run)
        assert threads.in_use == 2
        gate.opened.set()
        assert await asyncio.gather(*held) == ["done"] * 2
        assert await threads.submit("/v1/articles", lambda: 7) == 7

    run_with_threads(story, db_threads=2)


def test_a_request_that_was_cancelled_gives_its_thread_back():
    async def story(threads, gate):
        held = [threads.submit("/v1/articles", gate.run) for _ in range(2)]
        assert entered(gate, 2)
        for future in held:
            future.cancel()
        gate.opened.set()
        assert await threads.submit("/v1/articles", lambda: 7) == 7

    run_with_threads(story, db_threads=2)


def test_a_burst_of_writes_waits_its_turn_and_leaves_threads_to_reads(monkeypatch):
    monkeypatch.setattr(concurrency, "QUEUE_TIMEOUT_SECONDS", 0.02)

    async def story(threads, gate):
        writes = [threads.submit("/v1/articles", gate.run, is_write=True) for _ in range(100)]
        assert entered(gate, 1)
        for _ in range(3):
            assert await threads.submit("/v1/articles", lambda: 7) == 7
            await asyncio.sleep(0.02)
        assert not gate.entered.acquire(blocking=False), "a write took a thread that is reserved for reads"
        gate.opened.set()
        assert await asyncio.gather(*writes) == ["done"] * 100
        assert threads.in_use == 0

    run_with_threads(story, db_threads=2)


def test_the_queue_of_writes_is_bounded_in_number_and_time(monkeypatch):
    monkeypatch.setattr(concurrency, "WRITE_QUEUE_TIMEOUT_SECONDS", 0.1)

    async def story(threads, gate):
        submit = partial(threads.submit, "/v1/articles", gate.run, is_write=True)
        running = submit()
        assert entered(gate, 1)
        waiting = [submit() for _ in range(MAX_QUEUED_WRITES)]
        with pytest.raises(Overloaded):
            await submit()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {Overloaded}
        gate.opened.set()
        assert await running == "done"
        assert threads.in_use == 0

    run_with_threads(story, db_threads=2)
