"""Exports and feeds as users have them, imported: what the public sees, and what the report tells."""

import pytest

from tests.imports.formats.conftest import CASES


@pytest.fixture
def import_case(import_file):
    """Import the case whose file name begins with a text; return the report."""

    def import_case(start, name, folder=None):
        [path] = (CASES / (folder or ("cms" if name == "wxr" else "feeds"))).glob(f"{start}*")
        return import_file(path.read_bytes(), name=name)

    return import_case


def article_counts(report):
    counts = report.articles
    return counts.created, counts.updated, counts.unchanged, counts.rejected


@pytest.mark.parametrize("path", sorted((CASES / "cms").glob("w*")), ids=lambda path: path.stem)
def test_a_second_import_of_an_export_changes_nothing(import_file, path):
    data = path.read_bytes()
    first, second = import_file(data, name="wxr"), import_file(data, name="wxr")
    created, updated, unchanged, rejected = article_counts(first)
    assert (updated, unchanged) == (0, 0)
    assert article_counts(second) == (0, 0, created, rejected)
    # What a body loses is reported when the record is parsed, which a record that has not changed is not.
    assert all(first.omissions[kind] == omission for kind, omission in second.omissions.items())


@pytest.mark.parametrize(
    "path",
    sorted(path for path in (CASES / "feeds").iterdir() if path.suffix != ".ndjson"),
    ids=lambda path: path.stem,
)
def test_a_second_import_of_a_feed_changes_nothing(import_file, path):
    data = path.read_bytes()
    first, second = import_file(data, name="rss"), import_file(data, name="rss")
    created, updated, unchanged, rejected = article_counts(first)
    assert (updated, unchanged) == (0, 0)
    assert article_counts(second) == (0, 0, created, rejected)


def test_what_was_not_public_stays_hidden(import_case, client):
    import_case("r01-wordpress", "wxr", "cms")
    assert [article["slug"] for article in client.get("/v1/articles").json["data"]] == ["r01-pubblico"]
    for slug in ("r01-privato", "r01-con-parola", "r01-domani"):
        assert client.get(f"/v1/articles/{slug}").status_code == 404


def test_an_export_in_the_wrong_format_imports_nothing(import_case, client):
    report = import_case("r01-wordpress", "rss", "cms")
    assert article_counts(report)[:3] == (0, 0, 0)
    assert client.get("/v1/articles").json["data"] == []


@pytest.mark.parametrize(
    ("address", "slug"),
    [
        ("w18-%d0%bd%d0%be%d0%b2%d0%be%d1%81%d1%82%d0%b8-%d0%b4%d0%bd%d1%8f", "w18-novosti-dnia"),
        ("w18-%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8-%D0%B4%D0%BD%D1%8F", "w18-novosti-dnia"),
        ("w18-новости-дня", "w18-novosti-dnia"),
        ("w18-%e3%83%8b%e3%83%a5%e3%83%bc%e3%82%b9", "w18-niyusu"),
        ("w18-l%e2%80%99auto-elettrica", "w18-l-auto-elettrica"),
        ("w18_con_trattini_bassi", "w18-con-trattini-bassi"),
    ],
)
@pytest.mark.parametrize("part", ["", "/related", "/jsonld"])
def test_old_addresses_redirect(import_case, client, address, slug, part):
    import_case("w18", "wxr")
    response = client.get(f"/v1/articles/{address}{part}")
    assert response.status_code == 308
    assert response.headers["Location"] == f"https://api.example.com/v1/articles/{slug}{part}"
    assert response.headers["Surrogate-Key"].isascii()


def test_an_old_address_is_purged_with_its_article(import_case, client, editor):
    import_case("w18", "wxr")
    address = "/v1/articles/w18_con_trattini_bassi"
    assert "slug:w18_con_trattini_bassi" in client.get(address).headers["Surrogate-Key"]
    assert client.get("/v1/articles/altro_indirizzo").status_code == 404
    assert editor.delete("/v1/articles/w18-con-trattini-bassi").status_code == 200
    assert client.get(address).status_code == 410


def test_links_between_posts_have_ids(import_case, client):
    import_case("w34", "wxr")
    target = client.get("/v1/articles/w34-arrivo").json["data"]["id"]
    body = client.get("/v1/articles/w34-partenza").json["data"]["body_html"]
    assert body.count(f'data-article-id="{target}"') == 3


def test_relative_addresses_belong_to_the_source(import_case, client):
    import_case("w25", "wxr")
    import_case("r05.", "rss")
    import_case("r05b", "rss")
    bodies = "".join(
        client.get(f"/v1/articles/{slug}").json["data"]["body_html"]
        for slug in ("w25-relativi", "il-volante-di-legno", "contenuto-con-base", "collegamento-relativo")
    )
    for url in (
        "https://vecchio.example/wp-content/uploads/w25.jpg",
        "https://vecchio.example/contatti/",
        "https://cdn.vecchio.example/w25b.jpg",
        "https://blog.example/posti/volante/altro.html",
        "https://blog.example/posti/volante/foto/piccola.jpg",
        "https://blog.example/posts/images/bird.jpg",
        "https://agenzia.example/foto/a.jpg",
    ):
        assert f'"{url}"' in bodies
    assert "api.example.com" not in bodies


def get_article(client, slug):
    return client.get(f"/v1/articles/{slug}").json["data"]


def test_audio_and_video_are_media(import_case, client):
    import_case("w04", "wxr")
    article = get_article(client, "w04-suono-e-video")
    files = {medium["kind"]: medium["sources"][0]["url"] for medium in article["media"]}
    assert files == {
        "audio": "https://vecchio.example/wp-content/uploads/w04-intervista.mp3",
        "video": "https://vecchio.example/wp-content/uploads/w04-prova.mp4",
    }
    assert all(url in article["body_html"] for url in files.values())


def test_embeds_of_other_hosts_are_links(import_case, client):
    report = import_case("w06", "wxr")
    body = get_article(client, "w06-riquadri")["body_html"]
    for url in ("https://www.google.com/maps/embed?pb=w06", "https://datawrapper.dwcdn.net/w06/1/"):
        assert f'<a href="{url}"' in body
    assert report.omissions["embed"]["count"] == 3


def test_social_posts_are_links(import_case, client):
    import_case("w31", "wxr")
    body = get_article(client, "w31-social")["body_html"]
    for url in (
        "https://twitter.com/marca/status/3101",
        "https://www.instagram.com/p/w31/",
        "https://www.facebook.com/marca/posts/3101",
    ):
        assert f'href="{url}"' in body


def test_captions_and_background_pictures_are_kept(import_case, client):
    import_case("w09", "wxr")
    import_case("w48", "wxr")
    assert get_article(client, "w09-galleria")["body_html"].count("<figcaption>") == 2
    assert "https://vecchio.example/wp-content/uploads/w48.jpg" in get_article(client, "w48-copertina")["body_html"]


def test_anchors_and_code_samples_are_kept(import_case, client):
    import_case("w24", "wxr")
    import_case("w21", "wxr")
    body = get_article(client, "w24-ancore")["body_html"]
    assert 'href="#conclusioni"' in body
    assert 'id="conclusioni"' in body
    assert '[gallery ids="1,2"]' in get_article(client, "w21-codice")["body_html"]


def test_decomposed_letters_are_composed(import_case, client):
    import_case("w37", "wxr")
    article = get_article(client, "w37-lettere")
    assert "Citroën" in article["headline"]
    assert "équipe di Orléans" in article["body_html"]


def test_all_pictures_of_a_feed_are_public(import_case, client):
    import_case("r18", "rss")
    article = get_article(client, "galleria-di-foto")
    assert article["image"]["url"] == "https://agenzia.example/2.jpg"
    assert [medium["image"]["url"] for medium in article["media"]] == [
        f"https://agenzia.example/{n}.jpg" for n in (1, 3)
    ]


def test_no_address_of_a_person_is_public(import_case, client):
    import_case("w30", "wxr")
    import_case("r07", "rss")
    pages = [client.get(path).text for path in ("/v1/articles", "/v1/authors", "/v1/articles/w30-posta")]
    assert "Clara Neri" in pages[1]
    assert not any("@" in page for page in pages)


def test_a_page_that_search_engines_skip_is_not_in_the_site_map(import_case, client):
    import_case("w13", "wxr")
    import_case("w01", "wxr")
    site_map = client.get("/sitemap-1.xml").text
    assert "w01-spazio-dei-nomi" in site_map
    assert "w13-per-i-motori" not in site_map


def test_the_report_counts_what_is_left_out(import_case):
    report = import_case("w08", "wxr")
    assert article_counts(report) == (1, 0, 0, 0)
    assert {kind: omission["count"] for kind, omission in report.omissions.items()} == {
        "comment": 3,
        "page": 1,
        "recensione item": 1,
        "menu item": 1,
        "unused image attachment": 1,
    }


def test_a_former_slug_of_two_posts_leads_to_the_first(import_case, client):
    report = import_case("w11", "wxr")
    assert article_counts(report) == (2, 0, 0, 0)
    assert client.get("/v1/articles/w11-vecchio").headers["Location"].endswith("/w11-uno")
