import time
from dataclasses import replace

import pytest
from sqlalchemy.exc import ProgrammingError

from newsapi.settings import Settings
from newsapi.web.problem_types import PROBLEM_TYPES

MEMBERS = {"type", "code", "title", "status", "detail", "instance", "request_id"}
CONTRACT = set(
    "bad-parameter bad-body cursor-invalid cursor-expired token-expired not-found gone key-missing key-unknown"
    " scope-missing version-missing version-stale move-not-allowed in-use idempotency-conflict rate-limited behind"
    " unavailable".split()
)
PROBLEMS = {
    "/v1/articles?x=1": (400, "bad-parameter"),
    "/v1/articles?limit=0": (400, "bad-parameter"),
    "/v1/articles?cursor=x": (400, "cursor-invalid"),
    "/v1/articles/mai-esistito": (404, "not-found"),
    "/v1/articles/velar/": (404, "not-found"),
    "/v1/brands/nessuno": (404, "not-found"),
    "/v2/articles": (404, "not-found"),
    "/problems/nessuno": (404, "not-found"),
    "/docs/nothing.js": (404, "not-found"),
    "/docs/..%2f__init__.py": (404, "not-found"),
    "/v1/articles/ritirato": (410, "gone"),
    "/v1/articles?min_seq=9999999": (503, "behind"),
}
LEAKS = ("Traceback", "sqlalchemy", "psycopg", "sqlite", "SELECT", "postgres", "newsapi/", ".py", "secret")


@pytest.mark.one_database
@pytest.mark.parametrize(("path", "kind"), PROBLEMS.items())
def test_an_error_is_a_problem_with_all_its_members(magazine, path, kind):
    answer = magazine.get(path)
    assert (answer.status_code, answer.content_type) == (kind[0], "application/problem+json")
    assert set(answer.json) >= MEMBERS
    assert answer.json["status"] == kind[0]
    assert answer.json["type"] == f"https://api.example.com/problems/{kind[1]}"
    assert answer.json["code"] == kind[1]
    assert answer.json["title"] == PROBLEM_TYPES[kind[1]].title
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.one_database
def test_an_error_names_the_path_that_was_asked_for(magazine):
    assert magazine.get("/v1/articles/mai-esistito?fields=slug").json["instance"] == "/v1/articles/mai-esistito"


@pytest.mark.one_database
@pytest.mark.parametrize("name", PROBLEM_TYPES)
def test_the_type_of_a_problem_is_a_page_that_explains_it(magazine, name):
    answer = magazine.get(f"/problems/{name}")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert PROBLEM_TYPES[name].title in answer.text


def test_problems_are_named_as_agreed():
    assert set(PROBLEM_TYPES) == CONTRACT


@pytest.mark.one_database
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_a_method_that_is_not_there_is_refused_with_those_that_are(magazine, method):
    answer = magazine.client.open("/v1/articles/velar/related", method=method)
    assert (answer.status_code, answer.content_type) == (405, "application/problem+json")
    assert {word.strip() for word in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}
    assert set(answer.json) >= MEMBERS
    assert (answer.json["type"], answer.json["code"]) == ("about:blank", None)


@pytest.mark.one_database
@pytest.mark.parametrize(("path", "kind"), PROBLEMS.items())
def test_the_base_of_the_type_is_a_setting(magazine, build, path, kind):
    settings = replace(magazine.settings, api_url="https://staging.example.com", problem_url="https://api.example.com")
    answer = build(settings).test_client().get(path)
    assert answer.json["type"] == f"https://api.example.com/problems/{kind[1]}"


def test_the_base_of_the_type_is_that_of_the_api_by_default():
    settings = Settings.from_env({"NEWSAPI_API_URL": "https://api.example.com"})
    assert settings.problem_url == "https://api.example.com"
    assert Settings.from_env({"NEWSAPI_PORT": "8001"}).problem_url == "http://127.0.0.1:8001"


@pytest.mark.one_database
@pytest.mark.parametrize(
    "key", ["Bearer x", "bearer x", "BEARER nk_1234", "Bearer", "Bearer ", "Bearer a b", "Bearer ="]
)
def test_an_unknown_key_is_refused(magazine, key):
    answer = magazine.get("/v1/articles", headers={"Authorization": key})
    assert (answer.status_code, answer.json["type"]) == (401, "https://api.example.com/problems/key-unknown")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.one_database
def test_a_body_beside_a_read_changes_nothing(magazine):
    answer = magazine.get("/v1/articles", data=b'{"limit": 1}', headers={"Content-Type": "application/json"})
    assert answer.data == magazine.get("/v1/articles").data


@pytest.mark.one_database
@pytest.mark.parametrize("given", ["abc", "a.b_c:d-1", "x" * 100])
def test_a_request_keeps_the_id_it_came_with(magazine, given):
    assert magazine.get("/v1/articles", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.one_database
@pytest.mark.parametrize("given", ["", "a b", "x" * 101, "<script>", "ü", "a\tb", "١"])
def test_an_id_that_is_no_plain_word_is_replaced(magazine, given):
    answer = magazine.client.get("/v1/articles", headers={"X-Request-Id": given.encode().decode("latin-1")})
    assert len(answer.headers["X-Request-Id"]) == 32


@pytest.fixture(params=["sqlite:////nowhere/at/all.sqlite3", "postgresql://nobody@127.0.0.1:1/nothing"])
def without_database(request, settings_of, build):
    return build(settings_of(request.param)).test_client()


@pytest.fixture
def settings_of(tmp_path):
    return lambda url: Settings.from_env(
        {"NEWSAPI_DATABASE_URL": url, "NEWSAPI_API_URL": "https://api.example.com", "NEWSAPI_SECRET_KEY": "s" * 32}
    )


@pytest.mark.real_time
@pytest.mark.parametrize("path", ["/v1/articles", "/v1/articles/velar", "/v1/articles/velar/related", "/v1/tags/suv"])
def test_without_its_database_a_read_is_503_soon_and_says_when_to_come_back(without_database, path):
    began = time.monotonic()
    answer = without_database.get(path)
    assert time.monotonic() - began < 1.5
    assert (answer.status_code, answer.json["type"]) == (503, "https://api.example.com/problems/unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    assert [word for word in LEAKS if word in answer.text] == []


def test_without_its_database_the_process_is_alive_and_not_ready(without_database):
    assert without_database.get("/healthz").json["status"] == "ok"
    ready = without_database.get("/readyz")
    assert ready.status_code == 503
    assert ready.json["status"] == "not ready"
    assert ready.json["parts"]["database"] != "ok"
    assert [word for word in ("nobody", "nowhere", "127.0.0.1") if word in ready.text] == []


def test_with_its_database_it_is_ready_part_by_part(magazine):
    answer = magazine.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["status"] == "ready"
    assert answer.json["parts"]["database"] == "ok"
    assert set(answer.json["parts"]) >= {"database", "cache"}


def test_without_its_tables_a_read_is_503(tmp_path, settings_of, build):
    client = build(settings_of(f"sqlite:///{tmp_path}/empty.sqlite3")).test_client()
    assert client.get("/v1/articles").status_code == 503
    assert client.get("/readyz").status_code == 503


@pytest.mark.one_database
@pytest.mark.parametrize(
    "error", [RuntimeError("SELECT secret"), ProgrammingError("SELECT secret", {}, Exception("x"))]
)
def test_an_error_of_ours_tells_nothing_of_the_inside(magazine, settings_of, build, error):
    class Broken:
        def read(self, *_, **__):
            raise error

    app = build(magazine.settings)
    broken = replace(app.extensions["newsapi"], reads=Broken())
    app.extensions["newsapi"] = broken
    answer = app.test_client().get("/v1/articles")
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert set(answer.json) >= MEMBERS
    assert answer.headers["Cache-Control"] == "no-store"
    assert [word for word in LEAKS if word in answer.text] == []


@pytest.mark.one_database
def test_a_kept_refusal_names_an_address_in_its_one_form(magazine):
    id_ = "018f0000-0000-7000-8000-00000000abcd"
    for asked in (id_.upper(), id_):
        assert magazine.get(f"/v1/articles/{asked}").json["instance"] == f"/v1/articles/{id_}"
    assert magazine.get("/v1/articles/Città").json["instance"] == "/v1/articles/Citt%C3%A0"


@pytest.mark.one_database
@pytest.mark.parametrize(
    "path", ["/v1", "/v1/articles", "/v1/articles/velar/jsonld", "/v1/feeds/articles.rss", "/sitemap.xml"]
)
def test_a_read_for_other_media_types_is_not_acceptable(magazine, path):
    answer = magazine.get(path, headers={"Accept": "text/html;q=0.9, image/*"})
    assert (answer.status_code, answer.content_type) == (406, "application/problem+json")
    assert set(answer.json) >= MEMBERS
    assert answer.headers["Cache-Control"] == "no-store"
    for accept in ("*/*", "text/html, */*;q=0.1", "application/json, text/xml", "broken"):
        assert magazine.get(path, headers={"Accept": accept}).status_code == 200, accept
    assert magazine.get("/v1/articles/nessuno", headers={"Accept": "text/html"}).status_code == 404
