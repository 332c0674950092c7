"""Feeds over HTTP: valid in every form, moved by what matters alone, and holding only what is public now."""

import html
import json

import feedparser
import pytest

from newsapi.web.feed_formats import FEED_FORMATS
from tests.feeds import format_rules as rules
from tests.feeds.format_rules import ATOM, CHECKS
from tests.support.import_records import article, brand, term
from tests.support.sample_content import RICH

pytestmark = pytest.mark.one_database

FORMS = [feed_format.name for feed_format in FEED_FORMATS]
TYPES = {
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "json": "application/feed+json",
    "ninjs": "application/json",
}
TERMS = (
    brand("land-rover"),
    brand("fiat"),
    term("section", "anteprime"),
    term("author", "anna"),
    term("author", "bruno"),
)
HOURS = [f"2026-10-{day:02}T08:00:00Z" for day in range(1, 29)]


def dated(slug, day, **more):
    times = {"published_at": HOURS[day], "updated_at": HOURS[day], "materially_updated_at": HOURS[day]}
    return article(slug, **{**times, "brand": "land-rover", "section": "anteprime", **more})


def names(form, answer):
    """The articles of a feed, in order, by what ends their address."""
    assert answer.status_code == 200, answer.text
    found = CHECKS[form](answer.data)
    if form == "json":
        urls = [item["url"] for item in found["items"]]
    elif form == "ninjs":
        shown = [one for one in found["associations"] if one["pubStatus"] == "usable"]
        urls = [next(alt["value"] for alt in one["altIds"] if alt["role"] == "url") for one in shown]
    else:
        path = "item/link" if form == "rss" else f"{ATOM}entry/{ATOM}link[@rel='alternate']"
        urls = [link.text or link.get("href") for link in found.findall(path)]
    return [url.rpartition("/")[2] for url in urls]


def tombstones(form, answer):
    found = CHECKS[form](answer.data)
    if form == "atom":
        return [gone.get("ref") for gone in found.findall(f"{rules.AT}deleted-entry")]
    if form == "json":
        return [gone["id"] for gone in found["_newsapi"]["withdrawn"]]
    return [one["uri"] for one in found["associations"] if one["pubStatus"] == "canceled"]


@pytest.mark.parametrize("form", FORMS)
def test_an_article_with_everything_and_one_with_nothing_are_valid(site, load, form):
    rich = {**RICH, "authors": ["anna", "bruno"], "tags": ["suv"], "mentions": ["fiat"]}
    load(*TERMS, dated("ricca", 2, **rich), article("povera", body_html="", published_at=HOURS[1]))
    answer = site.get(f"/v1/feeds/articles.{form}")
    assert names(form, answer) == ["ricca", "povera"]
    assert answer.headers["Content-Type"] == TYPES[form]
    assert {"ETag", "Last-Modified", "Content-Seq", "Surrogate-Key"} <= set(answer.headers.keys())
    assert '<https://hub.example.com/>; rel="hub"' in answer.headers["Link"]
    assert "data-article-id" not in answer.text
    assert site.get(f"/v1/feeds/articles.{form}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert site.get(f"/v1/feeds/articles.{form}").headers["Cache-Status"] == "newsapi; hit"


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_feed_is_valid(site, load, form):
    load(*TERMS)
    assert names(form, site.get(f"/v1/feeds/articles.{form}?brand=fiat")) == []
    assert names(form, site.get(f"/v1/feeds/articles.{form}?brand=nessuna")) == []


def test_an_empty_atom_feed_bears_the_time_of_its_last_change(site, load, clock):
    clock.time = clock.time.replace(year=2030)  # later than the creation of the tables, which is a change of its own
    load(*TERMS, dated("a", 1, brand="land-rover"))
    clock.forward(days=1)
    load(dated("a", 1, brand="fiat"))
    changed = f"{clock():%Y-%m-%dT%H:%M:%SZ}"
    clock.forward(days=1)
    load(dated("b", 2, brand="fiat"))
    feed = CHECKS["atom"](site.get("/v1/feeds/articles.atom?brand=land-rover").data)
    assert rules.one(feed, f"{ATOM}updated").text == changed


def test_the_description_of_an_rss_item_is_the_best_text_there_is(site, load):
    load(
        *TERMS,
        dated("occhiello", 4, standfirst="Sotto & sopra", body_html="<p>Testo.</p>"),
        dated("testo", 3, body_html=f"<p>Testo &amp; {'parola ' * 90}</p>"),
        dated("riservata", 2, body_html="<p>Testo.</p>", rights={"syndicatable": False}),
        dated("vuota", 1, headline="Titolo & altro", body_html=""),
    )
    items = CHECKS["rss"](site.get("/v1/feeds/articles.rss").data).findall("item")
    first, second, third, fourth = (item.findtext("description") for item in items)
    assert first == "Sotto &amp; sopra"
    assert second.startswith("<p>Testo &amp; parola ")
    assert second.endswith("parola…</p>")
    assert len(second) < 330
    assert third == "Titolo di riservata"
    assert fourth == "Titolo &amp; altro"


@pytest.mark.parametrize("form", FORMS)
def test_pages_lead_to_every_article_once_and_back(site, load, form):
    load(*TERMS, *(dated(f"a{number}", number) for number in range(7)))
    address, seen, pages = f"/v1/feeds/articles.{form}?brand=land-rover&limit=3", [], []
    while address:
        answer = site.get(address)
        pages.append(answer)
        seen += names(form, answer)
        links = {one.split('rel="')[1].rstrip('"'): one[1:].split(">")[0] for one in answer.headers["Link"].split(", ")}
        address = links.get("next")
    assert seen == [f"a{number}" for number in reversed(range(7))]
    assert names(form, site.get(links["prev"])) == seen[3:6]
    assert len({json.dumps(page.headers["ETag"]) for page in pages}) == 3


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("query", ["sort=published_at", "fields=slug", "total=true", "status=draft", "include=brand"])
def test_a_feed_ignores_parameters_of_other_lists(site, load, form, query):
    load(*TERMS, *(dated(f"a{number}", number) for number in range(3)))
    plain = site.get(f"/v1/feeds/articles.{form}")
    answer = site.get(f"/v1/feeds/articles.{form}?{query}")
    assert (answer.status_code, answer.data, answer.headers["Link"]) == (200, plain.data, plain.headers["Link"])


def test_a_cursor_of_a_list_is_not_one_of_a_feed(site, load):
    load(*TERMS, *(dated(f"a{number}", number) for number in range(3)))
    cursor = site.get("/v1/articles?limit=1").json["page"]["next"]
    assert site.get(f"/v1/feeds/articles.json?cursor={cursor}").status_code == 400


FILTERS = [
    "brand=fiat",
    "group=fiat",
    "mentions=fiat",
    "about=fiat",
    "author=anna",
    "section=anteprime",
    "tag=suv",
    "format=gallery",
    "language=en",
    "slug=a1,a3",
    "published_from=2026-10-03&published_until=2026-10-06",
    "updated_from=2026-10-04",
    "brand=land-rover,fiat&tag=suv",
    "tag_all=suv",
    "section_not=anteprime",
    "exclude=a1,a2",
    "exclude=a1,a2&section_not=anteprime&tag_all=suv",
]


@pytest.mark.parametrize("query", FILTERS)
def test_every_filter_of_articles_is_one_of_feeds(site, load, query):
    load(
        *TERMS,
        *(
            dated(
                f"a{number}",
                number,
                brand="fiat" if number % 2 else "land-rover",
                mentions=["fiat"] if number % 4 == 0 else [],
                section="anteprime" if number % 3 else None,
                authors=["anna"] if number % 3 == 1 else [],
                tags=["suv"] if number > 3 else [],
                format="gallery" if number == 5 else "article",
                language="en" if number == 6 else "it",
            )
            for number in range(8)
        ),
    )
    listed = [item["slug"] for item in site.get(f"/v1/articles?{query}").json["data"]]
    assert listed
    assert len(listed) < 8
    for form in FORMS:
        assert names(form, site.get(f"/v1/feeds/articles.{form}?{query}")) == listed


@pytest.mark.parametrize("form", FORMS)
def test_a_typo_put_right_moves_nothing_and_a_correction_does(site, load, form, clock):
    load(*TERMS, *(dated(f"a{number}", number) for number in range(3)))
    before = site.get(f"/v1/feeds/articles.{form}")
    clock.forward(days=1)
    load(dated("a0", 0, headline="Senza errori", updated_at="2026-10-30T00:00:00Z"))
    typo = site.get(f"/v1/feeds/articles.{form}")
    assert "Senza errori" in typo.text
    assert typo.text.replace("Senza errori", "Titolo di a0").replace('"2"', '"1"') == before.text
    correction = {"at": "2026-10-30T00:00:00Z", "text": "Era un'altra."}
    load(dated("a0", 0, materially_updated_at="2026-10-30T00:00:00Z", corrections=[correction]))
    after = site.get(f"/v1/feeds/articles.{form}")
    assert names(form, before) == ["a2", "a1", "a0"]
    assert names(form, after) == ["a0", "a2", "a1"]


@pytest.mark.parametrize("form", FORMS)
def test_a_new_address_leaves_the_id(site, load, form):
    load(*TERMS, dated("vecchia", 1, id="0192d3a0-0000-7000-8000-000000000001"))
    site.get(f"/v1/feeds/articles.{form}")
    load(dated("nuova", 1, id="0192d3a0-0000-7000-8000-000000000001", previous_slugs=["vecchia"]))
    answer = site.get(f"/v1/feeds/articles.{form}")
    assert names(form, answer) == ["nuova"]
    assert "urn:uuid:0192d3a0-0000-7000-8000-000000000001" in answer.text


@pytest.mark.parametrize("form", FORMS)
def test_what_is_hidden_is_not_there_and_what_was_withdrawn_is_told(site, load, form):
    load(
        *TERMS,
        dated("resta", 1),
        dated("via", 2),
        dated("altrove", 3, brand="fiat"),
        dated("bozza", 4, status="draft"),
        dated("domani", 5, status="scheduled", published_at="2031-01-01T00:00:00Z"),
    )
    path = f"/v1/feeds/articles.{form}?brand=land-rover"
    gone = site.get("/v1/articles/via").json["data"]["id"]
    assert names(form, site.get(path)) == ["via", "resta"]
    load(dated("via", 2, status="withdrawn"), dated("altrove", 3, brand="fiat", status="withdrawn"))
    answer = site.get(path)
    assert names(form, answer) == ["resta"]
    if form != "rss":
        assert tombstones(form, answer) == [f"urn:uuid:{gone}"]
        assert len(tombstones(form, site.get(f"/v1/feeds/articles.{form}"))) == 2
        assert tombstones(form, site.get(f"{path}&published_from=2020-01-01")) == []
    load(dated("via", 2, brand="fiat"))
    if form != "rss":
        assert tombstones(form, site.get(path)) == [f"urn:uuid:{gone}"], "it came back elsewhere"
        assert tombstones(form, site.get(f"/v1/feeds/articles.{form}?brand=fiat")) != [f"urn:uuid:{gone}"]
    load(dated("via", 2))
    assert names(form, site.get(path)) == ["via", "resta"]
    if form != "rss":
        assert tombstones(form, site.get(path)) == []


@pytest.mark.parametrize("form", [form for form in FORMS if form != "rss"])
def test_what_is_withdrawn_is_told_wherever_it_ever_was(site, load, form):
    load(*TERMS, dated("via", 1), dated("resta", 2), dated("suv", 3, tags=["suv"]))
    path = f"/v1/feeds/articles.{form}"
    gone = f"urn:uuid:{site.get('/v1/articles/via').json['data']['id']}"
    load(dated("via", 1, brand="fiat"))
    assert tombstones(form, site.get(f"{path}?brand=land-rover")) == [], "it is only elsewhere"
    load(dated("via", 1, brand="fiat", status="withdrawn"))
    for query in ("", "?brand=land-rover", "?brand=fiat", "?brand=fiat,land-rover&format=article"):
        assert tombstones(form, site.get(path + query)) == [gone], query
    for query in ("?tag=suv", "?brand=land-rover&tag=suv", "?brand=nothing"):
        assert tombstones(form, site.get(path + query)) == [], query


@pytest.mark.parametrize("form", FORMS)
def test_what_may_not_be_syndicated_comes_without_its_body(site, load, form):
    rights = {"syndicatable": False, "holder": "Altri", "ai": "denied"}
    picture = {"url": "https://img.example.it/1.jpg", "width": 10, "height": 10}
    load(*TERMS, dated("nostra", 1, body_html="<p>Segreto.</p>", standfirst="In breve.", rights=rights, image=picture))
    answer = site.get(f"/v1/feeds/articles.{form}")
    found = CHECKS[form](answer.data)
    assert "Segreto" not in answer.text
    assert "img.example.it" not in answer.text
    assert "AI: denied" in answer.text or form == "json"
    if form == "ninjs":
        assert found["associations"][0]["pubStatus"] == "withheld"
        assert "Titolo" not in answer.text
    else:
        assert "Titolo di nostra" in answer.text
        assert "In breve." in answer.text


def test_the_feed_of_one_brand_bears_its_name_and_its_page(site, load):
    load(*TERMS, dated("a", 1))
    feed = feedparser.parse(site.get("/v1/feeds/articles.rss?brand=land-rover").data).feed
    assert (feed.title, feed.link) == ("Land Rover | Motori & Co", "https://www.example.it/marche/land-rover")
    load(brand("land-rover", name="Land-Rover"))
    assert "Land-Rover | Motori" in site.get("/v1/feeds/articles.rss?brand=land-rover").text
    links = site.get("/v1/brands/land-rover").json["data"]["links"]["feeds"]
    assert {form: site.get(links[form]).status_code for form in FORMS} == dict.fromkeys(FORMS, 200)


def test_the_number_of_statements_does_not_grow_with_the_page(site, load, statements):
    load(*TERMS, *(dated(f"a{number}", number, authors=["anna"], tags=["suv"]) for number in range(20)))
    site.get("/v1/feeds/articles.json?limit=2")
    counts = []
    for limit in (1, 20):
        statements.clear()
        assert len(site.get(f"/v1/feeds/articles.json?limit={limit}").json["items"]) == limit
        counts.append(len([text for text in statements if text.startswith("SELECT")]))
    assert counts[0] == counts[1] <= 5


HOSTILE = [
    "Sale ]]> e <![CDATA[ dentro",
    "Tom &amp; Jerry & Co &lt;b&gt; &#38;",
    "</script><script>alert(1)</script>",
    "Faccia 😀 e 𝔘𝔫𝔦𝔠𝔬𝔡𝔢, é e e\u0301",
    "Da \u202edestra\u202c a sinistra \u2066\u05d0\u2069",
    '"virgolette" \'apici\' <tag attr="x">',
    "Spazio\u00a0fermo",
]
IN_BODIES = [
    "Con\x08trollo e\x0b \x1f e \ufffe e \x85 e \u2028",
    "&#0; &#1; &#x1F; &#xFFFE; &#xD800;",
    "\r\n a capo \r",
]


@pytest.mark.parametrize("body", [*(f"<p>{html.escape(text)}</p>" for text in HOSTILE), *IN_BODIES])
def test_texts_come_out_as_they_went_in_for_every_parser(site, load, body):
    text = "Titolo" if body in IN_BODIES else html.unescape(body.removeprefix("<p>").removesuffix("</p>"))
    load(*TERMS, dated("a", 1, headline=text, standfirst=text, body_html=body, rights={"terms": text}))
    stored = site.get("/v1/articles/a").json["data"]
    for form in ("rss", "atom"):
        answer = site.get(f"/v1/feeds/articles.{form}")
        CHECKS[form](answer.data)
        for parse in (by_expat, by_lxml):
            title, teaser, content = parse(form, answer.data)
            assert title == stored["headline"]
            assert (html.unescape(teaser) if form == "rss" else teaser) == stored["standfirst"]
            assert content == stored["body_html"]
        entry = feedparser.parse(answer.data, sanitize_html=False, resolve_relative_uris=False).entries[0]
        assert entry.content[0].value == stored["body_html"].strip()  # it strips what it reads
        if form == "atom":
            assert entry.title == stored["headline"]
    item = rules.jsonfeed(site.get("/v1/feeds/articles.json").data)["items"][0]
    assert (item["title"], item["summary"], item["content_html"]) == (
        stored["headline"],
        stored["standfirst"],
        stored["body_html"],
    )
    story = rules.ninjs(site.get("/v1/feeds/articles.ninjs").data)["associations"][0]
    assert story["headlines"][0]["value"] == stored["headline"]
    assert story["bodies"][0]["value"] == stored["body_html"]


PLACES = {
    "rss": ("channel/item/", "title", "description", rules.CONTENT),
    "atom": (f"{ATOM}entry/", f"{ATOM}title", f"{ATOM}summary", f"{ATOM}content"),
}


def by_expat(form, body):
    from xml.etree import ElementTree as ET  # noqa: PLC0415 (beside the other parser)

    path, *names_ = PLACES[form]
    return [ET.fromstring(body).findtext(path + name) for name in names_]


def by_lxml(form, body):
    path, *names_ = PLACES[form]
    return [rules.xml(body).findtext(path + name) for name in names_]
