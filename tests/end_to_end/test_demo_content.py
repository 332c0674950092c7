"""What the demo shows is what a newsroom would let out: whole, consistent, well set."""

import re
from collections import Counter

import orjson
import pytest

from newsapi.demo import content
from newsapi.text.html import html_to_text

SITE = "http://127.0.0.1:8000"
RECORDS = [orjson.loads(line) for line in content.stream(SITE).read().splitlines()]
ARTICLES = [record for record in RECORDS if record["type"] == "article"]
KINDS = {"brand": "brand", "section": "section", "authors": "author", "mentions": "brand", "tags": "tag"}

# An apostrophe in place of an accent, as typed on a keyboard without them: e' for è, perche' for perché.
TYPED_ACCENT = re.compile(
    r"\b(?:e|E|cosi|piu|puo|gia|la|li|giu|ne|se|si|perche|poiche|affinche|benche|finche|sicche|cioe|"
    r"\w+ita|\w+eta|citta|qualita|verra|sara|dara|fara|avra|potra|dovra)'(?=[\s.,;:!?)]|$)"
)
# È and perché take these accents: è with a grave one, perché with an acute one.
WRONG_ACCENT = re.compile(
    r"\b(?:perch|poich|affinch|bench|finch|n)è\b|\b(?:cio|caff)é\b|\bpò\b|\bquì\b|\bquà\b|\bstà\b|\bfà\b"
)
DOUBLED = re.compile(r"\b(il|lo|la|i|gli|le|di|a|da|in|con|su|per|che|un|una)\s+\1\b", re.IGNORECASE)


def strings(value, place=""):
    """Every string of a record, with its place."""
    if isinstance(value, str):
        yield place, value
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from strings(inner, f"{place}/{key}")


TEXTS_RAW = [item for record in RECORDS for item in strings(record)]
TEXTS = [
    (f"{record['slug']}{place}", html_to_text(text) if place == "/body_html" else text)
    for record in RECORDS
    for place, text in strings(record)
]
ITALIAN = [(place, text) for place, text in TEXTS if not place.startswith("how-to-read-a-used-porsche-944")]


def test_there_is_enough_for_every_list():
    counts = Counter(record["type"] for record in RECORDS)
    assert counts["article"] >= 29
    assert {record["format"] for record in ARTICLES} == {"article", "gallery", "video"}
    assert {"published", "draft", "withdrawn"} <= {record["status"] for record in ARTICLES}
    assert {record["language"] for record in ARTICLES} > {"it"}


def test_every_reference_leads_to_a_record_above_it():
    seen = set()
    for record in RECORDS:
        wanted = [("brand", record["parent"])] if record.get("parent") else []
        for name, kind in KINDS.items() if record["type"] == "article" else ():
            found = record.get(name) or []
            wanted += [(kind, slug) for slug in ([found] if isinstance(found, str) else found)]
        assert set(wanted) <= seen, record["slug"]
        seen.add((record["type"], record["slug"]))


def test_no_slug_comes_twice():
    slugs = Counter((record["type"], record["slug"]) for record in RECORDS)
    slugs.update(("article", slug) for record in ARTICLES for slug in record.get("previous_slugs") or [])
    assert [slug for slug, count in slugs.items() if count > 1] == []


def test_every_section_author_and_tag_is_used():
    used = {(kind, slug) for record in ARTICLES for name, kind in KINDS.items() for slug in _listed(record.get(name))}
    made = {(record["type"], record["slug"]) for record in RECORDS} - {("article", item["slug"]) for item in ARTICLES}
    assert {item for item in made - used if item[0] != "brand"} == set()


def _listed(value):
    return value if isinstance(value, list) else [value] if value else []


def test_every_picture_used_exists_and_every_picture_is_used():
    used = set(re.findall(rf"{SITE}{content.PICTURES_PATH}/([^\"\s)]+)", "\n".join(text for _, text in TEXTS_RAW)))
    assert used == {file.name for file in content.PICTURES.iterdir()}


def test_pictures_have_the_size_that_is_said():
    for record in RECORDS:
        for picture in _pictures(record):
            data = (content.PICTURES / picture["url"].rpartition("/")[2]).read_bytes()
            assert (picture["width"], picture["height"]) == _size(data), picture["url"]


def _pictures(record):
    found = [record.get(name) for name in ("image", "logo", "avatar")]
    found += [item.get("image") for item in record.get("media") or []]
    return [picture for picture in found if picture]


def _size(data):
    """Width and height of a JPEG, from the header of its frame."""
    assert data.startswith(b"\xff\xd8\xff")
    place = 2
    while not 0xC0 <= data[place + 1] <= 0xC3:
        place += 2 + int.from_bytes(data[place + 2 : place + 4])
    return int.from_bytes(data[place + 7 : place + 9]), int.from_bytes(data[place + 5 : place + 7])


def test_a_few_articles_show_how_it_looks_without_a_standfirst_and_all_others_have_one():
    assert 1 <= sum(not item["standfirst"] for item in ARTICLES) <= 2


def test_every_article_in_public_has_what_a_page_needs():
    for record in ARTICLES:
        if record["status"] == "published":
            assert len(html_to_text(record["body_html"]).split()) >= 40, record["slug"]
        assert record["image"] is None or (record["image"]["alt"] and record["image"]["credit"]), record["slug"]
        assert record["format"] == "article" or record["media"], record["slug"]


def test_nothing_points_to_another_host():
    addresses = [found for _, text in TEXTS_RAW for found in re.findall(r"\bhttps?://[^/\"\s]+", text)]
    assert set(addresses) == {SITE}


def test_links_in_a_body_lead_to_articles_that_are_there():
    public = {record["slug"] for record in ARTICLES if record["status"] == "published"}
    led = {slug for record in ARTICLES for slug in re.findall(r'href="([^"]*)"', record["body_html"])}
    assert led
    assert led <= {f"{SITE}/v1/articles/{slug}" for slug in public}


@pytest.mark.parametrize("pattern", [TYPED_ACCENT, WRONG_ACCENT, DOUBLED], ids=["typed", "wrong", "doubled"])
def test_italian_is_set_as_italian_is(pattern):
    assert [(place, found[0]) for place, text in ITALIAN for found in pattern.finditer(text)] == []


def test_no_string_is_empty_or_has_blanks_at_its_ends_or_in_a_row():
    assert [place for place, text in TEXTS if not text and not place.endswith("/alt")] == []
    assert [place for place, text in TEXTS if text != text.strip() or "  " in text] == []


def test_apostrophes_and_quotes_are_of_one_kind_in_each_text():
    mixed = [place for place, text in ITALIAN if "'" in text and "\u2019" in text]
    assert mixed == []
