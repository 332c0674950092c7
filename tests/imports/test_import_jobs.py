"""Imports over HTTP: taken in as they come, run bit by bit, told of, cancelled; whole after whatever happens."""

import sqlite3
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import event, func, select

from newsapi.app import WRITE_HOOKS, queue_import_event
from newsapi.content.tables.articles import Article
from newsapi.db.database import Database
from newsapi.imports import article_writes as import_article_writes
from newsapi.imports import jobs as import_jobs
from newsapi.imports import loader as import_loader
from newsapi.imports import queries as store
from newsapi.imports.jobs import MAX_FAILURES, ImportRunner
from newsapi.imports.report import MAX_REPORTED
from newsapi.imports.tables import Import, ImportChunk
from tests.support.import_records import archive, article, brand, lines
from tests.support.invariants import consistent

NDJSON = "application/x-ndjson"


@pytest.fixture
def send(editor):
    """Send a file; answer what was answered."""

    def send(data, query="", kind=NDJSON, by=editor):
        return by.client.post(f"/v1/imports{query}", data=data, headers=by.headers, content_type=kind)

    return send


@pytest.fixture
def runs(database, settings, clock):
    made = ImportRunner(database, settings, hooks=WRITE_HOOKS, on_finished=queue_import_event(settings), now=clock)
    yield made
    made.release()
    consistent(database)


def work(runs):
    """Work until there is nothing to do."""
    while runs.run_slice():
        pass


def told(editor, answer):
    return editor.get(f"/v1/imports/{answer.json['data']['id']}").json["data"]


def counts(job):
    return tuple(job[name] for name in ("created", "updated", "unchanged", "rejected"))


def parts(database):
    with database.read_transaction() as connection:
        return connection.execute(select(func.count()).select_from(ImportChunk)).scalar_one()


def test_a_file_is_taken_in_and_imported_and_told_of(send, runs, editor, public, database):
    answer = send(lines(brand("jaguar"), article("e-type", brand="jaguar"), article("x", brand="lada")))
    assert (answer.status_code, answer.headers["Location"].rpartition("/")[2]) == (202, answer.json["data"]["id"])
    assert answer.json["data"]["state"] == "queued"
    assert public.get("/v1/articles/e-type").status_code == 404
    work(runs)
    job = told(editor, answer)
    assert (job["state"], counts(job), job["by"]) == ("done", (2, 0, 0, 1), editor.prefix)
    assert job["errors"] == [{"line": 3, "pointer": "/brand", "message": "there is no brand lada"}]
    assert job["offset"] == job["size"]
    assert public.get("/v1/articles/e-type").json["data"]["brand"]["slug"] == "jaguar"
    work(runs)
    assert parts(database) == 0


def test_a_second_time_it_changes_nothing(send, runs, editor):
    file = lines(*archive(50))
    for expected in ((70, 0, 0, 0), (0, 0, 70, 0)):
        answer = send(file)
        work(runs)
        assert counts(told(editor, answer)) == expected


def test_who_asked_stands_in_the_audit_and_in_history(send, runs, editor, hire):
    first = send(lines(article("e-type")))
    send(lines(article("e-type", headline="Altro")))
    work(runs)
    deeds = hire("admin").get("/v1/audit").json["data"]
    mine = [deed for deed in deeds if deed["subject_id"] == first.json["data"]["id"]]
    assert [(deed["by"], deed["action"], deed["kind"]) for deed in mine] == [(editor.prefix, "create", "import")]
    assert editor.get("/v1/articles/e-type/revisions").json["data"][0]["by"] == editor.prefix


def test_imports_are_listed_page_by_page(send, editor):
    ids = [send(lines(article(f"a-{number}"))).json["data"]["id"] for number in range(5)]
    first = editor.get("/v1/imports?limit=3").json
    second = editor.get(first["links"]["next"].removeprefix("https://api.example.com")).json
    assert [job["id"] for job in (*first["data"], *second["data"])] == ids[::-1]
    assert second["page"]["next"] is None
    assert editor.get("/v1/imports?cursor=abc").status_code == 400
    other = editor.get("/v1/articles?limit=1").json["page"]["next"]
    assert other is None


def test_one_that_is_cancelled_writes_nothing_more(send, runs, editor, monkeypatch, database):
    monkeypatch.setattr(import_loader, "BATCH_LINES", 10)
    monkeypatch.setattr(import_jobs, "TIME_SLICE_SECONDS", 0.0001)
    answer = send(lines(*(article(f"a-{number}") for number in range(50))))
    for _ in range(4):
        runs.run_slice()
    path = f"/v1/imports/{answer.json['data']['id']}"
    before = told(editor, answer)
    assert 0 < before["created"] < 50
    cancelled = editor.delete(path)
    assert (cancelled.status_code, cancelled.json["data"]["state"]) == (200, "cancelled")
    monkeypatch.undo()
    work(runs)
    assert told(editor, answer)["created"] == before["created"]
    with database.read_transaction() as connection:
        assert connection.execute(select(func.count()).select_from(Article)).scalar_one() == before["created"]
    assert editor.delete(path).status_code == 200
    assert parts(database) == 0


def test_one_that_is_done_cannot_be_cancelled_and_one_that_never_was_is_not_found(send, runs, editor):
    answer = send(lines(article("a")))
    work(runs)
    refused = editor.delete(f"/v1/imports/{answer.json['data']['id']}")
    assert (refused.status_code, refused.json["allowed"]) == (409, [])
    nobody = f"/v1/imports/{uuid.uuid4()}"
    assert {editor.get(nobody).status_code, editor.delete(nobody).status_code} == {404}


@pytest.mark.parametrize(
    ("query", "kind", "data", "status"),
    [
        ("", "text/plain", b"{}", 415),
        ("", "application/x-www-form-urlencoded", b"{}", 415),
        ("", "application/xml", b"{}", 415),
        ("?format=wxr", NDJSON, b"<rss/>", 415),
        ("?format=csv", NDJSON, b"{}", 400),
        ("?formt=wxr", NDJSON, b"{}", 400),
        ("?format=rss&map=x", "application/xml", b"<rss/>", 400),
        ("?format=rss&map=[]", "application/xml", b"<rss/>", 400),
        ("?format=rss&map=%7B%22others%22:1%7D", "application/xml", b"<rss/>", 400),
        ("", NDJSON, b"", 422),
    ],
)
def test_what_is_no_import_is_refused_and_leaves_nothing(send, database, query, kind, data, status):
    answer = send(data, query, kind)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    with database.read_transaction() as connection:
        assert connection.execute(select(func.count()).select_from(Import)).scalar_one() == 0


def test_who_may_not_publish_may_not_import(send, hire):
    refused = send(lines(article("a")), by=hire("content:write"))
    assert (refused.status_code, refused.json["scope"]) == (403, "content:publish")


def test_more_than_the_setting_allows_is_413_and_leaves_nothing(settings, build, editor, database):
    client = build(replace(settings, import_max_mb=1)).test_client()
    answer = client.post("/v1/imports", data=b"x" * ((1 << 20) + 1), headers=editor.headers, content_type=NDJSON)
    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")
    assert parts(database) == 0


def test_a_file_of_several_parts_is_read_across_their_borders(send, runs, editor, monkeypatch):
    monkeypatch.setattr(store, "PART_BYTES", 1_000)
    answer = send(lines(*archive(40)))
    work(runs)
    assert (told(editor, answer)["state"], counts(told(editor, answer))) == ("done", (60, 0, 0, 0))


def test_errors_are_told_up_to_a_hundred_and_all_are_counted(send, runs, editor):
    answer = send(b"[]\n" * 1_500)
    work(runs)
    job = told(editor, answer)
    assert (len(job["errors"]), job["rejected"]) == (MAX_REPORTED, 1_500)
    assert job["errors"][-1]["line"] == MAX_REPORTED


class Killed(BaseException):
    """What no code of ours sees: the process is gone."""


def test_after_a_kill_another_worker_goes_on_and_the_counts_are_right(
    send, editor, database, settings, clock, monkeypatch
):
    monkeypatch.setattr(import_loader, "BATCH_LINES", 20)
    records = list(archive(200))
    records[150] = article("x", brand="lada")
    answer = send(lines(*records))
    written, killed = import_article_writes.writer.persist_articles, 0

    def write(*args, **kwargs):
        nonlocal killed
        found = written(*args, **kwargs)
        killed += 1
        if killed % 3 == 0:
            raise Killed
        return found

    for _ in range(20):
        runs = ImportRunner(database, settings, hooks=WRITE_HOOKS, on_finished=queue_import_event(settings), now=clock)
        with monkeypatch.context() as patched:
            patched.setattr(import_article_writes.writer, "persist_articles", write)
            try:
                work(runs)
            except Killed:
                continue
        break
    consistent(database)
    assert killed > 8
    assert (told(editor, answer)["state"], counts(told(editor, answer))) == ("done", (219, 0, 0, 1))


def test_a_worker_that_was_stopped_meanwhile_writes_nothing_more(send, editor, database, settings, clock, monkeypatch):
    monkeypatch.setattr(import_loader, "BATCH_LINES", 10)
    monkeypatch.setattr(import_jobs, "TIME_SLICE_SECONDS", 0.0001)
    answer = send(lines(*(article(f"a-{number}") for number in range(40))))
    old, new = (
        ImportRunner(database, settings, hooks=WRITE_HOOKS, on_finished=queue_import_event(settings), now=clock),
        ImportRunner(database, settings, hooks=WRITE_HOOKS, on_finished=queue_import_event(settings), now=clock),
    )
    for _ in range(3):
        old.run_slice()
    new.run_slice()
    before = told(editor, answer)["created"]
    old.run_slice()
    assert told(editor, answer)["created"] == before, "the old one found itself dispossessed"
    monkeypatch.undo()
    old.release()
    work(new)
    assert counts(told(editor, answer)) == (40, 0, 0, 0)


def test_what_fails_again_and_again_at_one_place_is_given_up_and_the_next_one_is_done(send, runs, editor, monkeypatch):
    answer, after = send(lines(article("a"))), send(lines(article("b")))

    def fails(*_args, **_kwargs):
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(import_article_writes.writer, "persist_articles", fails)
        for _ in range(MAX_FAILURES):
            assert told(editor, answer)["state"] in {"queued", "running"}
            with pytest.raises(RuntimeError):
                runs.run_slice()
    assert told(editor, answer)["state"] == "failed"
    assert "was stopped" in told(editor, answer)["errors"][-1]["message"]
    work(runs)
    assert told(editor, after)["state"] == "done"


def test_a_file_that_stopped_coming_in_is_swept_away_later(send, runs, database, clock, monkeypatch, editor):
    class Cut(BaseException):
        """The process that took it in is gone."""

    def cut(*_args, **_kwargs):
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(store, "transition", cut)
        patched.setattr(store, "delete_import", cut)
        with pytest.raises(Cut):
            send(lines(*archive(10)))
    assert editor.get("/v1/imports").json["data"] == []
    work(runs)
    assert parts(database) == 1
    clock.forward(hours=2)
    for _ in range(3):
        runs.run_slice()
    assert parts(database) == 0
    with database.read_transaction() as connection:
        assert connection.execute(select(func.count()).select_from(Import)).scalar_one() == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # it can be told how large its disk is
def test_a_full_disk_is_503_and_reads_go_on_and_nothing_is_left(app, hire, sqlite_url, make):
    make.article("c-era")
    secret = hire().secret
    database: Database = app.extensions["newsapi"].database

    @event.listens_for(database._writer, "connect")
    def small(connection, _record):
        connection.execute("PRAGMA max_page_count = 400")

    database.dispose()
    client, headers = app.test_client(), {"Authorization": f"Bearer {secret}"}
    answer = client.post("/v1/imports", data=b"x" * (4 << 20), headers=headers, content_type=NDJSON)
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert answer.headers["Retry-After"]
    assert client.get("/v1/articles/c-era").status_code == 200
    assert parts(database) == 0
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    file.close()
    answer = client.post("/v1/imports", data=lines(article("a")), headers=headers, content_type=NDJSON)
    assert answer.status_code == 202
