import pytest
from sqlalchemy import select

from newsapi.changelog.tables import Change
from tests.support.import_records import article, brand, term
from tests.support.invariants import dump


@pytest.fixture
def told(database):
    """The changes of everything but articles: kind and slug, in order."""

    def told():
        with database.read_transaction() as connection:
            found = select(Change.kind, Change.slug).where(Change.kind != "article").order_by(Change.seq)
            return [tuple(row) for row in connection.execute(found)]

    return told


def test_terms_are_made_changed_and_told(load, client, told):
    records = [
        brand("rover", aliases=["Range Rover"], description="Fuoristrada."),
        term("section", "prove"),
        term("tag", "suv", name="SUV"),
        term("author", "anna", email="anna@example.com", bio="Scrive."),
    ]
    assert load(*records).counts == (4, 0, 0, 0)
    assert load(*records).counts == (0, 0, 4, 0)
    assert load(brand("rover", name="Rover Cars")).counts == (0, 1, 0, 0)
    assert told() == [("brand", "rover"), ("section", "prove"), ("tag", "suv"), ("author", "anna"), ("brand", "rover")]
    item = client.get("/v1/brands/rover").json["data"]
    assert (item["name"], item["aliases"], item["description"]) == ("Rover Cars", [], None)


def test_a_tag_that_two_lines_in_a_row_name_is_told_once(load, told):
    tag = term("tag", "suv", name="SUV")
    in_another_order = dict(reversed(tag.items()))
    assert load(tag, term("section", "prove"), in_another_order, term("tag", "coupe")).counts == (3, 0, 1, 0)
    assert told() == [("tag", "suv"), ("section", "prove"), ("tag", "coupe")]


def test_an_email_is_kept_private(load, client):
    load(term("author", "anna", email="anna@example.com"))
    assert b"example.com" not in client.get("/v1/authors/anna").data.replace(b"api.example.com", b"")


def test_a_brand_is_found_by_its_aliases(load, client):
    load(brand("mercedes", name="Mercedes-Benz", aliases=["Stella a tre punte"]))
    assert [item["slug"] for item in client.get("/v1/brands?q=stella").json["data"]] == ["mercedes"]
    load(brand("mercedes", name="Mercedes-Benz"))
    assert client.get("/v1/brands?q=stella").json["data"] == []


def test_an_unknown_tag_is_made_and_named_by_its_slug(load, client, told):
    load(article("velar", tags=["suv-coupe", "lusso"]), article("evoque", tags=["lusso"]))
    tag = client.get("/v1/tags/lusso").json["data"]
    assert (tag["name"], tag["article_count"]) == ("lusso", 2)
    assert told() == [("tag", "lusso"), ("tag", "suv-coupe")]
    assert client.get("/v1/tags?q=coupe").json["data"][0]["slug"] == "suv-coupe"


def test_a_rejected_article_leaves_no_tag(load, database):
    before = dump(database)
    assert load(article("velar", brand="ignota", tags=["nuovo"], language="de")).counts == (0, 0, 0, 1)
    assert dump(database) == before


def test_what_is_not_known_is_refused_by_its_place(load):
    load(brand("a"), term("author", "anna"), term("section", "prove"))
    result = load(
        article("velar", brand="x", section="y", authors=["anna", "z"], mentions=["a", "w"]),
        article("evoque", brand="a", section="prove", authors=["anna"], mentions=["a", "w"]),
    )
    assert sorted(result.places) == [
        (1, "/authors/1"),
        (1, "/brand"),
        (1, "/mentions/1"),
        (1, "/section"),
        (2, "/mentions/1"),
    ]
    assert {message for _, place, message in result.rejects if place == "/authors/1"} == {"there is no author z"}


def test_a_term_can_follow_on_the_next_run(load):
    records = [article("velar", brand="a"), brand("a")]
    assert load(*records).counts == (1, 0, 0, 1)
    assert load(*records).counts == (1, 0, 1, 0)


def test_mentioning_its_own_brand_goes_unsaid(load, client):
    load(brand("a"), brand("b"), article("velar", brand="a", mentions=["a", "b"]))
    assert [item["slug"] for item in client.get("/v1/articles/velar").json["data"]["mentions"]] == ["b"]


def test_links_keep_the_order_of_the_newsroom_and_a_new_order_is_a_change(load, client):
    people = [term("author", slug) for slug in ("anna", "bruno", "carla")]
    load(*people, article("velar", authors=["carla", "anna", "bruno"]))
    load(article("velar", authors=["bruno", "carla"], tags=["z", "a"]))
    item = client.get("/v1/articles/velar").json["data"]
    assert [author["slug"] for author in item["authors"]] == ["bruno", "carla"]
    assert [tag["slug"] for tag in item["tags"]] == ["z", "a"]
    assert load(article("velar", authors=["bruno", "carla"], tags=["a", "z"])).counts == (0, 1, 0, 0)


def test_the_first_child_makes_a_group_of_all_that_is_there(load, slugs):
    load(brand("jlr"), brand("rover"), article("a", brand="jlr"), article("b", brand="rover"))
    assert slugs("group=jlr") == ["a"]
    load(brand("rover", parent="jlr"))
    assert sorted(slugs("group=jlr")) == ["a", "b"]
    assert slugs("brand=jlr") == ["a"]


def test_a_group_is_emptied_and_another_filled_when_the_parent_changes(load, slugs):
    load(brand("jlr"), brand("tata"), brand("rover", parent="jlr"), brand("jaguar", parent="jlr"))
    load(article("a", brand="rover"), article("b", brand="rover"), article("c", brand="jaguar"))
    load(brand("rover", parent="tata"))
    assert (sorted(slugs("group=tata")), slugs("group=jlr")) == (["a", "b"], ["c"])
    load(brand("rover"))
    assert (slugs("group=tata"), slugs("group=jlr")) == ([], ["c"])
    assert sorted(slugs("group=rover")) == ["a", "b"]


def test_a_new_parent_touches_both_groups(load, client):
    load(brand("jlr"), brand("tata"), brand("rover", parent="jlr"), article("a", brand="rover"))
    before = [client.get(f"/v1/articles?group={slug}").headers["ETag"] for slug in ("jlr", "tata")]
    load(brand("rover", parent="tata"))
    after = [client.get(f"/v1/articles?group={slug}").headers["ETag"] for slug in ("jlr", "tata")]
    assert before[0] != after[0]
    assert before[1] != after[1]


@pytest.mark.parametrize(
    ("records", "line"),
    [
        ([brand("a", parent="a")], 1),
        ([brand("a"), brand("a", parent="a")], 2),
        ([brand("a"), brand("b", parent="a"), brand("a", parent="b")], 3),
        ([brand("a"), brand("b", parent="a"), brand("c", parent="b"), brand("a", parent="c")], 4),
        ([brand("a", parent="ignota")], 1),
    ],
)
def test_a_brand_is_never_above_itself(load, records, line):
    result = load(*records)
    assert (result.counts, result.places) == ((len(records) - 1, 0, 0, 1), [(line, "/parent")])


def test_terms_and_articles_may_take_turns_in_a_file(load, client):
    result = load(brand("a"), article("uno", brand="a"), brand("b", parent="a"), article("due", brand="b"))
    assert result.counts == (4, 0, 0, 0)
    assert client.get("/v1/articles?group=a&total=true").json["page"]["total"] == 2
