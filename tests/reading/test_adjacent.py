"""`include=adjacent`: the articles before and after an article in its brand and its section."""

import pytest
from sqlalchemy import text

PATH = "/v1/articles/{}?include=adjacent"


@pytest.fixture
def series(make):
    """Four articles of a brand, oldest first, the second and the last in a section with one of another brand."""
    make.article("a", brand="fiat")
    make.article("b", brand="fiat", section="prove")
    make.article("altra", brand="audi", section="prove")
    make.article("c", brand="fiat")
    make.article("bozza", brand="fiat", section="prove", status="draft")
    make.article("d", brand="fiat", section="prove")


def adjacent(client, slug):
    """Return the slugs of the neighbours, older and newer, by term."""
    found = client.get(PATH.format(slug)).json["data"]["adjacent"]
    return {
        term: sides and tuple(sides[side] and sides[side]["slug"] for side in ("previous", "next"))
        for term, sides in found.items()
    }


@pytest.mark.usefixtures("series")
def test_neighbours_are_in_the_order_of_publication_and_public(client):
    assert adjacent(client, "a") == {"brand": (None, "b"), "section": None}
    assert adjacent(client, "b") == {"brand": ("a", "c"), "section": (None, "altra")}
    assert adjacent(client, "altra") == {"brand": (None, None), "section": ("b", "d")}
    assert adjacent(client, "d") == {"brand": ("c", None), "section": ("altra", None)}


@pytest.mark.usefixtures("series")
def test_neighbours_are_summaries_and_the_article_is_as_without_them(client):
    whole = client.get("/v1/articles?slug=c").json["data"][0]
    data = client.get(PATH.format("b")).json["data"]
    assert data.pop("adjacent")["brand"]["next"] == whole
    assert data == client.get("/v1/articles/b").json["data"]
    narrowed = client.get(PATH.format("b") + "&fields=headline").json["data"]
    assert sorted(narrowed) == ["adjacent", "headline", "id"]


@pytest.mark.usefixtures("series")
def test_equal_times_are_ordered_as_in_the_list(client, make, database):
    with database.transaction() as session:
        for table in ("article", "listing_entry"):
            session.execute(text(f"UPDATE {table} SET published_at = (SELECT min(published_at) FROM {table})"))
    listed = [item["slug"] for item in client.get("/v1/articles?brand=fiat&sort=published_at").json["data"]]
    for number, slug in enumerate(listed):
        previous = listed[number - 1] if number else None
        newer = listed[number + 1] if number + 1 < len(listed) else None
        assert adjacent(client, slug)["brand"] == (previous, newer)


@pytest.mark.usefixtures("series")
def test_a_cached_response_follows_the_lists(client, editor):
    assert adjacent(client, "d")["brand"] == ("c", None)
    body = {"headline": "Nuova", "language": "it", "brand": "fiat", "section": "prove", "status": "published"}
    assert editor.post("/v1/articles", body).status_code == 201
    assert adjacent(client, "d") == {"brand": ("c", "nuova"), "section": ("altra", "nuova")}
    assert editor.patch("nuova", {"headline": "Più nuova"}, 1).status_code == 200
    found = client.get(PATH.format("d")).json["data"]["adjacent"]
    assert found["brand"]["next"]["headline"] == found["section"]["next"]["headline"] == "Più nuova"
    assert editor.delete("/v1/articles/nuova").status_code in {200, 204}
    assert adjacent(client, "d")["brand"] == ("c", None)


@pytest.mark.usefixtures("series")
def test_a_draft_has_no_neighbours(editor):
    data = editor.get(PATH.format("bozza")).json["data"]
    assert data["adjacent"] == {"brand": None, "section": None}


@pytest.mark.usefixtures("series")
def test_neighbours_take_three_statements(client, statements):
    client.get("/v1/articles/b")
    plain = len(statements)
    statements.clear()
    client.get(PATH.format("b"))
    assert len(statements) <= plain + 3
