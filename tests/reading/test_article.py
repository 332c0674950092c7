from urllib.parse import quote
from uuid import UUID

import pytest

pytestmark = pytest.mark.one_database

SUMMARY = set(
    "id slug url headline standfirst format language section brand authors image published_at published_on"
    " published_precision updated_at materially_updated_at links".split()
)
FULL = SUMMARY | set(
    "body_html body_text mentions tags byline word_count reading_minutes media canonical_url source corrections rights"
    " seo translations previous_slugs status version seq".split()
)
NULLABLE = {"brand", "section", "standfirst", "image", "source", "byline"}
HIDDEN = ["bozza", "programmato"]
NEVER = "mai-esistito"


def test_an_article_is_found_by_its_slug(magazine):
    assert magazine.get("/v1/articles/velar").json["data"]["slug"] == "velar"


def test_an_article_is_found_by_its_id(magazine):
    assert magazine.get(f"/v1/articles/{magazine.ids['velar']}").json["data"]["slug"] == "velar"


def test_an_id_in_capital_letters_is_the_same_id(magazine):
    path = f"/v1/articles/{magazine.ids['velar']}"
    assert magazine.get(path.replace(str(magazine.ids["velar"]), str(magazine.ids["velar"]).upper())).data == (
        magazine.get(path).data
    )


def test_ids_are_uuids_of_version_7(magazine):
    assert UUID(magazine.get("/v1/articles/velar").json["data"]["id"]).version == 7


@pytest.mark.parametrize("slug", ["fabbrica", "velar", "senza-marca"])
def test_every_documented_field_is_there(magazine, slug):
    assert set(magazine.get(f"/v1/articles/{slug}").json["data"]) >= FULL


def test_a_summary_has_every_field_of_a_summary(magazine):
    for item in magazine.get("/v1/articles").json["data"]:
        assert set(item) == SUMMARY


@pytest.mark.parametrize("slug", ["fabbrica", "velar", "senza-marca"])
def test_only_what_may_be_null_is_null(magazine, slug):
    data = magazine.get(f"/v1/articles/{slug}").json["data"]
    assert {name for name, value in data.items() if value is None} <= NULLABLE


@pytest.mark.parametrize("slug", ["fabbrica", "velar", "senza-marca"])
def test_no_value_is_an_empty_text_but_alt(magazine, slug):
    def empty(value, name=""):
        if isinstance(value, dict):
            return [found for key, inner in value.items() for found in empty(inner, key)]
        if isinstance(value, list):
            return [found for inner in value for found in empty(inner, name)]
        return [name] if value == "" else []

    assert set(empty(magazine.get(f"/v1/articles/{slug}?include=related,brand").json["data"])) <= {"alt"}


def test_an_article_has_what_was_written_of_it(magazine):
    data = magazine.get("/v1/articles/fabbrica").json["data"]
    assert data["headline"] == "Jaguar Land Rover: allo studio una fabbrica"
    assert data["source"] == {"name": "Agenzia", "url": None}
    assert data["corrections"] == [{"at": "2016-07-28T10:00:00Z", "text": "Era la Velar."}]
    assert data["canonical_url"] == "https://site.example.com/fabbrica"
    assert data["rights"]["ai"] == "denied"
    assert data["previous_slugs"] == ["fabbrica-di-prima"]
    assert [media["kind"] for media in data["media"]] == ["image", "video"]
    assert [media["id"] for media in data["media"]] == ["m1", "2"]
    assert data["tags"] == [{"slug": "batterie", "name": "Batterie"}, {"slug": "suv", "name": "Suv"}]
    assert data["mentions"] == [{"slug": "tesla", "name": "Tesla"}]


def test_the_by_line_is_that_of_the_reference_page(magazine):
    assert magazine.get("/v1/articles/fabbrica").json["data"]["byline"] == "di Francesco Donnici | 26 luglio 2016"


def test_times_are_in_utc_and_the_day_is_that_of_rome(client, make):
    make.article("notte", published_at=make.at("2016-07-26T22:30:00Z"))
    data = client.get("/v1/articles/notte").json["data"]
    assert (data["published_at"], data["published_on"]) == ("2016-07-26T22:30:00Z", "2016-07-27")


def test_the_language_stands_in_the_header_too(magazine):
    assert magazine.get("/v1/articles/discovery").headers["Content-Language"] == "en"
    assert magazine.get("/v1/articles/velar?fields=slug").headers["Content-Language"] == "it"


def test_links_lead_to_itself_its_list_and_its_brand(magazine):
    links = magazine.get("/v1/articles/velar").json["data"]["links"]
    for name, path in (
        ("self", "/v1/articles/velar"),
        ("related", "/v1/articles/velar/related"),
        ("brand", "/v1/brands/land-rover"),
    ):
        assert links[name] == f"https://api.example.com{path}"
        assert magazine.get(path).status_code == 200


def test_an_old_slug_leads_on_with_its_query(magazine):
    answer = magazine.get("/v1/articles/fabbrica-di-prima?include=related&related_limit=2")
    assert answer.status_code == 308
    assert answer.headers["Location"] == "https://api.example.com/v1/articles/fabbrica?include=related&related_limit=2"


def test_an_old_slug_leads_on_to_the_related_list(magazine):
    answer = magazine.get("/v1/articles/fabbrica-di-prima/related")
    assert answer.headers["Location"] == "https://api.example.com/v1/articles/fabbrica/related"


@pytest.mark.parametrize("query", ["nope=1", "fields=x", "include=x", "min_seq=x"])
def test_a_query_is_judged_before_the_slug(magazine, query):
    for slug in ("velar", "ritirato", NEVER, "fabbrica-di-prima"):
        assert magazine.get(f"/v1/articles/{slug}?{query}").status_code == 400


@pytest.mark.parametrize("which", ["ritirato", "ritirato-di-prima", "ID"])
@pytest.mark.parametrize("ending", ["", "/related"])
def test_what_was_public_is_gone_and_says_why(magazine, which, ending):
    which = magazine.ids["ritirato"] if which == "ID" else which
    answer = magazine.get(f"/v1/articles/{which}{ending}")
    assert answer.status_code == 410
    assert answer.json["type"] == "https://api.example.com/problems/gone"
    assert answer.json["gone"] == {
        "at": "2026-11-01T12:00:00Z",
        "action": "withdrawn",
        "reason": "other",
        "note": None,
        "replaced_by": None,
    }


def test_an_unpublished_article_is_gone_though_it_is_a_draft_again(client, make):
    make.hide(make.article("velar"), status="draft")
    answer = client.get("/v1/articles/velar")
    assert (answer.status_code, answer.json["gone"]["action"]) == (410, "unpublished")


def shape(answer, which):
    """An answer without what any two answers differ in."""
    headers = {
        name: value.replace(which, "·")
        for name, value in answer.headers
        if name not in {"X-Request-Id", "Cache-Status"}
    }
    headers.pop("Content-Length")
    body = {name: str(value).replace(which, "·") for name, value in answer.json.items() if name != "request_id"}
    return answer.status_code, headers, body


@pytest.mark.parametrize("hidden", [*HIDDEN, "bozza-di-prima"])
@pytest.mark.parametrize("ending", ["", "/related", "?include=related"])
def test_what_is_hidden_answers_like_what_never_existed(magazine, hidden, ending):
    found = shape(magazine.get(f"/v1/articles/{hidden}{ending}"), hidden)
    assert found[0] == 404
    assert found == shape(magazine.get(f"/v1/articles/{NEVER}{ending}"), NEVER)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_a_hidden_id_answers_like_one_that_never_existed(magazine, hidden):
    never = "018f0000-0000-7000-8000-000000000000"
    id_ = str(magazine.ids[hidden])
    found = shape(magazine.get(f"/v1/articles/{id_}"), id_)
    assert found == shape(magazine.get(f"/v1/articles/{never}"), never)


def test_drafts_move_no_answer(client, make):
    make.article("velar", brand="land-rover", authors=["anna"])
    paths = ["/v1/articles?total=true", "/v1/articles/velar?include=related", "/v1/brands/land-rover", "/v1/authors"]
    kept = ("ETag", "Last-Modified", "Content-Seq")
    before = [(a.data, [a.headers.get(name) for name in kept]) for a in map(client.get, paths)]
    make.article("bozza", status="draft", published_at=None, updated_at=make.now(), brand="land-rover")
    make.article("poi", status="scheduled", published_at=make.at("2027-01-01T00:00:00Z"), brand="land-rover")
    assert [(a.data, [a.headers.get(name) for name in kept]) for a in map(client.get, paths)] == before


@pytest.mark.parametrize("path", ["velar", "mai-esistito", "ritirato", "fabbrica-di-prima"])
def test_head_is_get_without_the_body(magazine, path):
    get, head = magazine.get(f"/v1/articles/{path}"), magazine.client.head(f"/v1/articles/{path}")
    assert head.data == b""
    assert head.status_code == get.status_code
    differ = {"X-Request-Id", "Cache-Status"}
    assert {(n, v) for n, v in head.headers if n not in differ} == {(n, v) for n, v in get.headers if n not in differ}


def test_related_articles_come_with_the_article_when_asked_for(magazine):
    related = magazine.get("/v1/articles/velar?include=related").json["data"]["related"]
    assert related == magazine.get("/v1/articles/velar/related").json["data"]
    assert "related" not in magazine.get("/v1/articles/velar").json["data"]


def test_the_included_related_list_takes_a_limit_and_leaves_out_what_was_seen(magazine):
    path = "/v1/articles/velar?include=related&related_limit=1&related_exclude=discovery"
    assert [item["slug"] for item in magazine.get(path).json["data"]["related"]] == ["i-pace"]


def test_the_included_related_list_stays_beside_fields(magazine):
    data = magazine.get("/v1/articles/velar?include=related&fields=headline").json["data"]
    assert set(data) == {"id", "headline", "related"}


@pytest.mark.parametrize("which", ["A", "-a", "a--b", "a_b", "à", "a%00", "%20", "a" * 201, "a.b", "a%2Fb", "[]", "'"])
def test_what_is_neither_slug_nor_id_leads_nowhere(magazine, which):
    answer = magazine.get(f"/v1/articles/{which if '%' in which else quote(which)}")
    assert (answer.status_code, answer.json["type"]) == (404, "https://api.example.com/problems/not-found")


def test_the_path_wins_over_a_query_that_names_another(magazine):
    assert magazine.get(f"/v1/articles/velar?id={magazine.ids['discovery']}").status_code == 400
