import pytest
from sqlalchemy import select

from newsapi.changelog.tables import Facet
from newsapi.content.tables.terms import Brand, Tag
from tests.support.events import changelog_seq
from tests.support.import_records import article, brand, term

NAMED = ("format:article", "language:it", "sitemap:1")


@pytest.fixture
def facets(database):
    """The names of facets by id: of brands, mentions, groups, tags, and those that name themselves."""

    def facets(ids):
        with database.read_transaction() as connection:
            names = {
                row.id: f"{row.kind}:{row.name}" for row in connection.execute(select(Facet.__table__)) if row.name
            }
            for row in connection.execute(select(Brand.__table__)):
                names |= {
                    row.facet_id: row.slug,
                    row.mention_facet_id: f"~{row.slug}",
                    row.group_facet_id: f"+{row.slug}",
                }
            names |= dict(connection.execute(select(Tag.facet_id, Tag.slug)).all())
        return {names[id_] for id_ in ids if id_ in names} - {"all:"}

    return facets


def test_a_new_article_is_told_as_published_with_its_facets(load, changes, facets):
    load(brand("jlr"), brand("rover", parent="jlr"), article("velar", brand="rover", mentions=["jlr"], tags=["suv"]))
    (change,) = changes()
    assert (change.action, change.reason, change.version, change.is_bulk) == ("upsert", "published", 1, True)
    assert change.facets_before == []
    assert facets(change.facets_after) == {"rover", "+jlr", "~jlr", "suv", *NAMED}


def test_an_article_that_moves_to_another_brand_changes_both_lists(load, changes, facets, slugs, client):
    load(brand("a"), brand("b"), article("velar", brand="a"), article("evoque", brand="a"))
    load(article("velar", brand="b"))
    assert (slugs("brand=a"), slugs("brand=b")) == (["evoque"], ["velar"])
    assert [client.get(f"/v1/brands/{slug}").json["data"]["article_count"] for slug in "ab"] == [1, 1]
    change = changes()[-1]
    assert (change.action, change.reason, change.version) == ("upsert", "updated", 2)
    assert facets(change.facets_before) - facets(change.facets_after) == {"a"}
    assert facets(change.facets_after) - facets(change.facets_before) == {"b"}


def test_a_new_time_of_publication_moves_it_in_the_lists(load, slugs):
    load(article("a", published_at="2016-01-01T00:00:00Z"), article("b", published_at="2016-01-02T00:00:00Z"))
    assert slugs() == ["b", "a"]
    load(article("a", published_at="2016-01-03T00:00:00Z"))
    assert slugs() == ["a", "b"]


def test_what_is_published_in_the_future_is_scheduled_and_nowhere_to_be_seen(load, client, stored, slugs, database):
    before = changelog_seq(database)
    load(article("velar", published_at="2026-11-01T12:00:00.000001Z"))
    assert stored("velar").status == "scheduled"
    assert (stored("velar").seq, stored("velar").withdrawal, changelog_seq(database)) == (None, None, before)
    assert slugs() == []
    assert client.get("/v1/articles/velar").status_code == 404
    assert client.get(f"/v1/articles/{stored('velar').id}").status_code == 404


def test_what_is_published_at_this_very_moment_is_public(load, slugs):
    load(article("velar", published_at="2026-11-01T12:00:00Z"))
    assert slugs() == ["velar"]


@pytest.mark.parametrize(
    ("status", "action"), [("withdrawn", "withdrawn"), ("draft", "unpublished"), ("scheduled", "unpublished")]
)
def test_what_was_public_and_is_hidden_is_gone_and_told(load, client, changes, slugs, facets, status, action):
    load(brand("a"), article("velar", brand="a", tags=["suv"]))
    load(article("velar", brand="a", tags=["suv"], status=status))
    answer = client.get("/v1/articles/velar")
    assert answer.status_code == 410
    assert answer.json["gone"] == {
        "at": "2026-11-01T12:00:00Z",
        "action": action,
        "reason": "other",
        "note": None,
        "replaced_by": None,
    }
    change = changes()[-1]
    assert (change.action, change.reason, change.version) == ("delete", action, 2)
    assert (facets(change.facets_before), change.facets_after) == ({"a", "suv", *NAMED}, [])
    assert slugs() == slugs("brand=a") == slugs("tag=suv") == []


def test_what_was_gone_can_be_published_again(load, client, changes, stored):
    for status in ("published", "withdrawn", "published"):
        load(article("velar", status=status))
    assert client.get("/v1/articles/velar").json["data"]["version"] == 3
    assert stored("velar").withdrawal is None
    assert [change.reason for change in changes()] == ["published", "withdrawn", "published"]


def test_edits_of_what_is_gone_are_not_told_and_keep_the_time_of_going(load, changes, stored, clock):
    load(article("velar"))
    load(article("velar", status="withdrawn"))
    gone = stored("velar").withdrawal
    clock.forward(days=1)
    load(article("velar", status="withdrawn", headline="Altro"))
    assert (stored("velar").withdrawal, stored("velar").version, len(changes())) == (gone, 3, 2)


def test_what_comes_withdrawn_with_a_past_time_was_public_elsewhere(load, client, changes):
    load(article("velar", status="withdrawn"), article("evoque"))
    assert client.get("/v1/articles/velar").status_code == 410
    assert [(change.slug, change.action, change.reason) for change in changes()] == [
        ("velar", "delete", "withdrawn"),
        ("evoque", "upsert", "published"),
    ]


def test_what_comes_withdrawn_can_come_alone(load, client):
    load(article("velar", status="withdrawn"))
    assert client.get("/v1/articles/velar").status_code == 410


@pytest.mark.parametrize("published_at", [None, "2030-01-01T00:00:00Z"])
def test_what_comes_withdrawn_and_was_never_published_does_not_exist(load, client, changes, published_at):
    load(article("velar", status="withdrawn", published_at=published_at))
    assert client.get("/v1/articles/velar").status_code == 404
    assert changes() == []


def test_work_on_drafts_moves_no_number(load, database, client):
    load(brand("a"), term("author", "anna"), article("velar", brand="a"))
    before, lists = changelog_seq(database), client.get("/v1/articles")
    draft = {"brand": "a", "authors": ["anna"], "tags": ["nome-segreto"], "language": "de", "format": "video"}
    load(article("segreto", status="draft", published_at=None, **draft))
    load(article("segreto", status="draft", published_at=None, **draft, headline="Ancora segreto"))
    load(article("segreto", status="scheduled", published_at="2027-01-01T00:00:00Z", **draft))
    load(article("futuro", published_at="2027-01-01T00:00:00Z", **draft))
    after = client.get("/v1/articles")
    assert changelog_seq(database) == before
    assert (after.data, after.headers["ETag"]) == (lists.data, lists.headers["ETag"])
    assert client.get("/v1/articles/segreto").status_code == 404


def test_a_tag_of_a_draft_is_told_when_the_draft_is_published(load, database):
    load(article("segreto", status="draft", tags=["velar"]))
    assert changelog_seq(database) == 0
    load(article("segreto", tags=["velar"]))
    assert changelog_seq(database) == 2  # the tag and the article


def test_a_tag_of_a_draft_is_told_when_a_record_names_it(load, database):
    load(article("segreto", status="draft", tags=["velar"]))
    load(term("tag", "velar", name="velar"))
    assert changelog_seq(database) == 1


def test_a_draft_needs_no_time_and_what_is_published_does(load):
    result = load(article("a", status="draft", published_at=None), article("b", published_at=None))
    assert (result.counts, result.places) == ((1, 0, 0, 1), [(2, "/published_at")])


@pytest.mark.parametrize(
    ("day", "instant"),
    [
        ("2016-07-26", "2016-07-26T10:00:00Z"),
        ("2016-01-26", "2016-01-26T11:00:00Z"),
        ("2026-03-29", "2026-03-29T10:00:00Z"),
        ("2026-10-25", "2026-10-25T11:00:00Z"),
        ("2024-02-29", "2024-02-29T11:00:00Z"),
    ],
)
def test_a_plain_date_is_noon_in_rome_and_is_known_to_the_day(load, client, day, instant):
    load(article("velar", published_at=day))
    item = client.get("/v1/articles/velar").json["data"]
    assert (item["published_at"], item["published_on"], item["published_precision"]) == (instant, day, "day")


def test_a_time_that_is_known_to_the_day_is_noon_of_that_day(load, client):
    load(article("velar", published_at="2016-07-26T23:30:00Z", published_precision="day"))
    item = client.get("/v1/articles/velar").json["data"]
    assert (item["published_at"], item["published_on"]) == ("2016-07-27T10:00:00Z", "2016-07-27")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("2026-03-29T02:30:00+01:00", "2026-03-29T01:30:00Z"),
        ("2025-10-26T02:30:00+02:00", "2025-10-26T00:30:00Z"),
        ("2025-10-26T02:30:00+01:00", "2025-10-26T01:30:00Z"),
        ("2016-07-26T00:00:00+14:00", "2016-07-25T10:00:00Z"),
        ("2016-07-26T00:00:00-11:00", "2016-07-26T11:00:00Z"),
        ("2016-07-26T10:00:00.123456Z", "2016-07-26T10:00:00.123456Z"),
        ("2016-07-26t10:00:00z", "2016-07-26T10:00:00Z"),
        ("0001-01-03T00:00:00Z", "0001-01-03T00:00:00Z"),
    ],
)
def test_the_instant_that_is_meant_is_the_one_that_is_used(load, client, given, meant):
    load(article("velar", published_at=given))
    assert client.get("/v1/articles/velar").json["data"]["published_at"] == meant


@pytest.mark.parametrize(
    "time",
    [
        "2016-07-26T10:00:00",
        "2016-07-26T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "2015-02-29",
        "2016-07-26T10:00Z",
        "2016-07-26T10:00:00+25:00",
        "9999-12-31T23:59:59-12:00",
        "0000-01-01T00:00:00Z",
        "26/07/2016",
        "ieri",
        1469527200,
        True,
    ],
)
def test_a_time_that_is_none_is_refused(load, time):
    assert load(article("velar", published_at=time)).places == [(1, "/published_at")]


def test_a_correction_moves_the_material_time_and_is_told_as_one(load, client, changes, clock):
    load(article("velar"))
    first = client.get("/v1/articles/velar").json["data"]
    assert first["materially_updated_at"] == first["published_at"]
    clock.forward(hours=1)
    load(article("velar", corrections=[{"at": "2016-08-01T12:00:00+02:00", "text": "Il prezzo era sbagliato."}]))
    item = client.get("/v1/articles/velar").json["data"]
    assert item["materially_updated_at"] == "2016-08-01T10:00:00Z"
    assert item["updated_at"] == "2026-11-01T13:00:00Z"
    assert item["corrections"] == [{"at": "2016-08-01T10:00:00Z", "text": "Il prezzo era sbagliato."}]
    assert changes()[-1].reason == "corrected"


def test_a_small_edit_moves_only_updated_at(load, client):
    load(article("velar"))
    load(article("velar", headline="Altro"))
    item = client.get("/v1/articles/velar").json["data"]
    assert item["materially_updated_at"] == item["published_at"]
    assert item["updated_at"] == "2026-11-01T12:00:00Z"


def test_times_that_a_record_brings_are_kept(load, client):
    load(article("velar", updated_at="2017-01-01T00:00:00Z", materially_updated_at="2016-12-01T00:00:00Z"))
    item = client.get("/v1/articles/velar").json["data"]
    assert (item["updated_at"], item["materially_updated_at"]) == ("2017-01-01T00:00:00Z", "2016-12-01T00:00:00Z")
