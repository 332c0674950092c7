"""What a cached response says to a CDN: how long it may be kept."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from newsapi.cache.cached_response import HIT, MISS, STALE, CachedResponse, RequestConditions, ResponseMetadata, render
from newsapi.errors import Unavailable

DAY = 86_400
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def lifetime(response, cache_status, *, purged=DAY, now=NOON, **conditions):
    """Return the status, and the headers of which a CDN sees the last."""
    metadata = ResponseMetadata(cache_status, "id", purged, 7, now)
    status, headers, _ = render(response, RequestConditions(**conditions), "", metadata)
    assert [name for name, _ in headers].count("CDN-Cache-Control") == 1
    return status, dict(headers)["CDN-Cache-Control"]


@pytest.fixture
def response():
    return CachedResponse(body=b"{}", seq=1)


@pytest.mark.parametrize("cache_status", [HIT, MISS])
@pytest.mark.parametrize("purged", [DAY, 2])
def test_a_valid_response_is_kept_until_it_is_purged(response, cache_status, purged):
    assert lifetime(response, cache_status, purged=purged) == (200, f"max-age={purged}")


@pytest.mark.parametrize("purged", [DAY, 2])
def test_a_stale_response_is_never_kept_for_long_nor_its_304(response, purged):
    lifetime(response, HIT, purged=purged)  # its headers are remembered
    assert lifetime(response, STALE, purged=purged) == (200, "max-age=2")
    assert lifetime(response, STALE, purged=purged, none_match=response.etag("")) == (304, "max-age=2")
    assert lifetime(response, HIT, purged=purged, none_match=response.etag("")) == (304, f"max-age={purged}")


@pytest.mark.parametrize(("left", "kept"), [(3_600, 3_600), (1.9, 1), (0, 0), (-5, 0), (100_000, DAY)])
@pytest.mark.parametrize("cache_status", [HIT, MISS])
def test_what_is_true_until_a_time_is_kept_until_then(cache_status, left, kept):
    response = CachedResponse(body=b"{}", seq=1, expires_at=NOON.timestamp() + left)
    assert lifetime(response, cache_status) == (200, f"max-age={kept}")


@pytest.mark.one_database
def test_the_news_sitemap_is_kept_until_the_hour_by_a_cdn_that_is_purged(build, settings, clock):
    client = build(replace(settings, purge_url="varnish+http://127.0.0.1:9")).test_client()
    clock.forward(minutes=17)
    assert client.get("/sitemap-news.xml").headers["CDN-Cache-Control"] == f"max-age={43 * 60}"
    # The index names the news sitemap while that has news.
    assert client.get("/sitemap.xml").headers["CDN-Cache-Control"] == f"max-age={43 * 60}"
    assert client.get("/v1/articles").headers["CDN-Cache-Control"] == "max-age=86400"


@pytest.mark.one_database
def test_without_the_database_no_cdn_keeps_what_it_is_told(build, settings, make):
    make.article("velar")
    app = build(replace(settings, purge_url="varnish+http://127.0.0.1:9"))
    client, follower = app.test_client(), app.extensions["newsapi"].response_cache.follower
    assert client.get("/v1/articles/velar").headers["CDN-Cache-Control"] == "max-age=86400"

    def fail(*_):
        raise Unavailable

    follower._read, before = fail, follower._read
    follower.clock, clock = (lambda: clock() + 60), follower.clock
    answer = client.get("/v1/articles/velar")
    assert answer.headers["Cache-Status"] == STALE
    assert answer.headers["CDN-Cache-Control"] == "max-age=2"
    follower._read, follower.clock = before, clock
