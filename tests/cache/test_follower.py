"""What a follower knows, and which answers that proves."""

from types import SimpleNamespace

import pytest
from sqlalchemy import delete, update

from newsapi.app import _log_of
from newsapi.cache import follower as module
from newsapi.cache.answer import Answer
from newsapi.cache.follower import BOUND, DUE, Follower, News
from newsapi.model import Change, LogHead


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
    return Follower(_log_of(database), clock=time)


def built(follower, *words):
    """An answer as it is built now, of these words."""
    stamp = follower.known()
    return Answer(body=b"{}", seq=stamp.seq, mark=stamp.mark, words=frozenset(words), line=stamp.line)


def proven(follower, answer):
    return follower.judge(answer, follower.known())


def test_an_answer_stays_true_while_none_of_its_words_is_touched(follower, make, time):
    make.article("velar", brand="land-rover")
    own, other = built(follower, "slug:velar"), built(follower, "slug:reborn")
    make.article("reborn", brand="land-rover")
    time.now += DUE
    assert proven(follower, own)
    assert own.true_at == follower.stamp.seq
    assert not proven(follower, other)


def test_what_is_known_is_taken_for_granted_until_it_is_due(follower, make, time, statements):
    answer = built(follower, "slug:velar")
    make.article("velar")
    statements.clear()
    assert proven(follower, answer)
    time.now += DUE - 0.01
    assert proven(follower, answer)
    assert statements == []
    time.now += 0.01
    assert not proven(follower, answer)


def test_reading_an_unchanged_log_costs_one_statement(follower, make, time, statements):
    make.article("velar")
    follower.known()
    time.now += DUE
    statements.clear()
    follower.known()
    assert len(statements) == 1


def test_a_write_of_this_process_is_known_at_once(follower, make):
    answer = built(follower, "slug:velar")
    make.article("velar")
    follower.wrote()
    assert not proven(follower, answer)


def test_after_very_many_changes_all_is_taken_as_touched(follower, make, time, monkeypatch):
    monkeypatch.setattr(module, "MOST", 3)
    untouched = built(follower, "slug:none")
    make.articles(3)
    time.now += DUE
    assert proven(follower, untouched)
    make.articles(5)
    time.now += DUE
    assert not proven(follower, untouched)
    assert proven(follower, built(follower, "slug:none"))


def test_what_is_remembered_is_bounded_and_what_is_forgotten_proves_nothing(follower, make, time, monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED", 20)
    touched, untouched = built(follower, "slug:articolo-0"), built(follower, "slug:none")
    for number in range(30):
        make.article(f"articolo-{number}")
        time.now += DUE
        follower.known()
    assert len(follower.stamp.touched) <= 20
    assert not proven(follower, touched)
    assert not proven(follower, untouched)


def test_a_log_that_was_set_back_is_another_one(follower, make, database, time):
    make.article("velar")
    answer = built(follower, "slug:none")
    with database.transaction() as session:  # the same number, another history
        session.execute(update(Change).values(mark=Change.mark + 1))
        session.execute(update(LogHead).values(mark=LogHead.mark + 1))
    time.now += DUE
    assert not proven(follower, answer)


def test_a_log_that_was_set_back_and_went_on_is_another_one_too(follower, make, database, time):
    make.articles(3)
    answer = built(follower, "slug:none")
    with database.transaction() as session:
        session.execute(delete(Change).where(Change.seq > 1))
        session.execute(update(LogHead).values(seq=1))
    make.articles(5)
    time.now += DUE
    assert not proven(follower, answer)


def test_an_answer_of_another_process_needs_the_mark_of_its_change(follower, make, time):
    make.article("velar")
    mine = built(follower, "slug:none")
    make.article("reborn")
    time.now += DUE
    stamp = follower.known()
    other = Answer(body=b"{}", seq=mine.seq, mark=mine.mark, words=frozenset({"slug:none"}))
    forged = Answer(body=b"{}", seq=mine.seq, mark=mine.mark + 1, words=frozenset({"slug:none"}))
    overtaken = Answer(body=b"{}", seq=mine.seq, mark=mine.mark, words=frozenset({"slug:reborn"}))
    assert follower.adopt(other, stamp)
    assert not follower.adopt(forged, stamp)
    assert not follower.adopt(overtaken, stamp)


def test_a_new_process_can_judge_what_the_one_before_left(database, make, time):
    make.article("velar")
    first = Follower(_log_of(database), clock=time)
    left = built(first, "slug:none")
    touched = built(first, "slug:reborn")
    make.article("reborn")
    second = Follower(_log_of(database), clock=time)
    stamp = second.known()
    assert second.adopt(Answer(body=b"{}", seq=left.seq, mark=left.mark, words=left.words), stamp)
    assert not second.adopt(Answer(body=b"{}", seq=touched.seq, mark=touched.mark, words=touched.words), stamp)


def test_what_is_known_counts_from_the_start_of_its_query(time):
    def slow(_place, _most):
        time.now += 0.7
        return News(1, 1, 1, ())

    follower = Follower(slow, clock=time)
    follower.known()
    assert follower.stamp.until == pytest.approx(1000 + BOUND)


def test_names_told_in_a_change_are_words_too(follower, make, time):
    make.brand("land-rover")
    kept = built(follower, "brand:land-rover")
    shown = SimpleNamespace(kind="brand", subject_id=None, slug="rover", previous_slug="land-rover", more_slugs=None)
    shown.facets_before = shown.facets_after = ()
    assert "brand:land-rover" in set(module.tags.touched(shown))
    make.article("velar", brand="land-rover")
    time.now += DUE
    assert proven(follower, kept)
