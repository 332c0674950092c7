"""The command `import`: what it prints, what it writes and how it exits."""

import json
from pathlib import Path

import pytest

from newsapi.cli.import_summary import iter_summary, iter_warnings, pluralize
from newsapi.imports.record_notes import Omission
from newsapi.imports.report import ImportReport
from tests.support.import_records import article, brand, lines

pytestmark = pytest.mark.one_database

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Agenzia</title><link>https://agenzia.example/</link><description>d</description>
<item><title>Nuova Velar</title><link>https://agenzia.example/velar</link><guid>https://agenzia.example/velar</guid>
<pubDate>Mon, 05 Oct 2026 08:00:00 +0200</pubDate><description>Testo.</description></item></channel></rss>"""
WXR = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/"><channel><title>Blog</title>
<link>https://vecchio.example</link><wp:wxr_version>1.2</wp:wxr_version>
<item><title>Segreto</title><wp:post_id>1</wp:post_id><wp:status>private</wp:status><wp:post_type>post</wp:post_type>
<wp:post_date_gmt>2019-05-02 08:00:00</wp:post_date_gmt><wp:post_name>segreto</wp:post_name></item></channel></rss>"""


@pytest.fixture
def file(tmp_path):
    """Write a file."""

    def file(content, name="file.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return file


def test_the_format_is_recognized_and_named(newsapi, file):
    for content, name in ((FEED, "rss"), (WXR, "wxr"), (lines(article("altra")), "ndjson")):
        done = newsapi("import", file(content))
        assert (done.returncode, done.stderr.splitlines()[0]) == (0, f"Format: {name}"), done.stderr
    assert newsapi("export").stdout.count('"type":"article"') == 3


@pytest.mark.parametrize(
    ("content", "words", "told"),
    [
        (WXR, ["--format", "rss"], "a WordPress export (WXR): its format is wxr, not rss"),
        (FEED, ["--format", "wxr"], "its format is rss, not wxr"),
        (FEED, ["--format", "ndjson"], "its format is rss, not ndjson"),
        ("<!DOCTYPE html><html><p>x</p></html>", [], "an HTML page"),
        ("<opml version='2.0'><body/></opml>", ["--format", "rss"], "an OPML list"),
        (b"PK\x03\x04" + b"x" * 50, [], "a ZIP archive"),
        (b"", [], "an empty file"),
    ],
)
def test_a_file_of_another_kind_is_refused_in_words(newsapi, file, content, words, told):
    done = newsapi("import", *words, file(content))
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_writes_nothing_and_reports_as_the_import_does(newsapi, file, tmp_path):
    news = file(lines(brand("fiat"), article("velar"), article("x", brand="lada")))
    reports = []
    for words in (["--dry-run"], ["--dry-run"], []):
        done = newsapi("import", news, *words, "--report", tmp_path / "report.json")
        assert done.returncode == 1
        assert done.stdout.splitlines()[0] == "2 created, 0 updated, 0 unchanged, 1 rejected"
        assert ("Nothing was written" in done.stdout) is bool(words)
        report = json.loads((tmp_path / "report.json").read_bytes())
        assert report.pop("dry_run") is bool(words)
        reports.append(report)
    assert reports[0] == reports[1] == reports[2]
    assert reports[0]["articles"] == {"created": 1, "updated": 0, "unchanged": 0, "rejected": 1}
    assert reports[0]["terms"] == {"created": 1, "updated": 0, "unchanged": 0, "rejected": 0}
    assert reports[0]["errors"] == [{"line": 3, "pointer": "/brand", "message": "there is no brand lada"}]
    assert reports[0]["format"] == "ndjson"


def test_omissions_do_not_change_the_exit_status_and_are_in_the_report(newsapi, file, tmp_path):
    page = WXR.replace("<item>", "<item><wp:post_type>page</wp:post_type><title>Chi siamo</title></item><item>")
    done = newsapi("import", file(page), "--report", tmp_path / "report.json")
    assert done.returncode == 0, done.stderr
    assert "Not imported: 1 page, at line" in done.stdout
    assert "(Chi siamo)" in done.stdout
    assert json.loads((tmp_path / "report.json").read_bytes())["left_out"] == {"page": 1}


def test_the_report_is_written_to_the_place_that_is_named_or_the_command_fails_first(newsapi, file):
    done = newsapi("import", file(lines(article("velar"))), "--report", Path("nowhere") / "report.json")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_a_summary_counts_by_kind_and_names_the_first_places():
    report = ImportReport()
    report.articles.created, report.articles.updated, report.terms.created = 12, 3, 1
    for line, kind, detail in ((120, "page", "Chi siamo"), (140, "page", "Contatti"), (9, "audio file", "")):
        report.add_omission(line, Omission(kind, detail))
    report.add_left_article(14, "velar", ["headline", "status"])
    report.add_warning(3, "/slug", "is taken")
    assert list(iter_summary(report)) == [
        "13 created, 3 updated, 0 unchanged, 0 rejected",
        "Articles: 12 created, 3 updated, 0 unchanged, 0 rejected.",
        "Brands, sections, tags and authors: 1 created, 0 updated, 0 unchanged, 0 rejected.",
        "Not imported: 2 pages, first at line 120 (Chi siamo); 1 audio file, at line 9.",
        "Left as it was changed here: 1 article: line 14 velar (headline, status).",
        "1 warning, on standard error.",
    ]
    assert list(iter_warnings(report)) == ["line 3: warning: /slug: is taken"]


@pytest.mark.parametrize(
    ("noun", "plural"),
    [
        ("page", "pages"),
        ("gallery", "galleries"),
        ("menu item", "menu items"),
        ("box", "boxes"),
        ("display", "displays"),
    ],
)
def test_nouns_have_a_plural(noun, plural):
    assert pluralize(noun) == plural
