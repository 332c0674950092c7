import pytest

pytestmark = pytest.mark.one_database

ANSWERS = {
    "/v1/articles": 200,
    "/v1/articles/velar": 200,
    "/v1/articles/fabbrica-di-prima": 308,
    "/v1/articles?x=1": 400,
    "/v1/articles/mai-esistito": 404,
    "/v1/nothing": 404,
    "/v1/articles/ritirato": 410,
    "/v1/articles?min_seq=9999999": 503,
    "/v1/brands": 200,
    "/healthz": 200,
}
ALLOWED = "Authorization Content-Type If-Match If-None-Match Idempotency-Key".split()
READ = {"GET", "HEAD", "OPTIONS"}
ROUTES = {
    "/v1/articles": READ | {"POST"},
    "/v1/articles/velar": READ | {"PATCH", "DELETE"},
    "/v1/articles/velar/related": READ,
    "/v1/articles/velar/picks": READ | {"PUT"},
    "/v1/brands": READ | {"POST"},
    "/v1/brands/tesla": READ | {"PATCH", "DELETE"},
    "/v1/authors/nessuno": READ | {"PATCH", "DELETE"},
    "/v1/authors/nessuno/merge": {"OPTIONS", "POST"},
    "/v1/brands/tesla/subscriptions": {"OPTIONS", "POST"},
    "/v1/subscriptions/confirm": {"OPTIONS", "POST"},
    "/openapi.json": READ,
}


def listed(text):
    return {word.strip() for word in text.split(",")}


@pytest.mark.parametrize(("path", "status"), ANSWERS.items())
@pytest.mark.parametrize("origin", [None, "https://site.example", "null", "https://api.example.com.evil.example"])
def test_every_origin_may_read_and_none_with_credentials(magazine, path, status, origin):
    answer = magazine.get(path, headers={"Origin": origin} if origin else {})
    assert answer.status_code == status
    assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", ANSWERS)
def test_scripts_may_see_every_header_of_ours(magazine, path):
    answer = magazine.get(path)
    assert answer.headers.getlist("Access-Control-Expose-Headers") == ["*"]
    assert "Set-Cookie" not in answer.headers  # with cookies, a browser would take the * for a name


def test_a_refused_key_and_a_wrong_method_are_answered_across_origins_too(magazine):
    for answer in (
        magazine.get("/v1/articles", headers={"Authorization": "Bearer x", "Origin": "https://site.example"}),
        magazine.client.delete("/v1/articles", headers={"Origin": "https://site.example"}),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("asked", ["GET", "PATCH", "NONSENSE"])
def test_a_preflight_says_what_may_be_sent(magazine, path, asked):
    headers = {
        "Origin": "https://site.example",
        "Access-Control-Request-Method": asked,
        "Access-Control-Request-Headers": "authorization, if-none-match, x-other",
    }
    answer = magazine.client.options(path, headers=headers)
    assert (answer.status_code, answer.data) == (204, b"")
    assert listed(answer.headers["Access-Control-Allow-Methods"]) == ROUTES[path]
    assert listed(answer.headers["Access-Control-Allow-Headers"]) == set(ALLOWED)
    assert answer.headers["Access-Control-Max-Age"] == "86400"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_options_alone_says_which_methods_there_are(magazine):
    answer = magazine.client.options("/v1/articles")
    assert (answer.status_code, listed(answer.headers["Allow"])) == (204, ROUTES["/v1/articles"])


def test_a_preflight_bears_no_key_and_needs_none(magazine):
    assert magazine.client.options("/v1/articles", headers={"Authorization": "Bearer x"}).status_code == 204


def test_a_preflight_for_nowhere_leads_nowhere(magazine):
    assert magazine.client.options("/v1/nothing").status_code == 404
