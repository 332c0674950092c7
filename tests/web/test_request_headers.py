import pytest

pytestmark = pytest.mark.one_database

PATHS = [
    "/v1/articles?limit=2",
    "/v1/articles/fabbrica?include=related",
    "/v1/articles/fabbrica-di-prima",
    "/v1/articles/mai-esistito",
    "/v1/articles/ritirato",
    "/v1/brands/land-rover?include=articles",
    "/v1/articles?x=1",
    "/v1/tags",
    "/openapi.json",
]
FORGED = [
    {"Host": "evil.example"},
    {"X-Forwarded-Host": "evil.example"},
    {"X-Forwarded-Proto": "http", "X-Forwarded-Port": "81"},
    {"X-Forwarded-Prefix": "/evil", "X-Script-Name": "/evil"},
    {"Forwarded": "host=evil.example;proto=http"},
    {"X-Original-URL": "/v1/tags", "X-Rewrite-URL": "/v1/tags"},
    {"X-HTTP-Method-Override": "DELETE", "X-HTTP-Method": "POST", "X-Method-Override": "PUT"},
    {"Accept-Language": "de, en;q=0.5"},
    {"Accept-Charset": "utf-16"},
    {"Range": "bytes=0-10"},
    {"Content-Type": "application/json", "Content-Length": "0"},
    {"Cookie": "lang=de; session=1"},
    {"Authorization": "Basic eDp5"},
    {"Expect": "100-continue"},
    {"User-Agent": "Mozilla/5.0 (iPhone)"},
    {"Origin": "null", "Referer": "https://evil.example"},
]
NOT_ACCEPTABLE = [
    {"Accept": "text/html"},
    {"Accept": "application/xml;q=1, application/json;q=0"},
]
"""Headers for which no response exists."""


def told(answer):
    headers = {name: value for name, value in answer.headers if name not in {"X-Request-Id", "Cache-Status"}}
    own = answer.headers["X-Request-Id"]
    return answer.status_code, headers, answer.data.replace(own.encode(), b"")


@pytest.mark.parametrize("path", PATHS)
def test_what_a_request_claims_of_itself_changes_no_byte(magazine, path):
    clean = told(magazine.get(path))
    for headers in FORGED:
        magazine.get(path, headers=headers)
        assert told(magazine.get(path, headers=headers)) == clean, headers
    for headers in NOT_ACCEPTABLE:
        refused = magazine.get(path, headers=headers)
        if path.startswith("/v1") and clean[0] == 200:
            assert (refused.status_code, refused.headers["Cache-Control"]) == (406, "no-store"), headers
        else:
            assert told(refused) == clean, headers
    assert told(magazine.get(path)) == clean


@pytest.mark.parametrize("path", PATHS)
def test_a_first_request_that_is_forged_poisons_no_later_one(magazine, build, path):
    clean = told(magazine.get(path))
    fresh = build(magazine.settings).test_client()
    for headers in (*FORGED, *NOT_ACCEPTABLE):
        fresh.get(path, headers=headers)
    fresh.head(path)
    fresh.get(path, data=b"limit=1&fields=slug")
    assert told(fresh.get(path)) == clean


@pytest.mark.parametrize(
    "path",
    [
        "/v1/articles/velar/x.css",
        "/v1/articles/velar.css",
        "/v1/articles/velar;x=1",
        "/v1/articles;limit=1",
        "/v1//articles",
    ],
)
def test_a_path_with_something_on_it_is_another_path(magazine, path):
    assert magazine.get(path).status_code in {404, 308}
    assert "evil" not in magazine.get(path, headers={"Host": "evil.example"}).headers.get("Location", "")


def test_a_slash_written_in_hex_is_still_one_path(magazine):
    assert magazine.get("/v1/articles%2fvelar").status_code in {200, 404}


@pytest.mark.parametrize("path", PATHS)
def test_no_answer_names_the_host_it_was_asked_at(magazine, path):
    answer = magazine.get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert b"evil.example" not in answer.data
    assert "evil.example" not in str(answer.headers)


def test_no_answer_names_its_software(magazine):
    assert "Server" not in magazine.get("/v1/articles").headers
    assert "X-Powered-By" not in magazine.get("/v1/articles").headers
