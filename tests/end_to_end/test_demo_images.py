"""The demo measures its own images, and a list of twenty cards with real crops is at most 8,000 bytes."""

import time

import pytest

from tests.support.processes import PATIENCE

pytestmark = pytest.mark.real_time


@pytest.mark.one_database
def test_the_demo_measures_its_images_and_cards_stay_small(serve):
    with serve("demo", NEWSAPI_MEASURE_IMAGES="any") as demo:
        end = time.monotonic() + PATIENCE
        while True:
            listed = demo.json("/v1/articles?limit=100&fields=image")["data"]
            if all(item["image"]["thumbhash"] for item in listed):
                break
            assert time.monotonic() < end
            time.sleep(0.5)
        assert len(listed) > 40
        for item in listed:
            image = item["image"]
            assert (image["width"], image["height"], image["type"]) == (1600, 900, "image/jpeg")
            assert demo.get(image["url"])[2].startswith(b"\xff\xd8")
            assert image["bytes"] == len(demo.get(image["url"])[2])
        _, media_type, body = demo.get(f"{demo.base}/v1/articles?profile=card")
        cards = demo.json("/v1/articles?profile=card")["data"]
        assert media_type == "application/json"
        assert len(cards) == 20
        assert len(body) <= 8_000
        assert len(body) * 9 < len(demo.get(f"{demo.base}/v1/articles")[2])
        for card in cards:
            assert demo.get(card["image"]["url"])[:2] == (200, "image/jpeg")
            assert card["image"]["color"].startswith("#")
