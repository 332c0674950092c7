from email.utils import parsedate_to_datetime
from urllib.parse import quote

import pytest

from tests.support.client import slugs_of
from tests.support.import_records import article, brand, term

KINDS = {"brands": "land-rover", "authors": "francesco-donnici", "sections": "curiosita", "tags": "batterie"}
FIELDS = {
    "brands": {"slug", "name", "aliases", "parent", "description", "logo", "article_count", "subscription", "links"},
    "authors": {"slug", "name", "bio", "avatar", "article_count", "links"},
    "sections": {"slug", "name", "article_count", "links"},
    "tags": {"slug", "name", "article_count", "links"},
}
OLD = {"brands": "rover", "authors": "f-donnici", "sections": "notizie", "tags": "batteria"}


def names(answer):
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json["data"]]


@pytest.mark.parametrize("kind", KINDS)
def test_every_documented_field_is_there(magazine, kind):
    for item in magazine.get(f"/v1/{kind}").json["data"]:
        assert set(item) == FIELDS[kind]
        assert set(magazine.get(f"/v1/{kind}/{item['slug']}").json["data"]) == FIELDS[kind]


def test_names_are_sorted_as_readers_do(client, make):
    for slug, name in {"z": "Zenvo", "s": "Škoda", "se": "SEAT", "sm": "smart", "e": "École", "f": "Fiat"}.items():
        make.brand(slug, name=name)
    assert names(client.get("/v1/brands")) == ["École", "Fiat", "SEAT", "Škoda", "smart", "Zenvo"]


def test_equal_names_are_sorted_by_slug(client, make):
    for slug in ("c", "a", "b"):
        make.tag(slug, name="Novità")
    assert slugs_of(client.get("/v1/tags")) == ["a", "b", "c"]


SEARCHED = {
    "lan": ["jaguar-land-rover", "land-rover"],
    "ROV": ["jaguar-land-rover", "land-rover"],
    "land rover": ["jaguar-land-rover", "land-rover"],
    "škoda": ["skoda"],
    "Skoda": ["skoda"],
    "boleslav": ["skoda"],
    "Mlada": ["skoda"],
    "solihull": ["land-rover"],
    "aguar": [],
    "nessuno": [],
    "%": [],
    "_": [],
    "\\": [],
    "100%": ["100-percento"],
    "elettrico_puro": ["100-percento"],
    "j_guar": [],
    "j%r": [],
    "' OR 1=1 --": [],
    "rover & land": [],
    "!?": [],
}


@pytest.mark.parametrize(("words", "found"), SEARCHED.items())
def test_words_find_the_start_of_a_name_of_an_alias_or_of_a_word_in_it(magazine, words, found):
    assert slugs_of(magazine.get(f"/v1/brands?q={quote(words)}")) == found


@pytest.mark.parametrize("kind", ["brands", "tags"])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_lead_there_and_back(client, make, kind, limit):
    for number in range(5):
        (make.brand if kind == "brands" else make.tag)(f"n-{number}", name=f"Nome {number // 2}")
    page = client.get(f"/v1/{kind}?limit={limit}&q=nome").json
    there = [page]
    while page["page"]["next"]:
        page = client.get(f"/v1/{kind}?limit={limit}&cursor={page['page']['next']}").json
        there.append(page)
    assert [item["slug"] for page in there for item in page["data"]] == [f"n-{number}" for number in range(5)]
    back = []
    while page["page"]["prev"]:
        page = client.get(f"/v1/{kind}?limit={limit}&cursor={page['page']['prev']}").json
        back.append(page)
    assert [p["data"] for p in back] == [p["data"] for p in there[-2::-1]]


def test_the_first_page_reached_by_going_back_has_none_before_it(client, make):
    for number in range(3):
        make.tag(f"n-{number}")
    second = client.get("/v1/tags?limit=1&cursor=" + client.get("/v1/tags?limit=1").json["page"]["next"]).json
    assert client.get(f"/v1/tags?limit=1&cursor={second['page']['prev']}").json["page"]["prev"] is None


def test_words_beside_a_cursor_are_refused(client, make):
    make.tag("a")
    make.tag("b")
    cursor = client.get("/v1/tags?limit=1").json["page"]["next"]
    answer = client.get(f"/v1/tags?cursor={cursor}&q=a")
    assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (400, "q")


@pytest.mark.parametrize("kind", KINDS)
def test_links_of_a_list_stand_in_its_header(magazine, kind):
    answer = magazine.get(f"/v1/{kind}?limit=1")
    links = answer.json["links"]
    assert answer.headers["Link"] == ", ".join(f'<{links[n]}>; rel="{n}"' for n in ("self", "next"))
    assert links["self"] == f"https://api.example.com/v1/{kind}?limit=1"


@pytest.mark.parametrize("kind", KINDS)
def test_an_old_slug_leads_on_with_its_query(magazine, kind):
    answer = magazine.get(f"/v1/{kind}/{OLD[kind]}?include=articles")
    assert answer.status_code == 308
    assert answer.headers["Location"] == f"https://api.example.com/v1/{kind}/{KINDS[kind]}?include=articles"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("slug", ["nessuno", "Maiuscole", "a_b", "a%00", "è"])
def test_there_is_nothing_under_an_unknown_slug(magazine, kind, slug):
    assert magazine.get(f"/v1/{kind}/{slug}").status_code == 404


@pytest.mark.parametrize("kind", KINDS)
def test_its_articles_come_with_it_when_asked_for(magazine, kind):
    path = f"/v1/{kind}/{KINDS[kind]}"
    listed = magazine.get(f"/v1/articles?{kind[:-1]}={KINDS[kind]}").json
    assert magazine.get(f"{path}?include=articles").json["data"]["articles"] == listed
    assert "articles" not in magazine.get(path).json["data"]


def test_the_included_articles_lead_to_their_next_page(client, make):
    make.articles(25, tags=["t"])
    articles = client.get("/v1/tags/t?include=articles").json["data"]["articles"]
    assert len(articles["data"]) == 20
    assert len(client.get(f"/v1/articles?cursor={articles['page']['next']}").json["data"]) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_the_links_lead_to_itself_and_to_its_articles(magazine, kind):
    links = magazine.get(f"/v1/{kind}/{KINDS[kind]}").json["data"]["links"]
    assert links["self"] == f"https://api.example.com/v1/{kind}/{KINDS[kind]}"
    assert links["articles"] == f"https://api.example.com/v1/articles?{kind[:-1]}={KINDS[kind]}"


def test_a_brand_names_its_parent(magazine):
    assert magazine.get("/v1/brands/jaguar").json["data"]["parent"] == {
        "slug": "jaguar-land-rover",
        "name": "Jaguar Land Rover",
    }
    assert magazine.get("/v1/brands/tesla").json["data"]["parent"] is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_count_is_that_of_the_published_articles(magazine, kind):
    for item in magazine.get(f"/v1/{kind}").json["data"]:
        page = magazine.get(f"/v1/articles?{kind[:-1]}={item['slug']}&total=true").json["page"]
        assert item["article_count"] == page["total"]


def test_a_count_moves_with_publication_and_withdrawal(client, make):
    ids = make.articles(2, brand="velar")
    assert client.get("/v1/brands/velar").json["data"]["article_count"] == 2
    make.hide(ids[0])
    assert client.get("/v1/brands/velar").json["data"]["article_count"] == 1
    assert client.get("/v1/brands").json["data"][0]["article_count"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "/v1/authors",
        "/v1/authors?q=francesco",
        "/v1/authors/francesco-donnici",
        "/v1/authors/francesco-donnici?include=articles",
        "/v1/articles/velar?include=authors,related",
        "/v1/articles?include=authors&author=francesco-donnici",
        "/v1/articles?fields=authors",
    ],
)
def test_an_e_mail_address_is_in_no_answer(magazine, path):
    answer = magazine.get(path)
    assert answer.status_code == 200
    assert "example.com" not in answer.text.replace("api.example.com", "").replace("img.example.com", "")
    assert "email" not in answer.text


@pytest.mark.parametrize("words", ["francesco@example.com", "example"])
def test_an_author_is_not_found_by_the_e_mail_address(magazine, words):
    assert slugs_of(magazine.get(f"/v1/authors?q={words}")) == []


TERM_FIELDS = {"brands": ("brand", "fiat"), "authors": ("authors", ["fiat"]), "sections": ("section", "fiat"),
               "tags": ("tags", ["fiat"])}  # fmt: skip


@pytest.mark.parametrize("path", TERM_FIELDS)
def test_a_term_that_only_withdrawn_articles_have_is_not_listed(client, editor, load, clock, path):
    def listed(query=""):
        answer = client.get(f"/v1/{path}{query}")
        return [item["slug"] for item in answer.json["data"]], answer.headers["Last-Modified"]

    (field, value), kind = TERM_FIELDS[path], path.removesuffix("s")
    clock.time = clock.time.replace(year=2030)
    load(term(kind, "fiat"), term(kind, "nuova"))
    assert listed()[0] == ["fiat", "nuova"], "a new term is public at once"
    made = editor.write(status="published", **{field: value})
    editor.write(status="draft", **{field: value})
    times = [listed()[1]]
    for status, expected in (("withdrawn", ["nuova"]), ("published", ["fiat", "nuova"]), ("draft", ["nuova"])):
        clock.forward(hours=1)
        made = editor.change(made, status=status)
        slugs, time = listed()
        assert slugs == expected, status
        assert (listed("?q=fia")[0], listed("?limit=1")[0]) == (["fiat"] * (len(expected) - 1), expected[:1])
        times.append(time)
    assert [parsedate_to_datetime(time) for time in times] == sorted(map(parsedate_to_datetime, times))
    assert client.get(f"/v1/{path}/fiat").json["data"]["article_count"] == 0
    suggestions = client.get("/v1/suggest?q=fia").json["data"]
    assert [item["slug"] for item in suggestions if item["type"] == kind] == []


def test_a_brand_that_is_mentioned_or_has_brands_with_articles_is_listed(client, load):
    load(
        brand("gruppo"), brand("fiat", parent="gruppo"), brand("alfa"), article("a", brand="alfa", mentions=["gruppo"])
    )
    load(article("b", brand="gruppo"), article("c", brand="fiat"), article("d", mentions=["alfa"]))
    load(article("a", brand="alfa", mentions=["gruppo"], status="withdrawn"))
    load(article("b", brand="gruppo", status="withdrawn"))
    assert [item["slug"] for item in client.get("/v1/brands").json["data"]] == ["alfa", "fiat", "gruppo"]
    load(article("c", brand="fiat", status="withdrawn"), article("d", mentions=["alfa"], status="withdrawn"))
    assert client.get("/v1/brands").json["data"] == []
