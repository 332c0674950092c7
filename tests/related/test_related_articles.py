from uuid import UUID

import pytest

from newsapi.related.rebuild import rebuild_index
from tests.support.client import slugs_of


def levels(answer):
    return [(item["slug"], item["relation"]["level"]) for item in answer.json["data"]]


def test_before_anything_is_indexed_a_list_is_filled_by_section_brand_and_group(magazine):
    found = levels(magazine.get("/v1/articles/velar/related"))
    assert found == [("i-pace", "group"), ("fabbrica", "group"), ("discovery", "section")]  # the last one is in English


def test_what_is_new_in_the_section_comes_before_what_is_newer_in_the_brand(client, make):
    for slug, section in (("a", "prove"), ("b", "prove"), ("c", "mercato"), ("d", None)):
        make.article(slug, brand="fiat", section=section)
    assert levels(client.get("/v1/articles/a/related")) == [("b", "section"), ("d", "recent"), ("c", "recent")]


BATTERIES = {"headline": "Una fabbrica di batterie", "brand": "fiat", "body_html": "<p>Accumulatori.</p>"}


@pytest.fixture
def fiat(make, database, clock):
    """Four articles, two of them on batteries, indexed; the newest is about something else."""
    make.brand("fiat")
    make.article("fabbrica", **BATTERIES)
    make.article("accumulatori", headline="Batterie, gli accumulatori nuovi", brand="fiat", tags=["elettrico"])
    make.article("neve", headline="Sulla neve", brand="fiat", body_html="<p>Gomme e catene.</p>")
    make.article("listino", headline="Il listino", brand="fiat", body_html="<p>I prezzi.</p>")
    rebuild_index(database, now=clock)


@pytest.mark.usefixtures("fiat")
def test_what_is_about_the_same_comes_before_what_is_newer(client):
    found = client.get("/v1/articles/fabbrica/related")
    assert levels(found) == [("accumulatori", "related"), ("listino", "recent"), ("neve", "recent")]
    relation = found.json["data"][0]["relation"]
    assert 0 < relation["score"] < 1
    assert relation["reasons"][0]["kind"] == "text"
    assert {*relation["reasons"][0]["terms"]} == {"batterie", "Accumulatori"}


@pytest.mark.usefixtures("fiat")
def test_the_list_in_the_article_is_the_same(client):
    inside = client.get("/v1/articles/fabbrica?include=related").json["data"]["related"]
    assert inside == client.get("/v1/articles/fabbrica/related").json["data"]


def test_picks_come_first_in_their_order(client, make, database, clock):
    make.article("fabbrica", **BATTERIES, picks=["neve", "bozza", "altrove"])
    make.article("accumulatori", headline="Batterie e accumulatori", brand="fiat")
    make.article("neve", headline="Sulla neve", brand="fiat")
    make.article("bozza", headline="Bozza", brand="fiat", status="draft")
    make.article("altrove", headline="Di un'altra marca", brand="audi")
    rebuild_index(database, now=clock)
    found = client.get("/v1/articles/fabbrica/related")
    assert levels(found) == [("neve", "pick"), ("altrove", "pick"), ("accumulatori", "related")]
    assert found.json["data"][0]["relation"] == {
        "score": 1.0,
        "level": "pick",
        "reasons": [{"kind": "pick", "weight": 1.0, "terms": []}],
    }


def test_what_editors_exclude_is_neither_similar_nor_recent(client, make, database, clock):
    make.article("accumulatori", headline="Batterie e accumulatori", brand="fiat")
    make.article("neve", headline="Sulla neve", brand="fiat")
    make.article("listino", headline="Il listino", brand="fiat")
    make.article("fabbrica", **BATTERIES, bans=["accumulatori", "neve"])
    rebuild_index(database, now=clock)
    assert levels(client.get("/v1/articles/fabbrica/related")) == [("listino", "recent")]


def test_a_pick_that_is_published_later_comes_then(client, make):
    make.article("fabbrica", **BATTERIES, picks=["dopo"])
    assert levels(client.get("/v1/articles/fabbrica/related")) == []
    make.article("dopo", headline="Altro", brand="audi")
    assert levels(client.get("/v1/articles/fabbrica/related")) == [("dopo", "pick")]


def test_no_near_copy_fills_a_list_up(client, make):
    make.article("fabbrica", **BATTERIES)
    make.article("copia", **BATTERIES | {"headline": "UNA FABBRICA DI BATTERIE!"})
    make.article("altra", headline="Altra", brand="fiat", body_html="<p>Un testo qualunque di prova.</p>")
    make.article("altra-copia", headline="Altra!", brand="fiat", body_html="<p>Altro ancora.</p>")
    assert levels(client.get("/v1/articles/fabbrica/related")) == [("altra-copia", "recent")]


@pytest.mark.usefixtures("fiat")
def test_an_index_that_is_made_has_no_say_in_what_readers_may_see(client, make):
    make.hide(id_of(client, "accumulatori"))
    assert levels(client.get("/v1/articles/fabbrica/related")) == [("listino", "recent"), ("neve", "recent")]


def id_of(client, slug):
    return UUID(client.get(f"/v1/articles/{slug}").json["data"]["id"])


def test_the_group_itself_has_what_its_children_have(magazine):
    assert slugs_of(magazine.get("/v1/articles/fabbrica/related")) == ["i-pace", "velar", "discovery"]


def test_each_says_how_it_is_related(magazine):
    for item in magazine.get("/v1/articles/velar/related").json["data"]:
        assert 0 <= item["relation"]["score"] <= 1
        assert item["relation"]["reasons"]
        for reason in item["relation"]["reasons"]:
            assert set(reason) == {"kind", "weight", "terms"}


def test_each_is_the_summary_of_the_lists(magazine):
    found = magazine.get("/v1/articles/velar/related").json["data"]
    listed = {item["slug"]: item for item in magazine.get("/v1/articles").json["data"]}
    assert [{name: value for name, value in item.items() if name != "relation"} for item in found] == [
        listed[item["slug"]] for item in found
    ]


def test_an_article_is_never_related_to_itself(client, make):
    make.articles(8, brand="land-rover")
    for item in client.get("/v1/articles").json["data"]:
        assert item["slug"] not in slugs_of(client.get(f"/v1/articles/{item['slug']}/related"))


def test_six_are_given_if_no_limit_says_otherwise(client, make):
    make.articles(30, brand="land-rover")
    assert len(slugs_of(client.get("/v1/articles/articolo-1/related"))) == 6


@pytest.mark.parametrize("limit", [1, 20])
def test_the_limit_is_one_to_twenty(client, make, limit):
    make.articles(30, brand="land-rover")
    assert len(slugs_of(client.get(f"/v1/articles/articolo-1/related?limit={limit}"))) == limit


@pytest.mark.parametrize("limit", ["0", "21", "-1", "", "six", "06", "1.0"])
def test_another_limit_is_refused_by_name(magazine, limit):
    answer = magazine.get(f"/v1/articles/velar/related?limit={limit}")
    assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (400, "limit")


def test_what_was_seen_is_left_out_and_others_move_up(client, make):
    make.articles(10, brand="land-rover")
    first = slugs_of(client.get("/v1/articles/articolo-1/related?limit=3"))
    second = slugs_of(client.get(f"/v1/articles/articolo-1/related?limit=3&exclude={','.join(first)}"))
    assert (first, second) == (["articolo-10", "articolo-9", "articolo-8"], ["articolo-7", "articolo-6", "articolo-5"])


def test_excluding_what_is_not_there_changes_nothing(magazine):
    assert slugs_of(magazine.get("/v1/articles/velar/related?exclude=nessuno,velar")) == [
        "i-pace",
        "fabbrica",
        "discovery",
    ]


def test_the_list_is_alive(client, make):
    make.article("vecchio", brand="land-rover")
    assert slugs_of(client.get("/v1/articles/vecchio/related")) == []
    new = make.article("nuovo", brand="land-rover")
    assert slugs_of(client.get("/v1/articles/vecchio/related")) == ["nuovo"]
    make.hide(new)
    assert slugs_of(client.get("/v1/articles/vecchio/related")) == []


def test_after_an_article_without_brand_comes_what_is_new(magazine):
    found = levels(magazine.get("/v1/articles/senza-marca/related"))
    assert found
    assert {level for _, level in found} <= {"section", "recent"}


def test_hidden_articles_are_on_no_list(magazine):
    public = {*slugs_of(magazine.get("/v1/articles?limit=100"))}
    for slug in public:
        assert {*slugs_of(magazine.get(f"/v1/articles/{slug}/related?limit=20"))} <= public - {slug}


def test_the_list_is_found_by_id_too(magazine):
    answer = magazine.get(f"/v1/articles/{magazine.ids['velar']}/related")
    assert slugs_of(answer) == ["i-pace", "fabbrica", "discovery"]


def test_the_list_is_a_list_like_any_other(magazine):
    body = magazine.get("/v1/articles/velar/related?limit=2").json
    assert body["page"] == {"limit": 2, "next": None, "prev": None}
    own = "https://api.example.com/v1/articles/velar/related?limit=2"
    assert {name: body["links"][name] for name in ("self", "next", "prev")} == {"self": own, "next": None, "prev": None}


@pytest.mark.parametrize("limit", [5, 20])
def test_the_link_to_itself_gives_the_same_list(magazine, limit):
    answer = magazine.get(f"/v1/articles/velar/related?limit={limit}&exclude=i-pace")
    own = answer.json["links"]["self"]
    assert magazine.get(own.removeprefix("https://api.example.com")).json == answer.json
    assert answer.headers["Link"] == f'<{own}>; rel="self"'


ENGLISH = {"brand": "fiat", "language": "en"}


@pytest.fixture
def bilingual(make, database, clock):
    """Articles on batteries in two languages, and others of each; English ones are newer and have more in common."""
    make.article("fabbrica", **BATTERIES, tags=["batterie"], translation_group="g1")
    make.article("altro", headline="Sulla neve", brand="fiat", body_html="<p>Gomme e catene.</p>")
    make.article("accumulatori", headline="Batterie e accumulatori", brand="fiat", language="it-CH")
    text = "<p>Celle prismatiche per le auto di domani.</p>"
    make.article("plant", headline="Batterie, la fabbrica nuova", body_html=text, **ENGLISH, tags=["batterie"])
    make.article("translation", headline="A factory of batteries", **ENGLISH, tags=["batterie"], translation_group="g1")
    make.article("snow", headline="On snow", **ENGLISH)


@pytest.mark.usefixtures("bilingual")
@pytest.mark.parametrize("is_indexed", [True, False])
def test_what_is_in_the_language_of_the_article_comes_first(client, database, clock, is_indexed):
    if is_indexed:
        rebuild_index(database, now=clock)
    listed = slugs_of(client.get("/v1/articles/fabbrica/related"))
    if is_indexed:
        assert listed == ["accumulatori", "plant", "altro", "snow"]
    else:
        assert listed == ["accumulatori", "altro", "snow", "plant"]


@pytest.mark.usefixtures("bilingual")
@pytest.mark.parametrize("is_indexed", [True, False])
def test_a_translation_is_not_related_unless_editors_say_so(client, editor, database, clock, is_indexed):
    if is_indexed:
        rebuild_index(database, now=clock)
    path = "/v1/articles/fabbrica/related"
    assert "translation" not in slugs_of(client.get(path))
    assert "fabbrica" not in slugs_of(client.get("/v1/articles/translation/related?limit=20"))
    version = editor.get("/v1/articles/translation").json["data"]["version"]
    assert editor.patch("translation", {"translation_group": None}, version).status_code == 200
    assert "translation" in slugs_of(client.get(path))
    assert editor.patch("translation", {"translation_group": "g1"}, version + 1).status_code == 200
    assert "translation" not in slugs_of(client.get(path))
    picks = {"slugs": ["translation"], "ban": []}
    assert editor.put("/v1/articles/fabbrica/picks", picks).status_code == 200
    assert slugs_of(client.get(path))[0] == "translation"
