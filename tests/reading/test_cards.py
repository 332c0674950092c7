"""Cards: `profile=card` shows what a card of a list needs, and no list of 20 is larger than 8,000 bytes."""

from dataclasses import replace

import pytest

FIELDS = ["slug", "headline", "section", "image", "published_on"]


def test_a_card_has_the_values_of_the_article(magazine):
    cards = magazine.get("/v1/articles?profile=card&limit=100").json
    articles = magazine.get("/v1/articles?limit=100").json
    assert len(cards["data"]) == len(articles["data"]) > 5
    for card, article in zip(cards["data"], articles["data"], strict=True):
        assert list(card) == FIELDS
        assert [card[name] for name in FIELDS if name != "image"] == [article[n] for n in FIELDS if n != "image"]
        if article["image"] is None:
            assert card["image"] is None
        else:
            assert card["image"] == {name: article["image"][name] for name in ("url", "alt", "color")}
    assert cards["page"] == articles["page"]
    assert cards["links"]["self"].endswith("/v1/articles?limit=100&profile=card")


@pytest.mark.parametrize(("width", "expected"), [(1600, 640), (640, 640), (500, 320), (300, None), (None, None)])
def test_the_image_is_cropped_to_16x9_and_at_most_640_wide(settings, build, make, width, expected):
    image = {"url": "https://cdn.example/a.jpg", "alt": "Testo", "caption": None, "credit": None, "focal": None}
    make.article("velar", image={**image, "width": width, "height": width})
    app = build(replace(settings, image_url="https://img.example/{width}x{height}/{url}"))
    [card] = app.test_client().get("/v1/articles?profile=card").json["data"]
    address = f"https://img.example/{expected}x{(expected or 0) * 9 // 16}/https%3A%2F%2Fcdn.example%2Fa.jpg"
    assert card["image"]["url"] == (address if expected else "https://cdn.example/a.jpg")


def test_the_profile_may_change_from_page_to_page(magazine):
    first = magazine.get("/v1/articles?limit=2&profile=card").json
    assert "profile=card" in first["links"]["next"]
    cursor = first["page"]["next"]
    second = magazine.get(f"/v1/articles?cursor={cursor}&limit=2").json
    assert "id" in second["data"][0]
    cards = magazine.get(f"/v1/articles?cursor={cursor}&limit=2&profile=card").json
    assert [item["slug"] for item in cards["data"]] == [item["slug"] for item in second["data"]]
    assert list(cards["data"][0]) == FIELDS


def test_filters_searches_ids_and_previews_show_cards_too(editor):
    draft = editor.write(slug="bozza", headline="Bozza", brand=None)
    written = editor.write(slug="velar", headline="Velar al salone", status="published")
    link = editor.post(f"/v1/articles/{draft['id']}/preview-links", {}).json["data"]
    for query in ("q=velar", f"id={written['id']}", "slug=velar", "format=article", "total=true"):
        answer = editor.client.get(f"/v1/articles?profile=card&{query}")
        assert [list(item) for item in answer.json["data"]] == [FIELDS], query
    for answer in (
        editor.client.get(f"/v1/articles?profile=card&preview={link['token']}"),
        editor.get("/v1/articles?profile=card&status=draft,published"),
    ):
        cards = {item["slug"]: item for item in answer.json["data"]}
        assert list(cards["bozza"]) == FIELDS
        assert cards["bozza"]["published_on"] is None


def test_cards_and_summaries_are_cached_apart_and_follow_the_log(editor):
    written = editor.write(slug="velar", headline="Prima", status="published")
    public = editor.client
    for path in ("/v1/articles?profile=card", "/v1/articles"):
        assert public.get(path).headers["Cache-Status"] == "newsapi; fwd=miss"
        assert public.get(path).headers["Cache-Status"] == "newsapi; hit"
    editor.change(written, headline="Dopo")
    for path in ("/v1/articles?profile=card", "/v1/articles"):
        assert public.get(path).json["data"][0]["headline"] == "Dopo"


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("profile=full", ["profile"]),
        ("profile=", ["profile"]),
        ("profile=card,card", ["profile"]),
        ("profile=card&profile=card", ["profile"]),
        ("profile=card&fields=slug", ["fields"]),
        ("profile=card&include=brand", ["include"]),
        ("profile=card&include=brand&fields=slug", ["fields", "include"]),
    ],
)
def test_bad_profiles_are_named(client, query, parameters):
    answer = client.get(f"/v1/articles?{query}")
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json["errors"]] == parameters


@pytest.mark.one_database
@pytest.mark.parametrize("path", ["/v1/articles/a", "/v1/search?q=a", "/v1/brands"])
def test_other_reads_do_not_know_it(client, path):
    separator = "&" if "?" in path else "?"
    assert client.get(f"{path}{separator}profile=card").status_code == 400
