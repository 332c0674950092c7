"""The measuring itself works: every read on a tiny archive, as `make bench` does it on large ones."""

import json
import subprocess
import sys
from pathlib import Path

from bench import corpus, report

TOP = Path(__file__).parents[2]


def test_every_read_is_counted_and_told(tmp_path):
    out = tmp_path / "figures.json"
    options = [
        "--sizes",
        "300",
        "--databases",
        "sqlite",
        "--requests",
        "4",
        "--places",
        "2",
        "--keep",
        tmp_path,
        "--out",
        out,
    ]
    done = subprocess.run(
        [sys.executable, "-m", "bench.reads", *options], cwd=TOP, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(out.read_text())
    assert len(figures["cases"]) > 50
    for name, case in figures["cases"].items():
        assert f"\n{name} " in done.stdout
        counted = case["sqlite 300"]
        assert 2 <= counted["statements"] <= (14 if "related" in name else 7), name  # filled from other brands
        assert counted["work"] > 100, name
        assert 5 <= counted["pages"] <= counted["visits"], name
        assert 0 < counted["miss_p50"] <= counted["miss_p99"], name
        assert counted["hit_statements"] <= 2, name


def test_an_archive_is_the_same_each_time_and_begins_like_a_larger_one():
    assert list(corpus.records(50)) == list(corpus.records(50))
    small, large = list(corpus.records(50)), list(corpus.records(80))
    assert [record["slug"] for record in small] == [record["slug"] for record in large[: len(small)]]


def test_a_read_that_grows_is_told():
    def costs(work, pages, visits=50):
        times = dict.fromkeys(("miss_p50", "miss_p99", "hit_p50"), 1.0)
        return {"statements": 3, "work": work, "pages": pages, "visits": visits, **times}

    figures = {
        "sizes": [10_000, 1_000_000],
        "archives": {"sqlite 10000": {}, "sqlite 1000000": {}},
        "cases": {
            "grows": {"flat": True, "sqlite 10000": costs(10, 10), "sqlite 1000000": costs(10, 14)},
            "is flat": {"flat": True, "sqlite 10000": costs(10, 10), "sqlite 1000000": costs(13, 8, visits=70)},
            "may grow": {"flat": False, "sqlite 10000": costs(10, 10), "sqlite 1000000": costs(90, 90)},
        },
    }
    assert [ratio.case for ratio in report.not_flat(figures)] == ["grows"]
    told = list(report.verdicts(figures))
    assert "NOT FLAT: grows on SQLite: 1.00 times the steps, 1.40 times the pages, 1.00 times the visits" in told
    assert "SQLite: 1 of 2 reads flat within 1.3 from 10k to 1M; visits at most 1.40 times" in told
    assert "\ngrows " in report.table(figures)
