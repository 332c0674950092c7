"""A word that only drafts bear is not known to exist."""

import pytest

from tests.support.imports import import_accepted

DRAFT = (
    b'{"type":"article","slug":"segreto","headline":"Segreto","standfirst":null,"body_html":"<p>S.</p>","language":"sq",'
    b'"format":"video","brand":null,"mentions":[],"section":null,"authors":[],"tags":["fusione"],"status":"%s",'
    b'"published_at":"2026-10-01T10:00:00Z"}\n'
)
QUESTIONS = ["/v1/tags", "/v1/tags/{}", "/v1/tags?q={}", "/v1/articles?tag={}", "/v1/articles?tag={}&total=true"]


@pytest.fixture
def load(database, settings, clock):
    return lambda status: import_accepted(database, settings, DRAFT % status, clock)


def answer(client, url, word):
    """All that an answer says, with the word that was asked for taken out."""
    found = client.get(url.format(word))
    said = {name: value.replace(word, "WORD") for name, value in found.headers.items() if name not in OF_ITS_OWN}
    return found.status_code, found.text.replace(word, "WORD").replace(found.headers["X-Request-Id"], "ID"), said


OF_ITS_OWN = {"X-Request-Id", "ETag", "Cache-Status"}


@pytest.mark.parametrize("url", QUESTIONS)
def test_a_tag_of_a_draft_answers_like_one_that_never_was(client, make, load, url):
    make.article(tags=["suv"])
    load(b"draft")
    assert answer(client, url, "fusione") == answer(client, url, "fuxione")


def test_a_language_of_a_draft_answers_like_one_that_never_was(client, make, load):
    make.article()
    load(b"draft")
    assert answer(client, "/v1/articles?language={}", "sq") == answer(client, "/v1/articles?language={}", "sw")


def test_a_draft_moves_no_number_and_no_list_of_tags(client, make, load):
    make.article(tags=["suv"])
    before = [client.get(url).headers for url in ("/v1/tags", "/v1/articles")]
    load(b"draft")
    after = [client.get(url).headers for url in ("/v1/tags", "/v1/articles")]
    for name in ("Content-Seq", "ETag", "Last-Modified"):
        assert [headers[name] for headers in after] == [headers[name] for headers in before]


def test_the_tag_is_there_once_the_article_is(client, load):
    load(b"draft")
    assert client.get("/v1/tags").json["data"] == []
    load(b"published")
    assert [(tag["slug"], tag["article_count"]) for tag in client.get("/v1/tags").json["data"]] == [("fusione", 1)]
    assert len(client.get("/v1/articles?tag=fusione&language=sq").json["data"]) == 1
