import pytest

PUBLISHED = ["senza-marca", "model-3", "i-pace", "discovery", "velar", "fabbrica"]


def test_an_empty_archive_is_an_empty_list(client):
    answer = client.get("/v1/articles")
    assert answer.status_code == 200
    assert answer.json["data"] == []


def test_the_newest_comes_first(client, make):
    make.article("vecchio", published_at=make.at("2016-07-26T10:00:00Z"))
    make.article(
        "nuovo", published_at=make.at("2017-02-22T10:00:00Z"), brand="land-rover", tags=["suv"], authors=["anna"]
    )
    assert [item["slug"] for item in client.get("/v1/articles").json["data"]] == ["nuovo", "vecchio"]


def test_a_page_of_articles_costs_two_statements_and_a_look_at_the_log(client, make, statements):
    make.articles(5, brand="land-rover", authors=["anna"])
    client.get("/v1/articles")
    statements.clear()
    assert len(client.get("/v1/articles?limit=3&brand=land-rover").json["data"]) == 3
    assert len(statements) == 3


FILTERS = {
    "brand=land-rover": ["discovery", "velar"],
    "brand=land-rover,tesla": ["model-3", "discovery", "velar"],
    "brand=rover": ["discovery", "velar"],
    "brand=rover,land-rover": ["discovery", "velar"],
    "brand=nessuno": [],
    "brand=nessuno,jaguar": ["i-pace"],
    "group=jaguar-land-rover": ["i-pace", "discovery", "velar", "fabbrica"],
    "group=land-rover": ["discovery", "velar"],
    "group=tesla,jaguar": ["model-3", "i-pace"],
    "group=rover": ["discovery", "velar"],
    "group=nessuno": [],
    "mentions=tesla": ["i-pace", "fabbrica"],
    "mentions=rover": ["i-pace"],
    "mentions=nessuno": [],
    "about=land-rover": ["i-pace", "discovery", "velar"],
    "about=tesla": ["model-3", "i-pace", "fabbrica"],
    "about=rover": ["i-pace", "discovery", "velar"],
    "about=nessuno": [],
    "author=francesco-donnici": ["velar", "fabbrica"],
    "author=francesco-donnici,anna-bianchi": ["model-3", "velar", "fabbrica"],
    "author=f-donnici": ["velar", "fabbrica"],
    "author=nessuno": [],
    "section=anteprime": ["discovery", "velar"],
    "section=notizie": ["fabbrica"],
    "section=nessuna": [],
    "tag=batterie": ["i-pace", "fabbrica"],
    "tag=batteria": ["i-pace", "fabbrica"],
    "tag=suv,batterie": ["i-pace", "velar", "fabbrica"],
    "tag=nessuno": [],
    "tag_all=batterie": ["i-pace", "fabbrica"],
    "tag_all=suv,batterie": ["fabbrica"],
    "tag_all=suv,batteria": ["fabbrica"],
    "tag_all=batteria,batterie": ["i-pace", "fabbrica"],
    "tag_all=suv,nessuno": [],
    "tag_all=suv&tag=batterie&brand=jaguar-land-rover": ["fabbrica"],
    "section_not=anteprime": ["senza-marca", "model-3", "i-pace", "fabbrica"],
    "section_not=anteprime,notizie": ["senza-marca", "model-3", "i-pace"],
    "section_not=nessuna": PUBLISHED,
    "section_not=anteprime&section=anteprime": [],
    "section_not=play&group=jaguar-land-rover&sort=published_at": ["fabbrica", "velar", "discovery"],
    "section_not=anteprime&slug=velar,fabbrica": ["fabbrica"],
    "exclude=velar": ["senza-marca", "model-3", "i-pace", "discovery", "fabbrica"],
    "exclude=fabbrica-di-prima,velar,model-3": ["senza-marca", "i-pace", "discovery"],
    "exclude=nessuno,bozza,ritirato": PUBLISHED,
    "exclude=velar&brand=land-rover": ["discovery"],
    "exclude=velar&slug=velar,fabbrica": ["fabbrica"],
    "exclude=velar&section_not=play&tag_all=suv": ["fabbrica"],
    "format=gallery": ["velar"],
    "format=gallery,video": ["discovery", "velar"],
    "format=podcast": [],
    "language=it": ["senza-marca", "i-pace", "velar", "fabbrica"],
    "language=EN-gb": ["model-3"],
    "language=de": [],
    "slug=velar,fabbrica": ["velar", "fabbrica"],
    "slug=nessuno": [],
    "slug=bozza,programmato,ritirato": [],
    "published_from=2017-02-22T10:00:00Z&published_until=2018-03-01T12:00:00Z": ["discovery", "velar"],
    "published_from=2018-03-01T13:00:00%2B01:00": ["senza-marca", "model-3", "i-pace"],
    "published_until=2016-07-26T08:10:00Z": [],
    "published_from=2019-01-01&published_until=2016-01-01": [],
    "updated_from=2019-06-01": ["fabbrica"],
    "updated_until=2017-03-01T10:00:00Z": ["velar"],
    "brand=land-rover&section=anteprime&tag=suv": ["velar"],
    "brand=land-rover&tag=batterie": [],
    "about=tesla&language=it": ["i-pace", "fabbrica"],
    "author=anna-bianchi&format=gallery": ["velar"],
    "group=jaguar-land-rover&published_from=2017-03-01": ["i-pace", "discovery"],
    "mentions=tesla&updated_until=2019-01-01": ["i-pace"],
    "slug=velar,model-3&brand=tesla": ["model-3"],
    "sort=published_at": PUBLISHED[::-1],
    "sort=-published_at": PUBLISHED,
    "sort=updated_at": ["velar", "discovery", "i-pace", "model-3", "senza-marca", "fabbrica"],
    "sort=-updated_at": ["fabbrica", "senza-marca", "model-3", "i-pace", "discovery", "velar"],
    "sort=updated_at&group=jaguar-land-rover&language=it": ["velar", "i-pace", "fabbrica"],
}


@pytest.mark.parametrize(("query", "slugs"), FILTERS.items(), ids=FILTERS)
def test_a_filter_leaves_what_it_says_in_the_order_it_says(magazine, query, slugs):
    assert magazine.slugs(query) == slugs


@pytest.mark.parametrize("query", FILTERS)
def test_the_total_of_a_filter_is_the_length_of_its_list(magazine, query):
    page = magazine.get(f"/v1/articles?{query}&total=true&limit=1").json["page"]
    assert (page["total"], page["total_is_lower_bound"]) == (len(FILTERS[query]), False)


def test_the_total_on_a_later_page_is_still_that_of_the_whole_list(magazine):
    cursor = magazine.get("/v1/articles?limit=2").json["page"]["next"]
    assert magazine.get(f"/v1/articles?limit=2&total=true&cursor={cursor}").json["page"]["total"] == len(PUBLISHED)


def test_a_total_is_counted_only_when_asked_for(magazine):
    assert set(magazine.get("/v1/articles").json["page"]) == {"limit", "next", "prev"}


def test_a_total_beyond_what_is_counted_is_a_lower_bound(client, make, monkeypatch):
    monkeypatch.setattr("newsapi.content.queries.listings.MAX_EXACT_COUNT", 3)
    make.articles(4)
    page = client.get("/v1/articles?total=true").json["page"]
    assert (page["total"], page["total_is_lower_bound"]) == (3, True)


def test_articles_are_left_out_by_id_and_slug(magazine):
    names = [str(magazine.ids["velar"]), str(magazine.ids["model-3"]).upper(), "fabbrica"]
    left = ["senza-marca", "i-pace", "discovery"]
    assert magazine.slugs(f"exclude={','.join(names)}") == left
    ids = ",".join(str(magazine.ids[slug]) for slug in PUBLISHED)
    assert magazine.slugs(f"id={ids}&exclude={','.join(names)}") == left


@pytest.mark.parametrize("query", ["exclude=velar,discovery", "section_not=play", "tag_all=suv,batterie"])
def test_pages_hold_their_exclusions(magazine, query):
    whole = magazine.slugs(query)
    url, seen = f"/v1/articles?{query}&limit=1", []
    while url:
        answer = magazine.get(url).json
        seen += [item["slug"] for item in answer["data"]]
        assert len(answer["data"]) == 1, "a page that leaves articles out is as long as any other"
        url = answer["links"]["next"]
    assert seen == whole


def test_exclusions_beside_their_cursor_are_rejected(magazine):
    cursor = magazine.get("/v1/articles?limit=1&exclude=velar").json["page"]["next"]
    for name in ("exclude", "section_not", "tag_all"):
        answer = magazine.get(f"/v1/articles?cursor={cursor}&{name}=suv")
        assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (400, name)


def test_exclusions_take_no_further_statement(client, make, statements):
    make.articles(5, brand="land-rover", section="prove", tags=["suv", "ibrida"])
    for query in ("exclude=a,b,c", "section_not=prove", "tag_all=suv,ibrida", "exclude=a&section_not=x&tag_all=suv"):
        client.get(f"/v1/articles?{query}&limit=7")
        statements.clear()
        assert client.get(f"/v1/articles?{query}&limit=3").status_code == 200
        assert len(statements) <= 3, statements


def test_ids_are_answered_in_the_order_asked(magazine):
    wanted = ["velar", "senza-marca", "fabbrica"]
    ids = ",".join(str(magazine.ids[slug]) for slug in wanted)
    assert magazine.slugs(f"id={ids}") == wanted


def test_ids_in_capital_letters_are_the_same_ids(magazine):
    assert magazine.slugs(f"id={str(magazine.ids['velar']).upper()}") == ["velar"]


def test_ids_keep_their_order_from_page_to_page_and_back(magazine):
    wanted = ["velar", "senza-marca", "fabbrica", "model-3", "discovery"]
    ids = ",".join(str(magazine.ids[slug]) for slug in wanted)
    first = magazine.get(f"/v1/articles?id={ids}&limit=2").json
    second = magazine.get(f"/v1/articles?limit=2&cursor={first['page']['next']}").json
    third = magazine.get(f"/v1/articles?limit=2&cursor={second['page']['next']}").json
    back = magazine.get(f"/v1/articles?limit=2&cursor={third['page']['prev']}").json
    pages = [[item["slug"] for item in page["data"]] for page in (first, second, third, back)]
    assert pages == [wanted[:2], wanted[2:4], wanted[4:], wanted[2:4]]


def test_ids_of_hidden_articles_are_left_out(magazine):
    ids = ",".join(str(magazine.ids[slug]) for slug in ("bozza", "velar", "programmato", "ritirato"))
    assert magazine.slugs(f"id={ids}") == ["velar"]


def test_ids_go_with_other_filters(magazine):
    ids = ",".join(str(magazine.ids[slug]) for slug in ("model-3", "velar"))
    assert magazine.slugs(f"id={ids}&brand=land-rover") == ["velar"]


@pytest.mark.parametrize("path", ["/v1/articles", "/v1/articles?brand=tesla", "/v1/articles?author=anna-bianchi"])
def test_a_hidden_article_is_in_no_list(magazine, path):
    assert not {"bozza", "programmato", "ritirato"} & {item["slug"] for item in magazine.get(path).json["data"]}


def test_fields_narrow_each_article_and_the_id_stays(magazine):
    item = magazine.get("/v1/articles?slug=velar&fields=headline,brand").json["data"][0]
    assert item == {
        "id": str(magazine.ids["velar"]),
        "headline": "Titolo 2",
        "brand": {"slug": "land-rover", "name": "Land Rover"},
    }


def test_fields_are_dotted_inside(magazine):
    item = magazine.get("/v1/articles?slug=velar&fields=brand.slug,image.focal.x,authors.name").json["data"][0]
    assert item["brand"] == {"slug": "land-rover"}
    assert item["image"] == {"focal": {"x": 0.5}}
    assert item["authors"] == [{"name": "Francesco Donnici"}, {"name": "Anna Bianchi"}]


def test_a_field_and_a_part_of_it_are_the_whole_field(magazine):
    item = magazine.get("/v1/articles?slug=velar&fields=brand.slug,brand").json["data"][0]
    assert item["brand"] == {"slug": "land-rover", "name": "Land Rover"}


def test_fields_of_nothing_are_null(magazine):
    item = magazine.get("/v1/articles?slug=senza-marca&fields=brand.slug,image.url").json["data"][0]
    assert (item["brand"], item["image"]) == (None, None)


def test_a_list_gives_any_field_of_the_full_article(magazine):
    full = magazine.get("/v1/articles/fabbrica").json["data"]
    listed = magazine.get(f"/v1/articles?slug=fabbrica&fields={','.join(full)}").json["data"][0]
    assert listed == full


@pytest.mark.parametrize("slug", PUBLISHED)
def test_each_field_alone_is_that_of_the_full_article(magazine, slug):
    full = magazine.get(f"/v1/articles/{slug}").json["data"]
    for name, value in full.items():
        alone = magazine.get(f"/v1/articles/{slug}?fields={name}").json["data"]
        assert alone == {"id": full["id"], name: value}


@pytest.mark.parametrize(
    ("name", "path", "pick"),
    [
        ("brand", "/v1/brands/land-rover", lambda item: item["brand"]),
        ("authors", "/v1/authors/anna-bianchi", lambda item: item["authors"][1]),
        ("section", "/v1/sections/anteprime", lambda item: item["section"]),
    ],
)
def test_include_puts_the_full_object_in_place_of_the_short_one(magazine, name, path, pick):
    full = magazine.get(path).json["data"]
    assert pick(magazine.get(f"/v1/articles?slug=velar&include={name}").json["data"][0]) == full
    assert pick(magazine.get(f"/v1/articles/velar?include={name}").json["data"]) == full


def test_include_leaves_null_and_nothing_as_they_are(magazine):
    item = magazine.get("/v1/articles?slug=senza-marca&include=brand,authors,section").json["data"][0]
    assert (item["brand"], item["authors"], item["section"]) == (None, [], None)


def test_include_goes_with_fields(magazine):
    item = magazine.get("/v1/articles?slug=velar&include=brand&fields=brand.article_count,brand.slug").status_code
    assert item in {200, 400}
    item = magazine.get("/v1/articles?slug=velar&include=brand&fields=brand").json["data"][0]
    assert item["brand"]["article_count"] == 2


@pytest.mark.parametrize("path", ["/v1/articles/velar?include=brand", "/v1/articles?slug=velar&include=brand"])
def test_an_included_brand_counts_what_was_published_since(client, make, path):
    make.article("velar", brand="land-rover")
    pick = lambda answer: answer.json["data"][0] if "?slug" in path else answer.json["data"]  # noqa: E731
    assert pick(client.get(path))["brand"]["article_count"] == 1
    make.article("discovery", brand="land-rover")
    assert pick(client.get(path))["brand"]["article_count"] == 2


def test_an_unknown_parameter_is_refused_by_name(magazine):
    answer = magazine.get("/v1/articles?brnd=tesla")
    assert answer.status_code == 400
    (error,) = answer.json["errors"]
    assert error["parameter"] == "brnd"
    assert "brand" in error["message"]


def test_a_repeated_parameter_is_refused_by_name(magazine):
    answer = magazine.get("/v1/articles?brand=tesla&brand=tesla")
    assert answer.status_code == 400
    assert answer.json["errors"][0]["parameter"] == "brand"


def test_a_hundred_values_are_taken_and_one_more_is_refused(magazine):
    values = [f"a-{number}" for number in range(101)]
    assert magazine.get(f"/v1/articles?brand={','.join(values[:100])}").status_code == 200
    answer = magazine.get(f"/v1/articles?brand={','.join(values)}")
    assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (400, "brand")
