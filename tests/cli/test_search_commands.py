"""The command that makes the index of searches from scratch."""

import re
import sqlite3

from newsapi.search import index
from tests.support.import_records import article, lines


def test_the_index_is_made_from_scratch(newsapi, tmp_path):
    path = tmp_path / "archive.ndjson"
    path.write_bytes(lines(article("a", headline="Granturismo"), article("b", status="draft")))
    assert newsapi("import", path).returncode == 0
    for _ in range(2):
        done = newsapi("search", "rebuild")
        assert (done.returncode, done.stdout) == (0, "1 articles indexed\n")
    with sqlite3.connect(tmp_path / "newsapi.sqlite3") as connection:
        assert connection.execute("SELECT count(*) FROM search_document").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM search_segment").fetchone() == (1,)
    connection.close()


def test_an_article_that_cannot_be_indexed_is_named_and_all_others_are_indexed(newsapi, tmp_path, monkeypatch):
    path = tmp_path / "archive.ndjson"
    path.write_bytes(lines(*(article(f"a{number}") for number in range(7))))
    assert newsapi("import", path).returncode == 0
    analyze = index.analyze_article

    def refuse(texts, *more, **options):
        if texts.headline == "Titolo di a3":
            raise ValueError("too odd")
        return analyze(texts, *more, **options)

    monkeypatch.setattr(index, "analyze_article", refuse)
    done = newsapi("search", "rebuild")
    assert (done.returncode, done.stdout) == (1, "6 articles indexed\n")
    assert re.fullmatch(r"article [0-9a-f-]{36} was not indexed: ValueError: too odd\n", done.stderr)
