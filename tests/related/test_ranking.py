import pytest

from newsapi.related.near_duplicates import NearDuplicateFilter
from newsapi.related.ranking import Candidate, SimilarityScorer, rank_candidates
from newsapi.related.vectors import term_labels
from newsapi.text.stemming import shingle_hashes
from tests.related.texts import described, text


def order(source, *others, most=10):
    """Rank articles after the first one."""
    weights, profiles = described(source, *others)
    whole = {one.id: frozenset(shingle_hashes(one.whole)) for one in (source, *others)}
    copies = NearDuplicateFilter(whole.__getitem__)
    copies.add(source.id, profiles[0])
    candidates = [Candidate(one.id, profile) for one, profile in zip(others, profiles[1:], strict=True)]
    return rank_candidates(profiles[0], candidates, weights, labels=term_labels(source), duplicates=copies, limit=most)


def headlines(source, *others, **options):
    by_id = {one.id: one.headline for one in others}
    return [by_id[one.id] for one in order(source, *others, **options)]


BATTERIES = text("Una fabbrica di batterie nel Regno Unito", body="Il costruttore produrrà accumulatori.")
GIGAFACTORY = text("Batterie, scelta la fabbrica", body="Gli accumulatori nasceranno nel Somerset.")
RESTORATION = text("Il restauro di una Serie I", body="Telaio, vernice e pazienza.")
SNOW = text("Sulla neve con la Discovery", body="Gomme, catene e prudenza.")


def test_what_is_about_the_same_comes_first():
    assert headlines(BATTERIES, RESTORATION, GIGAFACTORY, SNOW)[0] == GIGAFACTORY.headline


def test_a_shared_tag_weighs_more_when_it_is_rare():
    source = text("Titolo", tags=["raro", "comune"])
    rare, common = text("Con il raro", tags=["raro"]), text("Con il comune", tags=["comune"])
    more = [text(f"Altro numero {number}", tags=["comune"]) for number in range(8)]
    weights, profiles = described(source, rare, common, *more)
    gauge = SimilarityScorer(profiles[0], weights)
    assert gauge.similarity(profiles[1]) > gauge.similarity(profiles[2])


def test_of_two_that_are_alike_the_one_of_the_same_week_comes_first():
    source = text("Il raduno di Imola", day=100)
    near, far = text("Imola, la festa", day=103), text("Imola, la parata", day=900)
    assert headlines(source, far, near) == [near.headline, far.headline]


def test_a_story_draws_its_other_articles_up():
    source = text("Sciopero alla fabbrica di Solihull")
    story = [
        text("Solihull, sciopero alla fabbrica: i sindacati", body="Trattativa, turni, salari."),
        text("Sciopero a Solihull, la trattativa sui turni", body="Sindacati e salari."),
    ]
    follow_up = text("I sindacati firmano", body="Trattativa finita, nuovi turni e salari. Fabbrica riaperta.")
    stray = text("Giocattoli di legno", body="Dalla fabbrica bambole, trenini, cavalli a dondolo, trottole.")
    found = headlines(source, stray, follow_up, *story)
    assert found.index(follow_up.headline) < found.index(stray.headline)


def test_no_near_copy_of_the_source_or_of_another_is_listed():
    again = text("La fabbrica di batterie", body=BATTERIES.body + " " + BATTERIES.headline)
    copy = text(BATTERIES.headline.upper(), body="Altro.")
    twin = text(GIGAFACTORY.headline, body="Un'altra agenzia.")
    found = headlines(BATTERIES, copy, GIGAFACTORY, twin, SNOW)
    assert (copy.headline in found, found.count(GIGAFACTORY.headline)) == (False, 1)
    assert again.headline in headlines(SNOW, again, BATTERIES, GIGAFACTORY)


def test_reasons_name_shared_words_tags_and_mentions_as_the_source_has_them():
    source = text("Batterie per la Velar", tags=["Elettrico"], mentions=["Jaguar"], day=5)
    other = text("La batteria nuova", tags=["Elettrico"], mentions=["Jaguar"], day=6)
    (found,) = order(source, other)
    reasons = {reason["kind"]: reason for reason in found.reasons}
    assert {kind: reasons[kind]["terms"] for kind in reasons} == {
        "text": ["Batterie"],
        "tags": ["Elettrico"],
        "mentions": ["Jaguar"],
        "fresh": [],
    }
    assert sum(reason["weight"] for reason in found.reasons) == pytest.approx(1, abs=0.002)
    assert [reason["weight"] for reason in found.reasons] == sorted(
        (reason["weight"] for reason in found.reasons), reverse=True
    )


def test_scores_fall_from_one_to_the_next_and_stay_between_nought_and_one():
    found = [one.score for one in order(BATTERIES, RESTORATION, GIGAFACTORY, SNOW)]
    assert found == sorted(found, reverse=True)
    assert all(0 <= score < 1 for score in found)


def test_nearness_is_the_same_in_both_directions():
    weights, (one, two) = described(BATTERIES, GIGAFACTORY)
    assert SimilarityScorer(one, weights).similarity(two) == pytest.approx(
        SimilarityScorer(two, weights).similarity(one)
    )


def test_nothing_but_what_is_asked_for_is_listed():
    others = [text(f"Batterie, notizia {name}") for name in ("rossa", "verde", "blu", "gialla")]
    assert len(headlines(BATTERIES, *others, most=2)) == 2
    assert headlines(BATTERIES) == []


def test_the_order_of_the_candidates_does_not_matter():
    others = [GIGAFACTORY, RESTORATION, SNOW, text("Batterie, il prezzo"), text("Fabbrica in festa")]
    assert headlines(BATTERIES, *others) == headlines(BATTERIES, *others[::-1])
