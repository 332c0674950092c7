"""The entry points: `/v1`, the OpenAPI document in two forms, and the page for people."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import yaml

from newsapi.app import create_app
from newsapi.demo import mail_views, picture_views
from newsapi.demo.home_page import DEMO_PAGE
from newsapi.settings import Settings
from newsapi.web import home_page

API_URL = "https://api.example.com"
DESCRIPTIONS = {
    f'<{API_URL}/openapi.json>; rel="service-desc"; type="application/json"',
    f'<{API_URL}/openapi.yaml>; rel="service-desc"; type="application/yaml"',
    f'<{API_URL}/docs>; rel="service-doc"; type="text/html"',
}


@pytest.fixture
def settings(tmp_path, sqlite_template):
    path = tmp_path / "news.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    return Settings.from_env({"NEWSAPI_DATABASE_URL": f"sqlite:///{path}", "NEWSAPI_API_URL": API_URL})


@pytest.fixture
def app(settings):
    app = create_app(settings)
    yield app
    app.extensions["newsapi"].close()


@pytest.fixture
def client(app):
    return app.test_client()


def test_the_entry_points_are_every_path_that_can_be_read_without_parameters(client):
    document = client.get("/openapi.json").json
    expected = {
        path
        for path, item in document["paths"].items()
        if path.startswith("/v1/") and "get" in item and "{" not in path
    }
    resources = client.get("/v1").json["data"]["resources"]
    assert {resource["href"] for resource in resources} == {f"{API_URL}{path}" for path in expected}
    assert {"articles", "brands", "search", "changes", "feeds/articles.rss"} <= {one["name"] for one in resources}


def test_an_entry_point_says_what_it_is_and_whether_it_needs_a_key(client):
    by_name = {resource["name"]: resource for resource in client.get("/v1").json["data"]["resources"]}
    assert by_name["articles"] == {
        "name": "articles",
        "title": "List articles",
        "href": f"{API_URL}/v1/articles",
        "requires_key": False,
    }
    assert by_name["webhooks"]["requires_key"] is True


def test_entry_points_without_a_key_can_be_read(client):
    for resource in client.get("/v1").json["data"]["resources"]:
        status = client.get(resource["href"].removeprefix(API_URL)).status_code
        assert status == 401 if resource["requires_key"] else status in {200, 400}, resource  # 400: a search without q


def test_the_links_lead_to_the_description(client):
    links = client.get("/v1").json["links"]
    assert links.pop("self") == f"{API_URL}/v1"
    assert {client.get(url.removeprefix(API_URL)).status_code for url in links.values()} == {200}
    assert len(links) == 3


@pytest.mark.parametrize("path", ["/", "/v1", "/docs"])
def test_the_description_is_named_in_the_link_header(client, path):
    assert set(client.get(path).headers["Link"].split(", ")) == DESCRIPTIONS


def test_entry_points_take_no_parameters(client):
    answer = client.get("/v1?x=1")
    assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (400, "x")


def test_entry_points_can_be_read_where_reads_need_a_key(settings):
    app = create_app(replace(settings, read_access="key"))
    assert [app.test_client().get(path).status_code for path in ("/", "/v1", "/openapi.yaml")] == [200] * 3
    app.extensions["newsapi"].close()


def test_both_forms_of_the_document_have_the_same_content(client):
    answer = client.get("/openapi.yaml")
    assert answer.mimetype == "application/yaml"
    assert yaml.load(answer.text, Loader=yaml.CSafeLoader) == client.get("/openapi.json").json


class Page(HTMLParser):
    """The tags, links and text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.language = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        if tag == "html":
            self.language = attributes.get("lang")
        if tag == "a":
            self.links.append(attributes["href"])


def check_page(client):
    answer = client.get("/")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    page = Page(answer.text)
    assert page.language == "en"
    assert (page.tags.count("main"), page.tags.count("h1"), page.tags.count("title")) == (1, 1, 1)
    assert "script" not in page.tags
    assert page.links
    assert not [link for link in page.links if re.match("https?:|/", link)]  # relative to the base URL
    return answer.text, page.links


def test_the_page_leads_to_documentation_and_content(client):
    _, links = check_page(client)
    assert {client.get(f"/{link}").status_code for link in links} == {200}
    assert {"docs", "v1", "v1/articles"} <= set(links)


def test_the_page_bears_the_name_of_the_publication(settings):
    app = create_app(replace(settings, publisher="Ruote & Strade"))
    assert "<h1>Ruote &amp; Strade: news content API</h1>" in check_page(app.test_client())[0]
    app.extensions["newsapi"].close()


def test_the_page_of_the_demo_leads_to_article_lists_documentation_and_mailbox(app, tmp_path):
    app.extensions[home_page.EXTENSION] = DEMO_PAGE
    app.register_blueprint(picture_views.blueprint(tmp_path))
    app.register_blueprint(mail_views.blueprint(tmp_path))
    _, links = check_page(app.test_client())
    assert {"docs", "v1/articles", "v1/brands", "demo/mail"} <= set(links)
    assert any("include=related" in link for link in links)
