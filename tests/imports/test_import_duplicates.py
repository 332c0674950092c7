from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from newsapi.content.tables.articles import Article, Revision, SlugRedirect
from tests.support.import_records import archive, article, brand, term
from tests.support.invariants import dump

LAND_ROVER = (brand("jlr"), brand("land-rover", parent="jlr"), term("section", "prove"), term("author", "anna"))


def test_every_line_is_counted_by_what_became_of_it(load):
    assert load(*LAND_ROVER, article("velar"), article("evoque", brand="fiat")).counts == (5, 0, 0, 1)
    assert load(*LAND_ROVER, article("velar", headline="Nuovo"), article("evoque")).counts == (1, 1, 4, 0)


def test_a_second_run_changes_no_row_of_any_table(load, database, clock):
    records = list(archive(150))
    first = load(*records)
    assert first.counts == (len(records), 0, 0, 0)
    before = dump(database)
    clock.forward(days=1)
    assert load(*records).counts == (0, 0, len(records), 0)
    assert dump(database) == before


def test_a_second_run_with_rejects_names_them_again_and_changes_nothing(load, database, clock):
    records = [*LAND_ROVER, article("velar", tags=["suv"]), article("evoque", brand="fiat", tags=["nuovo-tag"])]
    first, before = load(*records), dump(database)
    clock.forward(days=1)
    assert load(*records).rejects == first.rejects
    assert dump(database) == before


def test_other_order_of_keys_explicit_nulls_and_escapes_are_the_same_content(load, stored):
    load(*LAND_ROVER, article("velar", brand="land-rover", headline="È qui", tags=["suv"]))
    before = stored("velar")
    same = article(
        "velar", brand="land-rover", headline="È qui", tags=["suv"], standfirst=None, image=None, mentions=[]
    )
    turned = dict(reversed(same.items()))
    assert load(turned).counts == (0, 0, 1, 0)
    after = stored("velar")
    assert after.import_digest != before.import_digest  # so that this line, too, costs nothing the next time
    nothing = {"import_digest": None}
    assert {**after._mapping, **nothing} == {**before._mapping, **nothing}


def test_the_same_instant_at_another_offset_is_the_same_content(load):
    load(article("velar", published_at="2016-07-26T10:00:00Z"))
    assert load(article("velar", published_at="2016-07-26T12:00:00.000+02:00")).counts == (0, 0, 1, 0)


def test_html_that_cleans_to_the_same_is_the_same_content(load):
    load(article("velar", body_html="<p>Uno.</p>"))
    assert load(article("velar", body_html="<p onclick='x()'>Uno.</p><script>x()</script>")).counts == (0, 0, 1, 0)


def test_of_two_lines_for_one_article_the_last_wins(load, stored):
    assert load(article("velar", headline="Prima"), article("velar", headline="Dopo")).counts == (1, 1, 0, 0)
    assert (stored("velar").headline, stored("velar").version) == ("Dopo", 2)


def test_a_file_with_two_lines_for_one_article_changes_nothing_when_run_again(load, database, clock):
    records = [article("velar", headline="Prima"), article("evoque"), article("velar", headline="Dopo")]
    load(*records)
    before = dump(database)
    clock.forward(days=1)
    assert load(*records).counts == (0, 0, 3, 0)
    assert dump(database) == before


def test_a_line_after_the_one_that_stands_is_written(load, stored):
    load(article("velar", headline="Dopo"))
    assert load(article("velar", headline="Dopo"), article("velar", headline="Poi")).counts == (0, 1, 1, 0)
    assert stored("velar").headline == "Poi"


def test_going_back_to_an_earlier_line_is_a_change(load, stored):
    for headline in ("Prima", "Dopo", "Prima"):
        load(article("velar", headline=headline))
    assert (stored("velar").headline, stored("velar").version) == ("Prima", 3)


def test_a_change_keeps_the_old_state_in_the_history(load, database, stored, clock):
    load(*LAND_ROVER, article("velar", brand="land-rover", headline="Prima", tags=["suv"], body_html="<p>Uno.</p>"))
    clock.forward(hours=1)
    load(article("velar", headline="Dopo", tags=["lusso"], body_html="<p>Due.</p>"))
    now = stored("velar")
    assert (now.version, now.updated_at, now.headline) == (2, clock.time, "Dopo")
    with database.read_transaction() as connection:
        (old,) = connection.execute(select(Revision.__table__))
    assert (old.article_id, old.number, old.replaced_at, old.replaced_by) == (
        now.id,
        1,
        clock.time,
        "import",
    )
    kept = {name: old.content[name] for name in ("headline", "brand", "tags", "body_html", "slug", "status")}
    assert kept == {
        "headline": "Prima",
        "brand": "land-rover",
        "tags": ["suv"],
        "body_html": "<p>Uno.</p>",
        "slug": "velar",
        "status": "published",
    }


@pytest.mark.parametrize(
    ("values", "changed"),
    [
        ({"standfirst": "Sommario."}, True),
        ({"canonical_url": "https://site.example.com/a"}, True),
        ({"seo": {"title": "Altro"}}, True),
        ({"rights": {"holder": "Agenzia", "expires_at": "2030-01-01T00:00:00Z"}}, True),
        ({"source": {"name": "Agenzia"}}, True),
        ({"picks": ["evoque"]}, True),
        ({"media": [{"kind": "video", "embed_url": "https://www.youtube.com/embed/x"}]}, True),
        ({"previous_slugs": ["vecchio"]}, True),
        ({"language": "en"}, True),
        ({"format": "gallery"}, True),
        ({"language": "IT"}, False),
        ({"standfirst": "  "}, False),
        ({"headline": " Titolo di velar "}, False),
    ],
)
def test_every_field_counts_and_white_space_does_not(load, stored, values, changed):
    load(article("velar"))
    for _ in range(2):
        load(article("velar", **values))
        assert stored("velar").version == 1 + changed


def test_an_article_renamed_by_its_id_is_led_to_from_its_old_slug(load, client, database):
    id_ = "0192d3a0-0000-7000-8000-000000000001"
    load(article("vecchio", id=id_))
    load(article("nuovo", id=id_))
    assert client.get("/v1/articles/vecchio").headers["Location"] == "https://api.example.com/v1/articles/nuovo"
    item = client.get("/v1/articles/nuovo").json["data"]
    assert (item["id"], item["previous_slugs"], item["version"]) == (id_, ["vecchio"], 2)
    load(article("vecchio", id=id_))
    assert client.get("/v1/articles/vecchio").status_code == 200
    assert client.get("/v1/articles/nuovo").status_code == 308
    with database.read_transaction() as connection:
        assert list(connection.execute(select(SlugRedirect.slug)).scalars()) == ["nuovo"]


def test_a_rename_is_told_with_the_former_slug(load, changes):
    id_ = "0192d3a0-0000-7000-8000-000000000001"
    load(article("vecchio", id=id_))
    load(article("nuovo", id=id_))
    assert [(change.slug, change.previous_slug) for change in changes()] == [("vecchio", None), ("nuovo", "vecchio")]


def test_a_record_that_still_says_the_old_slug_means_the_renamed_article(load, stored):
    id_ = "0192d3a0-0000-7000-8000-000000000001"
    load(article("vecchio", id=id_))
    load(article("nuovo", id=id_))
    load(article("vecchio", headline="Ancora io"))
    assert stored("nuovo").headline == "Ancora io"


@pytest.mark.parametrize("together", [True, False])
def test_a_slug_that_a_rename_sets_free_can_be_taken_by_the_next_line(load, stored, together):
    first, second = (f"0192d3a0-0000-7000-8000-00000000000{number}" for number in (1, 2))
    load(article("a", id=first), article("b", id=second))
    records = (article("c", id=first), article("a", id=second))
    results = [load(*records)] if together else [load(record) for record in records]
    assert [result.rejects for result in results] == [[]] * len(results)
    assert (str(stored("c").id), str(stored("a").id)) == (first, second)


@pytest.mark.parametrize("together", [True, False])
def test_a_line_by_the_old_slug_right_after_the_rename_is_not_lost(load, stored, together):
    id_ = "0192d3a0-0000-7000-8000-000000000001"
    load(article("vecchio", id=id_))
    records = (article("nuovo", id=id_), article("vecchio", headline="Dopo"))
    results = [load(*records)] if together else [load(record) for record in records]
    assert [result.rejects for result in results] == [[]] * len(results)
    assert (stored("nuovo").headline, stored("nuovo").version) == ("Dopo", 3)


def test_previous_slugs_lead_on_and_are_shown(load, client):
    load(article("velar", previous_slugs=["range-rover-velar", "velar-2017"]))
    assert client.get("/v1/articles/velar-2017").status_code == 308
    assert sorted(client.get("/v1/articles/velar").json["data"]["previous_slugs"]) == [
        "range-rover-velar",
        "velar-2017",
    ]


def test_slugs_of_other_articles_are_refused_by_their_place(load):
    ids = [f"0192d3a0-0000-7000-8000-00000000000{number}" for number in (1, 2)]
    load(article("a", id=ids[0]), article("b", id=ids[1]))
    assert load(article("a", id=ids[1])).places == [(1, "/slug")]
    assert load(article("c", previous_slugs=["x", "b"])).places == [(1, "/previous_slugs/1")]
    assert load(article("a", id="0192d3a0-0000-7000-8000-000000000009")).places == [(1, "/slug")]


def test_an_id_that_is_given_is_kept(load, client):
    id_ = "0192d3a0-1234-7000-8000-000000000001"
    load(article("velar", id=id_.upper()))
    assert client.get(f"/v1/articles/{id_}").json["data"]["slug"] == "velar"


def test_a_chunk_boundary_changes_nothing(load, monkeypatch, database):
    monkeypatch.setattr("newsapi.imports.loader.BATCH_LINES", 3)
    records = [*LAND_ROVER, *(article(f"a{number}", tags=[f"t{number % 2}"]) for number in range(10))]
    assert load(*records).counts == (14, 0, 0, 0)
    before = dump(database)
    assert load(*records).counts == (0, 0, 14, 0)
    assert dump(database) == before


def test_created_at_is_the_time_of_the_import(load, stored, database):
    load(article("velar"))
    assert stored("velar").created_at == datetime(2026, 11, 1, 12, tzinfo=UTC)
    with database.read_transaction() as connection:
        assert connection.execute(select(Article.seq)).scalars().all() == [1]
