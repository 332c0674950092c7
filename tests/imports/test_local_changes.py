"""What editors change stays when an import runs again, and the report names it."""

import random

import pytest
from sqlalchemy import select

from newsapi.app import WRITE_HOOKS
from newsapi.content.tables.articles import Article
from newsapi.content.writes.writer import WriteContext
from newsapi.editing import scheduler
from tests.support.import_records import article, brand, term
from tests.support.invariants import dump_content

VELAR = article("velar", headline="Prima", standfirst="Sommario.", body_html="<p>Uno.</p>")


def shown(editor, slug="velar"):
    return editor.get(f"/v1/articles/{slug}").json["data"]


def left(report):
    places = report.to_json()["left_as_is"]["places"]
    return [(place["slug"], set(place["left_fields"])) for place in places]


def test_a_changed_field_stays_and_the_others_follow_the_import(import_file, editor):
    import_file(VELAR)
    editor.change(shown(editor), headline="Corretto in redazione")
    report = import_file({**VELAR, "headline": "Dalla fonte", "standfirst": "Nuovo."})
    assert (report.articles.updated, left(report)) == (1, [("velar", {"headline"})])
    assert (shown(editor)["headline"], shown(editor)["standfirst"]) == ("Corretto in redazione", "Nuovo.")


def test_it_stays_however_often_the_import_runs(import_file, editor, database):
    import_file(VELAR)
    editor.change(shown(editor), headline="Corretto in redazione")
    for number in range(3):
        record = {**VELAR, "headline": f"Dalla fonte {number}"}
        assert left(import_file(record)) == [("velar", {"headline"})]
        before = dump_content(database)
        again = import_file(record)
        assert (again.articles.unchanged, left(again)) == (1, [("velar", {"headline"})])
        assert dump_content(database) == before
    assert shown(editor)["headline"] == "Corretto in redazione"


def test_the_same_file_again_changes_nothing_and_names_what_differs(import_file, editor, database):
    import_file(VELAR)
    editor.change(shown(editor), headline="Corretto in redazione")
    before = dump_content(database)
    report = import_file(VELAR)
    assert (report.articles.unchanged, left(report)) == (1, [("velar", {"headline"})])
    assert dump_content(database) == before


def test_a_field_that_is_changed_back_follows_the_import_again(import_file, editor):
    import_file(VELAR)
    changed = editor.change(shown(editor), headline="Corretto", standfirst="Mio.")
    editor.change(changed, headline="Prima")
    report = import_file({**VELAR, "headline": "Dalla fonte"})
    assert left(report) == [("velar", {"standfirst"})]
    assert shown(editor)["headline"] == "Dalla fonte"


def test_a_field_that_the_source_changes_in_the_same_way_follows_the_import_again(import_file, editor):
    import_file(VELAR)
    editor.change(shown(editor), headline="Uguale")
    assert left(import_file({**VELAR, "headline": "Uguale"})) == []
    import_file({**VELAR, "headline": "Dalla fonte"})
    assert shown(editor)["headline"] == "Dalla fonte"


def test_overwriting_replaces_what_was_changed_even_by_the_same_file(import_file, editor):
    import_file(VELAR)
    editor.change(shown(editor), headline="Corretto in redazione", status="draft")
    report = import_file(VELAR, overwrite=True)
    assert (report.articles.updated, left(report)) == (1, [])
    assert (shown(editor)["headline"], shown(editor)["status"]) == ("Prima", "published")
    assert left(import_file(VELAR)) == []


TERMS = (
    *(brand(slug) for slug in ("fiat", "jeep", "audi")),
    *(term("section", slug) for slug in ("prove", "sport")),
    *(term("author", slug) for slug in ("anna", "bruno", "carla")),
)


@pytest.mark.parametrize(
    ("field", "imported", "here", "later"),
    [
        ("body_html", "<p>Uno.</p>", "<p>Mio testo più lungo.</p>", "<p>Due.</p>"),
        ("standfirst", "Sommario.", None, "Altro."),
        ("brand", "fiat", "jeep", "audi"),
        ("section", "prove", None, "sport"),
        ("authors", ["anna"], ["anna", "bruno"], ["carla"]),
        ("tags", ["suv"], [], ["suv", "novita"]),
        ("mentions", [], ["audi"], ["jeep"]),
        ("published_at", "2016-07-26T10:00:00Z", "2016-07-27T10:00:00Z", "2016-07-28"),
        ("seo", None, {"title": "Titolo mio"}, {"title": "Titolo loro"}),
        ("image", None, {"url": "https://img.example.com/1.jpg"}, {"url": "https://img.example.com/2.jpg"}),
        ("rights", None, {"holder": "Noi"}, {"holder": "Loro"}),
        ("language", "it", "de", "en"),
        ("format", "article", "gallery", "video"),
        ("canonical_url", None, "https://noi.example.com/a", "https://loro.example.com/a"),
    ],
)
def test_every_field_can_be_changed_here(import_file, editor, database, field, imported, here, later):
    import_file(*TERMS, article("velar", **{field: imported}))
    editor.change(shown(editor), **{field: here})
    before = shown(editor)
    report = import_file(article("velar", **{field: later}, headline="Dalla fonte"))
    assert left(report) == [("velar", {field})]
    after = shown(editor)
    assert after["headline"] == "Dalla fonte"
    moving = {"headline", "version", "seq", "updated_at", "jsonld"}
    assert {name: value for name, value in after.items() if name not in moving} == {
        name: value for name, value in before.items() if name not in moving
    }


def test_related_picks_of_editors_stay_though_files_say_nothing_of_them(import_file, editor):
    import_file(VELAR, article("evoque"))
    picks = {"slugs": ["evoque"], "ban": []}
    assert editor.put("/v1/articles/velar/picks", picks, If_Match=f'"v{shown(editor)["version"]}"').status_code == 200
    assert left(import_file({**VELAR, "headline": "Dalla fonte"})) == [("velar", {"picks"})]
    assert editor.get("/v1/articles/velar/picks").json["data"]["slugs"] == ["evoque"]


@pytest.mark.parametrize("how", ["withdrawn", "unpublished"])
def test_what_was_taken_down_here_is_not_brought_back(import_file, editor, public, how):
    import_file(VELAR)
    if how == "withdrawn":
        assert editor.delete("/v1/articles/velar?reason=legal").status_code == 200
    else:
        editor.change(shown(editor), status="draft")
    for record in (VELAR, {**VELAR, "published_at": "2016-08-01"}, {**VELAR, "headline": "Dalla fonte"}):
        report = import_file(record)
        assert left(report) == [("velar", {"status"})]
        assert public.get("/v1/articles/velar").status_code == 410
    assert shown(editor)["headline"] == "Dalla fonte"
    import_file(VELAR, overwrite=True)
    assert public.get("/v1/articles/velar").status_code == 200


def test_what_an_import_withdrew_an_import_can_publish_again(import_file, public):
    for status, code in (("published", 200), ("withdrawn", 410), ("published", 200)):
        report = import_file(article("velar", status=status))
        assert (left(report), public.get("/v1/articles/velar").status_code) == ([], code)


def test_an_imported_draft_that_editors_work_on_is_not_published_by_an_import(import_file, editor, public):
    import_file(article("velar", status="draft"))
    editor.change(shown(editor), headline="Ancora da rivedere")
    report = import_file(article("velar", headline="Dalla fonte"))
    assert left(report) == [("velar", {"headline", "status"})]
    assert (shown(editor)["status"], public.get("/v1/articles/velar").status_code) == ("draft", 404)


def test_an_imported_draft_that_nobody_touched_is_published_by_its_source(import_file, public):
    import_file(article("velar", status="draft"))
    import_file(article("velar"))
    assert public.get("/v1/articles/velar").status_code == 200


def test_what_was_published_here_stays_public_without_a_time_in_the_file(import_file, editor, public):
    import_file(article("velar", status="draft"))
    editor.change(shown(editor), status="published")
    for published_at in (None, "2030-01-01", "2016-07-26T10:00:00Z"):
        import_file(article("velar", status="draft", published_at=published_at, headline="Dalla fonte"))
        answer = public.get("/v1/articles/velar")
        assert answer.status_code == 200
        assert answer.json["data"]["published_at"] == "2016-07-26T10:00:00Z"


def test_what_is_scheduled_here_is_not_published_earlier_by_an_import(import_file, editor, public, clock):
    import_file(article("velar", status="draft"))
    editor.change(shown(editor), status="scheduled", published_at="2026-12-01T10:00:00Z")
    report = import_file(article("velar", published_at="2016-07-26T10:00:00Z", headline="Dalla fonte"))
    assert left(report) == [("velar", {"status", "published_at"})]
    assert (shown(editor)["status"], shown(editor)["published_at"]) == ("scheduled", "2026-12-01T10:00:00Z")


def test_an_article_that_became_due_differs_in_nothing(import_file, database, settings, clock, public):
    record = article("velar", published_at="2026-12-01T10:00:00Z")
    import_file(record)
    clock.forward(days=60)
    scheduler.run_due(WriteContext(database, settings, lambda _: clock(), WRITE_HOOKS))
    report = import_file({**record, "headline": "Dalla fonte"})
    assert left(report) == []
    assert public.get("/v1/articles/velar").json["data"]["headline"] == "Dalla fonte"


def test_an_article_whose_rights_ended_is_not_brought_back(import_file, database, settings, clock, public):
    record = article("velar", rights={"expires_at": "2026-12-01T10:00:00Z"})
    import_file(record)
    clock.forward(days=60)
    scheduler.run_due(WriteContext(database, settings, lambda _: clock(), WRITE_HOOKS))
    assert left(import_file({**record, "headline": "Dalla fonte"})) == [("velar", {"status"})]
    assert public.get("/v1/articles/velar").status_code == 410


@pytest.mark.parametrize("status", ["draft", "scheduled", "published"])
def test_an_article_of_the_desk_is_left_by_the_first_import_of_its_slug(import_file, editor, database, status):
    time = "2026-12-01T10:00:00Z" if status == "scheduled" else "2016-07-01T10:00:00Z"
    editor.write(slug="velar", headline="Della redazione", status=status, published_at=time)
    before = dump_content(database)
    for record in (VELAR, {**VELAR, "headline": "Ancora"}):
        report = import_file(record)
        [(slug, fields)] = left(report)
        assert (slug, report.articles.unchanged) == ("velar", 1)
        assert {"headline", "body_html"} <= fields
        assert dump_content(database) == before
    assert import_file(VELAR, overwrite=True).articles.updated == 1
    assert shown(editor)["headline"] == "Prima"


def test_an_edit_moves_no_time_back(import_file, editor, clock):
    record = article("velar", updated_at="2017-01-01T00:00:00Z")
    import_file(record)
    clock.forward(days=1)
    editor.change(shown(editor), headline="Corretto")
    import_file({**record, "standfirst": "Nuovo.", "updated_at": "2017-02-01T00:00:00Z"})
    assert shown(editor)["updated_at"] == "2026-11-02T12:00:00Z"


def test_a_restored_revision_is_a_change_of_editors(import_file, editor):
    import_file(VELAR)
    import_file({**VELAR, "headline": "Dopo"})
    item = shown(editor)
    answer = editor.post("/v1/articles/velar/revisions/1/restore", {}, If_Match=f'"v{item["version"]}"')
    assert answer.status_code == 200, answer.text
    assert left(import_file({**VELAR, "headline": "Poi"})) == [("velar", {"headline"})]
    assert shown(editor)["headline"] == "Prima"


def test_a_merge_of_brands_is_no_change_of_an_article(import_file, editor, database, settings, clock):
    from newsapi.editing import merges  # noqa: PLC0415 (used here alone)

    import_file(*TERMS, article("velar", brand="fiat"))
    assert editor.post("/v1/brands/fiat/merge", {"into": "jeep"}).status_code in {200, 202}
    context = WriteContext(database, settings, lambda _: clock(), WRITE_HOOKS)
    while merges.run_slice(context):
        pass
    assert left(import_file(article("velar", brand="fiat", headline="Dalla fonte"))) == []
    assert shown(editor)["brand"]["slug"] == "jeep"
    assert left(import_file(article("velar", brand="audi"))) == []
    assert shown(editor)["brand"]["slug"] == "audi"


def test_articles_that_nobody_changed_have_no_local_changes(import_file, editor, database):
    import_file(VELAR, article("evoque"))
    editor.change(shown(editor), headline="Corretto")
    import_file({**VELAR, "standfirst": "Nuovo."})
    with database.read_transaction() as connection:
        stored = dict(connection.execute(select(Article.slug, Article.local_changes)).all())
    assert (set(stored["velar"]), stored["evoque"]) == ({"headline"}, None)


def test_a_slug_that_was_changed_here_stays(import_file, editor, public):
    import_file(VELAR, article("evoque", source_id="a-1"))
    editor.change(shown(editor), slug="velar-2017")
    editor.change(shown(editor, "evoque"), slug="evoque-2019")
    for headline in ("Prima", "Dalla fonte"):
        report = import_file(
            {**VELAR, "headline": headline}, article("evoque", source_id="a-1", headline=headline, standfirst="Nuovo.")
        )
        assert left(report) == [("velar-2017", {"slug"}), ("evoque-2019", {"slug"})]
    assert shown(editor, "evoque-2019")["headline"] == "Dalla fonte"
    assert public.get("/v1/articles/velar").headers["Location"].endswith("/velar-2017")
    assert import_file(article("evoque", source_id="a-1"), overwrite=True).articles.updated == 1
    assert shown(editor, "evoque")["slug"] == "evoque"


def test_bans_of_editors_stay(import_file, editor):
    import_file(VELAR, article("evoque"), article("defender"))
    picks = {"slugs": [], "ban": ["evoque"]}
    assert editor.put("/v1/articles/velar/picks", picks, If_Match=f'"v{shown(editor)["version"]}"').status_code == 200
    import_file({**VELAR, "headline": "Dalla fonte"})
    assert left(import_file({**VELAR, "bans": ["defender"]})) == [("velar", {"bans"})]
    assert editor.get("/v1/articles/velar/picks").json["data"]["ban"] == ["evoque"]


def a_record(chance):
    slug = f"a{chance.randrange(4)}"
    return article(
        slug,
        source_id=f"site-{slug}" if chance.random() < 0.5 else None,
        headline=chance.choice(["Prima", "Dopo"]),
        standfirst=chance.choice([None, "Sommario."]),
        tags=chance.sample(["t0", "t1", "t2"], k=chance.randrange(3)),
        status=chance.choice(["published", "published", "draft", "withdrawn"]),
        published_at=chance.choice(["2016-07-26", "2017-01-01T00:00:00Z", "2030-01-01"]),
    )


def edit_at_random(chance, editor):
    """Edit an article in a way that may be refused; return the slug and the new status."""
    slug = f"a{chance.randrange(4)}"
    answer = editor.get(f"/v1/articles/{slug}")
    if answer.status_code == 404:
        editor.write(slug=slug, headline="Della redazione", status=chance.choice(["draft", "published"]))
        return
    item = answer.json["data"]
    changes = chance.choice(
        [
            {"headline": chance.choice(["Prima", "Dopo", "Corretto"])},
            {"standfirst": chance.choice([None, "Mio."])},
            {"tags": chance.choice([[], ["t0"], ["t9"]])},
            {"status": chance.choice(["draft", "published", "withdrawn"])},
        ]
    )
    editor.patch(item["id"], changes, item["version"])


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 30))])
def test_edits_and_imports_in_any_order(import_file, editor, public, database, clock, seed):
    chance = random.Random(seed)
    for _ in range(8):
        for _ in range(3):
            edit_at_random(chance, editor)
        hidden = {slug for slug in SLUGS if public.get(f"/v1/articles/{slug}").status_code == 410}
        stored = {slug: editor.get(f"/v1/articles/{slug}").json.get("data") for slug in SLUGS}
        with database.read_transaction() as connection:
            local = dict(connection.execute(select(Article.slug, Article.local_changes)).all())
        records = {record["slug"]: record for record in (a_record(chance) for _ in range(4))}
        first = import_file(*records.values())
        before = dump_content(database)
        again = import_file(*records.values())
        assert (again.total.created, again.total.updated, left(again)) == (0, 0, left(first))
        assert again.errors == first.errors
        assert dump_content(database) == before
        for slug in records:
            now = editor.get(f"/v1/articles/{slug}").json["data"]
            for name in ("headline", "standfirst", "status"):
                if name in (local.get(slug) or ()):
                    assert now[name] == stored[slug][name]
            if slug in hidden and "status" in (local.get(slug) or ()):
                assert public.get(f"/v1/articles/{slug}").status_code == 410
        clock.forward(hours=1)


SLUGS = [f"a{number}" for number in range(4)]
