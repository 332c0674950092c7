"""Where other processes read the lines: the same comes out, in the same order, and no process is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from newsapi.content.tables.articles import Article
from newsapi.errors import ParserProcessDied
from newsapi.imports import loader as import_loader
from newsapi.imports import reader_processes
from newsapi.imports.ndjson import Line
from tests.support.import_records import archive, article, lines
from tests.support.invariants import consistent

NEWSAPI = Path(sys.executable).with_name("newsapi")


@pytest.fixture
def processes(monkeypatch):
    """Small chunks, each read by another process."""
    monkeypatch.setattr(reader_processes, "MIN_LINES_FOR_PROCESSES", 0)
    monkeypatch.setattr(reader_processes, "MAX_PROCESSES", 2)
    monkeypatch.setattr(import_loader, "BATCH_LINES", 16)


def test_the_order_of_the_lines_is_kept(load, changes, processes):
    records = list(archive(100))
    assert load(*records).counts == (len(records), 0, 0, 0)
    public = [item["slug"] for item in records if item["type"] == "article" and item["status"] != "draft"]
    assert [change.slug for change in changes()] == public


def test_rejects_are_named_as_ever(load, processes):
    records = [b"{" if number % 7 == 3 else item for number, item in enumerate(archive(60))]
    records[40] = article("velar", brand="lada")
    found = load(*records)
    assert load(*records).rejects == found.rejects
    assert (41, "/brand") in found.places
    assert len({line for line, _ in found.places}) == found.counts[3]


def test_a_second_run_starts_no_process(load, processes, monkeypatch):
    records = [item for item in archive(60) if item["type"] == "article"]
    load(*archive(0), *records)
    monkeypatch.setattr(reader_processes.subprocess, "Popen", None)
    assert load(*records).counts == (0, 0, len(records), 0)


def test_a_process_starts_without_the_database():
    program = f"import sys; from {reader_processes.__name__} import parser_main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True).stdout
    assert reader_processes.__name__ in loaded.split()
    assert not {"sqlalchemy", "psycopg", "flask", "alembic"}.intersection(loaded.split())


@pytest.mark.parametrize("chunk", [1, 2, 10])
def test_a_known_line_that_is_overtaken_while_it_waits_overtakes_in_turn(load, stored, processes, monkeypatch, chunk):
    monkeypatch.setattr(import_loader, "BATCH_LINES", chunk)
    first, second = article("velar", headline="Prima"), article("velar", headline="Dopo")
    load(second)
    load(article("evoque"), first, second, article("defender"))
    assert stored("velar").headline == "Dopo"


@pytest.mark.one_database
def test_more_names_than_a_statement_takes(load):
    """SQLite takes 32,766 values at once."""
    found = load(*(article(f"a-{n}", tags=[f"t-{n}-{m}" for m in range(100)]) for n in range(330)))
    assert found.counts == (330, 0, 0, 0)


def test_a_reader_that_is_killed_is_told(settings):
    reader = reader_processes._ParserProcess(settings)
    try:
        reader.send([Line(1, 3, b"{}", b"x" * 16, None)])
        [refused] = reader.receive()
        assert refused.errors[0].location == "/type"
        reader._process.kill()
        reader._process.wait()
        with pytest.raises(ParserProcessDied):
            reader.send([Line(2, 6, b"{}", b"y" * 16, None)]) or reader.receive()
    finally:
        reader.end()


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def running(pid):
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A file whose import takes seconds after the readers have started."""
    file = tmp_path_factory.mktemp("readers") / "news.ndjson"
    file.write_bytes(lines(*archive(reader_processes.MIN_LINES_FOR_PROCESSES + 6_000)))
    return file


@pytest.fixture
def import_with_readers(file, database_url, tmp_path):
    """An import that has begun to write, and its readers."""
    if not Path("/proc/self/task").exists() or reader_processes.MAX_PROCESSES == 1:
        pytest.skip("asks Linux for processes, and wants two processors")
    process = subprocess.Popen(
        [NEWSAPI, "import", file],
        env={**os.environ, "NEWSAPI_DATABASE_URL": database_url},
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(readers := children(process.pid)) < reader_processes.MAX_PROCESSES:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    yield process, readers
    process.kill()
    process.wait()
    process.stderr.close()


@pytest.mark.one_database
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_import_that_ends_leaves_no_process(import_with_readers, number):
    process, readers = import_with_readers
    process.send_signal(number)
    process.communicate()
    assert process.returncode
    until = time.monotonic() + 20
    while any(map(running, readers)) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(map(running, readers))


def test_an_import_whose_reader_is_killed_says_so_and_leaves_what_is_whole(import_with_readers, database):
    process, readers = import_with_readers
    os.kill(readers[0], signal.SIGKILL)
    _, errors = process.communicate()
    assert (process.returncode, "Traceback" in errors) == (1, False)
    assert "run the import again" in errors
    consistent(database)
    with database.read_transaction() as connection:
        assert connection.execute(select(Article.id)).first()
