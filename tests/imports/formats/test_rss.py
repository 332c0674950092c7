"""Feeds: RSS and Atom as records."""

from html import escape

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
    assert entry["published_at"] == "2016-07-28T10:00:00+00:00"
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
    ("date", "time", "warnings"),
    [
        ("Tue, 26 Jul 2016 10:00:00 +0200", "2016-07-26T08:00:00+00:00", 0),
        ("Tue, 26 Jul 2016 10:00:00 EST", "2016-07-26T15:00:00+00:00", 0),
        ("Tue, 26 Jul 2016 10:00:00 CEST", "2016-07-26T08:00:00+00:00", 0),
        ("mar, 26 lug 2016 10:00:00 +0200", "2016-07-26T08:00:00+00:00", 0),
        ("26 Jul 2016 10:00 GMT", "2016-07-26T10:00:00+00:00", 0),
        ("Tue, 26 Jul 2016 10:00:00 -0000", "2016-07-26T10:00:00+00:00", 0),
        ("2016-07-26T10:00:00Z", "2016-07-26T10:00:00+00:00", 0),
        ("2016-07-26 10:00:00 +02:00", "2016-07-26T08:00:00+00:00", 0),
        ("2016-07-26", "2016-07-26", 0),
        ("2016-07", "2016-07-01", 1),
        ("Tue, 26 Jul 2016 10:00:00 QQT", "2016-07-26T10:00:00+00:00", 1),
        ("2016-07-26T10:00:00", "2016-07-26T10:00:00+00:00", 1),
        ("domani", None, 2),
        ("2016-02-31", None, 2),
        ("", None, 1),
    ],
)
def test_what_is_assumed_of_a_date_is_reported(read, date, time, warnings):
    reading = read(rss(f"<title>x</title><pubDate>{date}</pubDate>"), "rss")
    assert reading.article["published_at"] == time
    assert reading.article["status"] == ("published" if time else "draft")
    assert reading.warned == ["/published_at"] * warnings


def test_an_older_form_of_rss_is_read_too(read):
    data = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>t</title></channel><item>
    <title>Vecchia</title><link>https://x.example/vecchia-notizia</link><dc:date>2003-01-01T10:00:00Z</dc:date></item></rdf:RDF>"""
    assert read(data, "rss")["vecchia-notizia"]["published_at"] == "2003-01-01T10:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("mail@x.example (Ada Rossi)", "Ada Rossi"),
        ("Ada Rossi (mail@x.example)", "Ada Rossi"),
        ("Ada Rossi &lt;mail@x.example&gt;", "Ada Rossi"),
        ("Ada Rossi, mail@x.example", "Ada Rossi"),
        ("Ada Rossi - mailto:mail@x.example", "Ada Rossi"),
        ("Ada Rossi (Milano)", "Ada Rossi (Milano)"),
        ("mail@x.example", None),
        ("noreply@blogger.com (Unknown)", None),
    ],
)
def test_a_name_has_no_address(read, text, name):
    reading = read(rss(f"<title>x</title><author>{text}</author>"), "rss")
    assert reading.names("author") == ([name] if name else [])
    assert "@" not in str(reading.records)


def test_names_of_different_letters_are_different_terms(read):
    items = [f"<title>{n}</title><author>{name}</author>" for n, name in enumerate(("Иванов", "Ivanov", "IVANOV"))]
    reading = read(rss(*items), "rss")
    assert reading.names("author") == ["Иванов", "Ivanov"]
    first, second, third = (article["authors"] for article in reading.articles)
    assert first == ["ivanov"]
    assert first != second
    assert second == third


def test_a_caption_is_not_the_text_of_an_item(read):
    media = (
        '<media:content xmlns:media="http://search.yahoo.com/mrss/" url="https://x.example/a.jpg" medium="image">'
        "<media:title>Foto</media:title><media:description>Didascalia</media:description></media:content>"
    )
    article = read(rss(f"<title>x</title><description>Testo</description>{media}"), "rss").article
    assert (article["headline"], article["body_html"]) == ("x", "<p>Testo</p>")
    assert (article["image"]["alt"], article["image"]["caption"]) == ("Foto", "Didascalia")


def test_an_undeclared_prefix_is_read_as_usual(read):
    article = read(
        rss('<title>x</title><media:content url="https://x.example/a.jpg" type="image/jpeg"/>'), "rss"
    ).article
    assert article["image"]["url"] == "https://x.example/a.jpg"


def test_files_of_other_kinds_are_links(read):
    item = '<title>x</title><enclosure url="https://x.example/a/bilancio.pdf" type="application/pdf"/>'
    body = read(rss(item), "rss").article["body_html"]
    assert body == '<p><a href="https://x.example/a/bilancio.pdf">bilancio.pdf</a></p>'


def test_elements_that_are_not_imported_are_reported(read):
    item = '<title>x</title><g:prezzo xmlns:g="http://g.example/">10</g:prezzo><comments>https://x.example/c</comments>'
    assert read(rss(item), "rss").details == [("prezzo element", "10")]


def test_the_language_is_that_of_the_item_or_of_the_feed(read):
    data = (
        b"<rss><channel><title>t</title><language>it_IT</language><item><title>Uno</title></item>"
        b'<item xml:lang="en-gb"><title>Two</title></item></channel></rss>'
    )
    mapping = b'[defaults]\nlanguage = "fr"'
    assert [article["language"] for article in read(data, "rss", mapping).articles] == ["it-IT", "en-GB"]
    assert read(rss("<title>x</title>"), "rss", mapping).article["language"] == "fr"


def test_a_guid_of_several_items_does_not_identify_them(read):
    items = [f"<title>{n}</title><link>https://x.example/{n}</link><guid>https://x.example/</guid>" for n in "ab"]
    articles = read(rss(*items), "rss").articles
    assert len({article["source_id"] for article in articles}) == 2


BLOGGER = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:app="http://www.w3.org/2007/app"><title>Blog</title>
<link rel="alternate" href="https://blog.example/"/>%s</feed>"""


def blogger_entry(kind, title, more=""):
    scheme = "http://schemas.google.com/g/2005#kind"
    return (
        f"<entry><id>tag:blogger.com,1999:{title}</id><title>{title}</title><published>2011-03-01T10:00:00Z</published>"
        f'<category scheme="{scheme}" term="http://schemas.google.com/blogger/2008/kind#{kind}"/>{more}</entry>'
    )


def test_of_a_blogger_backup_only_posts_are_imported(read):
    link = '<link rel="alternate" href="https://blog.example/2011/03/la-mia-prova.html"/>'
    entries = [
        blogger_entry("template", "Modello"),
        blogger_entry("settings", "mail@x.example"),
        blogger_entry("comment", "Un commento"),
        blogger_entry("page", "Chi siamo"),
        blogger_entry("post", "La mia prova", link),
        blogger_entry("post", "Bozza", "<app:control><app:draft>yes</app:draft></app:control>"),
    ]
    reading = read((BLOGGER % "".join(entries)).encode(), "rss")
    assert reading.omissions == {"template": 1, "setting": 1, "comment": 1, "page": 1}
    assert [(article["headline"], article["status"]) for article in reading.articles] == [
        ("La mia prova", "published"),
        ("Bozza", "draft"),
    ]
    assert reading["la-mia-prova"]["previous_slugs"] == ["la-mia-prova.html"]
    assert "mail@" not in str(reading.details)


@pytest.mark.parametrize(
    ("media", "html"),
    [
        ('<media:player url="https://www.youtube.com/v/abc_DEF?version=3"/>', "https://www.youtube.com/embed/abc_DEF"),
        ('<media:group><media:player url="https://x.example/p"/></media:group>', '<a href="https://x.example/p">'),
        (
            '<enclosure url="https://www.youtube.com/v/abc_DEF" type="application/x-shockwave-flash"/>',
            "https://www.youtube.com/embed/abc_DEF",
        ),
    ],
)
def test_players_are_kept(read, media, html):
    assert html in read(rss(f"<title>x</title>{media}"), "rss").article["body_html"]


def test_further_texts_of_an_item_are_reported(read):
    item = "<title>x</title><description>Uno</description><description>Due</description>"
    reading = read(rss(item), "rss")
    assert reading.article["body_html"] == "<p>Uno</p>"
    assert reading.details == [("further text", "Due")]


def test_addresses_without_a_source_are_not_those_of_this_api(read):
    text = '<p><img src="/a.jpg"><a href="b">b</a> <a href="#c">c</a> <a href="https://x.example/d">d</a></p>'
    reading = read(rss(f"<title>x</title><guid>1</guid><description>{escape(text)}</description>"), "rss")
    assert reading.article["body_html"] == '<p><img><a>b</a> <a href="#c">c</a> <a href="https://x.example/d">d</a></p>'
    assert reading.omissions == {"relative address": 2}


@pytest.mark.parametrize(
    "items",
    [
        (
            "<title>Uno</title><link>https://x.example/diretta</link>",
            "<title>Due</title><link>https://x.example/diretta</link>",
        ),
        ("<title>Breve</title><description>Uno</description>", "<title>Breve</title><description>Due</description>"),
        ("<title>Uno</title><guid>https://x.example/</guid>", "<title>Due</title><guid>https://x.example/</guid>"),
    ],
)
def test_different_items_have_different_identities(read, items):
    first, second = read(rss(*items), "rss").articles
    assert first["source_id"] != second["source_id"]
    assert first["slug"] != second["slug"]


def test_an_item_that_is_there_twice_has_one_identity(read):
    item = "<title>Uno</title><link>https://x.example/uno-di-due</link>"
    first, second = read(rss(item, item), "rss").articles
    assert (first["source_id"], first["slug"]) == (second["source_id"], second["slug"])
