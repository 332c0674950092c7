"""Feeds as they are in use: RSS of all versions, Atom, and files that are none."""

import pytest


def test_r01_r02_the_guid_identifies_an_item(read_case):
    first, second = (read_case(f"r01-{version}", "rss").article for version in "ab")
    assert first["source_id"] == second["source_id"] == "https://agenzia.example/?p=1234"
    assert first["headline"] != second["headline"]
    first, second = (read_case(f"r02-{version}", "rss").article for version in "ab")
    assert first["source_id"] == second["source_id"] == "agenzia.example#ag-77"
    assert first["canonical_url"] != second["canonical_url"]


def test_r04_authors_come_from_entry_source_or_feed(read_case):
    reading = read_case("r04", "rss")
    assert [article["authors"] for article in reading.articles] == [["clara-neri"], ["dario-bruni"]]
    assert [article["language"] for article in reading.articles] == ["en", "en"]
    assert reading.articles[1]["source"]["name"] == "Y"


def test_r05_addresses_are_resolved_within_the_feed(read_case):
    first, second = read_case("r05.", "rss").articles
    assert first["canonical_url"] == "https://blog.example/posti/volante/il-volante-di-legno.html"
    assert first["image"]["url"] == "https://blog.example/posti/volante/foto/grande.jpg"
    assert first["base_url"] == "https://blog.example/posti/volante/"
    assert second["base_url"] == "https://blog.example/posts/"
    article = read_case("r05b", "rss").article
    assert article["canonical_url"] == article["base_url"] == "https://agenzia.example/2026/collegamento-relativo"


def test_r07_only_names_are_public(read_case):
    reading = read_case("r07", "rss")
    assert reading.names("author") == ["Clara Neri", "Dario Bruni", "Elsa Verdi"]
    assert [article["authors"] for article in reading.articles] == [["clara-neri"], ["dario-bruni"], ["elsa-verdi"], []]
    assert reading.omissions == {"nameless author": 1}
    assert "@" not in str(reading.records)


def test_r08_white_space_may_come_first(read_case):
    assert read_case("r08", "rss").slugs() == ["nuova-velar-in-arivo"]


@pytest.mark.parametrize("case", ["r09", "r33"])
def test_r09_r33_a_fault_in_one_item_is_repaired(read_case, case):
    reading = read_case(case, "rss")
    assert len(reading.articles) == 2
    assert not reading.problems


def test_r09_html_entities_are_characters(read_case):
    assert read_case("r09", "rss").articles[0]["body_html"] == "<p>Costa 60.000\xa0euro è tanto</p>"


def test_r10_latin_1_is_read_as_windows_1252(read_case):
    article = read_case("r10", "rss").article
    assert article["headline"] == "L’auto è “nuova” – 30.000 €"
    assert article["body_html"] == "<p>Dell’auto si sa tutto…</p>"


@pytest.mark.parametrize(
    ("case", "status"), [("r11", "published"), ("r12-atom03", "published"), ("r12-rss090", "draft")]
)
def test_r11_r12_all_versions_are_read(read_case, case, status):
    reading = read_case(case, "rss")
    assert reading.article["status"] == status
    assert reading.article["body_html"] == ("" if status == "draft" else "<p>t</p>")
    assert reading.warned == (["/published_at"] if status == "draft" else [])


@pytest.mark.parametrize(("case", "name"), [("r12-opml", "an OPML list of feeds"), ("r12-page", "an HTML page")])
def test_r12_other_files_are_refused_in_words(read_case, case, name):
    reading = read_case(case, "rss")
    assert reading.records == []
    assert reading.messages == [f"this is {name}, not an RSS or Atom feed"]


def test_r13_an_item_without_a_title_has_its_text_as_headline(read_case):
    reading = read_case("r13", "rss")
    headline = "Breve senza titolo: riaperta la statale 36 dopo la frana. Traffico regolare"
    assert reading.article["headline"] == headline
    assert reading.warned == ["/headline"]


def test_r14_an_item_without_a_date_has_that_of_its_channel(read_case):
    reading = read_case("r14", "rss")
    assert reading.article["published_at"] == "2026-10-05T06:00:00+00:00"
    assert reading.warned == ["/published_at"]


def test_r18_all_pictures_are_kept(read_case):
    article = read_case("r18", "rss").article
    assert article["image"]["url"] == "https://agenzia.example/2.jpg", "the widest"
    assert [medium["image"]["url"] for medium in article["media"]] == [
        f"https://agenzia.example/{n}.jpg" for n in (1, 3)
    ]


def test_r19_pictures_are_found_however_they_are_declared(read_case):
    articles = read_case("r19", "rss").articles
    assert [article["image"] and article["image"]["url"] for article in articles] == [
        "https://agenzia.example/foto.php?id=7",
        "https://agenzia.example/la%20foto%20è.JPG",
        "https://agenzia.example/v.jpg",
        None,  # it is in the text
        "https://agenzia.example/b.jpg",
        "https://cdn.agenzia.example/c.jpg",
    ]
    assert "solo-nel-testo.jpg" in articles[3]["body_html"]
    [video] = articles[2]["media"]
    assert video["sources"] == [{"url": "https://agenzia.example/v.mp4", "type": "video/mp4"}]
    assert video["poster"] == "https://agenzia.example/v.jpg"


def test_r24_atom_constructs_are_read_by_their_type(read_case):
    reading = read_case("r24", "rss")
    inline, outside, binary, plain, video = reading.articles
    assert inline["headline"] == "Titolo vivo & chiaro"
    assert inline["body_html"] == "<div><p>Uno<br>due</p></div>"
    assert outside["media"][0]["sources"][0]["url"] == "https://x.example/v.mp4"
    assert binary["body_html"] == "<p>Un riassunto.</p>"
    assert reading.omissions == {"image/png content": 1}
    assert plain["headline"] == "Testo piano: 5 < 10"
    assert plain["body_html"] == "<p>Se a &lt; b, allora &lt;video&gt; resta scritto.</p>"
    assert video["body_html"] == "<p>Descrizione del video.</p>"
    assert (video["image"]["width"], video["image"]["caption"]) == (480, None)


def test_r28_a_later_date_is_kept(read_case):
    assert read_case("r28", "rss").article["published_at"] == "2037-10-05T06:00:00+00:00"


@pytest.mark.parametrize("case", ["r29-bom", "r29-utf16", "r29-utf8-says-utf16", "r32"])
def test_r29_r32_encodings_and_trailing_text_do_not_matter(read_case, case):
    reading = read_case(case, "rss")
    assert reading.article["source_id"] == "agenzia.example#ag-77", "the address of the feed is known"
    assert reading.article["language"] == "it"
    assert not reading.problems


def test_r30_a_slug_has_no_underscores(read_case):
    article = read_case("r30", "rss").article
    assert article["slug"] == "il-titolo-con-trattini-bassi"
    assert article["image"]["url"] == "https://cdn.quotidiano.example/a.jpg"
    assert article["language"] == "it-IT"


def test_r31_messages_name_the_item_where_all_are_on_one_line(read_case):
    reading = read_case("r31", "rss")
    assert len(reading.articles) == 4
    assert [warning.message.partition(" has ")[0] for warning in reading.warnings] == ["item 2 «q1»", "item 4 «q3»"]


def test_r34_a_cut_item_is_rejected_by_name(read_case):
    reading = read_case("r34", "rss")
    assert reading.slugs() == ["nuova-velar-in-arivo"]
    assert reading.messages == [
        "item 2 «Tagliata» is cut off: the file ends within it",
        "the file ends before the end of the feed: it is cut off",
    ]
    assert reading.problems[0][0] == 5
