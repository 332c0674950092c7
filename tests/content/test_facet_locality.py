"""However often facets are rewritten, PostgreSQL finds those of all brands on the few pages where they were made."""

import time

import pytest
from sqlalchemy import text

PAGES = text("SELECT count(DISTINCT (ctid::text::point)[0]) FROM facet WHERE kind = 'brand'")
ALONE = text("SELECT pg_snapshot_xmin(now) = pg_snapshot_xmax(now) FROM pg_current_snapshot() AS now")
"""Whether nobody else writes: an open transaction keeps old versions in place in every database of the server."""


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_facets_that_are_rewritten_stay_on_their_pages(database):
    with database.transaction() as session:
        for kind, count in (("brand", 60), ("tag", 400)):
            session.execute(
                text("INSERT INTO facet (kind, article_count, seq) SELECT :kind, 0, 0 FROM generate_series(1, :count)"),
                {"kind": kind, "count": count},
            )
        before = session.execute(PAGES).scalar_one()
    for _ in range(40):
        wait_until_alone(database)
        with database.transaction() as session:
            session.execute(text("UPDATE facet SET article_count = article_count + 1, seq = seq + 1"))
    with database.read_transaction() as connection:
        assert connection.execute(PAGES).scalar_one() == before


def wait_until_alone(database):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with database.read_transaction() as connection:
            if connection.execute(ALONE).scalar_one():
                return
        time.sleep(0.01)
    pytest.fail("somebody else wrote all the time")
