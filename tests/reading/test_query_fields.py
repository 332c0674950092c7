"""Every query parameter that a read declares changes its response: none is declared and then read by nobody.

The parameters come from the OpenAPI document, so a new one fails here until it has a value in VALUES, or a reason in
EXCEPTIONS. Links and cursors are left out of the comparison, because they repeat the parameters of the request.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from click.testing import CliRunner
from flask.testing import FlaskClient

from newsapi.cli.main import main
from newsapi.content.writes.terms import resolve_slugs
from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from newsapi.settings import Settings
from tests.support.applications import application, stop_clock
from tests.support.factories import Make
from tests.support.sample_content import NOW, fill

FEEDS = ("getFeedRss", "getFeedAtom", "getFeedJson", "getFeedNinjs")
TERM_LISTS = ("listBrands", "listAuthors", "listSections", "listTags")
TERMS = ("getBrand", "getAuthor", "getSection", "getTag")


@dataclass(frozen=True)
class Site:
    """An application with the sample content, and what the values of some parameters are taken from."""

    client: FlaskClient
    secret: str
    ids: dict[str, str]
    preview_token: str

    def get(self, path: str, *, with_key: bool) -> Any:
        headers = {"Authorization": f"Bearer {self.secret}"} if with_key else {}
        return self.client.get(path, headers=headers)


@pytest.fixture(scope="module")
def site(sqlite_template, tmp_path_factory) -> Iterator[Site]:
    path = tmp_path_factory.mktemp("query-fields") / "news.sqlite3"
    shutil.copy(sqlite_template, path)
    settings = Settings.from_env(
        {
            "NEWSAPI_DATABASE_URL": f"sqlite:///{path}",
            "NEWSAPI_API_URL": "https://api.example.com",
            "NEWSAPI_SECRET_KEY": "a secret of thirty-two characters",
            "NEWSAPI_RATE_LIMITS": "off",
        }
    )
    database = Database(settings.database_url)
    ids = {slug: str(id_) for slug, id_ in fill(Make(database, lambda: NOW)).items()}
    scopes = ("content:write", "content:publish", "drafts:read", "admin")
    secret = key_commands.create(database, "anna", scopes, now=NOW, resolve_slugs=resolve_slugs)
    with application(settings) as app:
        stop_clock(app, lambda: NOW)
        client = app.test_client()
        headers = {"Authorization": f"Bearer {secret}"}
        for number in range(2):  # two revisions of an article, and entries of the audit log
            written = client.patch(
                "/v1/articles/velar",
                json={"headline": f"Velar, versione {number}"},
                content_type="application/merge-patch+json",
                headers=headers | {"If-Match": client.get("/v1/articles/velar", headers=headers).headers["ETag"]},
            )
            assert written.status_code == 200, written.text
        link = client.post("/v1/articles/bozza/preview-links", json={}, headers=headers)
        assert link.status_code == 201, link.text
        yield Site(client, secret, ids, link.json["data"]["token"])
    database.dispose()


def document() -> dict[str, Any]:
    return yaml.safe_load(CliRunner().invoke(main, ["openapi"]).output)["paths"]


def declared() -> list[tuple[str, str]]:
    """The query parameters of every read, as pairs of operationId and name."""
    reads = [(path, path["get"]) for path in document().values() if "get" in path]
    return [
        (operation["operationId"], parameter["name"])
        for path, operation in reads
        for parameter in (*path.get("parameters", ()), *operation.get("parameters", ()))
        if parameter.get("in") == "query"
    ]


DECLARED = declared()
PATHS = {path["get"]["operationId"]: name for name, path in document().items() if "get" in path}

PATH_VALUES = {
    "listArticles": {},
    "getArticle": {"which": "fabbrica"},
    "getArticleJsonLd": {"which": "fabbrica"},
    "listRelatedArticles": {"which": "fabbrica"},
    "listRevisions": {"which": "velar"},
    "diffRevisions": {"which": "velar", "number": "3"},
    "getSitemapPage": {"page": "1"},
    "getBrand": {"slug": "tesla"},
    "getAuthor": {"slug": "anna-bianchi"},
    "getSection": {"slug": "anteprime"},
    "getTag": {"slug": "suv"},
}
"""What stands in the path of each read, by the order of its parameters."""

OF_UNPUBLISHED = {("getArticle", "preview"): "bozza", ("listRelatedArticles", "preview"): "bozza"}
"""The article of the path, where the parameter shows one that is not public."""

BASE_QUERIES = {
    "searchArticles": "q=testo",
    "suggestTerms": "q=l",
    ("getArticle", "related_limit"): "include=related",
    ("getArticle", "related_exclude"): "include=related",
    ("searchArticles", "cursor"): "",
}
"""The query without the parameter, by read or by read and parameter."""

WITH_KEY = {"listRevisions", "diffRevisions", "listAuditEntries", ("listArticles", "status")}
"""Reads, or parameters of reads, that need a key."""


def related_slug(site: Site) -> str:
    return site.client.get("/v1/articles/fabbrica/related").json["data"][0]["slug"]


Value = str | Callable[[Site], str]
VALUES: dict[str | tuple[str, str], Value] = {
    "min_seq": str(2**40),  # 503: the database has not reached this change
    "limit": "1",
    "total": "true",
    "fields": "slug",
    "include": "authors",
    "sort": "published_at",
    "status": "draft",
    "preview": lambda site: site.preview_token,
    "brand": "tesla",
    "group": "jaguar-land-rover",
    "mentions": "tesla",
    "about": "tesla",
    "author": "anna-bianchi",
    "section": "anteprime",
    "section_not": "anteprime",
    "tag": "suv",
    "tag_all": "suv",
    "profile": "card",
    "parent": "jaguar-land-rover",
    "format": "gallery",
    "language": "en",
    "slug": "velar",
    "id": lambda site: site.ids["velar"],
    "published_from": "2018-01-01",
    "published_until": "2018-01-01",
    "updated_from": "2019-06-01",
    "updated_until": "2019-06-01",
    "q": "fabbrica",
    "facets": "brand",
    "exclude": related_slug,
    "related_limit": "1",
    "related_exclude": related_slug,
    "since": lambda site: str(site.client.get("/v1/changes").json["data"][0]["seq"]),
    "types": "brand",
    "bucket": "0",
    "from": "1",
    "by": "nobody_0000",
    "subject": lambda site: site.ids["bozza"],
    ("searchArticles", "sort"): "-published_at",
    ("listBrands", "sort"): "-article_count",
    ("suggestTerms", "q"): "v",
    ("listBrands", "q"): "tes",
    ("listAuthors", "q"): "anna",
    ("listSections", "q"): "ante",
    ("listTags", "q"): "suv",
} | {(term, "include"): "articles" for term in TERMS}
"""A value of each parameter that changes the response: by name, or by read and name where the name is not enough."""

EXCEPTIONS = {
    ("listChanges", "wait"): "changes when the response is sent, not what it says; see tests/end_to_end",
    ("listImports", "limit"): "newest_first_page, as in listAuditEntries; see tests/imports",
    ("listImports", "cursor"): "newest_first_page, as in listAuditEntries; see tests/imports",
    ("listDeliveries", "limit"): "newest_first_page, as in listAuditEntries; see tests/webhooks",
    ("listDeliveries", "cursor"): "newest_first_page, as in listAuditEntries; see tests/webhooks",
    ("listDeliveries", "state"): "needs deliveries; see tests/webhooks",
    ("listWebhooks", "limit"): "newest_first_page, as in listAuditEntries; see tests/webhooks",
    ("listWebhooks", "cursor"): "newest_first_page, as in listAuditEntries; see tests/webhooks",
    ("listWebhooks", "min_seq"): "private_response, as in listRevisions",
    ("listAuthors", "sort"): "the authors of the sample have the same order by both; see test_terms",
    ("listSections", "sort"): "the sections of the sample have the same order by both; see test_terms",
    ("listTags", "sort"): "the tags of the sample have the same order by both; see test_terms",
    ("listFlawedImages", "problem"): "needs images that the worker has read; see tests/images",
    ("listFlawedImages", "limit"): "needs images that the worker has read; see tests/images",
    ("listFlawedImages", "cursor"): "needs images that the worker has read; see tests/images",
    ("listFlawedImages", "min_seq"): "private_response, as in listRevisions",
    ("listSubscribers", "limit"): "newest_first_page, as in listAuditEntries; see tests/subscriptions",
    ("listSubscribers", "cursor"): "newest_first_page, as in listAuditEntries; see tests/subscriptions",
    ("listImports", "min_seq"): "private_response, as in listRevisions",
    ("listDeliveries", "min_seq"): "private_response, as in listRevisions",
    ("listSubscribers", "min_seq"): "private_response, as in listRevisions",
}
"""Parameters that are not compared here, with the reason and the place of their tests."""


def path_of(operation: str, name: str) -> str:
    values = dict(PATH_VALUES.get(operation, {}))
    if article := OF_UNPUBLISHED.get((operation, name)):
        values = dict.fromkeys(values, article)
    texts, number = list(values.values()), count()
    return re.sub(r"\{[^}]*\}", lambda _: texts[next(number)], PATHS[operation])


def next_cursor(site: Site, url: str, *, with_key: bool) -> str:
    """The cursor of the second page."""
    answer = site.get(f"{url}{'&' if '?' in url else '?'}limit=1", with_key=with_key)
    if answer.is_json and "page" in answer.json:
        return answer.json["page"]["next"]
    if answer.is_json and "cursor" in answer.json:
        return answer.json["cursor"]
    return re.search(r'[?&]cursor=([^&>"]+)[^>]*>; rel="next"', answer.headers["Link"])[1]


def content(answer: Any) -> object:
    """What a response says, without the parts that repeat the request."""
    if answer.status_code != 200:
        return answer.status_code
    operation_is_feed = "/v1/feeds/" in answer.request.path
    if operation_is_feed or not answer.is_json:  # the articles of a feed or sitemap, in order
        return list(dict.fromkeys(re.findall(r"/v1/articles/([a-z0-9-]+)", answer.text)))
    body = answer.json
    page = {name: value for name, value in body.get("page", {}).items() if name.startswith("total")}
    return {name: value for name, value in body.items() if name not in {"links", "page", "cursor"}} | {"page": page}


@pytest.mark.parametrize(("operation", "name"), [pair for pair in DECLARED if pair not in EXCEPTIONS])
def test_every_query_parameter_changes_the_response(site, operation, name):
    with_key = operation in WITH_KEY or (operation, name) in WITH_KEY
    base = BASE_QUERIES.get((operation, name), BASE_QUERIES.get(operation, ""))
    path = path_of(operation, name)
    if name == "cursor":
        start = BASE_QUERIES.get(operation, "")
        value = next_cursor(site, f"{path}?{start}" if start else path, with_key=with_key)
        without = site.get(f"{path}?{start}" if start else path, with_key=with_key)
    else:
        given = VALUES.get((operation, name)) or VALUES[name]
        value = given if isinstance(given, str) else given(site)
        without = site.get(f"{path}?{base}" if base else path, with_key=with_key)
    others = [part for part in base.split("&") if part and not part.startswith(f"{name}=")]
    answer = site.get(f"{path}?{'&'.join([*others, f'{name}={quote(value)}'])}", with_key=with_key)
    assert without.status_code == (404 if (operation, name) == ("getArticle", "preview") else 200) or name == "preview"
    assert answer.status_code == (503 if name == "min_seq" else 200), answer.text
    assert content(answer) != content(without), f"{name} of {operation} changes nothing: who reads it?"


def test_exceptions_name_parameters_that_are_declared():
    assert not EXCEPTIONS.keys() - {*DECLARED}
