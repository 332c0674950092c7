"""Workers killed at random while they write to everybody: who was told, and how often, as the mail server saw it."""

import pytest

from bench.alerts import Sink, fill, kills
from newsapi.api.parts import utc_now
from tests.make import Make

KILLS = 10


@pytest.mark.long
@pytest.mark.timeout(300)
def test_everybody_is_told_and_at_most_the_one_under_way_twice(database):
    sink, make = Sink(), Make(database, utc_now)
    fill(database, make, 1_000)
    try:
        found = kills(database, make, sink, 1_000, times=KILLS, seed=7)
    finally:
        sink.close()
    assert (found["told"], found["not_told"]) == (1_000, 0)
    assert (found["oftener"], found["under_another_id"]) == (0, 0)
    assert found["twice"] <= KILLS
