"""The index follows the changelog: it contains what the database has at the same position."""

import contextlib
import itertools
import threading
import time
from dataclasses import replace

import pytest

from newsapi.app import create_index_follower, create_search_index
from newsapi.db.database import Database
from newsapi.errors import SearchUnavailable
from newsapi.search import index_folder, index_follower, index_reader, indexer
from tests.search.index_contents import compare, count_headlines
from tests.support.import_records import article, brand

pytestmark = pytest.mark.real_time

PATIENCE_SECONDS = 60


@pytest.fixture
def search_index(settings):
    index = create_search_index(settings)
    yield index
    index.close()


@pytest.fixture
def found(search_index, database):
    return lambda stem: count_headlines(search_index, database, stem)


def await_complete(index, database):
    """Wait until everything is indexed, and compare."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with contextlib.suppress(SearchUnavailable):
            compared = compare(index, database)
            if compared.is_complete:
                break
        assert time.monotonic() < deadline
    assert compared.indexed == compared.public
    return compared


def test_a_written_article_is_found_at_once_and_a_withdrawn_one_is_not(editor, found):
    assert found("spider") == (0, True)
    made = editor.write(slug="gt", headline="Una spider", status="published", language="it")
    assert found("spider") == (1, True)
    made = editor.change(made, headline="Una coupé")
    assert found("spider") == (0, True)
    assert found("coup") == (1, True)
    editor.delete(f"/v1/articles/{made['id']}")
    assert found("coup") == (0, True)


def test_drafts_and_scheduled_articles_are_not_in_the_index(editor, search_index, database, clock):
    editor.write(slug="bozza", headline="Zafferano")
    later = clock().replace(year=clock().year + 1).isoformat()
    editor.write(slug="domani", headline="Zafferano", status="scheduled", published_at=later)
    assert compare(search_index, database).indexed == []


def test_a_small_import_is_found_at_once(load, found, search_index, database):
    load(brand("b"), *(article(f"a{number}", headline="Spider rossa") for number in range(150)))
    assert found("spider") == (150, True)
    load(*(article(f"a{number}", headline="Coupé rossa") for number in range(100)))
    assert (found("spider"), found("coup")) == ((50, True), (100, True))
    await_complete(search_index, database)


def test_a_change_that_is_about_no_article_commits_nothing(load, found, editor, search_index):
    load(article("a", headline="Spider"))
    assert found("spider") == (1, True)
    stamp = search_index.folder.stamp()
    assert editor.post("/v1/brands", {"name": "Volkswagen"}).status_code == 201
    assert found("spider") == (1, True)
    assert search_index.folder.stamp() == stamp


@pytest.fixture
def in_small_steps(monkeypatch):
    """Everything is a large backlog."""
    monkeypatch.setattr(indexer, "SMALL_BATCH_CHANGES", 0)
    monkeypatch.setattr(indexer, "BATCH_CHANGES", 20)
    monkeypatch.setattr(indexer, "CHUNK_CHANGES", 5)


@pytest.fixture
def step(settings, search_index, database):
    """Make one step; a search waits for it or not."""
    follower = create_index_follower(settings)

    def step(*, awaited):
        """Return whether there is more to do."""
        more = []
        with search_index.folder.waking():
            if awaited:
                search_index.folder.wake()
            assert follower.follow(lambda has_more: more.append(has_more) or True)
        return more[-1]

    step(awaited=False)  # builds the index
    yield step
    follower.close()


def test_an_awaited_step_leaves_no_article_where_it_no_longer_belongs(in_small_steps, load, step, found):
    load(*(article(f"a{number}", headline="Spider") for number in range(60)))
    while step(awaited=False):
        pass
    assert found("spider") == (60, True)
    changed = {
        0: {"status": "withdrawn"},
        1: {"status": "draft"},
        2: {"tags": ["altro"]},
        3: {"published_at": "2020-01-02T03:04:05Z"},
    }
    load(*(article(f"a{number}", headline="Coupé", **changed.get(number, {})) for number in range(60)))
    step(awaited=True)
    assert found("spider") == (56, False), "what did not move is found by its old text until it is indexed"
    assert found("coup") == (0, False)
    while step(awaited=False):
        pass
    assert (found("coup"), found("spider")) == ((58, True), (0, True))


def test_a_written_article_is_found_while_an_import_waits(in_small_steps, load, step, editor, found):
    load(*(article(f"a{number}", headline="Spider") for number in range(60)))
    made = editor.write(slug="gt", headline="Una granturismo", status="published", language="it")
    step(awaited=True)
    assert found("grantur") == (1, False)
    editor.delete(f"/v1/articles/{made['id']}")
    step(awaited=True)
    assert found("grantur") == (0, False)
    while step(awaited=False):
        pass
    assert (found("grantur"), found("spider")) == ((0, True), (60, True))


@pytest.mark.parametrize("count", [2_000, pytest.param(20_000, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_a_complete_view_is_exact_at_every_moment_of_an_import(load, search_index, settings, count):
    """Articles are imported, changed and withdrawn while others read."""
    database = Database(settings.database_url, long_running=True)  # all articles are compared
    follower = create_index_follower(settings)
    stop = threading.Event()
    following = threading.Thread(target=follower.run, args=(stop,))
    following.start()

    def write():
        for start in range(0, count, 400):
            load(*(article(f"a{number}", headline="Spider") for number in range(start, start + 400)))
            load(*(article(f"a{number}", headline="Coupé") for number in range(start, start + 40)))
            load(*(article(f"a{number}", status="withdrawn") for number in range(start + 40, start + 60)))

    writing = threading.Thread(target=write)
    writing.start()
    try:
        while writing.is_alive():
            try:
                compared = compare(search_index, database)
            except SearchUnavailable:  # all threads share one interpreter, so a search may wait too long
                continue
            if compared.is_complete:
                assert compared.indexed == compared.public
            assert {id_ for id_, _ in compared.indexed} <= {id_ for id_, _ in compared.public}
        compared = await_complete(search_index, database)
        assert len(compared.indexed) == count - count // 20
    finally:
        writing.join()
        stop.set()
        following.join()
        database.dispose()


def test_two_processes_write_and_search_on_one_machine(load, settings, database, search_index):
    """Whichever is free follows; neither loses or doubles anything."""
    other = create_search_index(settings)
    try:
        for round_ in range(10):
            load(*(article(f"a{round_}-{number}") for number in range(20)))
            threads = [threading.Thread(target=compare, args=(one, database)) for one in (search_index, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert await_complete(search_index, database) == await_complete(other, database)
    finally:
        other.close()


def test_two_machines_have_an_index_each(editor, database, settings, tmp_path):
    machines = [create_search_index(replace(settings, search_index=tmp_path / name)) for name in ("one", "two")]
    try:
        made = editor.write(slug="gt", headline="Una spider", status="published", language="it")
        assert [count_headlines(machine, database, "spider") for machine in machines] == [(1, True)] * 2
        editor.delete(f"/v1/articles/{made['id']}")
        assert [count_headlines(machine, database, "spider") for machine in machines] == [(0, True)] * 2
    finally:
        for machine in machines:
            machine.close()


@pytest.fixture
def waits(monkeypatch):
    """The seconds that an indexer would wait between its steps; here it does not wait."""
    seconds = []
    monkeypatch.setattr(index_folder.WakePipe, "wait", lambda _pipe, wait=0.0: seconds.append(wait) or False)
    return seconds


def test_an_idle_indexer_looks_once_a_second_and_soon_again_after_a_change(
    waits, settings, load, monkeypatch, statements
):
    trims = []
    monkeypatch.setattr(index_follower, "return_free_memory", lambda: trims.append(len(waits)))
    load(article("a", headline="Spider"))
    follower = create_index_follower(settings)
    steps, idle_statements = itertools.count(1), []

    def is_done(_has_more):
        step = next(steps)
        if step == 15:
            statements.clear()
        if step == 16:
            idle_statements.extend(statements)
            load(article("b", headline="Spider"))
        return step == 19

    assert follower.follow(is_done)
    follower.close()
    assert waits == [0.4, 0.8, *[1.0] * 14, 0.2, 0.4]
    assert [text.split()[0] for text in idle_statements] == ["SELECT", "SELECT"]
    assert trims == [9], "free memory is returned once, about ten seconds after the last work"


def test_an_idle_indexer_that_is_woken_stops_at_once(settings, monkeypatch):
    monkeypatch.setattr(index_follower, "POLL_INTERVAL_SECONDS", 10.0 * PATIENCE_SECONDS)
    monkeypatch.setattr(index_follower, "MAX_POLL_INTERVAL_SECONDS", 10.0 * PATIENCE_SECONDS)
    follower, stop, idle = create_index_follower(settings), threading.Event(), threading.Event()
    wait = index_folder.WakePipe.wait
    monkeypatch.setattr(index_folder.WakePipe, "wait", lambda pipe, seconds=0.0: idle.set() or wait(pipe, seconds))
    following = threading.Thread(target=follower.run, args=(stop,), daemon=True)
    following.start()
    assert idle.wait(PATIENCE_SECONDS)
    stop.set()
    follower.wake()
    following.join(PATIENCE_SECONDS)
    assert not following.is_alive()


def test_an_index_is_opened_anew_after_a_number_of_commits(settings, database, load, monkeypatch):
    monkeypatch.setattr(index_reader, "MAX_COMMITS", 3)
    checked, find_damaged_file = [], indexer.find_damaged_file
    monkeypatch.setattr(indexer, "find_damaged_file", lambda path: (checked.append(path), find_damaged_file(path))[1])
    folder = index_folder.IndexFolder.of(settings)
    writer, reader = indexer.Indexer(folder, database), index_reader.IndexReader(folder)
    written, read = [], []
    with folder.writing(), folder.waking() as searches:
        for number in range(9):
            load(article(f"a{number}", headline="Spider"))
            writer.step(searches)
            written.append(writer._opened.engine)
            read.append(reader.open())
        writer.close(wait_for_merges=True)
    assert 3 <= len(set(written)) <= 5
    assert len(checked) <= 1, "reading all files of a large index takes seconds"
    assert 3 <= len({opened.engine for opened in read}) <= 5
    seqs = [opened.position.seq for opened in read]
    assert seqs == sorted({*seqs}), "each step is read after it was written"
    assert read[-1].searcher.num_docs == 10, "nine articles and the position"
