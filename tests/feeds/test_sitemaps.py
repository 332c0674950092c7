"""The site map: every public article once, on the page on which it always was, with the time of its last change."""

import datetime as dt

import pytest
from lxml import etree

from newsapi.content.queries import sitemap_pages
from newsapi.feeds import sitemap, sitemap_queries
from newsapi.feeds.xml import NAMESPACES
from tests.feeds import format_rules as rules
from tests.feeds.test_feeds import HOURS, TERMS, dated
from tests.support.import_records import article, term


def locs(answer):
    assert answer.status_code == 200, answer.text
    return [loc for loc, _ in rules.sitemap(answer.data)]


def slugs(answer):
    return [loc.rpartition("/")[2] for loc in locs(answer)]


@pytest.fixture
def small(monkeypatch):
    """Pages of three, so that a few articles fill several."""
    monkeypatch.setattr(sitemap_pages, "ARTICLES_PER_PAGE", 3)
    monkeypatch.setattr(sitemap_queries, "BATCH_SIZE", 2)


def test_the_index_leads_to_pages_that_hold_every_public_article_once(site, load, small):
    load(
        *TERMS,
        *(dated(f"a{number}", number) for number in range(7)),
        dated("bozza", 8, status="draft"),
        dated("domani", 9, status="scheduled", published_at="2031-01-01T00:00:00Z"),
    )
    index = rules.sitemap(site.get("/sitemap.xml").data)
    assert [loc for loc, _ in index] == [f"https://api.example.com/sitemap-{page}.xml" for page in (1, 2, 3)]
    pages = [slugs(site.get(f"/sitemap-{page}.xml")) for page in (1, 2, 3)]
    assert pages == [["a0", "a1", "a2"], ["a3", "a4", "a5"], ["a6"]]
    assert locs(site.get("/sitemap-3.xml")) == ["https://www.example.it/anteprime/a6"]
    for missing in ("/sitemap-4.xml", "/sitemap-0.xml", "/sitemap-01.xml", "/sitemap-x.xml", "/sitemap-.xml"):
        assert site.get(missing).status_code == 404, missing


def test_an_article_stays_on_its_page_whatever_happens_around_it(site, load, small):
    load(*TERMS, *(dated(f"a{number}", number) for number in range(6)))
    load(dated("a1", 1, status="withdrawn"), dated("vecchia", 0))
    assert slugs(site.get("/sitemap-1.xml")) == ["a0", "a2"]
    assert slugs(site.get("/sitemap-2.xml")) == ["a3", "a4", "a5"]
    assert slugs(site.get("/sitemap-3.xml")) == ["vecchia"]
    load(dated("a1", 1))
    assert slugs(site.get("/sitemap-1.xml")) == ["a0", "a1", "a2"]


def test_a_page_that_lost_all_leaves_the_index_and_comes_back(site, load, small):
    load(*TERMS, *(dated(f"a{number}", number) for number in range(4)))
    load(dated("a3", 3, status="withdrawn"))
    assert site.get("/sitemap-2.xml").status_code == 404
    assert len(locs(site.get("/sitemap.xml"))) == 1
    load(dated("a3", 3))
    assert slugs(site.get("/sitemap-2.xml")) == ["a3"]
    assert len(locs(site.get("/sitemap.xml"))) == 2


def test_the_last_change_is_that_which_matters(site, load, clock):
    load(*TERMS, dated("a", 1), dated("b", 2))
    load(dated("a", 1, headline="Altro", updated_at="2026-10-30T00:00:00Z"))
    assert [time for _, time in rules.sitemap(site.get("/sitemap-1.xml").data)] == [HOURS[1], HOURS[2]]
    load(dated("a", 1, materially_updated_at="2026-10-30T00:00:00Z"))
    assert [time for _, time in rules.sitemap(site.get("/sitemap-1.xml").data)] == ["2026-10-30T00:00:00Z", HOURS[2]]
    changed = rules.sitemap(site.get("/sitemap.xml").data)[-1][1]
    clock.forward(days=300)
    load(term("tag", "altro"))
    assert rules.sitemap(site.get("/sitemap.xml").data)[-1][1] == changed
    load(dated("b", 2, headline="Altro"))
    assert rules.sitemap(site.get("/sitemap.xml").data)[-1][1] == f"{clock():%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("robots", ["noindex", "NoIndex, follow", "none"])
def test_what_search_engines_may_not_list_is_left_out(site, load, robots):
    now = "2026-11-01T10:00:00Z"
    load(*TERMS, dated("si", 1, published_at=now), dated("no", 2, published_at=now, seo={"robots": robots}))
    for path in ("/sitemap-1.xml", "/sitemap-news.xml"):
        assert [loc.rpartition("/")[2] for loc, _ in rules.sitemap(site.get(path).data)] == ["si"], path
    load(dated("no", 2, published_at=now, seo={"robots": "index"}))
    assert set(slugs(site.get("/sitemap-1.xml"))) == {"si", "no"}


def test_it_is_kept_and_dropped_when_an_address_changes(site, load):
    load(*TERMS, dated("a", 1))
    first = site.get("/sitemap-1.xml")
    assert site.get("/sitemap-1.xml").headers["Cache-Status"] == "newsapi; hit"
    assert site.get("/sitemap-1.xml", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert {"Last-Modified", "Content-Seq", "Surrogate-Key"} <= set(first.headers.keys())
    load(term("tag", "altro"))
    assert site.get("/sitemap-1.xml").headers["Cache-Status"] == "newsapi; hit"
    load(dated("a", 1, section=None))
    assert locs(site.get("/sitemap-1.xml")) == ["https://www.example.it/-/a"]


def test_the_news_are_those_of_two_days_newest_first(site, load, clock):
    picture = {"url": "https://img.example.it/1.jpg"}
    load(
        *TERMS,
        article("nuova", published_at="2026-11-01T11:59:00Z", headline="Tom & Jerry", language="pt-BR", image=picture),
        article("ieri", published_at="2026-10-31T11:00:00Z", language="zh-Hant"),
        article("vecchia", published_at="2026-10-30T12:59:00Z"),
    )
    answer = site.get("/sitemap-news.xml")
    assert slugs(answer) == ["nuova", "ieri"]
    for text in (">Tom &amp; Jerry<", ">pt<", ">zh-tw<", ">2026-11-01T11:59:00Z<", ">Motori &amp; Co<", "/1.jpg<"):
        assert text in answer.text, text
    clock.forward(hours=30)
    assert slugs(site.get("/sitemap-news.xml")) == ["nuova"], "by the clock, without any change"


NEWS = "https://api.example.com/sitemap-news.xml"
HOME = "https://www.example.it/"


def test_the_index_names_the_news_while_there_are_any(site, load, clock):
    load(*TERMS, dated("vecchia", 1), article("nuova", published_at="2026-11-01T11:00:00Z"))
    assert locs(site.get("/sitemap.xml"))[0] == NEWS
    load(article("nuova", published_at="2026-11-01T11:00:00Z", status="withdrawn"))
    assert NEWS not in locs(site.get("/sitemap.xml"))
    load(article("nascosta", published_at="2026-11-01T11:00:00Z", seo={"robots": "noindex"}))
    assert NEWS not in locs(site.get("/sitemap.xml"))
    load(article("altra", published_at="2026-11-01T11:00:00Z"))
    assert NEWS in locs(site.get("/sitemap.xml"))
    clock.forward(hours=48)
    assert NEWS not in locs(site.get("/sitemap.xml")), "by the clock, without any change"


def test_a_site_map_without_articles_has_the_home_page_and_is_valid(site, load):
    load(*TERMS, dated("vecchia", 1))
    assert locs(site.get("/sitemap-news.xml")) == [HOME]
    assert "news:news" not in site.get("/sitemap-news.xml").text
    load(dated("vecchia", 1, status="withdrawn"))
    assert locs(site.get("/sitemap.xml")) == ["https://api.example.com/sitemap-1.xml"]
    assert locs(site.get("/sitemap-1.xml")) == [HOME]
    assert site.get("/sitemap-2.xml").status_code == 404
    load(dated("nuova", 2))
    assert slugs(site.get("/sitemap-1.xml")) == ["nuova"]


INVALID = {
    "no entry": "<urlset {core}/>",
    "an index without entry": "<sitemapindex {core}/>",
    "no address": "<urlset {core}><url/></urlset>",
    "a short address": "<urlset {core}><url><loc>http://a/b</loc></url></urlset>",
    "a time that is none": "<urlset {core}><url><loc>{home}</loc><lastmod>yesterday</lastmod></url></urlset>",
    "an order": "<urlset {core}><url><lastmod>2026-01-01</lastmod><loc>{home}</loc></url></urlset>",
    "news without title": "<urlset {core}><url><loc>{home}</loc><n:news {news}><n:publication><n:name>a</n:name>"
    "<n:language>it</n:language></n:publication><n:publication_date>2026-01-01</n:publication_date></n:news></url>"
    "</urlset>",
    "a language": "<urlset {core}><url><loc>{home}</loc><n:news {news}><n:publication><n:name>a</n:name>"
    "<n:language>it-IT</n:language></n:publication><n:publication_date>2026-01-01</n:publication_date>"
    "<n:title>a</n:title></n:news></url></urlset>",
}


@pytest.mark.parametrize("document", INVALID.values(), ids=INVALID)
def test_the_schema_refuses_what_that_of_the_protocol_refuses(document):
    core, news = (f'xmlns{name}="{space}"' for name, space in (("", sitemap.XMLNS), (":n", NAMESPACES["news"])))
    with pytest.raises(etree.DocumentInvalid):
        rules.sitemap(document.format(core=core, news=news, home=HOME).encode())


def test_the_news_are_kept_within_the_hour_and_no_longer(build, settings, load):
    app = build(settings)
    parts = app.extensions["newsapi"]
    now = dt.datetime.now(dt.UTC)
    object.__setattr__(parts, "now", lambda: now)
    client = app.test_client()
    load(*TERMS, article("nuova", published_at=f"{now - dt.timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"))
    client.get("/sitemap-news.xml")
    [answer] = parts.response_cache.memory._segments[0].kept.values()
    hour = now.replace(minute=0, second=0, microsecond=0).timestamp()
    assert answer.expires_at == hour + 3600
    assert client.get("/sitemap-news.xml").headers["Cache-Status"] == "newsapi; hit"
    answer.expires_at = hour
    load(term("tag", "altro"))  # the log moves on, and nothing of it touches the news
    assert client.get("/sitemap-news.xml").headers["Cache-Status"] == "newsapi; fwd=miss"


def test_a_page_costs_as_many_statements_as_it_has_blocks(site, load, statements, monkeypatch):
    monkeypatch.setattr(sitemap_queries, "BATCH_SIZE", 10)
    load(*TERMS, *(dated(f"a{number}", number % 28) for number in range(25)))
    site.get("/sitemap.xml")
    statements.clear()
    assert len(locs(site.get("/sitemap-1.xml"))) == 25
    assert len([text for text in statements if "listing" in text]) == 3
