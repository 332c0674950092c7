"""The index survives what happens to files and processes: it is complete again, or searches say that it is not."""

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import replace

import pytest

from newsapi.app import create_index_follower, create_search_index
from newsapi.db.database import Database
from newsapi.errors import SearchUnavailable
from newsapi.keys import commands as key_commands
from newsapi.search import freshness, index_checksums, index_folder, ranking, time_order
from newsapi.search.index_folder import IndexFolder
from tests.search.index_contents import compare, count_headlines
from tests.support.client import EVERYTHING, Editor
from tests.support.import_records import article

pytestmark = pytest.mark.real_time

FILES = ("meta.json", "*.term", "*.idx", "*.pos", "*.fast", "*.store", "*.fieldnorm")
DAMAGES = {
    "emptied": lambda _: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "overwritten": lambda content: b"\xff" * len(content),
    "changed": lambda content: bytes([content[0] ^ 1]) + content[1:],
}


@pytest.fixture
def opened(settings):
    """Open the index of this machine as a process that starts does."""
    indexes = []

    def opened(settings=settings):
        indexes.append(create_search_index(settings))
        return indexes[-1]

    yield opened
    for index in indexes:
        index.close()


def assert_exact(index, database):
    deadline = time.monotonic() + 60
    while not (compared := compare(index, database)).is_complete:
        assert time.monotonic() < deadline
    assert compared.indexed == compared.public
    return compared.indexed


def follow(settings, stop):
    create_index_follower(settings).run(stop)


@pytest.mark.parametrize("rounds", [3, pytest.param(20, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_an_indexer_that_is_killed_loses_and_doubles_nothing(load, settings, database, opened, rounds):
    """Killed at any moment: while it builds the index, reads, commits or merges."""
    chance = random.Random(rounds)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["newsapi.app"])
    for round_ in range(rounds):
        load(*(article(f"a{round_}-{number}", headline="Spider") for number in range(300)))
        if round_:
            load(*(article(f"a{round_ - 1}-{number}", status="withdrawn") for number in range(10)))
            load(*(article(f"a{round_ - 1}-{number}", headline="Coupé") for number in range(10, 250)))
        stop = context.Event()
        indexer = context.Process(target=follow, args=(settings, stop))
        indexer.start()
        time.sleep(chance.uniform(0.1, 1.5))
        os.kill(indexer.pid, signal.SIGKILL)
        indexer.join()
    articles = assert_exact(opened(), database)
    assert len(articles) == 300 * rounds - 10 * (rounds - 1)


@pytest.mark.one_database
@pytest.mark.parametrize("damage", ["deleted", *DAMAGES])
def test_damaged_files_are_noticed_and_the_index_is_built_again(load, settings, database, opened, damage):
    folder = IndexFolder.of(settings)
    for pattern in FILES:
        load(article(f"a{FILES.index(pattern)}", headline="Spider"))
        index = opened()
        articles = assert_exact(index, database)
        index.close()
        generation = folder.current()
        index_checksums._VERIFIED.clear()  # as in a process that starts
        for path in generation.glob(pattern):
            content = path.read_bytes()
            path.unlink()
            if damage != "deleted":
                path.write_bytes(DAMAGES[damage](content))
        load(article(f"b{FILES.index(pattern)}", headline="Spider"))
        index = opened()
        assert len(assert_exact(index, database)) == len(articles) + 1, pattern
        index.close()
        assert folder.current() != generation, pattern


@pytest.mark.one_database
def test_a_folder_that_was_deleted_is_built_again_by_a_running_process(editor, settings, database, opened):
    index = opened()
    editor.write(slug="gt", headline="Una spider", status="published", language="it")
    assert count_headlines(index, database, "spider") == (1, True)
    shutil.rmtree(IndexFolder.of(settings).path, ignore_errors=True)  # the process may be replacing a file
    assert count_headlines(index, database, "spider") == (1, True)
    editor.write(slug="gt-2", headline="Una spider", status="published", language="it")
    assert count_headlines(index, database, "spider") == (2, True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_index_of_a_database_that_was_restored_is_built_again(load, settings, database, opened, tmp_path):
    index = opened()
    load(article("a", headline="Spider"))
    assert count_headlines(index, database, "spider") == (1, True)
    database.dispose()
    path = database.url.database
    source = Database(settings.database_url)
    source.truncate_write_ahead_log()
    source.dispose()
    shutil.copy(path, tmp_path / "backup")
    load(article("b", headline="Spider"), article("c", headline="Spider"))
    assert count_headlines(index, database, "spider") == (3, True)
    database.dispose()
    index.close()
    for ending in ("-wal", "-shm"):
        (tmp_path / f"{path}{ending}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup", path)
    index = opened()
    assert count_headlines(index, database, "spider") == (1, True)
    load(article("d", headline="Spider"), article("e", headline="Coupé"), article("f", headline="Coupé"))
    assert count_headlines(index, database, "spider") == (2, True)
    assert_exact(index, database)


@pytest.mark.one_database
def test_another_release_builds_an_index_of_its_own(load, settings, database, opened, monkeypatch):
    load(article("a", headline="Spider"))
    folder = IndexFolder.of(settings)
    assert_exact(opened(), database)
    old = folder.current()
    with folder.writing(timeout_seconds=30) as is_mine:  # as the indexer of the former release, which still runs
        assert is_mine
        monkeypatch.setattr(index_folder, "INDEX_VERSION", "next")
        new_folder = IndexFolder.of(settings)
        assert new_folder.current() is None
        index = opened()
        assert_exact(index, database)
        index.close()
        assert new_folder.current().name.startswith("index-next-")
        assert folder.current() == old
    with new_folder.rebuilding() as is_mine:
        assert is_mine
        new_folder.delete_old_generations()
    assert [*new_folder.path.glob("index-*")] == [new_folder.current()]


@pytest.mark.one_database
def test_without_a_place_to_write_searches_are_refused_and_writes_go_on(settings, database, build, tmp_path, clock):
    (tmp_path / "file").write_text("")
    app = build(replace(settings, search_index=tmp_path / "file" / "index"))
    editor = Editor(app, key_commands.create(database, "anna", EVERYTHING, now=clock()))
    editor.write(slug="gt", headline="Una spider", status="published", language="it")
    client = app.test_client()
    for address in ("/v1/search?q=spider", "/v1/suggest?q=spider", "/v1/articles?q=spider"):
        answer = client.get(address)
        assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (503, "unavailable")
        assert "search index" in answer.json["detail"]
        assert answer.headers["Retry-After"] == "1"
    assert client.get("/v1/articles").status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["status"]) == (200, "degraded")
    assert ready.json["parts"]["search"] == "failing: the folder of the index cannot be created"


def mount_small_disk(path):
    """Mount a disk of 2 MB; return whether this user may."""
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(path)]
    return shutil.which("mount") and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.one_database
def test_a_full_disk_is_named_and_the_index_follows_when_there_is_space(
    settings, database, load, opened, tmp_path, monkeypatch
):
    disk = tmp_path / "disk"
    if not mount_small_disk(disk):
        pytest.skip("needs the right to mount a file system")
    index = opened(replace(settings, search_index=disk / "index"))
    try:
        load(article("a", headline="Spider"))
        assert count_headlines(index, database, "spider") == (1, True)
        folder = IndexFolder(disk / "index")
        generation = folder.current()
        (disk / "filler").write_bytes(b"x" * (os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - 20_000))
        bodies = (f"<p>{os.urandom(9_000).hex()}</p>" for _ in range(40))
        load(*(article(f"b{number}", headline="Spider", body_html=body) for number, body in enumerate(bodies)))
        monkeypatch.setattr(freshness, "MAX_WAIT_SECONDS", 1.0)
        with pytest.raises(SearchUnavailable):
            count_headlines(index, database, "spider")
        with database.read_transaction() as connection:
            assert index.state(connection) == ("failing: the disk of the index is full", True)
        (disk / "filler").unlink()
        monkeypatch.setattr(freshness, "MAX_WAIT_SECONDS", 20.0)
        monkeypatch.setattr(freshness, "MAX_WAIT_WITH_PROBLEM_SECONDS", 20.0)
        assert count_headlines(index, database, "spider") == (41, True)
        assert folder.current() == generation
        index.close()  # waits for what the follower writes last
        with database.read_transaction() as connection:
            assert index.state(connection) == ("ok", False)
    finally:
        index.close()
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.parametrize(
    "url", ["/v1/search?q=prova&limit=1", "/v1/suggest?q=prova&limit=1", "/v1/articles?q=prova&limit=1"]
)
def test_a_panic_of_the_engine_is_a_problem_and_no_lost_connection(editor, client, monkeypatch, url):
    editor.write(headline="Prova", status="published")
    assert client.get(url).status_code == 200
    editor.write(headline="Prova due", status="published")
    # The engine cannot read 0 documents.
    monkeypatch.setattr(ranking, "SPARE_RESULTS", -1)
    monkeypatch.setattr(time_order, "_SPARE", -2)
    answer = client.get(url)
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert "Retry-After" in answer.headers
    monkeypatch.undo()
    assert client.get(url).status_code == 200
