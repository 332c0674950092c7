from dataclasses import replace
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import pytest

from tests.support.client import slugs_of
from tests.support.import_records import article, brand, term

KINDS = {"brands": "land-rover", "authors": "francesco-donnici", "sections": "curiosita", "tags": "batterie"}
FIELDS = {
    "brands": set("slug name url aliases parent children description logo article_count subscription links".split()),
    "authors": {"slug", "name", "url", "job_title", "same_as", "bio", "avatar", "article_count", "links"},
    "sections": {"slug", "name", "url", "position", "description", "article_count", "links"},
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


@pytest.mark.parametrize("kind", KINDS)
def test_fields_select_what_is_returned(magazine, kind):
    for path in (f"/v1/{kind}?limit=2", f"/v1/{kind}/{KINDS[kind]}"):
        answer = magazine.get(f"{path}{'&' if '?' in path else '?'}fields=name,links.self").json["data"]
        for item in answer if isinstance(answer, list) else [answer]:
            assert set(item) == {"slug", "name", "links"}
            assert set(item["links"]) == {"self"}
    answer = magazine.get(f"/v1/{kind}/{KINDS[kind]}?fields=name&include=articles").json["data"]
    assert set(answer) == {"slug", "name", "articles"}
    for name in ("email", "facet_id", "id", "articles", "group_facet_id", "child_facets", "", "links."):
        refused = magazine.get(f"/v1/{kind}?fields={name}")
        assert (refused.status_code, refused.json["errors"][0]["parameter"]) == (400, "fields"), name


@pytest.mark.parametrize("kind", KINDS)
def test_terms_with_the_most_articles_come_first_when_asked_for(magazine, kind):
    whole = magazine.get(f"/v1/{kind}?sort=-article_count").json["data"]
    by_name = magazine.get(f"/v1/{kind}").json["data"]
    assert whole == sorted(by_name, key=lambda item: -item["article_count"])
    url, forward, backward = f"/v1/{kind}?sort=-article_count&limit=1", [], []
    while url:
        page = magazine.get(url).json
        forward += page["data"]
        last, url = page, page["links"]["next"]
    while last["links"]["prev"]:
        last = magazine.get(last["links"]["prev"]).json
        backward += last["data"]
    assert (forward, backward) == (whole, whole[-2::-1])


def test_an_order_by_count_follows_the_counts(client, make):
    make.articles(2, brand="fiat")
    ids = make.articles(3, brand="velar")
    assert slugs_of(client.get("/v1/brands?sort=-article_count")) == ["velar", "fiat"]
    for id_ in ids[:2]:
        make.hide(id_)
    assert slugs_of(client.get("/v1/brands?sort=-article_count")) == ["fiat", "velar"]


def test_brands_of_a_group_are_listed_by_their_parent(magazine):
    assert slugs_of(magazine.get("/v1/brands?parent=jaguar-land-rover")) == ["jaguar", "land-rover"]
    for query in ("parent=tesla", "parent=nessuno", "parent=jaguar-land-rover&q=tesla"):
        assert slugs_of(magazine.get(f"/v1/brands?{query}")) == [], query
    page = magazine.get("/v1/brands?parent=tesla,jaguar-land-rover&limit=1&sort=-article_count").json
    assert [item["slug"] for item in page["data"]] == ["land-rover"]
    assert slugs_of(magazine.get(page["links"]["next"])) == ["jaguar"]
    assert magazine.get("/v1/authors?parent=tesla").status_code == 400


def test_a_group_names_its_brands_as_they_are(client, editor, load):
    def children():
        listed = {item["slug"]: item for item in client.get("/v1/brands").json["data"]}
        one = client.get("/v1/brands/gruppo").json["data"]
        assert listed["gruppo"] == one
        return [child["slug"] for child in one["children"]]

    load(brand("gruppo"), brand("alfa", parent="gruppo"), brand("fiat"))
    assert children() == ["alfa"]
    load(brand("fiat", parent="gruppo"))
    assert children() == ["alfa", "fiat"]
    made = editor.write(status="published", brand="fiat")
    made = editor.change(made, status="withdrawn")
    assert children() == ["alfa"], "no article of it is public"
    editor.write(status="published", mentions=["fiat"])
    assert children() == ["alfa", "fiat"]
    version = editor.get("/v1/brands/alfa").headers["ETag"].strip('"v')
    assert editor.patch("alfa", {"slug": "alfa-romeo", "name": "Zeta"}, int(version), "brands").status_code == 200
    assert children() == ["fiat", "alfa-romeo"]
    load(brand("fiat"))
    assert children() == ["alfa-romeo"]


def test_pages_of_terms_on_the_site_are_named(magazine, build):
    settings = replace(
        magazine.settings,
        brand_url="https://site/marche/{slug}",
        author_url="https://site/autori/{slug}",
        section_url="https://site/{slug}",
    )
    site = build(settings).test_client()
    urls = {kind: site.get(f"/v1/{kind}/{KINDS[kind]}").json["data"].get("url") for kind in KINDS}
    assert urls == {
        "brands": "https://site/marche/land-rover",
        "authors": "https://site/autori/francesco-donnici",
        "sections": "https://site/curiosita",
        "tags": None,
    }
    assert magazine.get("/v1/brands/land-rover").json["data"]["url"] is None


def test_authors_and_sections_say_more_when_editors_do(editor, public):
    profile = {"job_title": "Inviata", "same_as": ["https://social.example/@ada"]}
    assert editor.post("/v1/authors", {"name": "Ada", **profile}).status_code == 201
    place = {"position": 3, "description": "Alla guida."}
    assert editor.post("/v1/sections", {"name": "Prove", **place}).status_code == 201
    assert public.get("/v1/authors/ada").json["data"].items() >= profile.items()
    assert public.get("/v1/sections/prove").json["data"].items() >= place.items()
    made = editor.write(status="published", authors=["ada"])
    [person] = public.get(f"/v1/articles/{made['slug']}/jsonld").json["author"]
    assert (person["jobTitle"], person["sameAs"]) == ("Inviata", profile["same_as"])
    assert editor.patch("prove", {"position": None}, 1, "sections").json["data"]["position"] is None
    wrong = {
        "sections": ({"position": "3"}, {"position": -1}, {"position": 1.5}, {"description": 1}),
        "authors": ({"same_as": ["x"]}, {"same_as": "https://a.example"}, {"job_title": "a\nb"}),
    }
    for kind, bodies in wrong.items():
        for body in bodies:
            answer = editor.post(f"/v1/{kind}", {"name": "Altra", **body})
            assert answer.status_code == 422, body
            assert answer.json["errors"][0]["pointer"].startswith(f"/{next(iter(body))}"), body


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
