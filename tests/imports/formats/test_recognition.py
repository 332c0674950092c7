"""Files are recognized by their first bytes."""

import gzip

import pytest

from newsapi.imports.readers.recognition import recognize_file
from newsapi.imports.registry import FORMATS_BY_NAME
from tests.imports.formats.conftest import CASES, FILES

RSS = "<rss><channel><title>t</title></channel></rss>"


def recognize_format(head):
    recognized = recognize_file(head)
    return recognized.format_name or recognized.description


@pytest.mark.parametrize(
    ("head", "recognized"),
    [
        (b'{"type":"article","slug":"x"}\n', "ndjson"),
        (b'\xef\xbb\xbf\n {"slug": "x", "type": "tag", "name": "X"}\r\n', "ndjson"),
        (b'{"slug": 1, broken\n{}', "ndjson"),
        (b'{\n  "db": [{"meta": {"exported_on": 1}, "data": {"posts": []}}]}', "a Ghost export (JSON)"),
        (b'{"db":[{"meta":{"exported_on":1},"data":{"posts":[]}}]}', "a Ghost export (JSON)"),
        (b'{"version": "https://jsonfeed.org/version/1.1", "items": []}', "a JSON Feed"),
        (b'{\n  "a": 1\n}', "a JSON document, not one object a line"),
        (b'[{"type":"article"}]', "a JSON array, not one object a line"),
        (RSS.encode(), "rss"),
        (f"\n\n<?xml version='1.0'?><!-- <html> --><?x <html>?>{RSS}".encode(), "rss"),
        (f'<!DOCTYPE rss [<!ENTITY x "<html>">]>{RSS}'.encode(), "rss"),
        (f'<?xml version="1.0" encoding="utf-16"?>{RSS}'.encode("utf-16"), "rss"),
        (RSS.encode("utf-16-be"), "rss"),
        (RSS.encode().replace(b">t<", b">t\0<"), "rss"),
        (b'<rdf:RDF xmlns:rdf="x"><channel/></rdf:RDF>', "rss"),
        (b'<feed xmlns="http://www.w3.org/2005/Atom">', "rss"),
        (b'<rss xmlns:wp="http://wordpress.org/export/1.0/">', "wxr"),
        (b'<rss xmlns:wp="https://wordpress.org/export/1.2/">', "wxr"),
        (b"<!doctype html><title>404</title>", "an HTML page"),
        (b"<!-- x --><HTML><head>", "an HTML page"),
        (b"<head><title>x</title></head>", "an HTML page"),
        (b'<?xml version="1.0"?><opml version="2.0">', "an OPML list of feeds"),
        (b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">', "a site map"),
        (b"<ns:catalogo>", "an XML document with the root element ns:catalogo"),
        (b"PK\x03\x04rest", "a ZIP archive"),
        (gzip.compress(b"x", mtime=0), "a gzip archive"),
        (b"%PDF-1.7", "a PDF document"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"-- MySQL dump 10.13  Distrib 8.0\n", "an SQL dump"),
        (b"CREATE TABLE wp_posts (", "an SQL dump"),
        (b"titolo;data\nUno;2019\n", "a text without markup"),
        (b"\x00\x01\x02", "a binary file"),
        (b"\x8f\x03k<d\xe1\x12>\x99", "a binary file"),
        (b"\x8f\x03k<\xe1\x12\x99", "a binary file"),
        (b"", "an empty file"),
        (b" \r\n\t", "an empty file"),
    ],
)
def test_the_beginning_of_a_file_tells_its_format(head, recognized):
    assert recognize_format(head) == recognized


@pytest.mark.parametrize("path", sorted([*CASES.glob("*/*"), *FILES.glob("*.*")]), ids=lambda path: path.name)
def test_files_are_recognized(path):
    names = {
        ".ndjson": "ndjson",
        ".rss": "rss",
        ".atom": "rss",
        ".html": "an HTML page",
        ".toml": "a text without markup",
    }
    expected = names.get(path.suffix, "wxr")
    if path.name.startswith("r12-") and path.suffix == ".xml":
        expected = "an OPML list of feeds" if "opml" in path.name else "rss"
    if path.name.startswith("w50"):
        expected = "an XML document with the root element catalogo"
    assert recognize_format(path.read_bytes()) == expected


def test_a_blogger_backup_is_named():
    head = (
        b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><category scheme="http://schemas.google.com/g/2005#kind"/>'
    )
    assert recognize_file(head) == ("rss", "a Blogger backup")


def test_names_are_those_of_the_formats():
    assert {recognize_format(head) for head in (b'{"type":"tag"}', RSS.encode(), b"<rss><wp:post_type>")} == set(
        FORMATS_BY_NAME
    )


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", [b"<!--", b"<?", b"<!DOCTYPE a [", b"{", b"[", b"--", b"<a", b'"db":[', b"\xff"])
def test_no_beginning_takes_long(piece):
    assert recognize_format(piece * (100_000 // len(piece)))
