"""The command that makes the index of searches from scratch."""

import sqlite3

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
