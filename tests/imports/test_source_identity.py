"""An imported article is identified by its source: a slug alone overwrites nothing that came from elsewhere."""

from html import escape
from io import BytesIO
from itertools import islice
from pathlib import Path

import pytest

from newsapi.imports import loader as import_loader
from newsapi.imports.formats import ConvertedFormat
from newsapi.imports.import_run import FILE_BEGIN
from tests.support.import_records import article
from tests.support.invariants import consistent, dump


def one(slug, source_id=None, **values):
    """A record with an identity."""
    return article(slug, source_id=source_id, **values)


def outcomes(report):
    total = report.total
    return (total.created, total.updated, total.unchanged, total.rejected)


def messages(report):
    return [f"{warning['line']} {warning['pointer']}: {warning['message']}" for warning in report.warnings]


def test_a_corrected_record_updates_its_article_whatever_its_slug(import_file, client, slugs):
    import_file(one("nuova-velar-in-arivo", "ag-77"))
    report = import_file(one("nuova-velar-in-arrivo", "ag-77", headline="Nuova"))
    assert outcomes(report) == (0, 1, 0, 0)
    assert slugs() == ["nuova-velar-in-arrivo"]
    answer = client.get("/v1/articles/nuova-velar-in-arivo")
    assert (answer.status_code, answer.headers["Location"].rpartition("/")[2]) == (308, "nuova-velar-in-arrivo")


def test_two_sources_with_one_slug_are_two_articles(import_file, slugs, database):
    records = (one("velar", "a-1", headline="Uno"), one("velar", "b-1", headline="Due"), one("velar", "c-1"))
    report = import_file(*records)
    assert outcomes(report) == (3, 0, 0, 0)
    assert sorted(slugs()) == ["velar", "velar-2", "velar-3"]
    assert messages(report) == [
        f"{line} /slug: velar is taken by another article; velar-{line} is used" for line in (2, 3)
    ]
    before = dump(database)
    assert outcomes(import_file(*records)) == (0, 0, 3, 0)
    assert dump(database) == before
    report = import_file(one("velar", "b-1", headline="Altro"))
    assert (outcomes(report), messages(report)) == ((0, 1, 0, 0), [])
    assert sorted(slugs()) == ["velar", "velar-2", "velar-3"]


def test_a_number_is_not_one_that_a_later_record_has(import_file, slugs):
    import_file(one("velar", "a-1"), one("velar", "b-1"), one("velar-2", "c-1"))
    assert len(slugs()) == 3


def test_an_article_of_the_newsroom_is_not_replaced(import_file, client, editor):
    import_file(article("prova", headline="Della redazione"))
    editor.write(slug="bozza", headline="Bozza della redazione")
    report = import_file(one("prova", "altro-1", headline="Altra"), one("bozza", "altro-2", headline="Altra"))
    assert outcomes(report) == (2, 0, 0, 0)
    assert client.get("/v1/articles/prova").json["data"]["headline"] == "Della redazione"
    assert client.get("/v1/articles/prova-2").json["data"]["headline"] == "Altra"
    bozza = editor.get("/v1/articles/bozza").json["data"]
    assert (bozza["status"], bozza["headline"]) == ("draft", "Bozza della redazione")


def test_a_former_slug_keeps_leading_to_its_article(import_file, client):
    import_file(article("velar", previous_slugs=["vecchia"]))
    report = import_file(one("vecchia", "a-1"), one("evoque", "a-2", previous_slugs=["vecchia", "sua"]))
    assert outcomes(report) == (2, 0, 0, 0)
    assert client.get("/v1/articles/vecchia").headers["Location"].endswith("/velar")
    assert client.get("/v1/articles/sua").headers["Location"].endswith("/evoque")
    assert client.get("/v1/articles/vecchia-2").status_code == 200
    assert "2 /previous_slugs/0: vecchia leads to another article and is left out" in messages(report)


def test_a_new_slug_that_is_taken_leaves_the_stored_one(import_file, slugs):
    import_file(one("uno", "a-1"), one("due", "a-2"))
    report = import_file(one("due", "a-1", headline="Altro"))
    assert outcomes(report) == (0, 1, 0, 0)
    assert messages(report) == ["1 /slug: due is taken by another article; uno is used"]
    assert sorted(slugs()) == ["due", "uno"]


def test_a_record_without_identity_does_not_overwrite_an_article_of_another_source(import_file, client):
    import_file(one("velar", "a-1", headline="Loro"))
    report = import_file(article("velar", headline="Nostra"))
    [error] = report.errors
    assert (outcomes(report), error["pointer"]) == ((0, 0, 0, 1), "/slug")
    assert "a-1" in error["message"]
    assert client.get("/v1/articles/velar").json["data"]["headline"] == "Loro"


def test_a_record_with_an_id_keeps_its_identity(import_file, client):
    id_ = "0192d3a0-0000-7000-8000-000000000001"
    import_file(one("velar", "a-1", id=id_))
    report = import_file(article("velar", id=id_, headline="Per id"))
    assert outcomes(report) == (0, 1, 0, 0)
    report = import_file(one("velar", "a-1", headline="Per fonte"))
    assert outcomes(report) == (0, 1, 0, 0)
    other = "0192d3a0-0000-7000-8000-000000000002"
    import_file(article("evoque", id=other))
    assert [error["pointer"] for error in import_file(one("evoque", "a-1", id=other)).errors] == ["/source_id"]


def test_of_two_lines_with_one_identity_the_last_counts_and_both_are_told(import_file, stored, database):
    records = (one("velar", "a-1", headline="Prima"), article("evoque"), one("velar", "a-1", headline="Dopo"))
    report = import_file(*records)
    assert (outcomes(report), stored("velar").headline) == ((2, 1, 0, 0), "Dopo")
    assert messages(report) == ["3 /source_id: replaces the record of line 1, which is the same article"]
    before = dump(database)
    report = import_file(*records)
    assert (outcomes(report), dump(database)) == ((0, 0, 3, 0), before)
    assert messages(report) == ["1 /source_id: is replaced by the record of line 3, which is the same article"]


@pytest.mark.parametrize("source_id", ["", "x" * 501, 7])
def test_an_identity_is_a_text_of_up_to_500_characters(import_file, source_id):
    report = import_file(one("velar", source_id))
    assert [error["pointer"] for error in report.errors] == ([] if source_id == "" else ["/source_id"])


def test_relative_addresses_belong_to_the_source(import_file, client):
    body = '<p><a href="../altra">qui</a> <img src="/foto/1.jpg" alt=""></p>'
    import_file(article("velar", body_html=body, base_url="https://agenzia.example/notizie/2016/"))
    shown = client.get("/v1/articles/velar").json["data"]["body_html"]
    assert 'href="https://agenzia.example/notizie/altra"' in shown
    assert 'src="https://agenzia.example/foto/1.jpg"' in shown
    assert [error["pointer"] for error in import_file(article("a", base_url="/relativa")).errors] == ["/base_url"]


def test_the_identity_is_not_public(import_file, client, editor):
    import_file(one("velar", "https://agenzia.example/?p=12"))
    for reader in (client, editor):
        assert "?p=12" not in reader.get("/v1/articles/velar").text
    refused = editor.post("/v1/articles", {"headline": "x", "source_id": "a-1"})
    assert refused.status_code == 422


def test_many_records_with_one_slug_all_come_in(import_file, slugs):
    report = import_file(*(one("notizie", f"a-{number}", headline=escape(f"Numero {number}")) for number in range(40)))
    assert report.articles.created == 40
    assert len(slugs()) == 40


CASES = Path(__file__).parent / "formats" / "cases"


def case(name):
    return (CASES / name).read_bytes()


def test_a_corrected_title_of_a_feed_updates_its_article(import_file, client):
    import_file(case("feeds/r01-a.rss"), name="rss")
    report = import_file(case("feeds/r01-b.rss"), name="rss")
    assert (report.articles.created, report.articles.updated) == (0, 1)
    [item] = client.get("/v1/articles").json["data"]
    assert item["headline"] == "Nuova Velar da 65.000 euro"
    assert "Testo corretto." in client.get(f"/v1/articles/{item['id']}").json["data"]["body_html"]


def test_a_corrected_address_of_a_feed_updates_its_article(import_file, client):
    import_file(case("feeds/r02-a.rss"), name="rss")
    report = import_file(case("feeds/r02-b.rss"), name="rss")
    assert (report.articles.created, report.articles.updated) == (0, 1)
    [item] = client.get("/v1/articles").json["data"]
    assert item["slug"] == "nuova-velar-in-arrivo"
    assert client.get("/v1/articles/nuova-velar-in-arivo").status_code == 308


def test_a_feed_does_not_replace_an_article_of_the_newsroom(import_file, client):
    import_file(case("feeds/r03-own.ndjson"))
    for _ in range(2):
        import_file(case("feeds/r03-other.rss"), name="rss")
        own = client.get("/v1/articles/prova-su-strada").json["data"]
        assert (own["headline"], own["previous_slugs"]) == ("La prova su strada della redazione", [])
        assert len(client.get("/v1/articles").json["data"]) == 2
    [other] = [item for item in client.get("/v1/articles").json["data"] if item["id"] != own["id"]]
    assert other["headline"] == "La nostra prova su strada"


def test_two_posts_of_an_export_with_one_slug_are_two_articles(import_file, client):
    report = import_file(case("cms/w02-same-slug.xml"), name="wxr")
    assert (report.articles.created, report.articles.rejected, report.warning_count) == (2, 0, 1)
    headlines = {item["headline"] for item in client.get("/v1/articles").json["data"]}
    assert headlines == {"W02 primo con questo nome", "W02 secondo con questo nome"}
    assert import_file(case("cms/w02-same-slug.xml"), name="wxr").articles.unchanged == 2


@pytest.fixture
def import_items(database, start_import):
    """Import what a reader finds, in a format with a rule for records of the same article."""

    def import_items(repeated_items, *records):
        record_format = ConvertedFormat(
            lambda _stream: ((10 * number, record) for number, record in enumerate(records, 1)),
            repeated_items=repeated_items,
        )
        stream = BytesIO(b"x")
        run = start_import(stream, record_format)
        for _ in import_loader.iter_batches(run, stream):
            pass
        consistent(database)
        return run.report

    return import_items


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_entries_of_a_feed_the_one_updated_last_counts(import_items, stored, database, turned):
    new = one("velar", "a-1", headline="Nuova", updated_at="2016-08-02T00:00:00Z")
    old = one("velar", "a-1", headline="Vecchia", updated_at="2016-08-01T00:00:00Z")
    entries = (new, old) if turned else (old, new)
    report = import_items("latest", *entries)
    assert stored("velar").headline == "Nuova"
    assert (report.articles.created, report.articles.rejected, report.warning_count) == (1, 0, 1)
    before = dump(database)
    assert outcomes(import_items("latest", *entries)) == (0, 0, 2, 0)
    assert dump(database) == before


def test_a_second_post_for_the_same_article_is_rejected_by_name(import_items, stored, database):
    posts = (one("velar", "a-1", headline="Prima"), article("altra"), one("velar", "a-1", headline="Seconda"))
    for created in (2, 0):
        report = import_items("reject", *posts)
        assert (report.articles.created, report.articles.updated, report.articles.rejected) == (created, 0, 1)
        [error] = report.errors
        assert (error["line"], error["pointer"]) == (30, "/source_id")
        assert "line 10" in error["message"]
        assert "(Seconda)" in error["message"]
        assert stored("velar").headline == "Prima"
    assert outcomes(import_items("reject", one("velar", "a-1", headline="Dopo"))) == (0, 1, 0, 0)


def test_items_without_identity_never_replace_each_other_and_come_once(import_items, slugs, database):
    items = (article("notizie", headline="Una"), article("notizie", headline="Due"), article("notizie", headline="Una"))
    report = import_items("reject", *items)
    assert (report.articles.created, report.articles.unchanged) == (2, 1)
    before = dump(database)
    assert outcomes(import_items("reject", *items)) == (0, 0, 3, 0)
    assert dump(database) == before
    assert sorted(slugs()) == ["notizie", "notizie-2"]


def test_rejected_items_are_named(import_items):
    report = import_items("reject", article("velar", brand="lada"), article("evoque", published_at="ieri"))
    assert [error["message"].rpartition(" (")[2] for error in report.errors] == [
        "Titolo di evoque)",
        "Titolo di velar)",
    ]


def author(name, slug="ivanov"):
    return {"type": "author", "slug": slug, "name": name}


def signed(slug, name_in_file="ivanov"):
    return article(slug, source_id=slug, authors=[name_in_file])


def authors_of(client, slug):
    return [item["name"] for item in client.get(f"/v1/articles/{slug}").json["data"]["authors"]]


def test_names_of_two_scripts_with_one_transliteration_are_two_authors(import_items, make, client, database):
    make.author("ivanov", name="Иванов")
    first = (author("Ivanov"), signed("uno"))
    assert import_items("reject", *first).terms.created == 1
    assert (authors_of(client, "uno"), client.get("/v1/authors/ivanov").json["data"]["name"]) == (["Ivanov"], "Иванов")
    before = dump(database)
    assert import_items("reject", *first).total.unchanged == 2
    assert dump(database) == before
    import_items("reject", author("Иванов"), signed("due"))
    assert authors_of(client, "due") == ["Иванов"]


def test_an_author_that_was_renamed_here_stays_the_same_one(import_items, make, client):
    make.author("ivanov", name="Иван Иванов")
    assert import_items("reject", author("Иванов"), signed("uno")).terms.unchanged == 1
    assert authors_of(client, "uno") == ["Иван Иванов"]


def test_an_interrupted_import_goes_on_with_the_same_authors(start_import, make, client, monkeypatch):
    make.author("ivanov", name="Иванов")
    monkeypatch.setattr(import_loader, "BATCH_LINES", 1)
    records = [author("Ivanov"), *(signed(f"a-{number}") for number in range(4))]
    position = FILE_BEGIN
    for stop in (1, 2, 9):
        record_format = ConvertedFormat(lambda _stream: enumerate(records, 1))
        stream = BytesIO(b"x")
        run = start_import(stream, record_format)
        *_, position = islice(import_loader.iter_batches(run, stream, position), stop)
    for number in range(4):
        assert authors_of(client, f"a-{number}") == ["Ivanov"]
