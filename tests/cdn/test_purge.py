"""A CDN is told what to drop: a second after the change, and again five seconds later."""

from dataclasses import replace
from itertools import pairwise

import pytest
from sqlalchemy import select, update

from newsapi import cdn as room
from newsapi.cdn import CdnPurgeConsumer, make_cdn
from newsapi.changelog import failed_changes, offsets
from newsapi.changelog import writer as changelog_writer
from newsapi.changelog.records import NewChange
from newsapi.changelog.tables import ChangelogHead, ConsumerOffset
from newsapi.content.queries import facet_slugs
from newsapi.content.tables.terms import Brand, Tag
from newsapi.errors import Unavailable
from tests.support.events import later


@pytest.fixture
def purge(database, cdn, seconds, clock):
    return CdnPurgeConsumer(database, make_cdn(f"fastly+{cdn.url}/service/x", "token"), now=clock, clock=seconds)


@pytest.fixture
def follow(worker, purge, make):
    make.brand("jaguar-land-rover")
    make.brand("land-rover", parent="jaguar-land-rover")
    make.brand("jaguar", parent="jaguar-land-rover")
    made = worker(purge)
    made.step()
    return made


def both(follow, seconds):
    follow.step()
    later(follow, seconds, 1)
    later(follow, seconds, 5)


def place(database):
    with database.read_transaction() as connection:
        return connection.execute(
            select(ConsumerOffset.seq, ChangelogHead.seq)
            .join(ChangelogHead, ChangelogHead.id == 1)
            .where(ConsumerOffset.consumer == "purge")
        ).one()


def test_it_is_told_when_the_second_is_over_and_once_more_five_seconds_later(follow, cdn, seconds, make, database):
    make.article("velar", brand="land-rover")
    later(follow, seconds, 0)
    later(follow, seconds, 0.99)
    assert cdn.asked == []
    later(follow, seconds, 0.01)
    assert len(cdn.asked) == 1
    later(follow, seconds, 4.99)
    assert len(cdn.asked) == 1
    assert place(database)[0] < place(database)[1]
    later(follow, seconds, 0.01)
    assert len(cdn.asked) == 2
    assert cdn.asked[0].words == cdn.asked[1].words
    assert place(database)[0] == place(database)[1]
    later(follow, seconds, 60)
    assert len(cdn.asked) == 2


def test_the_words_are_those_of_the_contract(follow, cdn, seconds, make):
    follow.step()
    id_ = make.article("velar", brand="land-rover", section="prove", authors=["anna"], mentions=["tesla"], tags=["suv"])
    both(follow, seconds)
    said = cdn.asked[0]
    assert (said.method, said.path, said.headers["Fastly-Key"]) == ("POST", "/service/x/purge", "token")
    assert {f"article:{id_}", f"related:{id_}", "slug:velar", "articles"} <= said.words
    assert {"brand:land-rover", "section:prove", "author:anna", "tag:suv"} <= said.words
    # shown in the group's lists, and so beside what its other brands show
    assert {"brand:jaguar-land-rover", "brand:jaguar"} <= said.words


def test_what_an_article_left_is_told_too(follow, cdn, seconds, make):
    id_ = make.article("velar", brand="land-rover", tags=["suv"])
    both(follow, seconds)
    cdn.asked.clear()
    make.hide(id_)
    both(follow, seconds)
    assert {f"article:{id_}", "slug:velar", "articles", "brand:land-rover", "tag:suv"} <= cdn.asked[0].words


def test_previous_and_further_slugs_are_told(follow, cdn, seconds, make, database, clock):
    id_ = make.article("velar")
    with database.transaction() as session:
        told = NewChange(
            kind="article", action="upsert", reason="updated", subject_id=id_, slug="velar-2017",
            previous_slug="velar", additional_slugs=("range-rover-velar",),
        )  # fmt: skip
        changelog_writer.append_changes(session, [told], now=clock())
    both(follow, seconds)
    assert {"slug:velar", "slug:velar-2017", "slug:range-rover-velar"} <= cdn.asked[0].words


def test_a_term_is_told_by_its_name_and_with_the_lists(follow, cdn, seconds, make):
    make.author("anna")
    both(follow, seconds)
    assert cdn.asked[0].words == {"author:anna", "articles"}


def test_former_slugs_of_a_term_are_told(make, database):
    brand = make.brand("rover")
    make.old_slug("brand", "rover-ltd", brand)
    with database.read_transaction() as connection:
        facet, mentions = connection.execute(select(Brand.facet_id, Brand.mention_facet_id)).one()
        named = facet_slugs.slugs_of_facets(connection, {facet, mentions})
    assert {facet: set(named[facet])} == {facet: {("brand", "rover"), ("brand", "rover-ltd")}}
    assert not named.get(mentions)


READS = (
    "/v1/articles", "/v1/articles?brand=land-rover", "/v1/articles?group=jaguar-land-rover", "/v1/articles?about=tesla",
    "/v1/articles?format=article", "/v1/articles?section=prove&tag=suv", "/v1/articles/velar",
    "/v1/articles/velar?include=related", "/v1/articles/velar/related", "/v1/articles/velar/jsonld",
    "/v1/articles/velar?include=brand,authors,section", "/v1/brands", "/v1/brands/land-rover?include=articles",
    "/v1/brands/jaguar-land-rover", "/v1/authors/anna", "/v1/articles/nuova", "/v1/tags/suv", "/v1/articles?author=bea",
    "/v1/changes?brand=land-rover", "/v1/changes?since=5&types=brand,tag", "/v1/digest?brand=land-rover",
    "/v1/feeds/articles.json", "/v1/feeds/articles.ninjs?brand=land-rover", "/v1/feeds/articles.json?tag=suv",
)  # fmt: skip


@pytest.mark.parametrize("what", ["new", "in the group", "gone", "renamed brand", "renamed tag", "elsewhere"])
def test_whatever_reads_differently_after_a_change_is_dropped(
    follow, cdn, seconds, make, client, database, what, clock
):
    """The one promise: a CDN that drops what it is told keeps nothing that is untrue."""
    terms = {"section": "prove", "authors": ["anna"], "mentions": ["tesla"], "tags": ["suv"]}
    make.article("velar", brand="land-rover", **terms)
    old = make.article("vecchia", brand="land-rover", **terms)
    both(follow, seconds)
    cdn.asked.clear()
    before = {url: client.get(url) for url in READS}
    match what:
        case "new":
            make.article("nuova", brand="land-rover", **terms)
        case "in the group":
            make.article("nuova", brand="jaguar")
        case "gone":
            make.hide(old)
        case "elsewhere":
            make.article("altra", brand="tesla", authors=["bea"])
        case _:
            model, kind, slug = (Brand, "brand", "land-rover") if "brand" in what else (Tag, "tag", "suv")
            rename(database, model, kind, slug, clock)
    both(follow, seconds)
    dropped = set().union(*(one.words for one in cdn.asked))
    for url in READS:
        after = client.get(url)
        if shown(after) != shown(before[url]):
            assert dropped & set(before[url].headers["Surrogate-Key"].split()), url


def shown(answer):
    return answer.status_code, {**answer.json, "request_id": None}


def rename(database, model, kind, slug, clock):
    with database.transaction() as session:
        row = session.execute(select(model).where(model.slug == slug)).scalar_one()
        row.name, row.changed_at = "Another Name", clock()
        told = NewChange(
            kind=kind,
            action="upsert",
            reason="updated",
            subject_id=row.id,
            slug=slug,
            facets_after=frozenset({row.facet_id}),
        )
        changelog_writer.append_changes(session, [told], now=clock())


@pytest.mark.parametrize("status", [503, 401, 302])
def test_a_cdn_that_fails_is_told_again_until_it_answers(follow, cdn, seconds, make, database, status):
    make.article("velar")
    follow.step()
    cdn.status = status
    assert later(follow, seconds, 1) == 0.5
    assert later(follow, seconds, 0.5) == 1.0
    make.article("evoque")
    cdn.status = 200
    later(follow, seconds, 1)
    later(follow, seconds, 1)
    later(follow, seconds, 5)
    later(follow, seconds, 1)
    assert place(database)[0] == place(database)[1]
    told = [one.words for one in cdn.asked if one.words != {room.PROBE_KEY}]
    assert len(told) == len(cdn.asked) - 2
    assert "slug:velar" in told[0] & told[1] & told[2]
    assert sum("slug:velar" in one for one in told[2:]) >= 2
    assert sum("slug:evoque" in one for one in told) >= 2
    assert not [one for one in cdn.asked if one.path.endswith("elsewhere")]


def test_a_cdn_that_is_not_there_is_tried_again(worker, make, database, seconds, clock):
    follow = worker(CdnPurgeConsumer(database, make_cdn("varnish+http://127.0.0.1:9", None), now=clock, clock=seconds))
    follow.step()
    make.article()
    follow.step()
    assert [later(follow, seconds, 1), later(follow, seconds, 1)] == [0.5, 1.0]


def test_a_worker_that_takes_over_purges_what_was_not_purged_twice(follow, cdn, seconds, make, worker, clock, database):
    make.article("velar")
    follow.step()
    later(follow, seconds, 1)
    clock.forward(seconds=60)  # and it is never heard of again
    other = worker(
        CdnPurgeConsumer(database, make_cdn(f"fastly+{cdn.url}/service/x", "token"), now=clock, clock=seconds)
    )
    both(other, seconds)
    assert sum("slug:velar" in one.words for one in cdn.asked) == 3
    assert place(database)[0] == place(database)[1]


def test_many_words_go_in_requests_of_four_kilobytes(follow, cdn, seconds, make):
    make.articles(100)
    both(follow, seconds)
    told = [one.headers["Surrogate-Key"] for one in cdn.asked]
    assert all(3_900 < len(value) <= 4_000 for value in told[: len(told) // 2 - 1])
    assert max(map(len, told)) <= 4_000
    assert len({word for value in told for word in value.split()}) == 301
    assert sum(len(value.split()) for value in told) == 2 * 301


@pytest.mark.parametrize("max_keys", [1, 7, 256])
def test_batches_are_cut_by_number_and_by_bytes(max_keys):
    keys = [f"slug:{'a' * (number % 196)}{number:04}" for number in range(900)]
    batches = [*room.key_batches(keys, max_keys)]
    assert [key for batch in batches for key in batch] == keys
    for batch, following in pairwise(batches):
        assert len(batch) <= max_keys
        assert len(" ".join(batch)) <= 4_000
        assert len(batch) == max_keys or len(" ".join([*batch, following[0]])) > 4_000
    assert [*room.key_batches([], max_keys)] == []


@pytest.fixture
def client(build, settings, cdn):
    """A reader of the API that is behind the CDN."""
    return build(replace(settings, purge_url=f"varnish+{cdn.url}")).test_client()


def refuses(cdn, word, *, everything):
    """Have the CDN refuse each purge of this word and, if so, of everything."""

    def heed(asked):
        is_refused = word in asked.words or (everything and asked.path.endswith("purge_all"))
        cdn.status = 400 if is_refused else 200

    cdn.heed = heed


@pytest.fixture
def failed(database):
    def failed():
        with database.read_transaction() as connection:
            return failed_changes.list_failed(connection)

    return failed


def test_in_place_of_a_purge_that_the_cdn_refuses_everything_is_purged_and_operators_are_told(
    follow, cdn, seconds, make, database, failed, client
):
    refuses(cdn, "slug:velar", everything=False)
    make.article("velar")
    both(follow, seconds)
    assert [one.path.rpartition("/")[2] for one in cdn.asked] == ["purge", "purge", "purge_all"] * 2
    assert (place(database)[0], failed()) == (place(database)[1], [])
    assert client.get("/readyz").json["parts"]["purge"].startswith("failing since")
    make.article("evoque")
    both(follow, seconds)
    assert "slug:evoque" in cdn.asked[-1].words
    assert client.get("/readyz").json["parts"]["purge"] == "ok"


def test_a_purge_that_is_refused_for_good_holds_up_no_other(follow, cdn, seconds, make, database, failed, client):
    refuses(cdn, "slug:velar", everything=True)
    make.article("velar")
    make.article("evoque")
    follow.step()
    make.article("punto")
    both(follow, seconds)
    make.article("panda")
    both(follow, seconds)
    assert place(database)[0] == place(database)[1]
    accepted = set().union(*(one.words for one in cdn.asked if "slug:velar" not in one.words))
    assert "slug:panda" in accepted
    [*_, first] = [row for row in failed() if row.consumer == "purge"][:1]
    assert "status 400" in first.error
    assert "set aside" in client.get("/readyz").json["parts"]["purge"]


def test_of_many_purges_only_the_changes_of_the_refused_one_are_set_aside_and_retried(
    follow, cdn, seconds, make, failed, clock, monkeypatch
):
    monkeypatch.setattr(room, "MAX_KEY_HEADER_BYTES", 100)
    slugs = ["velar", "evoque", "punto", "panda"]
    ids = [make.article(slug) for slug in slugs]
    refused = f"article:{ids[0]}"
    refuses(cdn, refused, everything=True)
    both(follow, seconds)
    assert 1 <= len(failed()) < len(slugs)
    accepted = set().union(*(one.words for one in cdn.asked if refused not in one.words))
    assert {f"slug:{slug}" for slug in slugs} <= accepted
    refuses(cdn, "nothing", everything=False)
    cdn.asked.clear()
    clock.forward(minutes=5)
    follow.step()
    assert refused in set().union(*(one.words for one in cdn.asked))
    assert failed() == []


def test_events_wait_for_a_purge_that_is_set_aside(follow, cdn, seconds, make, database):
    """What the webhook consumer reads: the change counts as purged up to here, and as failed."""
    refuses(cdn, "slug:velar", everything=True)
    make.article("velar")
    follow.step()
    later(follow, seconds, 1)
    with database.read_transaction() as connection:
        seq = offsets.changelog_head(connection).seq
        assert offsets.get_offset(connection, offsets.PURGED_OFFSET) == seq
        assert failed_changes.list_seqs(connection, "purge", 0, seq) >= {seq}


@pytest.mark.one_database
def test_what_the_database_does_not_record_at_once_is_recorded_later(follow, purge, cdn, seconds, make, database):
    make.article("velar")
    follow.step()
    with database.transaction() as session:  # another writer holds the database for longer than a writer waits
        session.execute(update(ChangelogHead).values(seq=ChangelogHead.seq))
        seconds.now += 1
        with pytest.raises(Unavailable):
            purge.handle(())
    later(follow, seconds, 0)
    with database.read_transaction() as connection:
        assert offsets.get_offset(connection, offsets.PURGED_OFFSET) == offsets.changelog_head(connection).seq
    later(follow, seconds, 5)
    assert place(database)[0] == place(database)[1]
    assert len(cdn.asked) == 2


def test_where_everything_cannot_be_purged_at_once_many_words_are_sent_one_by_one(
    follow, cdn, seconds, make, monkeypatch, database, failed
):
    monkeypatch.setattr(room, "MAX_KEYS_PER_PURGE", 50)
    refuses(cdn, "nothing", everything=True)
    make.articles(40)
    both(follow, seconds)
    assert cdn.asked[0].path.endswith("purge_all")
    assert len(set().union(*(one.words for one in cdn.asked))) == 121
    assert (place(database)[0], failed()) == (place(database)[1], [])


def test_more_than_a_thousand_words_drop_everything_in_one_request(follow, cdn, seconds, make, monkeypatch):
    monkeypatch.setattr(room, "MAX_KEYS_PER_PURGE", 100)
    make.articles(40)
    both(follow, seconds)
    assert [(one.method, one.path) for one in cdn.asked] == [("POST", "/service/x/purge_all")] * 2


def test_varnish_is_told_by_xkey(follow, cdn, seconds, make, worker, database, clock):
    follow.release()
    follow = worker(CdnPurgeConsumer(database, make_cdn(f"varnish+{cdn.url}", None), now=clock, clock=seconds))
    follow.step()
    make.article("velar")
    both(follow, seconds)
    assert [(one.method, one.path) for one in cdn.asked] == [("PURGE", "/")] * 2
    assert {"slug:velar", "articles"} <= cdn.asked[0].words


def test_after_a_complete_restore_a_command_drops_everything(
    follow, cdn, make, database, seconds, worker, clock, newsapi, database_url
):
    """The offset of the backup fits its changelog, so the worker has to be told that there was a later one."""
    follow.release()
    make.article("velar")
    told = newsapi("db", "mark-restored", NEWSAPI_DATABASE_URL=database_url, NEWSAPI_PURGE_URL=f"varnish+{cdn.url}")
    assert (told.returncode, told.stdout) == (0, "To be informed of the restore: purge\n")
    make.article("evoque")  # the changelog has reached the number of the offset
    follow = worker(CdnPurgeConsumer(database, make_cdn(f"varnish+{cdn.url}", None), now=clock, clock=seconds))
    follow.step()
    assert [one.method for one in cdn.asked] == ["BAN"]
    assert place(database)[0] == place(database)[1]
    cdn.asked.clear()
    both(follow, seconds)
    assert cdn.asked == []


def test_a_restored_log_drops_everything(follow, cdn, make, database, seconds):
    make.article("velar")
    both(follow, seconds)
    cdn.asked.clear()
    with database.transaction() as session:
        session.execute(update(ChangelogHead).values(seq=ChangelogHead.seq - 1, nonce=1))
    follow.step()
    assert [one.path for one in cdn.asked] == ["/service/x/purge_all"]


@pytest.mark.parametrize("url", [None, "fastly+https://api.example.com/service/x"])
def test_a_cdn_that_is_purged_may_keep_answers_for_a_day(build, settings, url):
    client = build(replace(settings, purge_url=url)).test_client()
    assert client.get("/v1/articles").headers["CDN-Cache-Control"] == ("max-age=86400" if url else "max-age=2")
