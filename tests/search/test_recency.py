"""The recency of articles: whole numbers that are equal on all machines, and what the engine makes of them."""

import math
import struct

from newsapi.search.recency import FIRST_HOUR, HALF_LIFE_HOURS, MAX_HALF_LIVES, UNIT, engine_value, recency

HOUR = 3_600_000_000
LAST_HOUR = math.floor(MAX_HALF_LIVES * HALF_LIFE_HOURS) + FIRST_HOUR


def test_it_doubles_in_twenty_years():
    assert recency(FIRST_HOUR * HOUR) == UNIT
    assert [recency((FIRST_HOUR + n * HALF_LIFE_HOURS) * HOUR) for n in range(7)] == [UNIT << n for n in range(7)]


def test_articles_before_and_after_the_range_have_that_of_its_ends():
    assert recency((FIRST_HOUR - 1_000_000) * HOUR) == UNIT
    assert recency((LAST_HOUR + 1_000_000) * HOUR) == recency((LAST_HOUR + 1) * HOUR)


def test_every_hour_has_its_own():
    hours = range(0, HALF_LIFE_HOURS, 7)
    assert all(recency((hour + 1) * HOUR - 1) == recency(hour * HOUR) < recency((hour + 1) * HOUR) for hour in hours)


def test_no_value_is_so_near_to_half_a_unit_that_machines_could_round_it_differently():
    """The error of a power is below 1e-15 of it; a whole half-life is tested, since the others are multiples."""
    values = (UNIT * 2 ** (hour / HALF_LIFE_HOURS) for hour in range(1, HALF_LIFE_HOURS))
    assert min(abs(value % 1 - 0.5) for value in values) > 1e-8


def test_the_engine_computes_it_from_the_value_in_single_precision():
    for hour in range(FIRST_HOUR, LAST_HOUR + 10, 9_973):
        single = struct.unpack("f", struct.pack("f", 2 + engine_value(hour * HOUR)))[0]
        factor = recency(hour * HOUR) / UNIT
        assert abs(math.log2(single) - factor) < 1e-7 * factor
