"""A change that a consumer cannot process is set aside and tried again later; the consumer goes on."""

import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from newsapi.changelog import failed_changes, offsets
from newsapi.changelog.failed_changes import RETRY_SCHEDULE
from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.tables import Change, ConsumerOffset, FailedChange
from newsapi.errors import Unavailable
from newsapi.worker.consumer import IDLE_INTERVAL_SECONDS, Consumer
from newsapi.worker.consumers import ConsumerRunner
from newsapi.worker.http_requests import RequestRefused
from newsapi.worker.isolation import MAX_TRIES, describe_error, is_outage, process_in_halves
from newsapi.worker.periodic import PeriodicTask
from tests.support.events import changelog_seq


class PickyConsumer(Consumer):
    """Processes all changes but some."""

    name = "picky"
    from_the_first = True

    def __init__(self, delay=0):
        self.processed = []
        self.refused = set()
        self.error = ValueError("this text cannot be processed")
        self.fails_always = None
        self._delay, self._waiting, self._pending = delay, [], []

    def reset(self):
        self._waiting, self._pending = [], []

    def handle(self, rows):
        if self.fails_always:
            raise self.fails_always
        known = {row.seq for row, _ in self._waiting}  # a batch that failed is delivered again
        self._waiting += [[row, self._delay] for row in rows if row.seq not in known]
        finished = self._process([row for row, left in self._waiting if left == 0])
        self._waiting = [[row, left - 1] for row, left in self._waiting if left]
        return finished

    def retry(self, rows):
        self._process(rows)

    def _process(self, rows):
        if any(row.seq in self.refused for row in rows):
            raise self.error
        self._pending += [row.seq for row in rows]
        return LogPosition(rows[-1].seq, rows[-1].nonce) if rows else None

    def commit(self, _session):
        self.processed += self._pending
        self._pending = []


@pytest.fixture
def picky():
    return PickyConsumer()


@pytest.fixture
def runner(database, picky, clock):
    return ConsumerRunner(database, picky, now=clock)


def run(runner, steps=200):
    """Run until nothing is left to do, whatever the delays; return the delays in seconds."""
    waits = []
    for _ in range(steps):
        waits.append(runner.step())
        if runner._committed.seq == changelog_seq(runner._database) and not runner._failures:
            break
    return waits


def list_failed(database):
    with database.read_transaction() as connection:
        return failed_changes.list_failed(connection)


def state(database, consumer="picky"):
    with database.read_transaction() as connection:
        return next(row for row in offsets.list_consumers(connection) if row.consumer == consumer)


@pytest.mark.parametrize("delay", [0, 3])
@pytest.mark.parametrize("refused", [{1}, {40}, {17}, {16, 17, 31}, set(range(1, 6))])
def test_every_other_change_is_processed_once(database, clock, make, refused, delay):
    make.articles(40)
    picky = PickyConsumer(delay)
    picky.refused = refused
    run(ConsumerRunner(database, picky, now=clock), steps=2_000)
    assert picky.processed == [seq for seq in range(1, 41) if seq not in refused]
    assert [row.seq for row in list_failed(database)] == sorted(refused)
    assert {row.error for row in list_failed(database)} == {"ValueError: this text cannot be processed"}


def test_a_failing_change_delays_the_next_ones_by_seconds(make, runner, picky, clock):
    make.articles(40)
    picky.refused = {17}
    assert sum(run(runner)) < 10
    make.articles(2)
    assert sum(run(runner)) <= IDLE_INTERVAL_SECONDS
    assert picky.processed[-2:] == [41, 42]


def test_a_change_that_fails_once_or_twice_is_not_set_aside(make, runner, picky, database):
    make.article()
    picky.refused = {1}
    waits = [runner.step() for _ in range(MAX_TRIES - 1)]
    picky.refused = set()
    runner.step()
    assert (waits, picky.processed, list_failed(database)) == ([0.5, 1.0], [1], [])


@pytest.mark.parametrize("outage", [Unavailable(), TimeoutError("no answer")])
def test_an_outage_sets_nothing_aside(make, runner, picky, database, outage):
    make.articles(3)
    picky.refused, picky.error = {2}, outage
    for _ in range(20):
        runner.step()
    assert (list_failed(database), state(database).seq) == ([], 0)
    picky.refused = set()
    run(runner)
    assert picky.processed == [1, 2, 3]


def test_a_request_that_a_server_refuses_is_no_outage(make, runner, picky, database):
    make.articles(3)
    picky.refused, picky.error = {2}, RequestRefused(400)
    run(runner)
    assert picky.processed == [1, 3]


def test_a_consumer_that_fails_without_changes_too_sets_none_aside(make, runner, picky, database):
    make.articles(3)
    picky.fails_always = RuntimeError("not about a change")
    for _ in range(20):
        runner.step()
    assert list_failed(database) == []
    picky.fails_always = None
    run(runner)
    assert picky.processed == [1, 2, 3]


def test_a_periodic_task_sets_no_change_aside(make, database, clock):
    def fail():
        raise RuntimeError

    task = PeriodicTask(fail)
    task.name = "task"
    runner = ConsumerRunner(database, task, now=clock)
    runner.step()
    make.articles(3)
    assert [runner.step() for _ in range(9)][-1] == 60
    assert list_failed(database) == []
    assert state(database, "task").failing_since == clock()


def test_it_is_tried_again_later_and_later_until_it_succeeds(make, runner, picky, database, clock):
    make.articles(3)
    picky.refused = {2}
    run(runner)
    for number, delay in enumerate([*RETRY_SCHEDULE, RETRY_SCHEDULE[-1]], 1):
        [row] = list_failed(database)
        assert (row.tries, row.next_try_at - clock()) == (number, delay)
        clock.time += delay - timedelta(seconds=11)
        runner.step()
        assert list_failed(database) == [row]
        clock.time += timedelta(seconds=11)
        runner.step()
    picky.refused = set()
    clock.time += RETRY_SCHEDULE[-1]
    runner.step()
    assert (picky.processed, list_failed(database)) == ([1, 3, 2], [])


def test_many_that_were_set_aside_are_tried_in_few_calls_and_one_that_still_fails_holds_up_none(
    make, runner, picky, database, clock
):
    make.articles(20)
    picky.refused = set(range(1, 21))
    run(runner, steps=2_000)
    picky.refused = {7}
    clock.time += RETRY_SCHEDULE[0]
    for _ in range(30):
        runner.step()
    assert sorted(picky.processed) == [seq for seq in range(1, 21) if seq != 7]
    assert [(row.seq, row.tries) for row in list_failed(database)] == [(7, 2)]


def test_new_changes_go_on_while_others_are_retried(make, runner, picky, clock):
    make.articles(2)
    picky.refused = {1}
    run(runner)
    clock.time += RETRY_SCHEDULE[0]
    make.article()
    runner.step()
    assert picky.processed == [2, 3]


def test_of_a_restored_changelog_nothing_is_retried(make, runner, picky, database, clock):
    make.articles(3)
    picky.refused = {2}
    run(runner)
    with database.transaction() as session:
        session.execute(update(Change).where(Change.seq == 2).values(nonce=Change.nonce + 1))
    picky.refused = set()
    clock.time += RETRY_SCHEDULE[0]
    runner.step()
    assert (picky.processed, list_failed(database)) == ([1, 3], [])


def test_a_worker_whose_lease_was_lost_sets_nothing_aside(make, runner, picky, database):
    make.article()
    picky.refused = {1}
    for _ in range(MAX_TRIES - 1):
        runner.step()
    with database.transaction() as session:
        session.execute(update(ConsumerOffset).values(lease_holder="another worker"))
    runner.step()
    assert (list_failed(database), state(database).seq) == ([], 0)


def test_operators_are_told_that_it_fails_and_that_it_works_again(make, runner, picky, database, clock, client):
    make.articles(3)
    picky.fails_always = RuntimeError("cannot connect as admin:secret")
    runner.step()
    assert state(database).failing_since is None
    runner.step()
    assert state(database)[2:] == (clock(), "RuntimeError: cannot connect as admin:secret")
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["status"]) == (200, "degraded")
    assert ready.json["parts"]["picky"] == "failing since 2026-11-01T12:00:00Z"
    assert "secret" not in ready.text
    picky.fails_always = None
    run(runner)
    assert state(database)[2:] == (None, None)
    assert client.get("/readyz").json["status"] == "ready"
    assert client.get("/readyz").json["parts"]["picky"] == "ok"


def test_operators_are_told_of_changes_that_were_set_aside(make, runner, picky, database, client):
    make.articles(3)
    picky.refused = {1, 3}
    run(runner)
    runner.step()
    assert client.get("/readyz").json["parts"]["picky"] == "2 changes set aside"
    assert client.get("/readyz").json["status"] == "degraded"


def test_a_change_of_a_consumer_that_the_settings_turn_off_is_listed_and_does_not_degrade(
    make, database, clock, client, build, settings, newsapi
):
    make.article("velar")
    with database.transaction() as session:
        position = offsets.changelog_head(session.connection())
        offsets.save_offset(session, "purge", position, clock())
        session.execute(update(ConsumerOffset).values(failing_since=clock(), last_error="refused"))
        failed_changes.set_aside(session, "purge", [position], "refused", now=clock())
    ready = client.get("/readyz").json
    assert (ready["status"], "purge" in ready["parts"]) == ("ready", False)
    listed = newsapi("consumers", "list", NEWSAPI_DATABASE_URL=settings.database_url).stdout.splitlines()
    assert listed[0] == f"purge  change {position.seq}, 0 behind  turned off: NEWSAPI_PURGE_URL is not set"
    assert "next never: refused" in listed[1]
    purging = dataclasses.replace(settings, purge_url="varnish+http://cache.example.com")
    ready = build(purging).test_client().get("/readyz").json
    assert ready["status"] == "degraded"
    assert "1 changes set aside" in ready["parts"]["purge"]


def test_a_problem_that_a_consumer_reports_is_told_while_it_goes_on(make, runner, picky, database, client):
    picky.problem = "it had to do something else"
    make.article()
    run(runner)
    assert picky.processed == [1]
    assert state(database).last_error == "it had to do something else"
    assert client.get("/readyz").json["status"] == "degraded"


def test_the_next_worker_clears_the_failure_of_one_that_was_killed(make, runner, picky, database, clock):
    make.article()
    picky.fails_always = RuntimeError()
    for _ in range(3):
        runner.step()
    clock.forward(minutes=1)
    run(ConsumerRunner(database, PickyConsumer(), now=clock))
    assert state(database).failing_since is None


def test_a_consumer_whose_worker_has_stopped_is_not_failing(make, runner, picky, database):
    make.article()
    picky.fails_always = RuntimeError()
    for _ in range(3):
        runner.step()
    assert state(database).failing_since is not None
    runner.release()
    assert state(database)[2:] == (None, None)


@pytest.mark.one_database
def test_an_error_of_the_database_is_described_without_its_parameters(database):
    values = {"consumer": "a secret", "seq": 1, "nonce": 1, "error": "x", "tries": 1}
    with database.transaction() as session, pytest.raises(IntegrityError) as caught:
        session.execute(FailedChange.__table__.insert().values(**values))
    assert "IntegrityError" in describe_error(caught.value)
    assert "a secret" not in describe_error(caught.value)


STATEMENTS = {"sqlite": "SELECT abs(-9223372036854775808)", "postgresql": "SELECT repeat('x', 2000000000)"}


def test_a_statement_that_the_database_cannot_execute_is_no_outage(database):
    statement = STATEMENTS["sqlite" if database.is_sqlite else "postgresql"]
    with pytest.raises(Unavailable) as caught, database.transaction() as session:
        session.execute(text(statement))
    assert not is_outage(caught.value)
    assert is_outage(Unavailable())


def test_items_are_processed_in_halves_down_to_those_that_fail():
    calls = []

    def process(items):
        if 5 in items or 6 in items:
            raise ValueError(len(items))
        calls.append(items)

    assert process_in_halves(range(1, 9), process) == [(5, "ValueError: 1"), (6, "ValueError: 1")]
    assert sorted(item for items in calls for item in items) == [1, 2, 3, 4, 7, 8]
    with pytest.raises(Unavailable):
        process_in_halves([1], lambda _: (_ for _ in ()).throw(Unavailable()))


def test_the_commands_list_what_failed_and_have_it_tried_again(newsapi, tmp_path, clock):
    assert newsapi("db", "upgrade").returncode == 0
    from newsapi.db.database import Database  # noqa: PLC0415

    database = Database(f"sqlite:///{tmp_path}/newsapi.sqlite3")
    with database.transaction() as session:
        offset = {"seq": 3, "nonce": 1, "updated_at": clock(), "failing_since": clock(), "last_error": "OSError: no"}
        session.execute(ConsumerOffset.__table__.insert().values(consumer="webhooks", **offset))
        failed_changes.set_aside(session, "related", [LogPosition(2, 1)], "ValueError: no", now=clock())
    listed = newsapi("consumers", "list").stdout.splitlines()
    assert listed[0] == "webhooks  change 3, 0 behind  failing since 2026-11-01T12:00:00Z: OSError: no"
    assert listed[1].startswith("related  change 2 set aside 2026-11-01T12:00:00Z, tries: 1, next 2026-11-01T12:01:00Z")
    assert newsapi("consumers", "retry", "webhooks").stdout == "0 changes will be tried again\n"
    assert newsapi("consumers", "retry").stdout == "1 changes will be tried again\n"
    with database.read_transaction() as connection:
        assert connection.execute(select(func.count()).where(FailedChange.next_try_at > clock())).scalar() == 1
    database.dispose()
