"""Articles that bear one group name one another as translations, as long as readers may see them."""

from dataclasses import replace

import pytest

from tests.support.import_records import IDS, article, brand, term

GROUP = {"translation_group": "velar"}


def translations(client, slug, ending=""):
    return client.get(f"/v1/articles/{slug}{ending}").json["data"]["translations"]


def test_articles_of_one_group_name_one_another(client, make):
    make.article("velar", **GROUP)
    make.article("the-velar", language="en", **GROUP)
    make.article("der-velar", language="de", **GROUP)
    make.article("altro", translation_group="altro")
    make.article("solo")
    assert translations(client, "velar") == [
        {"language": "de", "slug": "der-velar", "url": "https://api.example.com/v1/articles/der-velar"},
        {"language": "en", "slug": "the-velar", "url": "https://api.example.com/v1/articles/the-velar"},
    ]
    assert [item["slug"] for item in translations(client, "the-velar")] == ["der-velar", "velar"]
    assert translations(client, "altro") == translations(client, "solo") == []


def test_a_translation_has_its_address_on_the_site(make, settings, build):
    make.article("velar", **GROUP)
    make.article("the-velar", language="en", section="drives", brand="land-rover", **GROUP)
    site = build(replace(settings, article_url="https://site.example.com/{section}/{brand}/{slug}")).test_client()
    assert translations(site, "velar")[0]["url"] == "https://site.example.com/drives/land-rover/the-velar"


def test_lists_answer_them_where_they_are_asked_for(client, make):
    make.article("velar", **GROUP)
    make.article("the-velar", language="en", **GROUP)
    make.article("solo")
    found = {
        item["slug"]: [other["slug"] for other in item["translations"]]
        for item in client.get("/v1/articles?fields=slug,translations").json["data"]
    }
    assert found == {"velar": ["the-velar"], "the-velar": ["velar"], "solo": []}
    assert "translations" not in client.get("/v1/articles").json["data"][0]


@pytest.mark.parametrize("status", ["draft", "scheduled", "withdrawn"])
def test_what_readers_do_not_see_is_no_translation(client, make, status):
    make.article("velar", **GROUP)
    make.article("the-velar", language="en", status=status, **GROUP)
    assert translations(client, "velar") == []


def test_a_kept_answer_follows_its_translations(load, client, make):
    def kept():
        answer = client.get("/v1/articles/velar")
        return answer.headers["Cache-Status"], answer.headers["Last-Modified"], answer.json["data"]["translations"]

    english = {"id": IDS[0], "language": "en", "status": "published", **GROUP}
    load(brand("jaguar"), term("section", "drives"), article("velar", **GROUP))
    kept()
    assert kept()[0] == "newsapi; hit"
    for change in (
        {},
        {"slug": "the-new-velar"},
        {"slug": "the-new-velar", "language": "en-GB"},
        {"slug": "the-new-velar", "status": "withdrawn"},
    ):
        load(article(**{"slug": "the-velar", **english, **change}))
        status, _, shown = kept()
        assert status.startswith("newsapi; fwd=miss"), change
        wanted = {"language": "en", "slug": "the-velar", **change}
        names = [(item["language"], item["slug"]) for item in shown]
        assert names == ([] if "status" in change else [(wanted["language"], wanted["slug"])])


def test_json_ld_names_the_translations(client, make):
    make.article("velar", **GROUP)
    make.article("the-velar", language="en", **GROUP)
    assert client.get("/v1/articles/velar/jsonld").json["workTranslation"] == [
        {
            "@type": "Article",
            "url": "https://api.example.com/v1/articles/the-velar",
            "inLanguage": "en",
        }
    ]


def test_a_group_of_drafts_is_seen_by_nobody(client, load, make):
    load(article("velar"))
    before = client.get("/v1/articles/velar").headers["Content-Seq"]
    load(article("the-velar", status="draft", **GROUP), article("der-velar", status="draft", **GROUP))
    answer = client.get("/v1/articles/velar")
    assert (answer.headers["Content-Seq"], answer.json["data"]["translations"]) == (before, [])
