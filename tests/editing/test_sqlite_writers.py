"""Several processes write to one SQLite file: no caller meets a lock, and nothing is lost."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from tests.support.client import EVERYTHING, Editor
from tests.support.invariants import consistent

TOP = Path(__file__).parents[2]
EIGHT = ("create", "create", "create", "create", "create", "amend", "amend", "hold")


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


@pytest.mark.parametrize(
    ("kinds", "seconds"),
    [
        (("create", "amend", "amend"), 1),
        pytest.param(EIGHT, 60, marks=[pytest.mark.long, pytest.mark.timeout(200)]),
    ],
    ids=["three", "eight"],
)
def test_no_caller_meets_a_lock_and_nothing_is_lost(database_url, kinds, seconds, app):
    database = Database(database_url)
    secret = key_commands.create(database, "anna", EVERYTHING, now=utc_now())
    editor = Editor(app, secret)
    editor.write(slug="shared", status="published")
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.editing.write_client", database_url, secret, str(seconds), kind],
            cwd=TOP,
            stdout=subprocess.PIPE,
            text=True,
        )
        for kind in kinds
    ]
    told = [json.loads(process.communicate()[0]) for process in processes]
    answers = sum((Counter(one["answers"]) for one in told), Counter())
    worst = max(one["worst"] for one in told)
    print(f"{dict(answers)} in {seconds} s by {len(kinds)} processes; the slowest took {worst:.2f} s")  # noqa: T201 (figures)
    assert set(answers) <= {"200", "201", "412", *(["503", "read 503"] if "hold" in kinds else [])}
    assert answers["503"] <= answers["201"] / 100
    made = [slug for one, kind in zip(told, kinds, strict=True) if kind != "amend" for slug, _ in one["written"]]
    assert len(set(made)) == len(made) == answers["201"]
    assert all(editor.get(f"/v1/articles/{slug}").status_code == 200 for slug in made[:: max(1, len(made) // 200)])
    versions = [
        number for one, kind in zip(told, kinds, strict=True) if kind == "amend" for _, number in one["written"]
    ]
    assert len(set(versions)) == len(versions) == answers["200"]
    assert editor.get("/v1/articles/shared").json["data"]["version"] == answers["200"] + 1
    consistent(database)
    database.dispose()
