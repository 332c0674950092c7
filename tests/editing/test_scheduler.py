"""The hour that comes: once, never early, whoever is killed, and what may be shown no longer goes."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from newsapi.app import WRITE_HOOKS, create_worker
from newsapi.changelog.tables import Change
from newsapi.content.writes.writer import WriteContext
from newsapi.db import clock as db_clock
from newsapi.editing import queries as due
from newsapi.editing import scheduler
from newsapi.editing.worker import PublicationScheduler
from newsapi.errors import InvalidParameter
from newsapi.keys import commands as key_commands
from newsapi.worker.consumers import LEASE_DURATION, ConsumerRunner
from tests.support.client import EVERYTHING, Editor
from tests.support.import_records import article as record
from tests.support.imports import import_accepted
from tests.support.invariants import consistent
from tests.support.metrics import metric


@pytest.fixture
def editor(app, database, clock):
    return Editor(app, key_commands.create(database, "anna", [*EVERYTHING, "admin"], now=clock()))


@pytest.fixture
def desk(database, settings, clock):
    return WriteContext(database, settings, lambda _: clock(), WRITE_HOOKS)


@pytest.fixture
def embargo(database, clock, desk):
    """One more worker's hold on the schedule."""
    return lambda: ConsumerRunner(database, PublicationScheduler(desk), now=clock)


def changes(database):
    with database.read_transaction() as connection:
        return [tuple(row) for row in connection.execute(select(Change.slug, Change.reason).order_by(Change.seq))]


def test_at_its_hour_and_not_before_it_is_published_once(editor, public, embargo, clock, database):
    hour = clock() + timedelta(minutes=5)
    editor.write(slug="velar", status="scheduled", published_at=hour.isoformat(), tags=["nuovo"])
    worker = embargo()
    worker.step()
    clock.time = hour - timedelta(microseconds=1)
    worker.step()
    assert (public.get("/v1/articles/velar").status_code, changes(database)) == (404, [])
    clock.time = hour
    worker.step()
    worker.step()
    found = public.get("/v1/articles/velar").json["data"]
    told = {found[name] for name in ("published_at", "updated_at", "materially_updated_at")}
    assert told == {"2026-11-01T12:05:00Z"}
    assert changes(database) == [("nuovo", "updated"), ("velar", "published")]
    assert [item["slug"] for item in public.get("/v1/articles?tag=nuovo").json["data"]] == ["velar"]
    consistent(database)


def test_the_delay_of_a_publication_is_measured_and_a_failure_is_counted(editor, embargo, clock, monkeypatch):
    at = (clock.time + timedelta(hours=1)).isoformat()
    editor.write(headline="Anteprima", status="scheduled", published_at=at)
    clock.forward(hours=1, seconds=7)

    def refuse(*_args, **_options):
        raise InvalidParameter([])

    failures = metric("newsapi_scheduled_changes_failed_total")
    with monkeypatch.context() as patch:
        patch.setattr(scheduler.resolve, "resolve", refuse)
        embargo().step()
    assert metric("newsapi_scheduled_changes_failed_total") == failures + 1
    count, seconds = (metric(f"newsapi_scheduled_publication_delay_seconds_{name}") for name in ("count", "sum"))
    clock.forward(seconds=LEASE_DURATION.total_seconds())
    embargo().step()
    assert metric("newsapi_scheduled_publication_delay_seconds_count") == count + 1
    assert metric("newsapi_scheduled_publication_delay_seconds_sum") == seconds + 7 + LEASE_DURATION.total_seconds()


def test_history_and_audit_say_that_it_was_the_schedule(editor, embargo, clock):
    made = editor.write(status="scheduled", published_at="2026-11-01T12:00:01Z")
    clock.forward(seconds=1)
    embargo().step()
    (last, *_) = editor.get(f"/v1/audit?subject={made['id']}").json["data"]
    assert (last["by"], last["action"], last["version"]) == ("schedule", "publish", 2)
    assert editor.get(f"/v1/articles/{made['id']}/revisions").json["data"][0]["by"] == "schedule"


def test_of_many_workers_at_once_one_publishes(editor, desk, clock, database):
    for number in range(20):
        editor.write(slug=f"a-{number}", status="scheduled", published_at="2026-11-01T12:00:01Z")
    clock.forward(seconds=1)
    start, done = threading.Barrier(6), []

    def work():
        start.wait()
        done.append(scheduler.run_due(desk))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 20
    assert len(changes(database)) == 20
    consistent(database)


def test_where_one_was_killed_another_goes_on_within_half_a_minute(editor, public, embargo, clock):
    first, second = embargo(), embargo()
    first.step()  # and no more
    editor.write(slug="velar", status="scheduled", published_at="2026-11-01T12:00:01Z")
    clock.forward(seconds=1)
    second.step()
    assert public.get("/v1/articles/velar").status_code == 404
    assert timedelta(seconds=30) > LEASE_DURATION
    clock.time += LEASE_DURATION
    second.step()
    assert public.get("/v1/articles/velar").status_code == 200


@pytest.mark.parametrize("changes", [{"status": "draft"}, {"published_at": "2026-11-02T00:00:00Z"}])
def test_what_was_pulled_or_moved_in_time_does_not_appear(editor, public, desk, clock, changes, monkeypatch):
    made = editor.write(slug="velar", status="scheduled", published_at="2026-11-01T12:00:01Z")
    clock.forward(seconds=1)
    looked = scheduler._has_due_articles

    def slowly(desk):
        found = looked(desk)
        editor.change(made, **changes)  # after the check, before the transaction
        return found

    monkeypatch.setattr(scheduler, "_has_due_articles", slowly)
    assert scheduler.run_due(desk) == 0
    assert public.get("/v1/articles/velar").status_code == 404


def test_when_the_rights_end_it_is_gone_and_says_so(editor, public, embargo, clock, database):
    rights = {"holder": "Agenzia", "expires_at": "2026-11-01T13:00:00Z"}
    editor.write(slug="velar", status="published", rights=rights)
    worker = embargo()
    worker.step()
    assert public.get("/v1/articles/velar").status_code == 200
    clock.forward(hours=1)
    worker.step()
    gone = public.get("/v1/articles/velar")
    assert (gone.status_code, gone.json["gone"]["reason"], gone.json["gone"]["action"]) == (410, "rights", "withdrawn")
    assert public.get("/v1/articles").json["data"] == []
    assert changes(database)[-1] == ("velar", "rights")
    worker.step()
    assert len(changes(database)) == 2
    consistent(database)


def test_what_has_no_rights_any_more_when_its_hour_comes_never_appears(editor, public, embargo, clock, database):
    rights = {"expires_at": "2026-11-01T12:00:01Z"}
    editor.write(slug="velar", status="scheduled", published_at="2026-11-01T12:00:02Z", rights=rights)
    clock.forward(seconds=2)
    embargo().step()
    assert (public.get("/v1/articles/velar").status_code, changes(database)) == (404, [])


def test_an_import_with_a_time_to_come_waits_for_it_too(database, settings, clock, embargo, public):

    line = (
        b'{"type": "article", "slug": "velar", "headline": "x", "body_html": "", "status": "published",'
        b' "published_at": "2026-11-01T12:00:05Z"}'
    )
    import_accepted(database, settings, line, clock)
    worker = embargo()
    worker.step()
    assert public.get("/v1/articles/velar").status_code == 404
    clock.forward(seconds=5)
    worker.step()
    assert public.get("/v1/articles/velar").status_code == 200


HOURS = [
    ("2026-03-29T02:30:00+01:00", "2026-03-29T01:30:00Z"),  # in the gap of Berlin's spring, by its winter offset
    ("2026-03-29T02:30:00+02:00", "2026-03-29T00:30:00Z"),
    ("2026-10-25T02:30:00+02:00", "2026-10-25T00:30:00Z"),  # twice in Berlin's autumn
    ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z"),
    ("2026-10-04T02:30:00+10:00", "2026-10-03T16:30:00Z"),  # Sydney
    ("2026-04-05T02:30:00+11:00", "2026-04-04T15:30:00Z"),
    ("2028-02-29T00:00:00-11:00", "2028-02-29T11:00:00Z"),
    ("2028-02-29T00:00:00+14:00", "2028-02-28T10:00:00Z"),
    ("2026-12-31T23:59:59.999999Z", "2026-12-31T23:59:59.999999Z"),
    ("9999-12-01T00:00:00Z", "9999-12-01T00:00:00Z"),
]


@pytest.mark.parametrize(("said", "meant"), HOURS)
def test_the_instant_that_is_meant_is_the_one_that_counts(editor, said, meant, clock):
    clock.time = clock.time.replace(year=2025)
    admin = Editor(editor.client.application, editor.secret)
    assert admin.write(status="scheduled", published_at=said)["published_at"] == meant


@pytest.mark.parametrize(
    "said",
    ["2026-03-29T02:30:00", "2026-03-29 02:30", "2027-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z",
     "2026-01-01T00:00:00+25:00", "10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z", 1793534400, True, "tomorrow"],
)  # fmt: skip
def test_a_time_that_is_none_or_has_no_offset_is_refused(editor, said):
    answer = editor.post("/v1/articles", {"headline": "x", "status": "scheduled", "published_at": said})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, "/published_at")


def test_the_clock_is_that_of_the_database(database):
    with database.read_transaction() as connection:
        assert db_clock.database_now(connection).tzinfo is not None
        if not database.is_sqlite:
            fixed = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
            assert abs(db_clock.database_now(connection) - fixed) < timedelta(seconds=5)


def test_every_worker_keeps_the_schedule(settings):
    worker = create_worker(settings)
    assert {"embargo", "merging"} <= {follow.consumer.name for follow in worker.runners}


def test_with_nothing_due_a_step_writes_nothing(embargo, statements):
    worker = embargo()
    worker.step()
    statements.clear()
    worker.step()
    assert {text.split()[0] for text in statements} == {"SELECT"}


def plan_of(database, find):
    """Return the plan of the only statement that a function runs on a connection."""
    with database.read_transaction() as connection:
        seen = []
        event.listen(connection, "before_cursor_execute", lambda *told: seen.append(told[2:4]))
        find(connection)
        ((statement, parameters),) = seen
        if database.is_sqlite:
            return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return str(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).all())


@pytest.mark.parametrize("find", [due.list_due_for_publication, due.list_due_for_expiry])
def test_who_looks_for_what_is_due_reads_what_is_scheduled_alone(database, make, find):
    make.articles(3)
    plan = plan_of(database, lambda connection: find(connection, make.now(), 1))
    assert "ix_article_due" in plan or "ix_article_expiring" in plan, plan


def test_the_look_of_every_second_reads_what_is_scheduled_alone(database, make):
    make.articles(3)
    found = []
    plan = plan_of(database, lambda connection: found.append(due.has_due_articles(connection, make.now())))
    assert found == [False]
    assert "ix_article_due" in plan
    assert "ix_article_expiring" in plan


@pytest.mark.parametrize(
    "edit",
    [
        lambda editor, article: editor.patch("velar", {"headline": "Nuovo"}, article["version"]),
        lambda editor, article: editor.patch("velar", {"published_at": article["published_at"]}, article["version"]),
        lambda editor, article: editor.patch("velar", {"status": "published"}, article["version"]),
        lambda editor, article: editor.put("/v1/articles/velar/picks", {"slugs": ["altro"], "ban": []}),
        lambda editor, article: editor.post("/v1/articles/velar/revisions/1/restore", {}),
    ],
    ids=["patch", "same time", "same status", "picks", "restore"],
)
def test_a_published_article_can_be_edited_after_the_clock_was_set_back(editor, public, clock, edit):
    editor.write(slug="altro", status="published")
    article = editor.change(editor.write(slug="velar", status="published"), headline="Vecchio")
    clock.forward(hours=-1)
    answer = edit(editor, article)
    assert answer.status_code == 200, answer.text
    assert public.get("/v1/articles/velar").status_code == 200
    assert editor.get("/v1/articles/velar").json["data"]["status"] == "published"


def test_an_import_after_the_clock_was_set_back_leaves_the_article_published(public, load, clock):
    published_at = f"{clock():%Y-%m-%dT%H:%M:%SZ}"
    load(record("velar", published_at=published_at))
    clock.forward(hours=-1)
    load(record("velar", published_at=published_at, headline="Nuovo"))
    assert public.get("/v1/articles/velar").json["data"]["headline"] == "Nuovo"


def test_a_published_article_is_not_moved_into_the_future_without_a_status(editor, clock):
    article = editor.write(slug="velar", status="published")
    answer = editor.patch("velar", {"published_at": "2031-01-01T00:00:00Z"}, article["version"])
    assert answer.status_code == 409
