"""Reports of imports: everything of a file is in the result or in the report, by whichever way the file came in."""

import random
from io import BytesIO

import pytest
from sqlalchemy import func, select

from newsapi.app import WRITE_HOOKS, queue_import_event
from newsapi.content.tables.articles import Article
from newsapi.errors import FieldError
from newsapi.imports import article_writes as import_article_writes
from newsapi.imports import jobs as import_jobs
from newsapi.imports import loader as import_loader
from newsapi.imports import registry
from newsapi.imports.dry_run import roll_back_at_end
from newsapi.imports.formats import ConvertedFormat
from newsapi.imports.import_run import ImportRun
from newsapi.imports.jobs import ImportRunner
from newsapi.imports.line_index import LineIndex
from newsapi.imports.record_notes import Omission, RecordProblem, RecordWarning
from newsapi.imports.report import MAX_KINDS, MAX_PLACES, MAX_REPORTED, ImportReport
from tests.support.import_records import archive, article, brand, lines
from tests.support.invariants import consistent, dump_content

NDJSON = "application/x-ndjson"
KINDS = ("page", "comment", "menu item")


def items(count, seed=3):
    """What a reader finds: articles with omissions and warnings before them, and some problems."""
    chance = random.Random(seed)
    for number in range(count):
        line = 10 * number + 1
        for kind in chance.sample(KINDS, k=chance.randrange(3)):
            yield line, Omission(kind, f"{kind} {number}")
        if number % 4 == 0:
            yield line, RecordWarning("/slug", f"warning {number}")
        if number % 7 == 3:
            yield line, RecordProblem("/headline", f"problem {number}")
        else:
            yield line, article(f"a-{number}", source_id=f"site-{number}")


def expected(count):
    """The report of these items, counted here."""
    report = ImportReport()
    for line, item in items(count):
        if isinstance(item, Omission):
            report.add_omission(line, item)
        elif isinstance(item, RecordWarning):
            report.add_warning(line, item.pointer, item.message)
        elif isinstance(item, RecordProblem):
            report.articles.add("rejected")
            report.add_error(line, FieldError(item.pointer, item.message))
        else:
            report.articles.add("created")
    return report.to_json()


@pytest.fixture
def invented_format(monkeypatch):
    """A format whose reader finds `items`, however long the file is."""

    def use(count):
        made = ConvertedFormat(lambda _stream: items(count))
        monkeypatch.setattr(registry, "get_format", lambda *_: made)
        return made

    return use


@pytest.fixture
def send(editor):
    """Send a file, and answer the path of its job."""

    def send(data, query="", kind=NDJSON):
        answer = editor.client.post(f"/v1/imports{query}", data=data, headers=editor.headers, content_type=kind)
        assert answer.status_code == 202, answer.text
        return f"/v1/imports/{answer.json['data']['id']}"

    return send


@pytest.fixture
def runner(database, settings, clock):
    def runner():
        return ImportRunner(database, settings, hooks=WRITE_HOOKS, on_finished=queue_import_event(settings), now=clock)

    return runner


def work(runs):
    while runs.run_slice():
        pass


def test_a_job_reports_everything_that_the_reader_found(send, editor, runner, invented_format, database):
    invented_format(60)
    path = send(b'{"type": "article"}\n')
    waiting = editor.get(path).json["data"]
    assert (waiting["articles"]["created"], waiting["left_out"], waiting["warnings"]) == (0, {}, [])
    work(runner())
    job = editor.get(path).json["data"]
    report = expected(60)
    assert {name: job[name] for name in report} == report
    assert (job["state"], job["overwrite"]) == ("done", False)
    assert editor.get("/v1/imports").json["data"] == [job]
    assert all(len(omission["places"]) <= MAX_PLACES for omission in job["omissions"])
    consistent(database)


class Killed(BaseException):
    """The process is gone."""


def test_a_killed_worker_counts_nothing_twice(send, editor, runner, invented_format, database, monkeypatch):
    monkeypatch.setattr(import_loader, "BATCH_LINES", 7)
    invented_format(80)
    path = send(b'{"type": "article"}\n')
    written, calls = import_article_writes.writer.persist_articles, 0

    def persist(*args, **kwargs):
        nonlocal calls
        result = written(*args, **kwargs)
        calls += 1
        if calls % 4 == 0:
            raise Killed
        return result

    kills = 0
    while True:
        with monkeypatch.context() as patched:
            patched.setattr(import_article_writes.writer, "persist_articles", persist)
            try:
                work(runner())
            except Killed:
                kills += 1
                continue
        break
    assert kills > 3
    job = editor.get(path).json["data"]
    report = expected(80)
    assert {name: job[name] for name in report} == report
    consistent(database)


def test_a_worker_that_lost_its_lease_adds_nothing(send, editor, runner, invented_format, monkeypatch):
    monkeypatch.setattr(import_loader, "BATCH_LINES", 7)
    monkeypatch.setattr(import_jobs, "TIME_SLICE_SECONDS", 0.0001)
    invented_format(80)
    path = send(b'{"type": "article"}\n')
    old, new = runner(), runner()
    for _ in range(3):
        old.run_slice()
    new.run_slice()
    old.run_slice()
    monkeypatch.undo()
    invented_format(80)
    old.release()
    work(new)
    job = editor.get(path).json["data"]
    report = expected(80)
    assert {name: job[name] for name in report} == report


def test_a_job_in_which_nothing_was_found_has_failed_and_says_what_the_file_is(send, editor, runner):
    path = send(b"\n\n")
    work(runner())
    job = editor.get(path).json["data"]
    assert job["state"] == "failed"
    assert "an empty file" in job["errors"][-1]["message"]


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("?format=rss", b'<?xml version="1.0"?><rss xmlns:wp="http://wordpress.org/export/1.2/"><channel/></rss>'),
        ("?format=wxr", b"<rss version='2.0'><channel><title>x</title></channel></rss>"),
        ("?format=rss", b"<!DOCTYPE html><html><body>x</body></html>"),
        ("?format=wxr", b"<opml version='2.0'><body/></opml>"),
    ],
)
def test_a_file_of_another_format_is_refused(editor, database, query, data):
    answer = editor.client.post(
        f"/v1/imports{query}", data=data, headers=editor.headers, content_type="application/xml"
    )
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert "seems to be" in answer.json["errors"][0]["message"]
    with database.read_transaction() as connection:
        assert connection.execute(select(func.count()).select_from(Article)).scalar_one() == 0


def test_a_job_leaves_what_editors_changed_unless_it_overwrites(send, editor, runner):
    work_of = runner()
    send(lines(article("velar"), article("evoque")))
    work(work_of)
    item = editor.get("/v1/articles/velar").json["data"]
    editor.change(item, headline="Corretto")
    path = send(lines(article("velar"), article("evoque")))
    work(work_of)
    job = editor.get(path).json["data"]
    assert (job["unchanged"], job["left_as_is"]) == (
        2,
        {"count": 1, "places": [{"line": 1, "slug": "velar", "left_fields": ["headline"]}]},
    )
    path = send(lines(article("velar"), article("evoque")), "?overwrite=true")
    work(work_of)
    job = editor.get(path).json["data"]
    assert (job["overwrite"], job["updated"], job["left_as_is"]["count"]) == (True, 1, 0)
    assert editor.get("/v1/articles/velar").json["data"]["headline"] == "Titolo di velar"


def test_articles_and_terms_are_counted_apart(import_file):
    report = import_file(brand("a"), {"type": "brand", "slug": "b"}, article("velar"), article("x", brand="no"), b"[]")
    terms, articles = report.terms, report.articles
    assert (terms.created, terms.rejected, articles.created, articles.rejected) == (1, 1, 1, 2)


@pytest.mark.one_database
def test_a_report_is_bounded():
    report = ImportReport()
    for number in range(1_000):
        report.add_omission(number, Omission(f"kind {number}", "x" * 1_000))
        report.add_warning(number, "", "w")
        report.add_left_article(number, "a", ["headline"])
        report.add_error(number, FieldError("", "e"))
    document = report.to_json()
    assert len(document["omissions"]) == MAX_KINDS + 1
    assert document["left_out"]["other"] == 1_000 - MAX_KINDS
    assert (document["warning_count"], document["left_as_is"]["count"]) == (1_000, 1_000)
    counts = {len(document["warnings"]), len(document["left_as_is"]["places"]), len(document["errors"])}
    assert counts == {MAX_REPORTED}
    assert ImportReport.from_json(document).to_json() == document


@pytest.fixture
def import_dry(database, settings, clock):
    """Import records in a transaction that is rolled back, and return the report."""

    def import_dry(*records):
        stream = BytesIO(lines(*records))
        with roll_back_at_end(database) as transaction:
            run = ImportRun(transaction, settings, clock, WRITE_HOOKS, lambda *_: None, LineIndex(stream))
            for _ in import_loader.iter_batches(run, stream):
                pass
        return run.report

    return import_dry


def test_a_dry_run_reports_the_same_and_writes_nothing(import_dry, import_file, database, editor, monkeypatch):
    monkeypatch.setattr(import_loader, "BATCH_LINES", 9)
    import_file(article("velar"), article("evoque"))
    editor.change(editor.get("/v1/articles/velar").json["data"], headline="Corretto")
    records = [
        *archive(40),
        article("velar", headline="Altro"),
        article("nuova", source_id="a-1"),
        article("nuova", source_id="a-2"),
        article("nuova", source_id="a-1", headline="Dopo"),
        article("x", brand="no"),
        brand("marca-0", name="Altra"),
        b"[]",
    ]
    before = dump_content(database)
    dry = import_dry(*records)
    assert dump_content(database) == before
    assert dry.to_json() == import_file(*records).to_json()
    assert dry.articles.created == 42
    assert dry.left["count"] == 1
    again = import_dry(*records)
    assert (again.articles.created, again.articles.updated) == (0, 0)


def test_what_a_body_loses_is_reported_with_its_place(import_file):
    frames = "".join(f'<iframe src="https://altrove.example/{number}"></iframe>' for number in range(3))
    report = import_file(article("evoque"), article("velar", body_html=f"<p>Uno.</p>{frames}<script>x()</script>"))
    omissions = report.to_json()
    assert omissions["left_out"] == {"embed": 3, "script": 1}
    assert omissions["omissions"][0]["places"] == [{"line": 2, "detail": "https://altrove.example/0"}]
