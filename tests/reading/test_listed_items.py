"""Items of plain lists are serialized once and kept; they are those that other views serialize for themselves."""

from sqlalchemy import update

from newsapi.content.tables.articles import Article
from newsapi.content.tables.terms import Author, Brand


def items(client, query):
    answer = client.get(f"/v1/articles?{query}")
    assert answer.status_code == 200
    return answer.json["data"]


def of_brand(client, brand):
    return client.get(f"/v1/brands/{brand}?include=articles").json["data"]["articles"]["data"]


def test_items_of_a_list_are_those_of_a_brand(magazine):
    brands = {item["brand"]["slug"] for item in items(magazine, "limit=100") if item["brand"]}
    assert brands
    for brand in brands:
        expected = of_brand(magazine, brand)
        assert items(magazine, f"brand={brand}&limit={len(expected)}") == expected
        assert items(magazine, f"brand={brand}&limit=100")[: len(expected)] == expected


def test_an_item_that_was_kept_changes_with_everything_that_it_shows(settings, build, database, make):
    make.author("anna")
    make.article("velar", brand="land-rover", authors=["anna"], image=None)
    client = build(settings).test_client()
    assert items(client, "limit=10")[0]["image"] is None
    # No change is appended, so that only the kept items can be outdated: each list is requested for the first time.
    changes = (
        update(Article).values(headline="Nuova"),
        update(Author).values(name="Anna Bianchi"),
        update(Brand).values(name="Rover"),
    )
    for number, change in enumerate(changes, 11):
        with database.transaction() as session:
            session.execute(change)
        assert items(client, f"limit={number}") == of_brand(build(settings).test_client(), "land-rover")
    [item] = items(client, "limit=14")
    assert (item["headline"], item["authors"][0]["name"], item["brand"]["name"]) == ("Nuova", "Anna Bianchi", "Rover")
