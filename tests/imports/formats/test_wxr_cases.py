"""WordPress exports as users have them: what becomes of each part, and what is reported as left out."""

import pytest

from tests.imports.formats.conftest import CASES

SITE = "https://vecchio.example"


def test_w01_the_namespace_may_have_https(read_case):
    reading = read_case("w01", "wxr")
    assert reading.article["headline"] == "Spazio dei nomi"
    assert reading.article["source_id"] == f"{SITE}/?p=101"


def test_w02_posts_with_one_slug_are_two_articles(read_case):
    reading = read_case("w02", "wxr")
    assert reading.slugs() == ["w02-stesso-nome", "w02-stesso-nome-202"]
    assert [article["body_html"] for article in reading.articles] == [
        "<p>Il primo testo.</p>",
        "<p>Il secondo testo.</p>",
    ]
    assert len({article["source_id"] for article in reading.articles}) == 2
    assert reading.warned == ["/slug"]


def test_w03_posts_without_name_and_id_have_slugs_of_their_titles(read_case):
    reading = read_case("w03", "wxr")
    assert reading.slugs() == ["w03-senza-nome-uno", "w03-senza-nome-due", "w03-senza-nome-tre"]
    # The guids of the file are all the same, so the addresses identify the posts.
    assert [article["source_id"] for article in reading.articles] == [f"{SITE}/w03-{n}/" for n in ("uno", "due", "tre")]


def test_w04_players_are_left_to_the_sanitizer(read_case):
    body = read_case("w04", "wxr").article["body_html"]
    assert "<audio controls src=" in body
    assert "w04-intervista.mp3" in body
    assert "w04-prova.mp4" in body


def test_w07_all_authors_come_in_their_order(read_case):
    reading = read_case("w07", "wxr")
    assert reading.names("author") == ["Anna Bianchi", "Bruno Verdi", "Carla Neri"]
    assert reading.article["authors"] == ["anna-bianchi", "bruno-verdi", "carla-neri"]


def test_w08_what_is_not_imported_is_counted_by_kind(read_case):
    reading = read_case("w08", "wxr")
    assert reading.slugs() == ["w08-articolo"]
    assert reading.omissions == {
        "comment": 3,
        "page": 1,
        "recensione item": 1,
        "menu item": 1,
        "unused image attachment": 1,
    }
    assert ("page", "W08 pagina") in reading.details


def test_w09_galleries_have_the_captions_of_their_images(read_case):
    body = read_case("w09", "wxr").article["body_html"]
    assert body.count("<figcaption>") == 2
    assert "<figcaption>Didascalia della prima</figcaption>" in body
    assert "unused image attachment" not in read_case("w09", "wxr").omissions


def test_w11_a_former_slug_of_two_posts_leads_to_the_first(read_case):
    reading = read_case("w11", "wxr")
    assert [article["previous_slugs"] for article in reading.articles] == [["w11-vecchio"], []]
    [warning] = reading.warnings
    assert (warning.pointer, "w11-uno" in warning.message) == ("/previous_slugs", True)


def test_w13_settings_for_search_engines_are_kept(read_case):
    assert read_case("w13", "wxr").article["seo"] == {
        "title": "Titolo per i motori",
        "description": "Descrizione per i motori",
        "robots": "noindex",
    }


def test_w15_a_control_character_hides_no_later_post(read_case):
    reading = read_case("w15", "wxr")
    assert reading.slugs() == ["w15-uno", "w15-due", "w15-tre"]
    assert reading["w15-due"]["body_html"] == "<p>Un segno nascosto.</p>"


def test_w16_a_blank_line_may_come_first(read_case):
    reading = read_case("w16", "wxr")
    assert reading.slugs() == ["w16-riga-vuota"]
    assert reading.lines == [12, 12], "the lines of the file are counted with it"


def test_w18_old_addresses_lead_to_the_articles(read_case):
    reading = read_case("w18", "wxr")
    assert reading.slugs() == ["w18-novosti-dnia", "w18-niyusu", "w18-l-auto-elettrica", "w18-con-trattini-bassi"]
    assert [article["previous_slugs"] for article in reading.articles] == [
        ["w18-%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8-%D0%B4%D0%BD%D1%8F"],
        ["w18-%E3%83%8B%E3%83%A5%E3%83%BC%E3%82%B9"],
        ["w18-l%E2%80%99auto-elettrica"],
        ["w18_con_trattini_bassi"],
    ]


def test_w19_the_date_may_stand_in_pubdate_only(read_case):
    article = read_case("w19", "wxr").article
    assert (article["status"], article["published_at"]) == ("published", "2019-05-02T08:00:00+00:00")


def test_w21_shortcodes_in_code_samples_stay(read_case):
    reading = read_case("w21", "wxr")
    body = reading.article["body_html"]
    assert '<pre><code>[gallery ids="1,2"]\n$dati[nome_utente] = 1;\n[mio_codice id="3"]</code></pre>' in body
    assert '<code>[audio src="x.mp3"]</code>, o [[gallery]] senza effetto.' in body
    assert not reading.omissions


def test_w24_w25_w31_w48_bodies_keep_their_source_as_base(read_case):
    for case, slug in (("w24", "w24-ancore"), ("w25", "w25-relativi"), ("w31", "w31-social"), ("w48", "w48-copertina")):
        article = read_case(case, "wxr").article
        assert article["base_url"] == f"{SITE}/2019/05/{slug}/"
    assert 'href="#conclusioni"' in read_case("w24", "wxr").article["body_html"]
    assert 'src="/wp-content/uploads/w25.jpg"' in read_case("w25", "wxr").article["body_html"]
    assert "https://vecchio.example/wp-content/uploads/w48.jpg" in read_case("w48", "wxr").article["body_html"]


def test_w27_a_post_without_a_title_has_its_text_as_headline(read_case):
    reading = read_case("w27", "wxr")
    assert reading.article["headline"] == "Una nota breve senza titolo"
    assert reading.warned == ["/headline"]


def test_w28_dates_do_not_shift(read_case):
    reading = read_case("w28", "wxr")
    times = {article["slug"]: (article["status"], article["published_at"]) for article in reading.articles}
    assert times == {
        "w28-locale": ("published", "2019-01-14T23:30:00+00:00"),
        "w28-negativa": ("draft", None),
        "w28-mezzanotte": ("published", "2019-06-30T22:10:00+00:00"),
    }


def test_w29_a_login_in_another_case_is_the_same_author(read_case):
    reading = read_case("w29", "wxr")
    assert reading.slugs("author") == ["anna-bianchi"]
    assert [article["authors"] for article in reading.articles] == [["anna-bianchi"], ["anna-bianchi"]]


def test_w30_an_address_is_neither_a_name_nor_a_slug(read_case):
    reading = read_case("w30", "wxr")
    assert reading.slugs("author") == []
    assert [article["authors"] for article in reading.articles] == [[], []]
    assert reading.omissions == {"nameless author": 2}
    assert "@" not in str(reading.records)
    assert "@" not in str(reading.details)


def test_w34_links_between_posts_name_their_targets(read_case):
    body = read_case("w34", "wxr")["w34-partenza"]["body_html"]
    assert body.count('<a data-article-id="w34-arrivo" href=') == 3


def test_w36_tags_that_an_article_cannot_hold_are_reported(read_case):
    reading = read_case("w36", "wxr")
    assert len(reading.article["tags"]) == 100
    assert reading.omissions == {"excess tag": 20}


def test_w50_a_file_of_another_kind_is_named(read_case):
    reading = read_case("w50", "wxr")
    assert reading.records == []
    assert reading.messages == ["this is an XML document with the root element catalogo, not a WordPress export"]


def test_w51_w52_w53_titles_and_sections_are_read(read_case):
    assert len(read_case("w51", "wxr").article["headline"]) > 400
    headlines = [article["headline"] for article in read_case("w52", "wxr").articles]
    assert headlines[:2] == ["W52 R&D: 5 < 7 & “virgolette”", "W52 Se x < y allora"]
    assert read_case("w53", "wxr").article["body_html"] == "<p>Prima di ]]> e dopo.</p>"


def test_r01_an_export_is_not_read_as_a_feed(read_case):
    reading = read_case("r01-wordpress", "rss", "cms")
    assert reading.records == []
    assert reading.messages == ["this is a WordPress export (WXR), not an RSS or Atom feed: import it as wxr"]


def test_r01_what_was_not_public_is_a_draft(read_case):
    reading = read_case("r01-wordpress", "wxr", "cms")
    assert [article["status"] for article in reading.articles] == ["published", *["draft"] * 3, "scheduled"]
    assert reading.warned == ["/status", "/status"], "of a private and of a protected post"


@pytest.mark.parametrize("path", sorted((CASES / "cms").iterdir()), ids=lambda path: path.stem)
def test_each_record_is_found_in_some_case(path, read):
    reading = read(path.read_bytes(), "wxr")
    assert reading.articles or reading.problems
