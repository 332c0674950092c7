"""A listener is told every change, by one worker at a time, from its own place."""

import contextlib
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from newsapi.changelog import offsets, writer
from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.reader import find_commit_time
from newsapi.changelog.tables import Change, ChangelogHead, ConsumerOffset
from newsapi.content.tables.articles import SlugRedirect
from newsapi.db.types import uuid7
from newsapi.errors import DiskFull, MigrationsPending, Unavailable
from newsapi.worker import consumers as room
from newsapi.worker.consumer import IDLE_INTERVAL_SECONDS
from newsapi.worker.consumers import LEASE_DURATION, MAX_BACKOFF_SECONDS, ConsumerRunner, Worker
from newsapi.worker.periodic import IDLE_POLLS, PeriodicTask
from tests.support.events import changelog_seq
from tests.support.metrics import metric
from tests.support.processes import environ


def place(database, listener="recorder"):
    with database.read_transaction() as connection:
        return connection.execute(select(ConsumerOffset.__table__).where(ConsumerOffset.consumer == listener)).one()


def test_a_new_listener_begins_at_the_head_and_is_told_what_comes(worker, recorder, make, database):
    make.articles(2)
    follow = worker(recorder)
    follow.step()
    assert recorder.seen == []
    before = changelog_seq(database)
    make.articles(2, brand="tesla")
    assert follow.step() == IDLE_INTERVAL_SECONDS
    assert recorder.seen == list(range(before + 1, changelog_seq(database) + 1))
    assert place(database).seq == changelog_seq(database)
    follow.step()
    assert recorder.seen == list(range(before + 1, changelog_seq(database) + 1))


def test_a_consumer_with_an_offset_processes_what_changed_before_a_worker_first_ran(
    worker, recorder, make, database, clock
):
    make.articles(2)
    Worker(database, [recorder], now=clock).ensure_offsets()
    before = changelog_seq(database)
    make.articles(2, brand="tesla")
    Worker(database, [recorder], now=clock).ensure_offsets()  # it has one
    worker(recorder).step()
    assert recorder.seen == list(range(before + 1, changelog_seq(database) + 1))


@pytest.mark.parametrize(
    "command",
    ["from newsapi.cli.processes import prepare_database; prepare_database('127.0.0.1')", "import wsgi"],
    ids=["serve", "wsgi"],
)
def test_serving_begins_with_an_offset_for_each_consumer(database, database_url, make, command):
    make.articles(2)
    settings = {"NEWSAPI_DATABASE_URL": database_url, "NEWSAPI_WEBSUB_HUB": "https://hub.example.com"}
    subprocess.run([sys.executable, "-c", command], env=environ(**settings), check=True)
    with database.read_transaction() as connection:
        offsets = dict(connection.execute(select(ConsumerOffset.consumer, ConsumerOffset.seq)).all())
    assert offsets["webhooks"] == offsets["websub"] == changelog_seq(database) > 0
    assert offsets["related"] == 0


def test_many_changes_come_in_blocks_without_a_pause(follow, recorder, make, database, monkeypatch):
    monkeypatch.setattr(room, "BATCH_SIZE", 2)
    make.articles(5)
    assert [follow.step() for _ in range(3)] == [0, 0, IDLE_INTERVAL_SECONDS]
    assert recorder.seen == [1, 2, 3, 4, 5]
    assert place(database).seq == 5


def test_with_nothing_new_a_step_writes_nothing_and_reads_the_head_alone(follow, statements):
    statements.clear()
    follow.step()
    assert [text.split()[0] for text in statements] == ["SELECT"]


def test_the_lag_counts_unfinished_changes_and_the_age_of_the_oldest(follow, recorder, make, clock, database):
    recorder.handle = lambda _rows: None  # it finishes nothing
    make.articles(2)
    with database.read_transaction() as connection:
        clock.time = find_commit_time(connection, 1) + timedelta(seconds=30)
    follow.step()
    assert metric("newsapi_consumer_lag_changes", consumer="recorder") == 2
    assert metric("newsapi_consumer_lag_seconds", consumer="recorder") == 30
    del recorder.handle
    recorder.reset()
    follow._discard_unfinished()
    follow.step()
    assert metric("newsapi_consumer_lag_changes", consumer="recorder") == 0
    assert metric("newsapi_consumer_lag_seconds", consumer="recorder") == 0


def test_who_lost_the_lease_reports_no_lag(follow, recorder, worker, make, clock):
    recorder.handle = lambda _rows: None
    make.article()
    follow.step()
    assert metric("newsapi_consumer_lag_changes", consumer="recorder") == 1
    clock.forward(seconds=LEASE_DURATION.total_seconds() + 1)
    second = type(recorder)()
    worker(second).step()
    assert second.seen == [1]
    follow.step()
    assert metric("newsapi_consumer_lag_changes", consumer="recorder") == 0


def test_the_lag_of_an_idle_periodic_task_is_0(worker, make, database):
    task = PeriodicTask(lambda: 0)
    task.name = "periodic"
    follow = worker(task)
    follow.step()
    make.articles(3)
    follow.step()
    assert place(database, "periodic").seq == 0
    for _ in range(IDLE_POLLS):
        follow.step()
    assert place(database, "periodic").seq == changelog_seq(database)
    assert metric("newsapi_consumer_lag_changes", consumer="periodic") == 0


@pytest.mark.parametrize("outage", [Unavailable(), DiskFull(), MigrationsPending(), ConnectionRefusedError()])
def test_an_outage_keeps_the_place_and_is_waited_for_longer_and_longer(follow, recorder, make, database, outage):
    make.article()
    recorder.fails = outage
    waits = [follow.step() for _ in range(9)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 32, MAX_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS]
    assert place(database).seq == 0
    recorder.fails = None
    assert follow.step() == IDLE_INTERVAL_SECONDS
    assert (recorder.seen, place(database).seq) == ([1], 1)


def test_one_that_fails_does_not_hold_up_another(follow, recorder, worker, make):
    other = type(recorder)()
    other.name = "other"
    beside = worker(other)
    beside.step()
    recorder.fails = RuntimeError("no")
    make.article()
    follow.step()
    beside.step()
    assert (recorder.seen, other.seen) == ([], [1])


def test_of_two_workers_one_works(follow, recorder, worker, make):
    second = type(recorder)()
    other = worker(second)
    make.article()
    assert (other.step(), second.seen) == (IDLE_INTERVAL_SECONDS, [])
    follow.step()
    assert recorder.seen == [1]


def test_a_worker_that_stops_leaves_its_place_to_the_next_at_once(follow, recorder, worker, make):
    follow.release()
    second = type(recorder)()
    other = worker(second)
    make.article()
    other.step()
    assert (recorder.seen, second.seen) == ([], [1])


def test_the_place_of_a_worker_that_was_killed_is_taken_within_half_a_minute(follow, recorder, worker, make, clock):
    second = type(recorder)()
    other = worker(second)
    make.article()
    clock.forward(seconds=LEASE_DURATION.total_seconds() - 1)
    other.step()
    assert second.seen == []
    clock.forward(seconds=1)
    other.step()
    assert second.seen == [1]
    assert LEASE_DURATION.total_seconds() < 30


def test_the_next_worker_of_a_supervisor_takes_the_place_of_the_one_that_was_killed_at_once(
    database, recorder, make, clock
):
    ConsumerRunner(database, recorder, now=clock, worker_id="one").step()
    make.article()
    second, other = type(recorder)(), type(recorder)()
    ConsumerRunner(database, other, now=clock, worker_id="two").step()
    ConsumerRunner(database, second, now=clock, worker_id="one").step()
    assert (second.seen, other.seen) == ([1], [])


def test_a_worker_that_goes_on_keeps_its_place(follow, recorder, worker, make, clock):
    second = type(recorder)()
    other = worker(second)
    for _ in range(10):
        clock.forward(seconds=5)
        follow.step()
        other.step()
    make.article()
    other.step()
    follow.step()
    assert (recorder.seen, second.seen) == ([1], [])


def test_a_worker_that_was_stopped_for_a_minute_writes_nothing_after_its_place_was_taken(
    follow, recorder, worker, make, clock, database
):
    """It had read, and was about to write."""
    second = type(recorder)()
    other = worker(second)
    take = recorder.handle

    def stopped_meanwhile(changed):
        done = take(changed)
        clock.forward(seconds=60)
        other.step()
        return done

    recorder.handle = stopped_meanwhile
    for listener in (recorder, second):
        row = {"kind": "tag", "subject_id": uuid7(), "created_at": clock()}
        listener.write_down = lambda session, row=row: session.execute(
            insert(SlugRedirect), {**row, "slug": str(uuid7())}
        )
    make.article()
    follow.step()
    assert (recorder.seen, second.seen) == ([1], [1])
    with database.read_transaction() as connection:
        assert connection.execute(select(func.count()).select_from(SlugRedirect)).scalar_one() == 1
    assert recorder.events == ["forget"]
    recorder.handle = take
    make.article()
    follow.step()
    other.step()
    assert (recorder.seen, second.seen) == ([1], [1, 2])


def test_what_a_listener_writes_is_written_with_its_place_or_not_at_all(follow, recorder, make, database):
    def fail(_session):
        raise RuntimeError

    recorder.write_down = fail
    make.article()
    follow.step()
    assert place(database).seq == 0


def test_what_could_not_be_written_is_told_again(follow, recorder, make, database):
    def fail(_session):
        raise RuntimeError("the disk is full")

    make.article()
    recorder.write_down = fail
    assert follow.step() == 0.5
    assert (recorder.seen, recorder.events, place(database).seq) == ([1], ["forget"], 0)
    recorder.write_down = None
    follow.step()
    assert (recorder.seen, place(database).seq) == ([1, 1], 1)


def test_a_clock_set_back_holds_nobody_up_for_long(follow, recorder, worker, make, clock):
    second = type(recorder)()
    other = worker(second)
    clock.forward(hours=-1)
    make.article()
    other.step()
    assert second.seen == [1]


def test_a_restored_log_is_told_and_the_place_set_to_its_head(follow, recorder, make, database):
    make.articles(3)
    follow.step()
    with database.transaction() as session:  # an older copy, which then went another way
        session.execute(update(Change).values(nonce=Change.nonce + 1))
        session.execute(update(ChangelogHead).values(nonce=ChangelogHead.nonce + 1))
    follow.step()
    assert recorder.events == ["forget", "set back"]
    assert (recorder.seen, place(database).seq) == ([1, 2, 3], 3)
    make.article()
    follow.step()
    assert recorder.seen == [1, 2, 3, 4]


def test_a_log_that_is_shorter_than_the_place_was_restored_too(follow, recorder, make, database):
    make.articles(3)
    follow.step()
    with database.transaction() as session:
        session.execute(Change.__table__.delete().where(Change.seq == 3))
        mark = session.execute(select(Change.nonce).where(Change.seq == 2)).scalar_one()
        session.execute(update(ChangelogHead).values(seq=2, nonce=mark))
    follow.step()
    assert recorder.events == ["forget", "set back"]
    assert LogPosition(place(database).seq, place(database).nonce) == LogPosition(2, mark)


@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_a_place_is_moved_only_from_where_its_holder_left_it(follow, recorder, worker, make, clock, database, seconds):
    with database.transaction() as session:
        session.execute(update(ConsumerOffset).values(lease_holder="someone else", lease_expires_at=clock()))
    clock.forward(seconds=seconds)
    make.article()
    follow.step()
    assert (place(database).seq, place(database).lease_holder == "someone else") == (
        (0, True) if not seconds else (1, False)
    )


def test_a_worker_that_is_suspended_while_it_renews_its_lease_does_not_keep_it(database, recorder, clock, monkeypatch):
    if database.is_sqlite:
        pytest.skip("SQLite has no server that could end a transaction")
    monkeypatch.setattr(writer, "MAX_IDLE_MS", 500)
    Worker(database, [recorder], now=clock).ensure_offsets()

    def acquire(holder, then=lambda: None):
        with database.transaction() as session:
            assert offsets.acquire_lease(session, "recorder", holder, clock(), LEASE_DURATION, from_the_first=False)
            then()

    def let_another_acquire():
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(Unavailable):
                return acquire("other")
        raise AssertionError

    with pytest.raises(Unavailable):
        acquire("suspended", then=let_another_acquire)
    assert place(database).lease_holder == "other"
