"""The commands about related lists: the index from scratch, and a ranking of articles that people judged."""

import json
import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from newsapi.related import index, term_statistics
from tests.support.import_records import article, brand, lines

NEWSAPI = Path(sys.executable).with_name("newsapi")


def document(name, headline, **values):
    usual = {"standfirst": "", "body": "", "brand": "b 1", "mentions": [], "section": None, "tags": []}
    dated = {"published_at": None, "language": "it"}
    return {"type": "document", "id": name, "headline": headline, **usual, **dated, **values}


@pytest.fixture
def judged(tmp_path):
    rows = [
        {"type": "meta", "relevant_from": 2},
        document("uno", "Batterie, la fabbrica\tnuova", body="Accumulatori <inglesi> & altro", tags=["Le batterie"]),
        document("due", "Neve e catene", mentions=["Alfa Romeo"], section="Prove"),
        document("tre_3", "La fabbrica di batterie", published_at="2024-01-01T00:00:00Z"),
        document("altrove", "La fabbrica di batterie altrove", brand="b 2"),
        {"type": "judgment", "source": "uno", "target": "tre_3", "grade": 3},
        {"type": "judgment", "source": "uno", "target": "due", "grade": 0},
    ]
    path = tmp_path / "set.ndjson"
    path.write_bytes(lines(*rows))
    return path


def test_a_judged_set_is_ranked_best_first_within_its_brand(newsapi, judged):
    done = newsapi("related", "evaluate", judged)
    assert (done.returncode, done.stderr) == (0, "")
    (ranking,) = map(json.loads, done.stdout.splitlines())
    assert (ranking["source"], ranking["ranked"]) == ("uno", ["tre_3", "due"])
    assert ranking["scores"]["tre_3"] > ranking["scores"]["due"]


def test_a_line_that_is_none_of_a_set_is_named(newsapi, tmp_path):
    path = tmp_path / "set.ndjson"
    path.write_bytes(b'{"type": "meta"}\n[1]\n')
    done = newsapi("related", "evaluate", path)
    assert done.returncode == 1
    assert "line 2" in done.stderr


def test_the_index_is_made_from_scratch(newsapi, tmp_path):
    path = tmp_path / "news.ndjson"
    path.write_bytes(lines(brand("fiat"), *(article(f"a{number}", brand="fiat") for number in range(7))))
    assert newsapi("import", path).returncode == 0
    for _ in range(2):
        done = newsapi("related", "rebuild")
        assert (done.returncode, done.stdout) == (0, "7 articles indexed\n")


def test_progress_is_shown_where_a_person_looks(judged):
    done = subprocess.run(
        ["script", "-qec", f"{NEWSAPI} related evaluate {judged}", "/dev/null"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert b"Ranking" in done.stdout
    assert orjson.dumps("tre_3") in done.stdout


def test_an_article_that_cannot_be_indexed_is_named_and_all_others_are_indexed(newsapi, tmp_path, monkeypatch):
    path = tmp_path / "news.ndjson"
    path.write_bytes(lines(brand("fiat"), *(article(f"a{number}", brand="fiat") for number in range(7))))
    assert newsapi("import", path).returncode == 0

    def refuse(function):
        def process(text, *more):
            if text.headline == "Titolo di a3":
                raise ValueError("too odd")
            return function(text, *more)

        return process

    monkeypatch.setattr(index, "build_vector", refuse(index.build_vector))
    monkeypatch.setattr(term_statistics, "document_terms", refuse(term_statistics.document_terms))
    done = newsapi("related", "rebuild")
    assert (done.returncode, done.stdout) == (1, "6 articles indexed\n")
    assert re.fullmatch(r"article [0-9a-f-]{36} was not indexed: ValueError: too odd\n", done.stderr)


def test_a_rebuild_that_fails_ends_with_a_line(newsapi, monkeypatch):
    def fail(*_args, **_options):
        raise ValueError("no\nmore")

    monkeypatch.setattr(term_statistics, "save_statistics", fail)
    done = newsapi("related", "rebuild")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: The index was not rebuilt: ValueError: no\n"
