"""The lists of the demo's magazine, as an editor of a motoring site would sign them."""

import orjson
import pytest

from newsapi.content.queries import articles as article_queries
from newsapi.db.database import Database
from newsapi.demo import content
from newsapi.migrations.upgrade import upgrade
from newsapi.related import lists
from newsapi.related.rebuild import rebuild_index
from newsapi.settings import Settings
from tests.conftest import Clock
from tests.support.imports import import_accepted


@pytest.fixture(scope="module")
def beside(tmp_path_factory):
    """A function of a slug that answers what is listed after it: headlines with their level."""
    path = tmp_path_factory.mktemp("demo") / "demo.sqlite3"
    database = Database(f"sqlite:///{path}")
    with database.connection() as connection:
        upgrade(connection)
    settings = Settings.from_env({})
    clock = Clock()
    with content.stream(settings.api_url) as stream:
        import_accepted(database, settings, stream.read(), clock)
    rebuild_index(database, now=clock)

    def beside(slug, limit=6):
        with database.read_transaction() as connection:
            found = article_queries.get_public(connection, slug)
            listed = lists.get_related(connection, found.id, limit=limit).records
        return [(record["headline"], record["relation"]["level"]) for record in listed]

    yield beside
    database.dispose()


def test_no_article_of_the_demo_has_an_empty_list(beside):
    with content.stream("") as stream:
        records = [orjson.loads(line) for line in stream.read().splitlines()]
    articles = [record for record in records if record["type"] == "article" and record["status"] == "published"]
    assert len(articles) > 30
    levels = {record["slug"]: [level for _, level in beside(record["slug"])] for record in articles}
    assert all(levels.values())
    assert levels["ferrari-settant-anni-in-tre-quadri"][0] in {"topic", "section"}


def headlines(found):
    return [headline for headline, _ in found]


def test_after_the_factory_for_batteries_comes_the_electric_one_and_then_what_is_new_of_the_brand(beside):
    found = beside(content.REFERENCE_SLUG)
    assert found[0] == ("Range Rover elettrica, come si collauda al freddo", "related")
    assert {level for _, level in found} == {"related"}
    assert {
        "Range Rover Velar: in arrivo il nuovo SUV-Coupé",
        "Range Rover Reborn, il restauro perfetto a Rétromobile 2017",
        "Land Rover Discovery Sport, nuove consegne alla Polizia",
    } <= {*headlines(found)}


def test_when_the_brand_has_no_more_its_group_goes_on_with_batteries_first(beside):
    found = beside(content.REFERENCE_SLUG, limit=20)
    group = [headline for headline, level in found if level == "group"]
    assert group[:2] == [
        "Jaguar Land Rover, batterie da una gigafactory nel Somerset",
        "Jaguar Land Rover, una seconda vita per le batterie",
    ]
    assert [level for _, level in found] == sorted((level for _, level in found), key=["related", "group"].index)


def test_who_reads_of_driving_off_road_is_shown_driving_off_road(beside):
    found = headlines(beside("land-rover-aperte-le-iscrizioni-ai-corsi-di-guida-in-fuoristrada", limit=3))
    assert {*found} == {
        "Land Rover, come funziona il Terrain Response",
        "Land Rover Defender, una storia per immagini",
        "Land Rover Serie I, come si restaura un telaio a longheroni",
    }


def test_nothing_is_listed_twice_or_after_itself(beside):
    found = headlines(beside(content.REFERENCE_SLUG, limit=20))
    assert len(found) == len({*found}) == 17
    assert "Jaguar Land Rover, allo studio una fabbrica per produrre batterie" not in found
