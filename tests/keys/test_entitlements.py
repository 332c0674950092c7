"""How much of a body who gets: the same on every surface, and nothing of it beside."""

import re
from urllib.parse import urlencode

import pytest

from newsapi.keys.commands import Entitlement, KeyLimits
from newsapi.settings import Settings
from newsapi.web.feed_formats import FEED_FORMATS
from tests.support.client import Editor

SECRET = "segretissimo"
BODY = f"<p>{'Parole in testa. ' * 30}</p><p>{SECRET}</p>"
SURFACES = [
    "/v1/articles/velar",
    "/v1/articles/velar?include=blocks,jsonld,related",
    "/v1/articles/velar?fields=body_text",
    "/v1/articles/velar/jsonld",
    "/v1/articles/punto/related",
    "/v1/articles?fields=body_html,body_text",
    "/v1/articles?brand=land-rover&fields=body_html",
    "/v1/brands/land-rover?include=articles",
    "/v1/changes",
    "/v1/changes?fields=body_text&brand=land-rover",
    "/v1/digest",
    "/v1/search?q=segretis&facets=brand,tag",
    "/v1/search?q=segretisimo",
    "/v1/suggest?q=segretis",
    "/v1/articles?q=segretis",
    *(feed_format.path for feed_format in FEED_FORMATS),
    "/v1/feeds/articles.atom?brand=land-rover",
    "/sitemap.xml",
    "/sitemap-1.xml",
    "/sitemap-news.xml",
]
WITH_BODY = [
    path for path in SURFACES if re.search("velar($|.include|.fields)|fields|changes|feeds|search.q=segretis&", path)
]


@pytest.fixture
def settings(database_url, request):
    return Settings.from_env({
        "NEWSAPI_DATABASE_URL": database_url,
        "NEWSAPI_API_URL": "https://api.example.com",
        "NEWSAPI_SECRET_KEY": "a secret of thirty-two characters",
        "NEWSAPI_RATE_LIMITS": "off",
        "NEWSAPI_PUBLIC_BODY": getattr(request, "param", "teaser"),
    })  # fmt: skip


@pytest.fixture
def magazine(make):
    make.article("velar", brand="land-rover", section="prove", body_html=BODY)
    make.article("punto", brand="fiat", section="mercato", body_html=BODY.replace(SECRET, f"{SECRET}-fiat"))


@pytest.fixture
def partner(app, hire):
    def partner(**entitlement):
        return hire("partner:read", limits=KeyLimits(entitlement=Entitlement(**entitlement)))

    return partner


@pytest.mark.parametrize("settings", ["teaser", "none"], indirect=True)
def test_without_a_key_no_surface_says_what_is_held_back(magazine, public):
    for path in SURFACES:
        answer = public.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert SECRET not in answer.text, path
        assert answer.headers["Cache-Control"].startswith("public"), path
        if path not in {"/sitemap.xml", "/sitemap-news.xml"}:  # they go by the real clock, and this one stands still
            assert public.get(path).headers["Cache-Status"] == "newsapi; hit", path


@pytest.mark.parametrize("settings", ["full"], indirect=True)
def test_where_everything_is_public_a_key_takes_nothing_away(magazine, public, partner):
    reader = partner(brands=("fiat",), body="none")
    for path in WITH_BODY:
        assert SECRET in public.get(path).text, path
        assert SECRET in reader.get(path).text, path


@pytest.mark.parametrize("settings", ["teaser", "none"], indirect=True)
def test_a_partner_reads_what_his_key_is_for_and_the_desk_everything(magazine, partner, editor):
    reader = partner(brands=("land-rover",))
    for path in WITH_BODY:
        answer = reader.get(path)
        assert SECRET in answer.text, path
        assert f"{SECRET}-fiat" not in answer.text, path
        assert answer.headers["Cache-Control"] == "private, no-store", path
        assert SECRET in editor.get(path).text, path


@pytest.mark.parametrize("settings", ["none"], indirect=True)
def test_none_of_a_body_is_shown_as_found_and_the_rest_is(magazine, public, partner):
    assert [hit["slug"] for hit in public.get("/v1/search?q=parole").json["data"]] == ["punto", "velar"]
    for hit in public.get("/v1/search?q=parole").json["data"]:
        assert hit["highlights"] == {"headline": None, "standfirst": None, "body": []}
    headline = public.get("/v1/articles/velar").json["data"]["headline"]
    hit = public.get(f"/v1/search?q={headline}").json["data"][0]
    assert "<mark>" in hit["highlights"]["headline"]
    assert hit["highlights"]["body"] == []
    hits = partner(brands=("fiat",)).get("/v1/search?q=parole").json["data"]
    assert {hit["slug"]: bool(hit["highlights"]["body"]) for hit in hits} == {"punto": True, "velar": False}


@pytest.mark.parametrize("settings", ["teaser"], indirect=True)
def test_of_a_teaser_its_own_words_are_shown_as_found(magazine, public):
    for hit in public.get("/v1/search?q=parole").json["data"]:
        assert "<mark>Parole</mark>" in hit["highlights"]["body"][0]
        assert SECRET not in str(hit)


@pytest.mark.parametrize("path", ["/v1/search", "/v1/articles"])
def test_a_phrase_does_not_tell_the_order_of_words_that_are_held_back(magazine, public, partner, editor, path):
    def found(reader, words):
        return {hit["slug"] for hit in reader.get(f"{path}?{urlencode({'q': words})}").json["data"]}

    for reader in (public, partner(brands=("fiat",))):
        assert found(reader, "testa segretissimo") == {"punto", "velar"}
        assert found(reader, '"testa segretissimo"') == set()
        assert found(reader, 'parole -"testa segretissimo"') == {"punto", "velar"}
    assert found(editor, '"testa segretissimo"') == {"punto", "velar"}
    assert found(editor, 'parole -"testa segretissimo"') == set()
    headline = public.get("/v1/articles/velar").json["data"]["headline"]
    assert "velar" in found(public, f'"{headline}"')


def test_a_teaser_is_the_beginning_in_whole_words(magazine, public):
    article = public.get("/v1/articles/velar?include=blocks").json["data"]
    assert article["body_html"] == f"<p>{article['body_text']}</p>"
    assert article["body_text"].endswith("…")
    assert 250 < len(article["body_text"]) <= 301
    assert [block["type"] for block in article["blocks"]] == ["paragraph"]
    stories = public.get("/v1/feeds/articles.ninjs").json["associations"]
    assert {story["representationType"] for story in stories} == {"partial"}


@pytest.mark.parametrize("settings", ["none"], indirect=True)
def test_none_is_null_and_no_block(magazine, public):
    article = public.get("/v1/articles/velar?include=blocks,jsonld").json["data"]
    assert (article["body_html"], article["body_text"], article["blocks"]) == (None, None, [])
    assert article["word_count"]
    assert article["jsonld"]["isAccessibleForFree"] is False


def test_a_key_s_filter_is_the_filter_of_its_changes(magazine, partner, mirror, truth):
    rover = partner(brands=("land-rover",))
    follower = mirror(reader=rover).follow()
    assert follower.versions == truth("brand=land-rover")
    assert mirror("brand=fiat", reader=rover).follow().versions == {}
    assert mirror(reader=partner(sections=("prove", "mercato"), brands=("fiat",))).follow().versions == truth(
        "brand=fiat"
    )
    count = rover.get("/v1/digest").json["data"]["count"]
    assert count == 1


@pytest.mark.parametrize("settings", ["none"], indirect=True)
def test_a_key_s_policy_holds_inside_its_filter(magazine, partner):
    reader = partner(brands=("land-rover",), body="teaser")
    assert reader.get("/v1/articles/velar").json["data"]["body_text"].endswith("…")
    assert reader.get("/v1/articles/punto").json["data"]["body_text"] is None


def test_a_brand_that_is_called_otherwise_stays_in_the_key(magazine, partner, editor):
    reader = partner(brands=("land-rover",))
    editor.send("PATCH", "/v1/brands/land-rover", {"slug": "lr"}, If_Match="*")
    assert SECRET in reader.get("/v1/articles/velar").text
    assert len(reader.get("/v1/changes").json["data"]) == 1


def test_a_cursor_of_other_rights_is_a_new_start(magazine, partner, public):
    one, other = partner(brands=("land-rover",)), partner(brands=("fiat",))
    cursor = one.get("/v1/changes").json["cursor"]
    for reader, status in ((one, 200), (other, 410), (public, 410)):
        assert reader.get(f"/v1/changes?cursor={cursor}").status_code == status


def test_a_key_of_another_kind_reads_as_anybody(magazine, hire, public, app):
    assert SECRET not in hire("webhooks").get("/v1/articles/velar").text
    assert Editor(app, None).get("/v1/articles/velar").status_code == 200


def test_an_entitlement_wants_the_scope_and_what_there_is(magazine, partner, hire):
    with pytest.raises(Exception, match="partner:read"):
        hire("webhooks", limits=KeyLimits(entitlement=Entitlement(brands=("fiat",))))
    with pytest.raises(Exception, match="there is no brand lada"):
        partner(brands=("lada",))


def test_me_tells_what_a_key_is_for_and_how_much_it_was_used(magazine, partner, clock):
    reader = partner(brands=("land-rover",), body="teaser")
    for _ in range(3):
        reader.get("/v1/articles")
    clock.forward(days=1)
    me = reader.get("/v1/me").json["data"]
    assert me["filter"] == {"brands": ["land-rover"], "sections": []}
    assert me["body"] == "teaser"
    assert me["usage"] == [{"day": "2026-11-02", "requests": 1}, {"day": "2026-11-01", "requests": 3}]
