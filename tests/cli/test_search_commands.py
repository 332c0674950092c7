"""The command that builds the search index from scratch."""

import re

from newsapi.search import rebuild
from newsapi.search.index_folder import IndexFolder
from newsapi.search.index_reader import open_generation
from tests.support.import_records import article, lines


def test_the_index_is_made_from_scratch(newsapi, tmp_path):
    path = tmp_path / "archive.ndjson"
    path.write_bytes(lines(article("a", headline="Granturismo"), article("b", status="draft")))
    assert newsapi("import", path).returncode == 0
    folder = IndexFolder(tmp_path / "newsapi.sqlite3.search")
    generations = set()
    for _ in range(2):
        done = newsapi("search", "rebuild")
        assert (done.returncode, done.stdout) == (0, "1 articles indexed\n")
        generation = folder.current()
        assert open_generation(generation).searcher.num_docs == 2  # the article and the position
        assert [*folder.path.glob("index-*")] == [generation]
        generations.add(generation)
    assert len(generations) == 2


def test_two_rebuilds_do_not_run_at_once(newsapi, tmp_path):
    path = tmp_path / "archive.ndjson"
    path.write_bytes(lines(article("a")))
    assert newsapi("import", path).returncode == 0
    with IndexFolder(tmp_path / "newsapi.sqlite3.search").rebuilding() as is_mine:
        assert is_mine
        done = newsapi("search", "rebuild")
    assert done.returncode == 1
    assert "another process rebuilds the index" in done.stderr


def test_an_article_that_cannot_be_indexed_is_named_and_all_others_are_indexed(newsapi, tmp_path, monkeypatch):
    path = tmp_path / "archive.ndjson"
    path.write_bytes(lines(*(article(f"a{number}") for number in range(7))))
    assert newsapi("import", path).returncode == 0
    build_document = rebuild.build_document

    def refuse(article):
        if article.headline == "Titolo di a3":
            raise ValueError("too odd")
        return build_document(article)

    monkeypatch.setattr(rebuild, "build_document", refuse)
    done = newsapi("search", "rebuild")
    assert (done.returncode, done.stdout) == (1, "6 articles indexed\n")
    assert re.fullmatch(r"article [0-9a-f-]{36} was not indexed: ValueError: too odd\n", done.stderr)
