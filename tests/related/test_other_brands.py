"""Lists that have no article of the brand get others: about the same topic, then of the section, then the newest."""

import pytest

from newsapi.related.rebuild import rebuild_index
from newsapi.related.worker import RelatedIndexConsumer
from newsapi.worker.consumers import ConsumerRunner
from tests.related.test_related_articles import levels

UNICA = "<p>Dodici cilindri e carrozzeria di alluminio: il restauro di una berlinetta degli anni sessanta.</p>"
SENZA = "<p>Chi cura il restauro di berlinette cerca alluminio, cilindri e documenti: la carrozzeria costa di più.</p>"
CONCORSO = "<p>Premiata una berlinetta: alla giuria sono piaciuti restauro, cilindri lucidi e sedili in pelle.</p>"
ASTA = "<p>Venduta a Monterey la berlinetta con carrozzeria di alluminio; il restauro dei cilindri era recente.</p>"


@pytest.fixture
def magazine_of_brands(make, database, clock):
    """The only article of a brand, one without a brand, and articles of other brands on the same and other topics."""
    make.article("ultimo", headline="Gomme da neve", brand="fiat", section="mercato", body_html="<p>Catene.</p>")
    make.article("concorso", headline="Berlinetta al concorso", brand="alfa", body_html=CONCORSO)
    make.article("bilancio", headline="Utili e dividendi", brand="fiat", section="storia", body_html="<p>Azioni.</p>")
    make.article("unica", headline="La berlinetta ritrovata", brand="ferrari", section="storia", body_html=UNICA)
    make.article("senza", headline="Restauro di berlinette", section="storia", body_html=SENZA)
    make.article("bozza", headline="Berlinetta segreta", brand="lancia", body_html=ASTA, status="draft")
    rebuild_index(database, now=clock)


@pytest.mark.usefixtures("magazine_of_brands")
def test_the_only_article_of_a_brand_gets_the_same_topic_then_its_section_then_the_newest(client):
    found = client.get("/v1/articles/unica/related")
    assert levels(found) == [("senza", "topic"), ("concorso", "topic"), ("bilancio", "section"), ("ultimo", "recent")]
    topic, _, section, _ = (item["relation"] for item in found.json["data"])
    assert 0 < topic["score"] < 1
    assert topic["reasons"][0]["kind"] == "text"
    assert "berlinetta" in {term.lower() for term in topic["reasons"][0]["terms"]}
    assert section == {"score": 0.0, "level": "section", "reasons": [{"kind": "fresh", "weight": 1.0, "terms": []}]}


@pytest.mark.usefixtures("magazine_of_brands")
def test_an_article_without_a_brand_gets_the_same(client):
    found = levels(client.get("/v1/articles/senza/related"))
    assert found[:2] == [("unica", "topic"), ("concorso", "topic")]
    assert found[2:] == [("bilancio", "section"), ("ultimo", "recent")]


@pytest.mark.usefixtures("magazine_of_brands")
def test_a_brand_with_other_articles_keeps_to_them(client):
    assert levels(client.get("/v1/articles/ultimo/related")) == [("bilancio", "recent")]


@pytest.mark.usefixtures("magazine_of_brands")
def test_what_the_reader_has_seen_is_left_out_and_the_list_goes_on(client):
    found = levels(client.get("/v1/articles/ultimo/related?exclude=bilancio&limit=2"))
    assert [slug for slug, _ in found] == ["senza", "unica"]
    found = levels(client.get("/v1/articles/unica/related?exclude=senza,bilancio"))
    assert found == [("concorso", "topic"), ("ultimo", "recent")]


def test_before_anything_is_indexed_the_list_has_the_section_and_the_newest(client, make):
    make.article("vicina", headline="Altra", brand="alfa", section="storia")
    make.article("nuova", headline="Nuova", brand="fiat")
    make.article("unica", headline="Unica", brand="ferrari", section="storia")
    assert levels(client.get("/v1/articles/unica/related")) == [("vicina", "section"), ("nuova", "recent")]


@pytest.mark.usefixtures("magazine_of_brands")
def test_an_article_that_is_indexed_later_joins_the_list_by_its_topic(client, editor, database, clock):
    runner = ConsumerRunner(database, RelatedIndexConsumer(database, now=clock), now=clock)
    assert len(levels(client.get("/v1/articles/unica/related"))) == 4
    body = {"headline": "Berlinetta all'asta", "body_html": ASTA, "language": "it"}
    body |= {"brand": "alfa", "status": "published"}
    assert editor.post("/v1/articles", body).status_code == 201
    slug = "berlinetta-all-asta"
    assert (slug, "recent") in levels(client.get("/v1/articles/unica/related"))
    runner.step()
    after = levels(client.get("/v1/articles/unica/related"))
    assert (slug, "topic") in after
    assert editor.delete(f"/v1/articles/{slug}").status_code in {200, 204}
    assert slug not in [found for found, _ in levels(client.get("/v1/articles/unica/related"))]


@pytest.mark.usefixtures("magazine_of_brands")
def test_an_article_that_joins_the_brand_replaces_the_others(client, editor, database, clock):
    assert levels(client.get("/v1/articles/unica/related"))[0][1] == "topic"
    body = {"headline": "Un'altra rossa", "body_html": "<p>Pista.</p>", "language": "it", "status": "published"}
    assert editor.post("/v1/articles", body | {"brand": "ferrari"}).status_code == 201
    assert levels(client.get("/v1/articles/unica/related")) == [("un-altra-rossa", "recent")]
