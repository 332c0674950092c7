"""An import over HTTP whose worker is killed again and again: each good line comes once, whole, and is counted once."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from newsapi.content.tables.articles import Article, ArticleContent
from newsapi.db.database import Database
from newsapi.imports.tables import Import
from tests.support.import_records import archive, article, lines
from tests.support.invariants import consistent

pytestmark = pytest.mark.real_time

NEWSAPI = Path(sys.executable).with_name("newsapi")
LEASE = 15


@pytest.fixture
def worker(database_url, tmp_path):
    """Start a worker."""
    started = []

    def worker():
        environ = {**os.environ, "NEWSAPI_DATABASE_URL": database_url}
        with (tmp_path / "worker.log").open("ab") as log:
            started.append(subprocess.Popen([NEWSAPI, "worker"], env=environ, cwd=tmp_path, stdout=log, stderr=log))
        return started[-1]

    yield worker
    for process in started:
        process.kill()
        process.wait()


def job(database):
    with database.read_transaction() as connection:
        return connection.execute(select(Import.state, Import.line, Import.created, Import.rejected)).one()


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("kills", "articles"), [(2, 5_000), (20, 100_000)])
def test_whatever_is_killed_the_import_ends_whole_and_counted(editor, database_url, worker, kills, articles):
    database = Database(database_url, long_running=True)
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    records = list(archive(articles))
    records.insert(articles // 2, article("rotto", brand="lada"))
    answer = editor.client.post(
        "/v1/imports", data=lines(*records), headers=editor.headers, content_type="application/x-ndjson"
    )
    assert answer.status_code == 202
    start = time.monotonic()
    cut_off = 0
    for _ in range(kills):
        before, process = job(database), worker()
        until = time.monotonic() + 2 * LEASE + 30
        while job(database) == before and before.state != "done":
            assert process.poll() is None
            assert time.monotonic() < until, "nobody went on"
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.7))
        process.kill()
        process.wait()
        cut_off += job(database).state == "running"
    process = worker()
    while job(database).state != "done":
        assert process.poll() is None
        time.sleep(0.1)
    print(f"{cut_off} of {kills} kills cut it off; {articles} in {time.monotonic() - start:.0f} s (seed {seed})")  # noqa: T201 (figures)
    assert cut_off >= min(kills, 2)
    assert tuple(job(database)) == ("done", len(records), len(records) - 1, 1)
    consistent(database)
    with database.read_transaction() as connection:
        found = select(Article.slug, Article.version, ArticleContent.body_html).join(
            ArticleContent, ArticleContent.article_id == Article.id
        )
        rows = sorted(map(tuple, connection.execute(found)))
    good = (one for one in records if one["type"] == "article" and one["slug"] != "rotto")
    assert rows == sorted((one["slug"], 1, one["body_html"]) for one in good)
    database.dispose()
