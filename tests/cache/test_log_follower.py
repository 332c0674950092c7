"""What a follower knows, and which answers that proves."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from sqlalchemy import delete, update

from newsapi.app import _make_changelog_reader
from newsapi.cache import log_follower as module
from newsapi.cache.cached_response import CachedResponse
from newsapi.cache.log_follower import MAX_STALENESS_SECONDS, POLL_INTERVAL_SECONDS, ChangelogDelta, ChangelogFollower
from newsapi.changelog.records import NewChange
from newsapi.changelog.tables import Change, ChangelogHead
from newsapi.changelog.writer import append_changes
from newsapi.db.types import uuid7


class Time:
    """A clock of seconds that a test moves."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def follower(database, time):
    return ChangelogFollower(_make_changelog_reader(database), clock=time)


def built(follower, *words):
    """An answer as it is built now, of these words."""
    stamp = follower.latest()
    return CachedResponse(
        body=b"{}", seq=stamp.seq, nonce=stamp.nonce, dependencies=frozenset(words), log_epoch=stamp.epoch
    )


def proven(follower, answer):
    return follower.is_valid(answer, follower.latest())


def test_an_answer_stays_true_while_none_of_its_words_is_touched(follower, make, time):
    make.article("velar", brand="land-rover")
    own, other = built(follower, "slug:velar"), built(follower, "slug:reborn")
    make.article("reborn", brand="land-rover")
    time.now += POLL_INTERVAL_SECONDS
    assert proven(follower, own)
    assert own.valid_as_of_seq == follower.snapshot.seq
    assert not proven(follower, other)


def test_what_is_known_is_taken_for_granted_until_it_is_due(follower, make, time, statements):
    answer = built(follower, "slug:velar")
    make.article("velar")
    statements.clear()
    assert proven(follower, answer)
    time.now += POLL_INTERVAL_SECONDS - 0.01
    assert proven(follower, answer)
    assert statements == []
    time.now += 0.01
    assert not proven(follower, answer)


def test_reading_an_unchanged_log_costs_one_statement(follower, make, time, statements):
    make.article("velar")
    follower.latest()
    time.now += POLL_INTERVAL_SECONDS
    statements.clear()
    follower.latest()
    assert len(statements) == 1


def test_a_write_of_this_process_is_known_at_once(follower, make):
    answer = built(follower, "slug:velar")
    make.article("velar")
    follower.after_local_write()
    assert not proven(follower, answer)


def test_after_very_many_changes_all_is_taken_as_touched(follower, make, time, monkeypatch):
    monkeypatch.setattr(module, "MAX_CHANGES_PER_READ", 3)
    untouched = built(follower, "slug:none")
    make.articles(3)
    time.now += POLL_INTERVAL_SECONDS
    assert proven(follower, untouched)
    make.articles(5)
    time.now += POLL_INTERVAL_SECONDS
    assert not proven(follower, untouched)
    assert proven(follower, built(follower, "slug:none"))


def test_what_is_remembered_is_bounded_and_what_is_forgotten_proves_nothing(follower, make, time, monkeypatch):
    monkeypatch.setattr(module, "MAX_REMEMBERED", 20)
    touched, untouched = built(follower, "slug:articolo-0"), built(follower, "slug:none")
    for number in range(30):
        make.article(f"articolo-{number}")
        time.now += POLL_INTERVAL_SECONDS
        follower.latest()
    assert len(follower.snapshot.touched) <= 20
    assert not proven(follower, touched)
    assert not proven(follower, untouched)


def test_changes_of_the_same_few_articles_are_forgotten_too(follower, database, time, monkeypatch):
    monkeypatch.setattr(module, "MAX_REMEMBERED", 20)
    forgotten, answer = (built(follower, f"slug:{slug}") for slug in ("velar", "reborn"))
    change = NewChange(kind="related", action="upsert", reason="updated", subject_id=uuid7(), slug="")
    for _ in range(50):
        with database.transaction() as session:
            append_changes(session, [change], now=datetime.now(UTC))
        time.now += POLL_INTERVAL_SECONDS
        assert proven(follower, answer)
        assert len(follower.snapshot.nonces) <= 20
    assert not proven(follower, forgotten)


def test_a_log_that_was_set_back_is_another_one(follower, make, database, time):
    make.article("velar")
    answer = built(follower, "slug:none")
    with database.transaction() as session:  # the same number, another history
        session.execute(update(Change).values(nonce=Change.nonce + 1))
        session.execute(update(ChangelogHead).values(nonce=ChangelogHead.nonce + 1))
    time.now += POLL_INTERVAL_SECONDS
    assert not proven(follower, answer)


def test_a_log_that_was_set_back_and_went_on_is_another_one_too(follower, make, database, time):
    make.articles(3)
    answer = built(follower, "slug:none")
    with database.transaction() as session:
        session.execute(delete(Change).where(Change.seq > 1))
        session.execute(update(ChangelogHead).values(seq=1))
    make.articles(5)
    time.now += POLL_INTERVAL_SECONDS
    assert not proven(follower, answer)


def test_an_answer_of_another_process_needs_the_mark_of_its_change(follower, make, time):
    make.article("velar")
    mine = built(follower, "slug:none")
    make.article("reborn")
    time.now += POLL_INTERVAL_SECONDS
    stamp = follower.latest()
    other = CachedResponse(body=b"{}", seq=mine.seq, nonce=mine.nonce, dependencies=frozenset({"slug:none"}))
    forged = CachedResponse(body=b"{}", seq=mine.seq, nonce=mine.nonce + 1, dependencies=frozenset({"slug:none"}))
    overtaken = CachedResponse(body=b"{}", seq=mine.seq, nonce=mine.nonce, dependencies=frozenset({"slug:reborn"}))
    assert follower.validate_foreign(other, stamp)
    assert not follower.validate_foreign(forged, stamp)
    assert not follower.validate_foreign(overtaken, stamp)


def test_a_new_process_can_judge_what_the_one_before_left(database, make, time):
    make.article("velar")
    first = ChangelogFollower(_make_changelog_reader(database), clock=time)
    left = built(first, "slug:none")
    touched = built(first, "slug:reborn")
    make.article("reborn")
    second = ChangelogFollower(_make_changelog_reader(database), clock=time)
    stamp = second.latest()
    assert second.validate_foreign(
        CachedResponse(body=b"{}", seq=left.seq, nonce=left.nonce, dependencies=left.dependencies), stamp
    )
    assert not second.validate_foreign(
        CachedResponse(body=b"{}", seq=touched.seq, nonce=touched.nonce, dependencies=touched.dependencies), stamp
    )


def test_what_is_known_counts_from_the_start_of_its_query(time):
    def slow(_place, _most):
        time.now += 0.7
        return ChangelogDelta(1, 1, 1, ())

    follower = ChangelogFollower(slow, clock=time)
    follower.latest()
    assert follower.snapshot.trusted_until == pytest.approx(1000 + MAX_STALENESS_SECONDS)


def test_names_told_in_a_change_are_words_too(follower, make, time):
    make.brand("land-rover")
    kept = built(follower, "brand:land-rover")
    shown = SimpleNamespace(
        kind="brand", subject_id=None, slug="rover", previous_slug="land-rover", additional_slugs=None
    )
    shown.facets_before = shown.facets_after = ()
    assert "brand:land-rover" in set(module.dependencies.dependencies_of_change(shown))
    make.article("velar", brand="land-rover")
    time.now += POLL_INTERVAL_SECONDS
    assert proven(follower, kept)
