import unicodedata

import orjson
import pytest
from sqlalchemy import select

from newsapi.content.tables.articles import Article
from tests.support.import_records import article, brand, term

GOOD = article("buono")


def raw(**values):
    return orjson.dumps({**article("guasto"), **values})


def put(text):
    """A record with a piece of JSON as its headline that no serialiser would write."""
    return raw(headline="QUI").replace(b'"QUI"', text)


POISON = {
    "array": (b"[]", ""),
    "string": (b'"una stringa"', ""),
    "number": (b"12", ""),
    "null": (b"null", ""),
    "true": (b"true", ""),
    "not JSON": (b"{", ""),
    "two on a line": (raw() + raw(), ""),
    "cut": (raw()[:-20], ""),
    "UTF-16": (raw().decode().encode("utf-16"), ""),
    "byte order mark within": (b"\xef\xbb\xbf" + raw(), ""),
    "invalid UTF-8": (put(b'"\xff\xfe"'), ""),
    "raw NUL": (put(b'"a\x00b"'), ""),
    "escaped NUL": (put(b'"a\\u0000b"'), "/headline"),
    "lone surrogate": (put(b'"a\\ud800b"'), "/headline"),
    "surrogates turned": (put(b'"a\\udc00\\ud800b"'), "/headline"),
    "NaN": (put(b"NaN"), "/headline"),
    "-Infinity": (put(b"-Infinity"), "/headline"),
    "1e400": (put(b"1e400"), "/headline"),
    "5,000 digits": (put(b"9" * 5_000), "/headline"),
    "2 to the 64th": (put(b"18446744073709551616"), "/headline"),
    "depth of 100,000": (put(b"[" * 100_000 + b"]" * 100_000), ""),
    "depth of 40": (put(b"[" * 40 + b"]" * 40), None),
    "key twice": (raw()[:-1] + b',"slug":"altro"}', "/slug"),
    "10 MB": (raw(body_html="x" * 10_000_000), ""),
    "3 MB of body": (raw(body_html="x" * 3_000_000), "/body_html"),
    "no type": (b'{"slug":"a"}', "/type"),
    "unknown type": (b'{"type":"autore","slug":"a"}', "/type"),
    "type is a list": (b'{"type":["article"]}', "/type"),
    "empty object": (b"{}", "/type"),
    "unknown field": (raw(titolo="a"), "/titolo"),
    "field with a slash": (raw(**{"a/b~c": 1}), "/a~1b~0c"),
    "headline is a number": (raw(headline=1), "/headline"),
    "headline is a list": (raw(headline=["a"]), "/headline"),
    "headline is empty": (raw(headline="  "), "/headline"),
    "headline is null": (raw(headline=None), "/headline"),
    "headline with a line break": (raw(headline="a\nb"), "/headline"),
    "headline of 64 KB": (raw(headline="a" * 65_536), "/headline"),
    "body is an object": (raw(body_html={}), "/body_html"),
    "slug with capitals": (raw(slug="Guasto"), "/slug"),
    "slug with a line break": (raw(slug="guasto\n"), "/slug"),
    "slug of 201": (raw(slug="a" * 201), "/slug"),
    "slug like an id": (raw(slug="0192d3a0-0000-7000-8000-000000000001"), "/slug"),
    "slug is a number": (raw(slug=7), "/slug"),
    "slug of another alphabet": (raw(slug="веlar"), "/slug"),
    "id is none": (raw(id="1abc"), "/id"),
    "id is a number": (raw(id=2**62), "/id"),
    "brand is an object": (raw(brand={"slug": "a"}), "/brand"),
    "tags are a string": (raw(tags="suv"), "/tags"),
    "a tag is null": (raw(tags=["suv", None]), "/tags/1"),
    "a tag comes twice": (raw(tags=["suv", "suv"]), "/tags"),
    "101 tags": (raw(tags=[f"t{number}" for number in range(101)]), "/tags"),
    "authors are an object": (raw(authors={"0": "anna"}), "/authors"),
    "language is none": (raw(language="italiano!"), "/language"),
    "format is none": (raw(format="podcast"), "/format"),
    "status is none": (raw(status="public"), "/status"),
    "image is a string": (raw(image="https://img.example.com/1.jpg"), "/image"),
    "image without an address": (raw(image={"alt": "a"}), "/image/url"),
    "image runs": (raw(image={"url": "javascript:x()"}), "/image/url"),
    "image of size 0": (raw(image={"url": "https://img.example.com/1.jpg", "width": 0}), "/image/width"),
    "image of size 1e3": (put(b'"a","image":{"url":"https://img.example.com/1.jpg","width":1e3}'), "/image/width"),
    "image of size true": (raw(image={"url": "https://img.example.com/1.jpg", "width": True}), "/image/width"),
    "second medium": (raw(media=[{"kind": "audio"}, {"kind": "hologram"}]), "/media/1/kind"),
    "focal beyond": (
        raw(image={"url": "https://img.example.com/1.jpg", "focal": {"x": 1.1, "y": 0}}),
        "/image/focal/x",
    ),
    "canonical address is relative": (raw(canonical_url="/a"), "/canonical_url"),
    "correction without time": (raw(corrections=[{"text": "a"}]), "/corrections/0/at"),
    "rights are open": (raw(rights={"syndicatable": "yes"}), "/rights/syndicatable"),
    "seo is a list": (raw(seo=[]), "/seo"),
    "brand without a name": (b'{"type":"brand","slug":"a"}', "/name"),
    "brand below itself": (b'{"type":"brand","slug":"a","name":"A","parent":"a"}', "/parent"),
    "author with a line break in the name": (b'{"type":"author","slug":"a","name":"A\\r\\nB"}', "/name"),
}


def test_every_bad_line_is_named_with_its_place_and_the_good_ones_around_it_are_imported(load, database):
    records = [GOOD]
    for number, (line, _) in enumerate(POISON.values()):
        records += [line, article(f"buono-{number}")]
    result = load(*records)
    found = dict(
        zip(
            POISON,
            ([place for line, place in result.places if line == n] for n in range(2, len(records), 2)),
            strict=True,
        )
    )
    assert {name: places for name, places in found.items() if not places} == {}
    wrong = {name: found[name] for name, (_, place) in POISON.items() if place is not None and place not in found[name]}
    assert wrong == {}
    assert {line for line, _ in result.places} == set(range(2, len(records), 2))
    assert result.counts == (len(POISON) + 1, 0, 0, len(POISON))
    with database.read_transaction() as connection:
        there = set(connection.execute(select(Article.slug)).scalars())
    assert there == {"buono", *(f"buono-{number}" for number in range(len(POISON)))}


def test_no_message_repeats_what_is_long(load):
    result = load(*(line for line, _ in POISON.values()))
    assert max(len(message) for _, _, message in result.rejects) < 500


def test_line_ends_blank_lines_and_a_mark_at_the_beginning_do_no_harm(load, client):
    first, second, third = (orjson.dumps(article(slug)) for slug in ("a", "b", "c"))
    assert load(b"\xef\xbb\xbf" + first + b"\r", b"", b"  \t", second + b"\r", third + b" ").counts == (3, 0, 0, 0)


def test_a_file_of_nothing_is_imported(load):
    assert load().counts == (0, 0, 0, 0)


def test_lines_are_counted_with_the_blank_ones(load):
    assert load(b"", b"", b"[]", b"", b"{}").places == [(3, ""), (5, "/type")]


@pytest.mark.parametrize(
    "text", ["\U0001f697 e \u202e bidi", "zero\u200bwidth", "e\u0301", "a\u00a0b", "\u0130stanbul"]
)
def test_odd_characters_are_text(load, client, text):
    load(article("velar", headline=text), brand("x", name=text), term("tag", "t", name=text))
    composed = unicodedata.normalize("NFC", text)
    assert client.get("/v1/articles/velar").json["data"]["headline"] == composed
    assert client.get("/v1/brands/x").json["data"]["name"] == composed
