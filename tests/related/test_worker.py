"""The index of related articles and every kept list follow the log."""

import random
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select

from newsapi.changelog.tables import Change, ChangelogHead, ConsumerOffset
from newsapi.content.tables.articles import Article
from newsapi.content.tables.terms import Brand
from newsapi.related import lists as related_lists
from newsapi.related import maintenance as acts
from newsapi.related import stored_lists
from newsapi.related.rebuild import rebuild_index
from newsapi.related.tables import RelatedList, RelatedListMember, RelatedPosting, RelatedProfile, RelatedTermStatistics
from newsapi.related.worker import RelatedIndexConsumer
from tests.support.import_records import archive, article, brand
from tests.support.imports import import_accepted


@pytest.fixture
def relate(worker, database, clock):
    return worker(RelatedIndexConsumer(database, now=clock))


def catch_up(relate):
    """Have the listener do all there is, its own changes too."""
    for _ in range(50):
        relate.step()
        if relate._committed == relate._read and not relate._failures:
            with relate._database.read_transaction() as connection:
                if connection.execute(select(ChangelogHead.seq)).scalar() == relate._committed.seq:
                    return
    raise AssertionError


@pytest.fixture
def publish(database, settings, clock):
    return lambda *records: import_accepted(database, settings, records, clock)


@pytest.fixture
def follow(relate):
    return lambda: catch_up(relate)


BATTERIES = {
    "headline": "Una fabbrica di batterie nel Regno Unito",
    "body_html": "<p>Accumulatori inglesi.</p>",
    "brand": "land-rover",
}
GIGAFACTORY = {
    "headline": "Batterie, scelta la fabbrica",
    "body_html": "<p>Accumulatori dal Somerset.</p>",
    "brand": "land-rover",
}
SNOW = {"headline": "Sulla neve", "body_html": "<p>Gomme e catene.</p>", "brand": "land-rover"}


@pytest.fixture
def three(publish, follow):
    publish(brand("land-rover"), article("batterie", **BATTERIES), article("neve", **SNOW))
    publish(*(article(f"altro-{number}", headline=f"Notizia {number}", brand="land-rover") for number in range(3)))
    follow()


def ids(database):
    with database.read_transaction() as connection:
        return dict(connection.execute(select(Article.slug, Article.id)).all())


def listed(database, slug, limit=6, **options):
    options = {"save": lambda made: acts.save_list(database, made), **options}
    with database.read_transaction() as connection:
        return related_lists.get_related(connection, ids(database)[slug], limit=limit, **options)


def slugs(found):
    return [(record["slug"], record["relation"]["level"]) for record in found.records]


def rows(database, model):
    with database.read_transaction() as connection:
        return connection.execute(select(func.count()).select_from(model)).scalar()


def told(database):
    with database.read_transaction() as connection:
        found = connection.execute(select(Change.article_ids).where(Change.kind == "related").order_by(Change.seq))
        return [{*lists} for lists in found.scalars()]


@pytest.mark.usefixtures("three")
def test_a_list_is_made_once_and_then_kept(database, statements):
    listed(database, "batterie")
    assert rows(database, RelatedList) == 1
    statements.clear()
    again = listed(database, "batterie", save=lambda _: pytest.fail("made again"))
    assert len(again.records) == 4
    assert not any("related_posting" in statement for statement in statements)


@pytest.mark.usefixtures("three")
def test_a_publication_enters_the_lists_it_belongs_in_and_no_others(database, publish, follow):
    assert "gigafactory" not in dict(slugs(listed(database, "batterie")))
    publish(brand("audi"), article("quattro", headline="Trazione integrale", brand="audi"))
    follow()
    listed(database, "quattro")
    publish(article("gigafactory", **GIGAFACTORY))
    follow()
    assert slugs(listed(database, "batterie"))[0] == ("gigafactory", "related")
    assert told(database)[-1] == {str(ids(database)["batterie"])}


@pytest.mark.usefixtures("three")
def test_an_edit_takes_an_article_off_the_lists_it_no_longer_belongs_in(database, publish, follow):
    publish(article("gigafactory", **GIGAFACTORY))
    follow()
    assert slugs(listed(database, "batterie"))[0] == ("gigafactory", "related")
    publish(article("gigafactory", **SNOW | {"headline": "Neve e catene: le gomme"}))
    follow()
    assert ("gigafactory", "related") not in slugs(listed(database, "batterie"))
    assert slugs(listed(database, "neve"))[0] == ("gigafactory", "related")


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("how", [{"status": "withdrawn"}, {"brand": "audi"}])
def test_what_is_withdrawn_or_leaves_the_brand_is_on_no_list_at_once(database, publish, follow, how):
    publish(brand("audi"), article("gigafactory", **GIGAFACTORY))
    follow()
    listed(database, "batterie")
    publish(article("gigafactory", **GIGAFACTORY | how))
    assert "gigafactory" not in dict(slugs(listed(database, "batterie")))
    follow()
    assert "gigafactory" not in dict(slugs(listed(database, "batterie")))
    assert str(ids(database)["batterie"]) in told(database)[-1]


@pytest.mark.usefixtures("three")
def test_a_draft_is_in_no_index(database, publish, follow):
    before = rows(database, RelatedProfile), rows(database, RelatedPosting)
    publish(article("bozza", **GIGAFACTORY | {"status": "draft"}))
    follow()
    assert (rows(database, RelatedProfile), rows(database, RelatedPosting)) == before


@pytest.mark.usefixtures("three")
def test_a_list_made_before_the_index_moved_on_is_not_kept(database, publish, follow):
    late = []
    listed(database, "batterie", save=lambda made: late.append(made) or False)
    publish(article("gigafactory", **GIGAFACTORY))
    follow()
    assert acts.save_list(database, late[0]) is False
    assert rows(database, RelatedList) == 0


def test_without_a_worker_a_list_is_made_each_time_and_hangs_on_its_brand(database, publish):
    publish(brand("land-rover"), article("batterie", **BATTERIES), article("neve", **SNOW))
    found = listed(database, "batterie")
    assert slugs(found) == [("neve", "recent")]
    assert rows(database, RelatedList) == 0
    with database.read_transaction() as connection:
        assert found.facets == {connection.execute(select(Brand.facet_id)).scalar()}


@pytest.mark.usefixtures("three")
def test_a_list_that_is_full_hangs_on_itself_alone(database, publish, follow):
    publish(article("gigafactory", **GIGAFACTORY))
    follow()
    assert listed(database, "batterie", limit=1).facets == frozenset()


@pytest.mark.usefixtures("three")
def test_a_writer_at_work_keeps_no_reader_waiting(database):
    with database.transaction() as session:
        session.execute(select(ConsumerOffset.seq).with_for_update())
        found = listed(database, "batterie")
    assert len(found.records) == 4
    assert rows(database, RelatedList) == 0


@pytest.mark.usefixtures("three")
def test_readers_who_keep_one_list_at_once_disturb_nobody(database):
    made = []
    listed(database, "batterie", save=lambda one: made.append(one) or False)
    with ThreadPoolExecutor(8) as readers:
        for _ in range(20):
            with database.transaction() as session:
                stored_lists.delete_lists(session, [made[0].article])
            outcomes = [*readers.map(lambda one: acts.save_list(database, one), made * 8)]
            assert any(outcomes)
    with database.read_transaction() as connection:
        entries = {*connection.execute(select(RelatedListMember.listed_article_id)).scalars()}
    assert entries == {UUID(item[0]) for item in made[0].items}


@pytest.mark.usefixtures("three")
def test_dropping_a_list_leaves_nothing_of_it(database):
    listed(database, "batterie")
    with database.transaction() as session:
        assert stored_lists.delete_lists(session, [*ids(database).values()]) == [ids(database)["batterie"]]
    assert (rows(database, RelatedList), rows(database, RelatedListMember)) == (0, 0)


@pytest.mark.usefixtures("three")
def test_more_articles_are_listed_than_a_smaller_release_stored(database, publish, follow, monkeypatch):
    towns = ("Somerset a maggio", "Kent con ritardo", "Galles per tutti", "Cornovaglia da sola")
    publish(
        *(
            article(
                f"fabbrica-{number}",
                headline=f"Batterie, fabbrica: {town}",
                body_html=f"<p>Accumulatori, {town}.</p>",
                brand="land-rover",
            )
            for number, town in enumerate(towns)
        )
    )
    follow()
    monkeypatch.setattr(related_lists, "STORED_LIST_SIZE", 2)
    whole = slugs(listed(database, "batterie", limit=2))
    assert [level for _, level in whole] == ["related", "related"]
    monkeypatch.setattr(related_lists, "STORED_LIST_SIZE", 30)
    stored = listed(database, "batterie", limit=2, save=lambda _: pytest.fail("built again"))
    assert slugs(stored) == whole
    assert [level for _, level in slugs(listed(database, "batterie", limit=4))] == ["related"] * 4
    with database.read_transaction() as connection:
        [(max_items, items)] = connection.execute(select(RelatedList.max_items, RelatedList.entries)).all()
    assert (max_items, len(items)) == (30, 4)


@pytest.mark.usefixtures("three")
def test_a_list_made_by_older_weights_is_made_again(database, clock):
    listed(database, "batterie")
    rebuild_index(database, now=clock)
    made = []
    listed(database, "batterie", save=lambda one: made.append(one) or False)
    assert len(made) == 1


def test_terms_are_counted_anew_when_there_are_twice_as_many_articles(database, publish, follow):
    def version():
        with database.read_transaction() as connection:
            return connection.execute(select(RelatedTermStatistics.version, RelatedTermStatistics.corpus_size)).one()

    publish(brand("land-rover"), *(article(f"a{number}", brand="land-rover") for number in range(4)))
    follow()
    first = version()
    publish(article("a4", brand="land-rover"))
    follow()
    assert version() == first
    publish(*(article(f"b{number}", brand="land-rover") for number in range(3)))
    follow()
    assert (version().corpus_size, version().version == first.version) == (8, False)


def test_a_rebuild_makes_what_following_made(database, publish, follow, clock):
    publish(*archive(60))
    follow()
    with database.transaction() as session:  # by the same weights, described when all were there
        session.execute(delete(RelatedProfile))
        session.execute(delete(RelatedPosting))
    assert rebuild_index(database, now=clock) == rows(database, RelatedProfile)
    followed = {slug: slugs(listed(database, slug)) for slug in there_now(database)}
    rebuild_index(database, now=clock)
    assert {slug: slugs(listed(database, slug)) for slug in followed} == followed


def there_now(database):
    with database.read_transaction() as connection:
        return [*connection.execute(select(Article.slug).where(Article.status == "published")).scalars()]


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 8))])
def test_every_kept_list_shows_what_would_be_made_now(database, publish, follow, clock, seed):
    """Whatever is published, edited, withdrawn and picked: the six shown are those of a list made from nothing."""
    chance = random.Random(seed)
    records = [record for record in archive(36, seed=seed) if record["type"] != "article" or chance.random() < 0.8]
    publish(*records)
    follow()
    there = [record for record in records if record["type"] == "article"]
    for _ in range(4):
        for slug in there_now(database):
            listed(database, slug)
        changed = []
        for record in chance.sample(there, chance.choice([1, 1, 2, 6])):
            record |= {
                "headline": chance.choice(there)["headline"],
                "body_html": chance.choice(there)["body_html"],
                "brand": f"marca-{chance.randrange(4)}",
                "tags": [f"tema-{chance.randrange(60)}" for _ in range(chance.randrange(2))],
                "status": chance.choice(["published", "published", "withdrawn"]),
                "picks": [chance.choice(there)["slug"]] if chance.random() < 0.3 else [],
            }
            changed.append(record)
        publish(*changed)
        follow()
        kept = {slug: slugs(listed(database, slug)) for slug in there_now(database)}
        with database.transaction() as session:
            session.execute(delete(RelatedList))
            session.execute(delete(RelatedListMember))
        assert kept == {slug: slugs(listed(database, slug)) for slug in there_now(database)}


@pytest.mark.usefixtures("three")
def test_changed_and_new_articles_in_one_batch_get_ids_of_their_own_though_ids_are_missing(database, publish, follow):
    publish(article("altro-1", headline="Notizia 1", brand="land-rover", status="withdrawn"))
    follow()
    publish(
        article("altro-2", headline="Altra notizia", brand="land-rover"),
        *(article(f"nuovo-{number}", headline=f"Nuova {number}", brand="land-rover") for number in range(3)),
    )
    follow()
    with database.read_transaction() as connection:
        indexed = dict(connection.execute(select(RelatedProfile.article_id, RelatedProfile.doc_id)).all())
    public = [id_ for slug, id_ in ids(database).items() if slug in there_now(database)]
    assert sorted(indexed) == sorted(public)
    assert len({*indexed.values()}) == len(indexed)
