"""Feeds: RSS and Atom as records."""

import pytest


def test_an_item_of_rss_comes_with_all_that_it_names(read, mapping):
    found = read("feed.rss", "rss", mapping)
    item = found["fabbrica-di-batterie"]
    assert item["headline"] == "Land Rover & Jaguar: la fabbrica"
    assert (item["status"], item["published_at"]) == ("published", "2016-07-26T08:00:00+00:00")
    assert item["standfirst"] == "Un riassunto con HTML."
    assert (item["brand"], item["section"], item["authors"]) == ("land-rover", "curiosita", ["francesco-donnici"])
    assert item["image"]["url"] == "https://agenzia.example/grande.jpg", "the largest"
    assert (item["image"]["alt"], item["image"]["credit"]) == ("Una fabbrica", "Foto Rossi")
    assert item["canonical_url"] == "https://agenzia.example/2016/07/26/fabbrica-di-batterie.html"
    assert item["source"] == {"name": "Agenzia Motori", "url": item["canonical_url"]}
    assert item["language"] == "it"


def test_an_item_with_a_summary_alone_has_it_as_its_body(read):
    found = read("feed.rss", "rss").records
    item = next(one for one in found if one.get("headline") == "Solo riassunto")
    assert (item["standfirst"], item["body_html"]) == (None, "<p>Due righe.</p><p>Un altro paragrafo.</p>")
    assert item["authors"] == ["la-redazione"]
    assert item["media"] == [
        {"kind": "audio", "sources": [{"url": "https://agenzia.example/puntata.mp3", "type": "audio/mpeg"}]}
    ]
    assert item["slug"].startswith("solo-riassunto-")


def test_an_entry_of_atom_comes_with_all_that_it_names(read, mapping):
    entry = read("feed.atom", "rss", mapping)["nuova-discovery"]
    assert entry["headline"] == "Nuova Discovery"
    assert entry["published_at"] == "2016-07-28T12:00:00+02:00"
    assert (entry["brand"], entry["authors"]) == ("land-rover", ["anna-neri"])
    assert entry["image"]["url"] == "https://notizie.example/discovery.jpg"
    assert "<p>Un <b>testo</b> in XHTML.</p>" in entry["body_html"]
    assert entry["standfirst"] == "In & out."


def rss(*items):
    return (
        b"<rss><channel><title>t</title>"
        + "".join(f"<item>{item}</item>" for item in items).encode()
        + b"</channel></rss>"
    )


def test_two_items_with_one_address_have_two_slugs_and_keep_them(read):
    items = [f"<title>Uno</title><link>https://x.example/la-stessa</link><guid>{n}</guid>" for n in "ab"]
    slugs = read(rss(*items), "rss").slugs()
    assert slugs[0] == "la-stessa"
    assert slugs[1].startswith("la-stessa-")
    assert read(rss(*items), "rss").slugs() == slugs


@pytest.mark.parametrize(
    ("date", "told"),
    [
        ("Tue, 26 Jul 2016 10:00:00 +0200", "2016-07-26T08:00:00+00:00"),
        ("Tue, 26 Jul 2016 10:00:00 EST", "2016-07-26T15:00:00+00:00"),
        ("26 Jul 2016 10:00 GMT", "2016-07-26T10:00:00+00:00"),
        ("Tue, 26 Jul 2016 10:00:00 -0000", "2016-07-26T10:00:00+00:00"),
        ("2016-07-26T10:00:00Z", "2016-07-26T10:00:00Z"),
        ("Tue, 26 Jul 2016 10:00:00 QQT", "Tue, 26 Jul 2016 10:00:00 QQT"),
        ("domani", "domani"),
        ("", None),
    ],
)
def test_a_time_is_the_instant_that_was_meant_or_is_left_to_be_refused(read, date, told):
    (item,) = read(rss(f"<title>x</title><pubDate>{date}</pubDate>"), "rss").records
    assert item["published_at"] == told


def test_an_older_form_of_rss_is_read_too(read):
    data = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>t</title></channel><item>
    <title>Vecchia</title><link>https://x.example/vecchia-notizia</link><dc:date>2003-01-01T10:00:00Z</dc:date></item></rdf:RDF>"""
    assert read(data, "rss")["vecchia-notizia"]["published_at"] == "2003-01-01T10:00:00Z"
