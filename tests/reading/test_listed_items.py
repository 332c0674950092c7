"""Items of plain lists are serialized once and kept while no change affects them."""

from uuid import UUID

import pytest
from sqlalchemy import update

from newsapi.changelog.tables import ChangelogHead
from newsapi.content.queries import facets
from newsapi.content.tables.images import ImageFile
from newsapi.images import queries as image_queries
from newsapi.images.measurement import Measurement
from newsapi.images.queries import DueFile, Outcome


def items(client, query):
    answer = client.get(f"/v1/articles?{query}")
    assert answer.status_code == 200
    return answer.json["data"]


def of_brand(client, brand):
    return client.get(f"/v1/brands/{brand}?include=articles").json["data"]["articles"]["data"]


def kept(app, database, ids):
    """Return the items of some articles, as a new read finds them."""
    context = app.extensions["newsapi"]
    with database.read_transaction() as connection:
        return context.listed_articles.find(connection, ids, facets.resolve_filters(connection, {}))


def article_id(client, slug):
    return UUID(client.get(f"/v1/articles/{slug}").json["data"]["id"])


def test_items_of_a_list_are_those_of_a_brand(magazine):
    brands = {item["brand"]["slug"] for item in items(magazine, "limit=100") if item["brand"]}
    assert brands
    for brand in brands:
        expected = of_brand(magazine, brand)
        assert items(magazine, f"brand={brand}&limit={len(expected)}") == expected
        assert items(magazine, f"brand={brand}&limit=100")[: len(expected)] == expected


@pytest.fixture
def velar(make):
    make.author("anna")
    make.article("velar", brand="land-rover", section="prove", authors=["anna"], image=None)
    make.article("giulia", brand="alfa-romeo")


@pytest.mark.parametrize(
    ("kind", "which", "change", "shown"),
    [
        ("articles", "velar", {"headline": "Nuova"}, lambda item: item["headline"] == "Nuova"),
        ("articles", "velar", {"authors": []}, lambda item: item["authors"] == []),
        ("articles", "velar", {"slug": "velar-2"}, lambda item: item["slug"] == "velar-2"),
        ("authors", "anna", {"name": "Anna Bianchi"}, lambda item: item["authors"][0]["name"] == "Anna Bianchi"),
        ("brands", "land-rover", {"name": "Rover"}, lambda item: item["brand"]["name"] == "Rover"),
        ("brands", "land-rover", {"slug": "rover"}, lambda item: item["brand"]["slug"] == "rover"),
        ("sections", "prove", {"name": "Prova"}, lambda item: item["section"]["name"] == "Prova"),
    ],
)
def test_an_item_that_was_kept_changes_with_everything_that_it_shows(
    velar, app, editor, settings, build, kind, which, change, shown
):
    client = app.test_client()
    before = {item["slug"]: item for item in items(client, "limit=10")}
    version = int(editor.get(f"/v1/{kind}/{which}").headers["ETag"].strip('"v').split("-")[0])
    answer = editor.patch(which, change, version, kind)
    assert answer.status_code == 200, answer.text
    after = items(client, "limit=11")  # requested for the first time, so that only the items are kept
    assert after == items(build(settings).test_client(), "limit=11")
    [changed] = [item for item in after if item["slug"] != "giulia"]
    assert shown(changed)
    assert before["giulia"] in after


def test_an_item_is_not_read_again_until_a_change_affects_it(velar, app, editor, statements):
    client = app.test_client()
    items(client, "limit=10")
    editor.post("/v1/articles", {"slug": "urus", "headline": "Urus", "body_html": "<p>x</p>", "status": "published"})
    articles_read = []
    for number in (11, 12):
        statements.clear()
        assert len(items(client, f"limit={number}")) == 3
        articles_read.append([statement for statement in statements if "headline" in statement])
    first, second = articles_read
    assert len(first) == 1  # the new article alone
    assert second == []


def test_an_item_that_was_built_later_is_not_part_of_an_older_snapshot(velar, app, editor, database):
    client, context = app.test_client(), app.extensions["newsapi"]
    items(client, "limit=10")
    id_ = article_id(client, "velar")
    with database.read_transaction() as connection:
        older = facets.resolve_filters(connection, {})
        assert editor.patch("velar", {"headline": "Nuova"}, 1).status_code == 200
        assert items(client, "limit=11")
        assert b"Nuova" in kept(app, database, [id_])[0].item
        [item] = context.listed_articles.find(connection, [id_], older)
        assert b"Nuova" not in item.item
    assert b"Nuova" in kept(app, database, [id_])[0].item


def test_an_item_of_another_history_of_the_database_is_not_used(velar, app, database):
    client = app.test_client()
    items(client, "limit=10")
    id_ = article_id(client, "velar")
    [item] = kept(app, database, [id_])
    assert kept(app, database, [id_]) == [item]
    with database.transaction() as session:  # as after a restore: the same position, with another nonce
        session.execute(update(ChangelogHead).values(nonce=ChangelogHead.nonce + 1))
    [built] = kept(app, database, [id_])
    assert built is not item
    assert built.item == item.item


def test_a_measured_image_is_shown(app, editor, database, settings, build, clock):
    image = {"url": "https://images.example.com/velar.jpg", "alt": "Velar"}
    body = {"slug": "velar", "headline": "Velar", "body_html": "<p>x</p>", "status": "published", "image": image}
    assert editor.post("/v1/articles", body).status_code == 201
    client = app.test_client()
    assert items(client, "limit=10")[0]["image"].get("thumbhash") is None
    with database.transaction() as session:
        file = session.query(ImageFile).one()
        measurement = Measurement(800, 600, "image/jpeg", 10_000, "aGFzaA==", "#102030")
        outcome = Outcome(DueFile(file.id, file.url, file.host, file.tries), measurement)
        image_queries.save_outcomes(session, [outcome], clock())
    after = items(client, "limit=11")
    assert after == items(build(settings).test_client(), "limit=11")
    assert after[0]["image"]["thumbhash"] == "aGFzaA=="
