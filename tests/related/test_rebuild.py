"""A rebuild of the index while writes and the worker go on: nothing is missed, and nothing is indexed twice."""

import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select, update

from newsapi.changelog import failed_changes
from newsapi.changelog.tables import Change, ChangelogHead, ConsumerOffset
from newsapi.content.tables.articles import Article
from newsapi.related import index, maintenance, rebuild
from newsapi.related import lists as related_lists
from newsapi.related.rebuild import rebuild_index
from newsapi.related.tables import RelatedList, RelatedPosting, RelatedProfile, RelatedTermStatistics
from newsapi.related.worker import RelatedIndexConsumer
from newsapi.worker.consumers import LEASE_DURATION
from tests.support.import_records import archive, article, brand
from tests.support.imports import import_accepted

NEWSAPI = Path(sys.executable).with_name("newsapi")


@pytest.fixture
def relate(worker, database, clock):
    return worker(RelatedIndexConsumer(database, now=clock))


@pytest.fixture
def publish(database, settings, clock):
    return lambda *records: import_accepted(database, settings, records, clock)


@pytest.fixture
def built(monkeypatch):
    """Count how many times each article is indexed."""
    counts = Counter()
    build = index.build_vector

    def count(text, weights):
        counts[text.headline] += 1
        return build(text, weights)

    monkeypatch.setattr(index, "build_vector", count)
    return counts


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(rebuild, "BATCH_SIZE", 8)


def catch_up(relate):
    """Have the worker do all there is, its own changes too."""
    for _ in range(50):
        relate.step()
        if offset(relate._database) == head(relate._database):
            return
    raise AssertionError


def offset(database):
    with database.read_transaction() as connection:
        return connection.execute(select(ConsumerOffset.seq, ConsumerOffset.nonce)).one()


def head(database):
    with database.read_transaction() as connection:
        return connection.execute(select(ChangelogHead.seq, ChangelogHead.nonce)).one()


def content(database):
    """Return what is indexed, without document ids, and the articles that are public with their last change."""
    with database.read_transaction() as connection:
        profiles = connection.execute(
            select(RelatedProfile.article_id, RelatedProfile.pool, RelatedProfile.seq, RelatedProfile.content)
        ).all()
        postings = connection.execute(
            select(RelatedProfile.article_id, RelatedPosting.pool, RelatedPosting.term, RelatedPosting.impact).join(
                RelatedProfile, RelatedProfile.doc_id == RelatedPosting.doc_id
            )
        ).all()
        count = len(connection.execute(select(RelatedPosting.doc_id)).all())
        public = connection.execute(select(Article.id, Article.seq).where(Article.status == "published")).all()
    assert count == len(postings)
    assert sorted((row.article_id, row.seq) for row in profiles) == sorted(map(tuple, public))
    return sorted(map(tuple, profiles)), sorted(map(tuple, postings))


def built_anew(database, relate, clock):
    """Return what is indexed after a rebuild without concurrent writes, with the term statistics of now."""
    with database.transaction() as session:
        statistics = session.execute(select(RelatedTermStatistics)).scalar_one()
        kept = {column.name: getattr(statistics, column.name) for column in RelatedTermStatistics.__table__.columns}
    with pytest.MonkeyPatch.context() as patch:
        weights = rebuild.term_statistics.weights_of_version
        with database.read_transaction() as connection:
            same = rebuild.term_statistics.NewStatistics(weights(connection, kept["version"]), kept["corpus_size"], {})
        patch.setattr(rebuild.term_statistics, "count_terms", lambda _connection: same)
        patch.setattr(rebuild.index, "list_current_ids", lambda *_args, **_options: set())
        rebuild_index(database, now=clock)
    catch_up(relate)
    return content(database)


def test_the_worker_indexes_nothing_again_after_a_rebuild(database, publish, relate, built, clock):
    publish(*archive(30))
    count = rebuild_index(database, now=clock)
    assert offset(database) == head(database)
    assert built.total() == count
    catch_up(relate)
    assert built.total() == count
    publish(article("nuovo", brand="marca-1"))
    catch_up(relate)
    assert built.total() == count + 1


def test_a_running_worker_continues_at_the_snapshot_of_a_rebuild(database, publish, relate, built, clock):
    relate.step()
    publish(*archive(30))
    count = rebuild_index(database, now=clock)
    publish(article("nuovo", brand="marca-1", headline="Nuovo"))
    catch_up(relate)
    assert built.pop("Nuovo")  # prepared again if the worker notices the move of the offset only when it commits
    assert built.total() == count
    content(database)


def test_a_rebuild_does_not_move_the_offset_back(database, publish, relate, clock):
    publish(*archive(20))

    def follow(done, total):
        if done == total:
            publish(article("nuovo", brand="marca-1"))
            catch_up(relate)

    rebuild_index(database, now=clock, progress=follow)
    assert offset(database) == head(database)


@pytest.mark.parametrize("worker_runs", [True, False], ids=["worker", "no worker"])
def test_writes_during_a_rebuild_are_indexed_once(database, publish, relate, built, clock, worker_runs):
    records = [*archive(40)]
    publish(*records)
    catch_up(relate)
    published = [one for one in records if one["type"] == "article" and one["status"] == "published"]
    first, second, *_, before_last, last = published
    built.clear()
    written = []

    def write(done, _total):
        if done != 16:
            return
        written.extend(
            [
                first | {"headline": "Cambiato dopo"},
                last | {"headline": "Cambiato prima"},
                article("nuovo", brand="marca-1", headline="Nuovo"),
            ]
        )
        publish(*written, second | {"status": "withdrawn"}, before_last | {"status": "withdrawn"})
        if worker_runs:
            catch_up(relate)

    rebuild_index(database, now=clock, progress=write)
    catch_up(relate)
    after = content(database)
    assert {built[record["headline"]] for record in written} == {1}
    assert max(built.values()) == 1
    assert after == built_anew(database, relate, clock)


def test_what_the_worker_prepared_before_a_rebuild_replaces_nothing_newer(database, publish, clock):
    publish(*archive(20))
    rebuild_index(database, now=clock)
    publish(article("neve", brand="marca-1", headline="Prima"))
    with database.read_transaction() as connection:
        id_ = connection.execute(select(Article.id).where(Article.slug == "neve")).scalar_one()
        prepared = maintenance.prepare_update(connection, [id_])
    publish(article("neve", brand="marca-1", headline="Dopo"))

    def commit_late(done, total):
        if done == total:
            with database.transaction() as session:
                maintenance.apply_update(session, prepared, now=clock())

    rebuild_index(database, now=clock, progress=commit_late)
    content(database)


def test_a_list_that_was_built_before_a_batch_of_a_rebuild_is_not_stored(database, publish, relate, clock):
    publish(*archive(20))
    catch_up(relate)
    with database.read_transaction() as connection:
        id_ = connection.execute(select(Article.id).where(Article.status == "published").limit(1)).scalar_one()
    built = []

    def build_list(done, total):
        if done < total:
            with database.read_transaction() as connection:
                related_lists.get_related(connection, id_, limit=6, save=lambda made: built.append(made) or False)

    rebuild_index(database, now=clock, progress=build_list)
    assert built
    assert not any(maintenance.save_list(database, made) for made in built)
    with database.read_transaction() as connection:
        assert connection.execute(select(RelatedList.article_id)).all() == []


def test_after_a_restore_the_worker_rebuilds_once_and_continues_at_the_snapshot(
    database, publish, relate, built, clock
):
    publish(*archive(20))
    catch_up(relate)
    count = built.total()
    with database.transaction() as session:
        session.execute(update(Change).values(nonce=Change.nonce + 1))
        session.execute(update(ChangelogHead).values(nonce=ChangelogHead.nonce + 1))
    catch_up(relate)
    assert offset(database) == head(database)
    assert built.total() == 2 * count
    publish(article("nuovo", brand="marca-1"))
    catch_up(relate)
    assert built.total() == 2 * count + 1


def test_an_article_that_a_rebuild_cannot_index_is_set_aside_for_the_worker(
    database, publish, relate, clock, monkeypatch
):
    publish(brand("fiat"), *(article(f"a{number}", brand="fiat") for number in range(5)))
    build = index.build_vector

    def fail(text, weights):
        if text.headline == "Titolo di a3":
            raise ValueError("too odd")
        return build(text, weights)

    failed = []
    with monkeypatch.context() as patch:
        patch.setattr(index, "build_vector", fail)
        assert rebuild_index(database, now=clock, on_failed=lambda *failure: failed.append(failure)) == 4
    assert [error for _, error in failed] == ["ValueError: too odd"]
    with database.read_transaction() as connection:
        assert failed_changes.count_by_consumer(connection) == {"related": 1}
    clock.time += failed_changes.RETRY_SCHEDULE[0] + LEASE_DURATION
    relate.step()
    with database.read_transaction() as connection:
        assert failed_changes.count_by_consumer(connection) == {}
    content(database)


def test_after_a_rebuild_that_was_killed_the_worker_indexes_what_is_missing(
    database, database_url, publish, relate, built, tmp_path, clock
):
    publish(*archive(3_000))
    environ = {**os.environ, "NEWSAPI_DATABASE_URL": database_url}
    process = subprocess.Popen([NEWSAPI, "related", "rebuild"], env=environ, cwd=tmp_path, stdout=subprocess.DEVNULL)
    try:
        while process.poll() is None and not _indexed_count(database):
            time.sleep(0.01)
    finally:
        process.kill()
        assert process.wait() < 0
    assert offset(database).seq == 0
    indexed = _indexed_count(database)
    assert indexed
    catch_up(relate)
    public = len(content(database)[0])
    assert built.total() == public - indexed
    assert max(built.values()) == 1


def _indexed_count(database):
    with database.read_transaction() as connection:
        return len(connection.execute(select(RelatedProfile.article_id)).all())


def test_a_rebuild_after_one_that_was_killed_is_complete(database, publish, relate, clock):
    publish(*archive(30))

    def die(done, _total):
        if done >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild_index(database, now=clock, progress=die)
    assert offset(database).seq == 0
    rebuild_index(database, now=clock)
    catch_up(relate)
    content(database)
