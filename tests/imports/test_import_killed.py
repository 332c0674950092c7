"""Imports as processes of their own: killed at any moment, two at once, and how much memory they take."""

import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from newsapi.content.tables.articles import Article, ArticleContent
from newsapi.db.database import Database
from tests.support.events import changelog_seq
from tests.support.import_records import archive, lines
from tests.support.invariants import consistent, dump

NEWSAPI = Path(sys.executable).with_name("newsapi")


@pytest.fixture
def start(settings, database_url, tmp_path):
    """Start `newsapi import` on a file of these records."""
    started = []

    def start(records, name="news.ndjson"):
        file = tmp_path / name
        if not file.exists():
            file.write_bytes(lines(*records))
        environ = {**os.environ, "NEWSAPI_DATABASE_URL": database_url}
        process = subprocess.Popen(
            [NEWSAPI, "import", file],
            env=environ,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def patient(database, database_url):
    """The same database, for reads that take as long as they take."""
    patient = Database(database_url, long_running=True)
    yield patient
    patient.dispose()


def kill(process, database, chance):
    """Kill it a moment after it has written something; answer whether it was still running."""
    before = changelog_seq(database)
    while process.poll() is None and changelog_seq(database) == before:
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.3))
    process.kill()
    return process.wait() < 0


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("kills", "articles"), [(3, 3_000), pytest.param(20, 100_000, marks=pytest.mark.long)])
def test_an_import_that_is_killed_again_and_again_ends_whole(start, patient, kills, articles):
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    records = list(archive(articles))
    cut_off = 0
    for number in range(kills):
        cut_off += kill(start(records), patient, chance)
        if number % 4 == 0:
            consistent(patient)
    process = start(records)
    output, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors
    assert cut_off, f"nothing was cut off (seed {seed})"
    consistent(patient)
    with patient.read_transaction() as connection:
        rows = connection.execute(
            select(Article.slug, Article.version, ArticleContent.body_html).join(
                ArticleContent, ArticleContent.article_id == Article.id
            )
        ).all()
    should = sorted((item["slug"], 1, item["body_html"]) for item in records if item["type"] == "article")
    assert sorted(map(tuple, rows)) == should, f"seed {seed}"
    before = dump(patient)
    output, errors = start(records).communicate(timeout=900)
    assert f"0 created, 0 updated, {len(records)} unchanged, 0 rejected" in output, errors
    assert dump(patient) == before


@pytest.mark.parametrize("articles", [600, pytest.param(10_000, marks=pytest.mark.long)])
@pytest.mark.timeout(200)
def test_two_imports_at_once_lose_nothing_and_wait_for_each_other(start, database, articles):
    files = {name: list(archive(articles, seed=seed, prefix=name)) for name, seed in (("uno", 1), ("due", 2))}
    processes = [start(records, f"{name}.ndjson") for name, records in files.items()]
    answers = [process.communicate(timeout=150) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], answers
    assert all(" 0 rejected" in output for output, _ in answers), answers
    consistent(database)
    with database.read_transaction() as connection:
        slugs = set(connection.execute(select(Article.slug)).scalars())
    assert slugs == {f"{name}-{number}" for name in files for number in range(articles)}


def peak(process):
    """The most memory that a process ever held, in MiB."""
    most = 0
    while process.poll() is None:
        # The system's own maximum of a child begins with what its parent held; this one begins with the program.
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
        most = int(found[1]) // 1024 if found else most
        time.sleep(0.02)
    return most


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the memory of a process")
def test_memory_does_not_grow_with_the_file(start):
    peaks = []
    for number, articles in enumerate((2_000, 20_000)):
        process = start(archive(articles, prefix=f"parte-{number}"), f"{articles}.ndjson")
        peaks.append(peak(process))
        assert process.returncode == 0
    assert peaks[1] < peaks[0] + 60, peaks
