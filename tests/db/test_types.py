"""What decoding of times and ids keeps in memory: values that recur, and a bounded number of them."""

import sys
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from newsapi.db.types import MAX_KEPT_VALUES, Id, UtcDateTime

VALUES = 8 * MAX_KEPT_VALUES
MAX_BLOCKS_PER_VALUE = 6
"""Objects of Python that one kept value takes: the stored value, the decoded one, and what links them."""


def count_new_blocks(decode, values):
    """Return how many more blocks of memory Python uses after decoding values."""
    before = sys.getallocatedblocks()
    for value in values:
        decode(value)
    return sys.getallocatedblocks() - before


@pytest.mark.parametrize("column_type", [UtcDateTime(), Id()])
def test_decoding_keeps_a_bounded_number_of_stored_values_of_sqlite(column_type):
    decode = column_type.result_processor(sqlite.dialect(), None)
    stored = range(VALUES) if isinstance(column_type, UtcDateTime) else (n.to_bytes(16) for n in range(VALUES))
    assert count_new_blocks(decode, stored) < MAX_BLOCKS_PER_VALUE * MAX_KEPT_VALUES
    again = [stored[0], stored[0]] if isinstance(stored, range) else [bytes(16), bytes(16)]
    first, second = map(decode, again)
    assert first is second, "a value that recurs is decoded once"


def test_decoding_keeps_no_times_of_postgresql():
    decode = UtcDateTime().result_processor(postgresql.dialect(), None)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert count_new_blocks(decode, (start + timedelta(seconds=n) for n in range(VALUES))) < MAX_KEPT_VALUES / 4
