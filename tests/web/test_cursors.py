"""Cursors: what was made here is read back, and nothing else is taken for one."""

import base64
from datetime import UTC, datetime, timedelta

import pytest

from newsapi.errors import CursorExpired, CursorInvalid
from newsapi.web.cursors import CURSOR_PERIOD, CursorCodec

pytestmark = pytest.mark.one_database

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
START = datetime(1970, 1, 1, tzinfo=UTC) + (NOW - datetime(1970, 1, 1, tzinfo=UTC)) // CURSOR_PERIOD * CURSOR_PERIOD
MICROSECOND = timedelta(microseconds=1)
VALUE = ["articles", {"brand": "land-rover"}, 1_793_534_400_000_001, "0199", False, False]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@pytest.fixture
def cursors(database):
    return CursorCodec(database, "a secret of thirty-two characters")


@pytest.fixture
def cursor(cursors):
    return cursors.write(VALUE, now=NOW)


def test_a_cursor_gives_back_what_it_holds(cursors, cursor):
    assert cursors.read(cursor, now=NOW) == VALUE
    assert set(cursor) <= set(ALPHABET)


def test_equal_places_are_equal_bytes_all_period_long(cursors, cursor, database):
    again = CursorCodec(database, "a secret of thirty-two characters")
    assert again.write(VALUE, now=START) == again.write(VALUE, now=START + CURSOR_PERIOD - MICROSECOND) == cursor
    assert cursors.write(VALUE, now=START + CURSOR_PERIOD) != cursor


def test_nodes_without_a_secret_share_the_one_in_the_database(database, cursor):
    kept = CursorCodec(database).write(VALUE, now=NOW)
    assert CursorCodec(database).read(kept, now=NOW) == VALUE
    with pytest.raises(CursorInvalid):
        CursorCodec(database).read(cursor, now=NOW)


def test_a_cursor_altered_anywhere_is_none_of_ours(cursors, cursor):
    for place, character in enumerate(cursor):
        for other in {ALPHABET[ALPHABET.index(character) ^ 1], ALPHABET[ALPHABET.index(character) ^ 32]}:
            with pytest.raises(CursorInvalid):
                cursors.read(cursor[:place] + other + cursor[place + 1 :], now=NOW)


def test_a_cursor_cut_or_continued_anywhere_is_none_of_ours(cursors, cursor):
    for place in range(len(cursor)):
        with pytest.raises(CursorInvalid):
            cursors.read(cursor[:place], now=NOW)
        with pytest.raises(CursorInvalid):
            cursors.read(cursor[place + 1 :], now=NOW)
    for more in ("A", "AA", "AAAA", cursor):
        with pytest.raises(CursorInvalid):
            cursors.read(cursor + more, now=NOW)


def test_other_spellings_of_the_same_bytes_are_refused(cursors):
    spelled = 0
    for length in range(40):
        cursor = cursors.write("?>~" * length, now=NOW)
        spellings = {
            cursor + "=" * (-len(cursor) % 4),
            cursor.replace("-", "+").replace("_", "/"),
            f" {cursor}",
            f"{cursor}\n",
            cursor[:-1] + ALPHABET[ALPHABET.index(cursor[-1]) | 1],
        } - {cursor}
        for spelling in spellings:
            spelled += 1
            with pytest.raises(CursorInvalid):
                cursors.read(spelling, now=NOW)
    assert spelled > 100


@pytest.mark.parametrize(
    "text", ["", "A", "=", "ÄÖÜ", "\x00", "a" * 10_000, "AAAAAAAAAAAAAAAAAAAAAG51bGw", "\ud800", "💶"]
)
def test_what_was_never_a_cursor_is_none_of_ours(cursors, text):
    with pytest.raises(CursorInvalid):
        cursors.read(text, now=NOW)


@pytest.mark.parametrize(
    "payload", [b"null", b"[]", b"[1]", b"{}", b'["a", 1]', b"[1e400, 1]", b"[null, 1]", b"[[], 1]"]
)
def test_a_payload_without_period_and_value_is_none_of_ours(cursors, payload):
    text = base64.urlsafe_b64encode(bytes(16) + payload).rstrip(b"=").decode()
    with pytest.raises(CursorInvalid):
        cursors.read(text, now=NOW)


def test_another_secret_does_not_know_it(database, cursor):
    with pytest.raises(CursorInvalid):
        CursorCodec(database, "b secret of thirty-two characters").read(cursor, now=NOW)


def test_it_is_good_for_thirty_days_at_least_and_sixty_at_most(cursors):
    late = START + CURSOR_PERIOD - MICROSECOND
    assert cursors.read(cursors.write(VALUE, now=late), now=late + timedelta(days=30)) == VALUE
    early = cursors.write(VALUE, now=START)
    assert cursors.read(early, now=START + timedelta(days=60) - MICROSECOND) == VALUE
    with pytest.raises(CursorExpired):
        cursors.read(early, now=START + timedelta(days=60))


def test_an_old_cursor_that_was_altered_is_not_called_expired(cursors, cursor):
    with pytest.raises(CursorInvalid):
        cursors.read(cursor[:-1] + "A", now=NOW + timedelta(days=400))


def test_a_clock_that_lags_behind_another_node_still_reads_its_cursors(cursors):
    assert cursors.read(cursors.write(VALUE, now=START), now=START - timedelta(seconds=90)) == VALUE
