"""The log: numbers without gaps in commit order, times that never go back, facets that know their last change."""

import random
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from newsapi.changelog import writer as changelog_writer
from newsapi.changelog.records import NewChange
from newsapi.changelog.tables import Change, ChangelogHead, Facet
from newsapi.content.tables.articles import ListingEntry
from newsapi.content.tables.terms import Brand, Tag
from newsapi.db import deadlines
from newsapi.db.database import Database
from newsapi.db.types import uuid7
from newsapi.errors import Unavailable


@pytest.fixture
def clock(clock):
    """Ahead of the moment when the database was made: the log began then."""
    clock.forward(days=3650)
    return clock


def told(slug, *facets, kind="tag"):
    return NewChange(
        kind=kind, action="upsert", reason="updated", subject_id=uuid7(), slug=slug, facets_after=frozenset(facets)
    )


def changes(database):
    with database.read_transaction() as connection:
        return connection.execute(select(Change.__table__).order_by(Change.seq)).all()


def head(database):
    with database.read_transaction() as connection:
        return connection.execute(select(ChangelogHead.__table__)).one()


def facet(database, kind, name=None, slug=None):
    """The facet of a kind and name, or that of the brand or tag with this slug."""
    found = select(Facet.__table__)
    if slug is None:
        found = found.where(Facet.kind == kind, Facet.name == name)
    else:
        model, column = {
            "brand": (Brand, Brand.facet_id),
            "mention": (Brand, Brand.mention_facet_id),
            "group": (Brand, Brand.group_facet_id),
            "tag": (Tag, Tag.facet_id),
        }[kind]
        found = found.join(model, column == Facet.id).where(model.slug == slug)
    with database.read_transaction() as connection:
        return connection.execute(found).one()


def append(database, clock, *slugs):
    with database.transaction() as session:
        return changelog_writer.append_changes(session, [told(slug) for slug in slugs], now=clock())


def run(*workers):
    """Run them at once; raise what one of them raised."""
    failed = []

    def guarded(worker):
        try:
            worker()
        except Exception as error:  # noqa: BLE001 (raised below)
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    if failed:
        raise failed[0]
    assert not any(thread.is_alive() for thread in threads)


def test_changes_are_numbered_from_one_in_the_order_given(database, clock):
    numbers = append(database, clock, "a", "b", "c")
    assert (numbers.first, numbers.last) == (1, 3)
    assert [(row.seq, row.slug) for row in changes(database)] == [(1, "a"), (2, "b"), (3, "c")]
    assert head(database).seq == 3


def test_no_change_takes_no_number(database, clock):
    before = head(database)
    append(database, clock)
    assert head(database) == before
    assert changes(database) == []


def test_a_transaction_that_fails_leaves_no_gap(database, clock):
    append(database, clock, "a")

    def broken():
        with database.transaction() as session:
            changelog_writer.append_changes(session, [told("b"), told("c")], now=clock())
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    append(database, clock, "d")
    assert [(row.seq, row.slug) for row in changes(database)] == [(1, "a"), (2, "d")]


def test_many_writers_at_once_leave_no_gap_and_no_number_twice(database, clock):
    def writer(number):
        chance = random.Random(number)

        def write():
            for step in range(8):
                try:
                    with database.transaction() as session:
                        changelog_writer.append_changes(
                            session, [told(f"{number}-{step}")] * chance.randint(1, 3), now=clock()
                        )
                        time.sleep(chance.random() / 500)
                        if chance.random() < 0.3:
                            raise KeyError
                except KeyError:
                    pass

        return write

    run(*(writer(number) for number in range(6)))
    seqs = [row.seq for row in changes(database)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert head(database).seq == len(seqs)
    assert head(database).nonce == changes(database)[-1].nonce


def test_a_reader_that_goes_on_from_the_last_number_misses_nothing(database, clock):
    """What is committed later has a higher number: nobody slips in behind a reader."""
    seen, done = [], threading.Event()

    def write(number):
        for step in range(8):
            with database.transaction() as session:
                numbers = changelog_writer.reserve_seqs(session, 2, now=clock())
                time.sleep(random.random() / 300)
                changelog_writer.append_reserved(session, [told(f"{number}-{step}")] * 2, numbers)

    def read():
        while True:
            last = done.is_set()
            with database.read_transaction() as connection:
                place = seen[-1] if seen else 0
                found = connection.execute(select(Change.seq).where(Change.seq > place).order_by(Change.seq).limit(3))
                new = found.scalars().all()
            seen.extend(new)
            if last and not new:
                return
            time.sleep(0.001)

    def write_all():
        try:
            run(*(lambda n=number: write(n) for number in range(4)))
        finally:
            done.set()

    run(read, write_all)
    assert seen == list(range(1, 65))


def test_the_time_of_the_log_never_goes_back(database, clock):
    times = []
    for hours in (0, 1, -2, 0.5, 5):
        clock.forward(hours=hours)
        times.append(append(database, clock, "a").committed_at)
    assert times == sorted(times)
    assert times[1] == times[2] == times[3]
    assert [row.committed_at for row in changes(database)] == times
    assert head(database).committed_at == times[-1] == clock()


def test_the_time_is_kept_to_the_microsecond(database, clock):
    clock.forward(microseconds=1)
    first = append(database, clock, "a").committed_at
    clock.time -= timedelta(microseconds=1)
    assert append(database, clock, "b").committed_at == first


def test_every_change_has_a_mark_and_the_head_has_that_of_the_last(database, clock):
    marks = []
    for slugs in (("a",), ("b", "c"), ("d",)):
        marks.append(append(database, clock, *slugs).last_nonce)
        assert head(database).nonce == marks[-1]
    rows = changes(database)
    assert len({row.nonce for row in rows}) == 4
    assert [rows[0].nonce, rows[2].nonce, rows[3].nonce] == marks
    assert all(0 <= row.nonce < 1 << 63 for row in rows)


def test_a_publication_touches_every_facet_of_the_article(database, make, clock):
    make.brand("jaguar-land-rover")
    make.brand("land-rover", parent="jaguar-land-rover")
    clock.forward(hours=1)
    make.article(brand="land-rover", mentions=["fiat"], tags=["suv"], language="en", format="gallery")
    now = head(database)
    facets = [
        facet(database, "all", ""),
        facet(database, "format", "gallery"),
        facet(database, "language", "en"),
        facet(database, "brand", slug="land-rover"),
        facet(database, "group", slug="jaguar-land-rover"),
        facet(database, "mention", slug="fiat"),
        facet(database, "tag", slug="suv"),
        facet(database, "sitemap", "1"),
    ]
    assert {(row.article_count, row.seq, row.changed_at) for row in facets} == {(1, now.seq, clock())}
    last = changes(database)[-1]
    assert (last.facets_before, sorted(last.facets_after)) == ([], sorted(row.id for row in facets))
    untouched = facet(database, "mention", slug="land-rover")
    assert (untouched.article_count, untouched.changed_at) == (0, None) or untouched.seq < now.seq


def test_a_withdrawal_touches_them_again_and_counts_down(database, make, clock):
    make.article(tags=["suv"])
    article = make.article(tags=["suv", "rara"])
    clock.forward(hours=1)
    make.hide(article)
    now = head(database)
    for kind, name, slug, left in (("all", "", None, 1), ("tag", None, "suv", 1), ("tag", None, "rara", 0)):
        row = facet(database, kind, name, slug)
        assert (row.article_count, row.seq, row.changed_at) == (left, now.seq, clock())
    last = changes(database)[-1]
    assert last.facets_after == []
    assert len(last.facets_before) == 6


def test_work_on_a_draft_is_no_change(database, make):
    make.tag("suv")
    before = head(database)
    make.article(status="draft", tags=["suv"], published_at=None)
    assert head(database) == before
    assert facet(database, "tag", slug="suv").article_count == 0


def test_numbers_of_articles_are_those_of_the_lists_whatever_happens(database, make):
    chance, public = random.Random(5), []
    for _ in range(60):
        if public and chance.random() < 0.4:
            make.hide(public.pop(chance.randrange(len(public))))
        else:
            public.append(make.article(brand=chance.choice(("fiat", "jaguar")), tags=chance.sample("abc", 2)))
    listed = select(func.count()).where(ListingEntry.facet_id == Facet.id).scalar_subquery()
    with database.read_transaction() as connection:
        rows = connection.execute(
            select(Facet.article_count, listed.label("listed")).where(Facet.kind != "terms")
        ).all()
    assert len(rows) > 8
    assert all(row.article_count == row.listed for row in rows)


def test_a_facet_touched_by_several_changes_bears_the_last(database, make, clock):
    make.tag("suv")
    row = facet(database, "tag", slug="suv")
    with database.transaction() as session:
        numbers = changelog_writer.append_changes(
            session, [told("a", row.id), told("b", row.id), told("c")], now=clock()
        )
    assert facet(database, "tag", slug="suv").seq == numbers.first + 1


def test_writers_that_take_the_lock_never_wait_for_each_other_in_a_circle(database, make, clock):
    """Two that touch the same tags in opposite order: each takes its turn."""
    make.tag("a")
    make.tag("b")
    ids = [facet(database, "tag", slug=slug).id for slug in ("a", "b")]
    start = head(database).seq

    def write(order):
        for _ in range(12):
            with database.transaction() as session:
                changelog_writer.acquire_write_lock(session)
                for id_ in order:
                    row = session.get_one(Facet, id_)
                    row.article_count += 1
                    session.flush()
                changelog_writer.append_changes(session, [told("x", *order)], now=clock())

    run(lambda: write(ids), lambda: write(ids[::-1]), lambda: write(ids))
    assert [facet(database, "tag", slug=slug).article_count for slug in ("a", "b")] == [36, 36]
    assert head(database).seq == start + 36


def test_whoever_holds_the_lock_is_alone_with_what_it_read(database, clock):
    inside, most = [], []

    def write():
        for _ in range(5):
            with database.transaction() as session:
                changelog_writer.acquire_write_lock(session)
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.001)
                inside.pop()
                changelog_writer.append_changes(session, [told("a")], now=clock())

    run(write, write, write, write)
    assert max(most) == 1


def test_postgresql_ends_a_writer_that_does_nothing_while_it_holds_the_lock(postgresql_url, monkeypatch):
    monkeypatch.setattr(changelog_writer, "MAX_IDLE_MS", 300)
    suspended, other, taken = Database(postgresql_url), Database(postgresql_url), []

    def wait_for_the_other():
        with suspended.transaction() as session:
            changelog_writer.acquire_write_lock(session)
            with other.transaction() as second:  # waits until the server has ended the first
                changelog_writer.acquire_write_lock(second)
                taken.append(second)
            session.execute(select(ChangelogHead.seq))

    with pytest.raises(Unavailable):
        wait_for_the_other()
    assert taken
    suspended.dispose()
    other.dispose()


def test_the_time_for_a_writer_that_does_nothing_ends_with_its_transaction(postgresql_url):
    database = Database(postgresql_url)
    setting = text("SELECT current_setting('idle_in_transaction_session_timeout')")
    with database.transaction() as session:
        usual = session.execute(setting).scalar_one()
        changelog_writer.acquire_write_lock(session)
        assert session.execute(setting).scalar_one() == "10s"
    with database.transaction() as session:
        assert session.execute(setting).scalar_one() == usual
    database.dispose()


def test_postgresql_ends_the_wait_for_the_lock_of_a_client_that_is_gone(postgresql_url, monkeypatch):
    """Its session would get the lock when it is free, and keep it for ten seconds."""
    monkeypatch.setattr(deadlines, "EDITOR_WRITE_TIMEOUT_SECONDS", 0.5)
    database = Database(postgresql_url)
    with database.transaction() as session:
        changelog_writer.acquire_write_lock(session)
        assert session.execute(text("SHOW lock_timeout")).scalar_one() == "450ms"
        assert session.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one() == "10s"
        with pytest.raises(Unavailable) as refused, database.transaction() as other:
            changelog_writer.acquire_write_lock(other)
    assert "lock timeout" in str(refused.value.__cause__)
    database.dispose()


def test_imports_wait_longer_for_the_lock(postgresql_url):
    database = Database(postgresql_url, long_running=True)
    with database.transaction() as session:
        changelog_writer.acquire_write_lock(session)
        assert session.execute(text("SHOW lock_timeout")).scalar_one() == "27s"
    database.dispose()
