import pytest

from newsapi.server.ignored_params import is_ignored, strip_ignored

IGNORED = "utm_source=news&utm_medium=e-mail&utm_source=b&fbclid=IwAR&gclid=1&_=1700000000&utm_=&utm_x"
READS = [
    "/v1", "/v1/articles", "/v1/articles?limit=3", "/v1/articles/velar", "/v1/articles/velar/related",
    "/v1/articles/velar/jsonld", "/v1/articles/nessuno", "/v1/brands", "/v1/brands/land-rover", "/v1/tags/suv",
    "/v1/authors", "/v1/sections", "/v1/search?q=rover", "/v1/suggest?q=rov", "/v1/changes?limit=2", "/v1/digest",
    "/v1/feeds/articles.rss", "/v1/feeds/articles.atom", "/v1/feeds/articles.json", "/v1/feeds/articles.ninjs",
    "/sitemap.xml", "/sitemap-1.xml", "/sitemap-news.xml",
]  # fmt: skip


def comparable(response):
    own = {"X-Request-Id", "Cache-Status", "Age", "Date"}
    headers = {name: value for name, value in response.headers.items() if name not in own}
    return response.status_code, headers, response.data.replace(response.headers["X-Request-Id"].encode(), b"")


@pytest.mark.one_database
@pytest.mark.parametrize("url", READS)
def test_reads_ignore_the_parameters_of_campaigns(magazine, url):
    plain = comparable(magazine.get(url))
    assert plain[0] in {200, 404}
    mark = "&" if "?" in url else "?"
    assert comparable(magazine.get(f"{url}{mark}{IGNORED}")) == plain


@pytest.mark.parametrize("url", ["/v1/articles?limit=4", "/v1/articles/velar", "/v1/feeds/articles.rss"])
def test_a_url_with_ignored_parameters_shares_the_cached_response(magazine, url):
    magazine.get(url)
    mark = "&" if "?" in url else "?"
    assert magazine.get(f"{url}{mark}{IGNORED}").headers["Cache-Status"] == "newsapi; hit"


def test_ignored_parameters_are_in_no_link(magazine):
    response = magazine.get(f"/v1/articles?{IGNORED}&limit=2")
    assert response.json["links"]["self"].endswith("/v1/articles?limit=2")
    assert response.json["links"]["next"]
    assert "utm" not in response.text + response.headers["Link"]


def test_ignored_parameters_beside_a_cursor_are_accepted(magazine):
    cursor = magazine.get("/v1/articles?limit=1&brand=land-rover").json["page"]["next"]
    assert magazine.get(f"/v1/articles?cursor={cursor}&{IGNORED}").status_code == 200


@pytest.mark.parametrize("name", ["utm", "utmsource", "UTM_source", "fbclid2", "xgclid", "__", "brand_", "msclkid"])
def test_similar_names_are_rejected(magazine, name):
    response = magazine.get(f"/v1/articles?{name}=1")
    assert (response.status_code, response.json["errors"][0]["parameter"]) == (400, name)


FEEDS = ["/v1/feeds/articles.rss", "/v1/feeds/articles.json", "/sitemap.xml", "/sitemap-1.xml", "/sitemap-news.xml"]


@pytest.mark.parametrize("url", FEEDS)
def test_feeds_and_sitemaps_ignore_every_unknown_parameter(magazine, url):
    plain = comparable(magazine.get(url))
    assert plain[0] == 200
    assert comparable(magazine.get(f"{url}?format_=rss&ref=x&ref=y&brand[]=fiat&status=draft&q=x&%00=1")) == plain


def test_feeds_reject_wrong_values_of_what_they_know(magazine):
    for query in ("brand=A_B", "limit=0", "brand=fiat&brand=bmw"):
        assert magazine.get(f"/v1/feeds/articles.rss?{query}").status_code == 400, query
    assert magazine.get("/sitemap.xml?min_seq=x").status_code == 400


def test_writes_reject_the_parameters_of_campaigns(editor):
    assert editor.post("/v1/brands?utm_source=x", {"name": "Lancia"}).status_code == 400


@pytest.mark.parametrize(
    ("query_string", "stripped"),
    [
        ("", ""),
        ("limit=2", "limit=2"),
        ("utm_source=x", ""),
        ("utm_source=x&limit=2", "limit=2"),
        ("limit=2&_=3", "limit=2"),
        ("a=1&fbclid=x&gclid&b=2&utm_a=1&utm_b=2&c=3", "a=1&b=2&c=3"),
        ("q=_&sort_=utm_x&x=fbclid=1", "q=_&sort_=utm_x&x=fbclid=1"),
        ("q=a%26utm_x=1", "q=a%26utm_x=1"),
    ],
)
def test_the_raw_query_loses_ignored_parameters_only(query_string, stripped):
    assert strip_ignored(query_string) == stripped


def test_names_are_compared_as_they_are():
    assert [name for name in ("utm_x", "fbclid", "gclid", "_", "utm", "", "_utm_x") if is_ignored(name)] == [
        "utm_x", "fbclid", "gclid", "_",
    ]  # fmt: skip
