import pytest


def slugs(answer):
    assert answer.status_code == 200, answer.text
    return [item["slug"] for item in answer.json["data"]]


def test_the_newest_of_the_brand_come_first_and_then_those_of_its_group(magazine):
    found = magazine.get("/v1/articles/velar/related").json["data"]
    levels = [(item["slug"], item["relation"]["level"]) for item in found]
    assert levels == [("discovery", "recent"), ("i-pace", "group"), ("fabbrica", "group")]


def test_the_group_itself_has_what_its_children_have(magazine):
    assert slugs(magazine.get("/v1/articles/fabbrica/related")) == ["i-pace", "discovery", "velar"]


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
        assert item["slug"] not in slugs(client.get(f"/v1/articles/{item['slug']}/related"))


def test_six_are_given_if_no_limit_says_otherwise(client, make):
    make.articles(30, brand="land-rover")
    assert len(slugs(client.get("/v1/articles/articolo-1/related"))) == 6


@pytest.mark.parametrize("limit", [1, 20])
def test_the_limit_is_one_to_twenty(client, make, limit):
    make.articles(30, brand="land-rover")
    assert len(slugs(client.get(f"/v1/articles/articolo-1/related?limit={limit}"))) == limit


@pytest.mark.parametrize("limit", ["0", "21", "-1", "", "six", "06", "1.0"])
def test_another_limit_is_refused_by_name(magazine, limit):
    answer = magazine.get(f"/v1/articles/velar/related?limit={limit}")
    assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (400, "limit")


def test_what_was_seen_is_left_out_and_others_move_up(client, make):
    make.articles(10, brand="land-rover")
    first = slugs(client.get("/v1/articles/articolo-1/related?limit=3"))
    second = slugs(client.get(f"/v1/articles/articolo-1/related?limit=3&exclude={','.join(first)}"))
    assert (first, second) == (["articolo-10", "articolo-9", "articolo-8"], ["articolo-7", "articolo-6", "articolo-5"])


def test_excluding_what_is_not_there_changes_nothing(magazine):
    assert slugs(magazine.get("/v1/articles/velar/related?exclude=nessuno,velar")) == [
        "discovery",
        "i-pace",
        "fabbrica",
    ]


def test_the_list_is_alive(client, make):
    make.article("vecchio", brand="land-rover")
    assert slugs(client.get("/v1/articles/vecchio/related")) == []
    new = make.article("nuovo", brand="land-rover")
    assert slugs(client.get("/v1/articles/vecchio/related")) == ["nuovo"]
    make.hide(new)
    assert slugs(client.get("/v1/articles/vecchio/related")) == []


def test_an_article_without_brand_has_an_empty_list(magazine):
    assert slugs(magazine.get("/v1/articles/senza-marca/related")) == []


def test_hidden_articles_are_related_to_nothing(magazine):
    assert slugs(magazine.get("/v1/articles/model-3/related?limit=20")) == []


def test_the_list_is_found_by_id_too(magazine):
    assert slugs(magazine.get(f"/v1/articles/{magazine.ids['velar']}/related")) == ["discovery", "i-pace", "fabbrica"]


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
