"""Links in bodies that lead to articles of ours carry the article's id, as long as readers may see that article."""

from dataclasses import replace

import pytest

from newsapi.text.blocks_html import blocks_to_html
from newsapi.text.internal_links import InternalLinks

pytestmark = pytest.mark.one_database

SITE = "https://site.example.com/{section}/{slug}"
REL = ' rel="noopener noreferrer"'


def link(address, more=""):
    return f'<p><a href="{address}"{more}{REL}>Qui</a></p>'


@pytest.fixture
def on_site(settings, build):
    return build(replace(settings, article_url=SITE)).test_client()


def body(client, slug="da"):
    return client.get(f"/v1/articles/{slug}").json["data"]["body_html"]


@pytest.mark.parametrize(
    "address",
    [
        "https://site.example.com/prove/velar",
        "http://site.example.com/vecchia-sezione/velar/",
        "https://site.example.com/prove/velar?utm=1&amp;b=2#foto",
        "https://site.example.com/prove/vecchio",
        "https://api.example.com/v1/articles/velar",
    ],
)
def test_a_link_to_an_own_article_carries_its_id(on_site, make, address):
    velar = make.article("velar", section="prove")
    make.old_slug("article", "vecchio", velar)
    make.article("da", body_html=link(address, ' title="&gt;"'))
    assert body(on_site) == link(address, f' title="&gt;" data-article-id="{velar}"')


@pytest.mark.parametrize(
    "address",
    [
        "https://other.example.com/prove/velar",
        "https://site.example.com.evil.example/prove/velar",
        "https://site.example.com/velar",
        "https://site.example.com/prove/velar/2",
        "https://site.example.com/prove/mai-stato",
        "https://site.example.com/prove/bozza",
        "https://site.example.com/prove/ritirato",
        "mailto:velar@example.com",
    ],
)
def test_no_other_link_does(on_site, make, address):
    make.article("velar", section="prove")
    bozza = make.article("bozza", status="draft")
    make.hide(make.article("ritirato"))
    make.article("da", body_html=link(address, f' data-article-id="{bozza}"'))
    assert body(on_site) == link(address)


def test_an_id_that_came_with_the_link_stays_where_it_is_that_of_an_article(client, make):
    velar = make.article("velar")
    make.article("da", body_html=link("app://velar", f' data-article-id="{velar}"'))
    assert body(client) == link("app://velar", f' data-article-id="{velar}"')
    make.hide(velar)
    assert body(client) == link("app://velar")


def test_an_address_may_hold_the_id(settings, build, make):
    client = build(replace(settings, article_url="https://site.example.com/{id}.html?s={slug}")).test_client()
    velar = make.article("velar")
    make.article("da", body_html=link(f"https://site.example.com/{velar}.html?s=altro"))
    assert str(velar) in body(client).partition("data-article-id")[2]


def test_lists_and_blocks_have_it_too_and_a_block_keeps_its_own_id(on_site, make):
    make.article("da", body_html=link("https://site.example.com/prove/velar"))
    before = on_site.get("/v1/articles/da?include=blocks").json["data"]
    velar = make.article("velar", section="prove")
    after = on_site.get("/v1/articles/da?include=blocks").json["data"]
    [mark] = after["blocks"][0]["marks"]
    assert mark["attributes"] == {"data-article-id": str(velar)}
    assert blocks_to_html(after["blocks"]) == after["body_html"]
    assert [block["id"] for block in after["blocks"]] == [block["id"] for block in before["blocks"]]
    listed = on_site.get("/v1/articles?slug=da&fields=body_html").json["data"]
    assert listed[0]["body_html"] == after["body_html"]


def test_what_is_kept_follows_what_becomes_of_the_article(on_site, make, clock):
    make.article("da", body_html=link("https://site.example.com/prove/velar"))
    seen = []
    for number in range(3):
        clock.forward(days=365)
        if number == 1:
            velar = make.article("velar", section="prove")
        elif number == 2:
            make.hide(velar)
        answer = on_site.get("/v1/articles/da")
        assert answer.headers["Cache-Status"] == "newsapi; fwd=miss"
        assert on_site.get("/v1/articles/da").headers["Cache-Status"] == "newsapi; hit"
        seen.append(("data-article-id" in answer.text, answer.headers["Last-Modified"]))
    assert [marked for marked, _ in seen] == [False, True, False]
    assert len({modified for _, modified in seen}) == 3


def test_it_costs_one_statement_and_none_without_links(on_site, make, statements):
    make.article("con", body_html=link("https://site.example.com/prove/da") * 50)
    make.article("da", body_html=link("https://other.example.com/"))
    on_site.get("/v1/articles")
    counts = []
    for slug in ("con", "da"):
        statements.clear()
        on_site.get(f"/v1/articles/{slug}")
        counts.append(len(statements))
    assert counts[0] == counts[1] + 1


def test_a_body_of_thousands_of_links_is_read_in_time_that_grows_with_it():
    links = InternalLinks([SITE])
    html = "".join(link(f"https://site.example.com/prove/a{number}") for number in range(20_000)) + "<a" * 50_000
    assert len(links.targets(html)) == 20_000
