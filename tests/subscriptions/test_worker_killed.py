"""Workers killed while they write to everybody: who was told, and how often, as the mail server saw it."""

import asyncio
import threading
from collections import Counter

import pytest

from bench.alerts import Sink, fill, kill_worker, measure_kills, publish, start_worker
from newsapi.db.clock import utc_now
from tests.subscriptions.conftest import wait_until
from tests.support.factories import Make

KILLS = 10


@pytest.mark.long
@pytest.mark.timeout(300)
def test_everybody_is_told_and_at_most_the_one_under_way_twice(database):
    sink, make = Sink(), Make(database, utc_now)
    fill(database, make, 1_000)
    try:
        found = measure_kills(database, make, sink, 1_000, times=KILLS, seed=7)
    finally:
        sink.close()
    assert (found["reached"], found["not_reached"]) == (1_000, 0)
    assert (found["sent_more_often"], found["sent_under_another_id"]) == (0, 0)
    assert found["sent_twice"] <= KILLS


class Waiting(Sink):
    """A mail server that keeps some mails waiting for its answer, whether it has `kept` them by then or not."""

    def __init__(self):
        self.wait_for, self.kept, self.waiting, self.held = 0, True, threading.Event(), []
        super().__init__()

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if len(self.received) != self.wait_for or self.waiting.is_set():
            return await super().handle_DATA(server, session, envelope)
        if self.kept:
            await super().handle_DATA(server, session, envelope)
            self.held.append(self.received[-1])
        self.waiting.set()
        await asyncio.sleep(60)
        return "451 4.3.0 Too late"


def test_killed_while_the_mail_server_considers_a_mail(database):
    """It cannot be known whether it was taken: so that one is sent again, the same one, and no other."""
    server, make = Waiting(), Make(database, utc_now)
    fill(database, make, 12)
    publish(database, make, server.url)
    try:
        for wait_for, kept in ((0, True), (4, False), (7, True)):
            server.wait_for, server.kept = wait_for, kept
            server.waiting.clear()
            worker = start_worker(database, server.url)
            try:
                assert server.waiting.wait(60)
            finally:
                kill_worker(worker, database)
        server.wait_for = -1
        worker = start_worker(database, server.url)
        try:
            wait_until(lambda: len({recipient for _, recipient in server.received}) == 12, seconds=60)
            wait_until(lambda: len(server.received) >= 14, seconds=20)
        finally:
            kill_worker(worker, database)
    finally:
        server.close()
    often = Counter(server.received)
    assert len(often) == 12
    assert {mail for mail, times in often.items() if times > 1} == {*server.held}
    assert max(often.values()) == 2
    assert len(server.held) == 2
