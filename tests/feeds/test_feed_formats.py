"""Every feed format has its renderer, route, access rule, links, check, example and description."""

import json
from importlib.resources import files

import pytest

from newsapi.app import create_app
from newsapi.content.schemas.terms import FeedLinks
from newsapi.feeds.renderers import RENDERERS
from newsapi.settings import Settings
from newsapi.web.authorization import PUBLIC, RULES
from newsapi.web.feed_formats import FEED_FORMATS
from tests.docs.pages import PAGES
from tests.feeds.format_rules import CHECKS
from tests.feeds.test_feeds import TYPES

NAMES = {feed_format.name for feed_format in FEED_FORMATS}
EXAMPLES = json.loads((files("newsapi.web") / "examples.json").read_text())


@pytest.fixture(scope="module")
def app():
    return create_app(Settings.from_env({}))


def test_each_format_has_a_renderer_and_a_check():
    assert set(RENDERERS) == set(FEED_FORMATS)
    assert set(CHECKS) == NAMES
    assert {feed_format.name: feed_format.media_type for feed_format in FEED_FORMATS} == TYPES


def test_each_format_has_a_route_and_a_rule(app):
    routes = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/v1/feeds/")}
    assert routes == {feed_format.path for feed_format in FEED_FORMATS}
    assert {rule for rule in RULES if "/v1/feeds/" in rule} == {f"GET {path}" for path in routes}
    assert {RULES[f"GET {path}"] for path in routes} == {PUBLIC}


def test_each_format_is_in_the_openapi_document(app):
    document = app.extensions["newsapi-document"].spec.to_dict()
    for feed_format in FEED_FORMATS:
        operation = document["paths"][feed_format.path]["get"]
        assert operation["operationId"] == feed_format.operation_id
        assert list(operation["responses"]["200"]["content"]) == [feed_format.media_type]
    assert set(document["components"]["schemas"]["FeedLinks"]["properties"]) == NAMES


def test_each_format_has_an_example():
    assert {feed_format.operation_id for feed_format in FEED_FORMATS} <= set(EXAMPLES)


def test_a_brand_links_its_feed_in_each_format(app):
    presentation = app.extensions["newsapi"].presentation
    links = presentation.term("brand", {"slug": "land-rover", "logo": None})["links"]["feeds"]
    assert set(links) == set(FeedLinks().fields) == NAMES
    for feed_format in FEED_FORMATS:
        assert links[feed_format.name].endswith(f"{feed_format.path}?brand=land-rover")


def test_the_guide_and_the_contract_name_each_format():
    for page in ("docs/guides/front-ends.md", "docs/reference/contract.md"):
        text = " ".join(PAGES[page].split())
        for feed_format in FEED_FORMATS:
            assert f"`{feed_format.suffix}`" in text or f"articles{feed_format.suffix}`" in text, (page, feed_format)
