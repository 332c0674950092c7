"""What a front end asks for beside the article itself: its body in blocks, its structured data, pictures in sizes."""

from dataclasses import replace

import pytest

from newsapi.text.blocks_html import blocks_to_html

pytestmark = pytest.mark.one_database

BODY = '<h2>Prova</h2><p>Un <strong>SUV</strong> <a href="https://example.com/" rel="noopener noreferrer">qui</a>.</p>'
PICTURE = {
    "url": "https://img.example.com/a.jpg",
    "alt": "Un SUV",
    "caption": None,
    "width": 1600,
    "height": 900,
    "credit": None,
    "focal": {"x": 0.25, "y": 0.5},
}


@pytest.fixture
def velar(make):
    return make.article("velar", brand="land-rover", section="prove", authors=["anna"], body_html=BODY, image=PICTURE)


@pytest.mark.usefixtures("velar")
def test_the_body_comes_in_blocks_where_they_are_asked_for(client):
    article = client.get("/v1/articles/velar?include=blocks").json["data"]
    assert [block["type"] for block in article["blocks"]] == ["heading", "paragraph"]
    assert article["blocks"][1]["text"] == "Un SUV qui."
    assert blocks_to_html(article["blocks"]) == article["body_html"]
    assert "blocks" not in client.get("/v1/articles/velar").json["data"]


@pytest.mark.usefixtures("velar")
def test_blocks_can_come_alone(client):
    article = client.get("/v1/articles/velar?include=blocks&fields=headline").json["data"]
    assert set(article) == {"id", "headline", "blocks"}


@pytest.mark.usefixtures("velar")
def test_structured_data_has_an_address_of_its_own(client):
    answer = client.get("/v1/articles/velar/jsonld")
    assert answer.content_type == "application/ld+json"
    assert answer.json["@type"] == "NewsArticle"
    assert client.get("/v1/articles/velar").json["data"]["links"]["jsonld"].endswith("/v1/articles/velar/jsonld")
    assert client.get("/v1/articles/velar?include=jsonld").json["data"]["jsonld"] == answer.json


def test_structured_data_can_stand_in_a_script(client, make):
    make.article("scritto", headline="Fine </script><!-- dello script")
    answer = client.get("/v1/articles/scritto/jsonld")
    assert b"<" not in answer.data
    assert answer.json["headline"] == "Fine </script><!-- dello script"


@pytest.mark.usefixtures("velar")
def test_structured_data_of_what_is_gone_is_gone(client, make):
    article = make.article("ritirato")
    make.hide(article)
    assert client.get("/v1/articles/ritirato/jsonld").status_code == 410
    assert client.get("/v1/articles/mai-stato/jsonld").status_code == 404


@pytest.mark.usefixtures("velar")
def test_without_a_service_a_picture_has_its_original_alone(client):
    image = client.get("/v1/articles/velar").json["data"]["image"]
    assert image["srcset"] is None
    assert [size["name"] for size in image["renditions"]] == ["original"]


@pytest.mark.usefixtures("velar")
def test_with_a_service_a_picture_has_its_sizes_and_none_is_enlarged(build, settings):
    served = replace(settings, image_url="https://cdn.example.com/{width}x{height}/{url}?focus={x},{y}")
    image = build(served).test_client().get("/v1/articles").json["data"][0]["image"]
    wide = [(size["width"], size["height"]) for size in image["renditions"] if size["name"] == "16x9"]
    assert wide == [(320, 180), (640, 360), (1280, 720)]
    assert all(size["url"].endswith("?focus=0.25,0.5") for size in image["renditions"][1:])
    assert "640w" in image["srcset"]


@pytest.mark.usefixtures("velar")
def test_pages_of_the_site_stand_in_the_structured_data(build, settings):
    served = replace(
        settings,
        article_url="https://site.example.com/{section}/{slug}",
        author_url="https://site.example.com/autori/{slug}",
        publisher="Motori",
    )
    found = build(served).test_client().get("/v1/articles/velar/jsonld").json
    assert found["url"] == "https://site.example.com/prove/velar"
    assert found["author"][0]["url"] == "https://site.example.com/autori/anna"
    assert found["publisher"]["name"] == "Motori"
