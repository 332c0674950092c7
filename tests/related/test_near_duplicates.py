import random

import pytest

from newsapi.related.near_duplicates import NearDuplicateFilter
from newsapi.text.stemming import shingle_hashes
from tests.related.texts import described, text

WORDS = [f"parola{number}" for number in range(5_000)]


def body(seed, words):
    return " ".join(random.Random(seed).choices(WORDS, k=words))


def pairs_of(*texts):
    whole = {one.id: frozenset(shingle_hashes(one.whole)) for one in texts}
    return whole.__getitem__


def taken(*texts):
    """Which of these come on one list, in this order."""
    copies = NearDuplicateFilter(pairs_of(*texts))
    profiles = described(*texts)[1]
    return [one.headline for one, profile in zip(texts, profiles, strict=True) if copies.add(one.id, profile)]


def test_the_same_headline_but_for_case_and_punctuation_is_a_copy():
    texts = [text("Velar, il SUV-coupé", body=body(1, 90)), text("VELAR: il suv coupé!", body=body(2, 90))]
    assert taken(*texts) == ["Velar, il SUV-coupé"]


def test_headlines_without_a_word_are_no_copies_of_one_another():
    assert taken(text("?!", body=body(1, 90)), text("...", body=body(2, 90))) == ["?!", "..."]


@pytest.mark.parametrize("words", [20, 60, 400])
def test_an_agency_report_comes_once(words):
    report = body(3, words)
    texts = [text("Uno", body=report), text("Due", body=report + " aggiunta"), text("Tre", body=body(4, words))]
    assert taken(*texts) == ["Uno", "Tre"]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("words", [30, 300])
def test_half_of_the_pairs_is_the_line_whatever_the_length(seed, words):
    chance = random.Random(seed)
    shared = chance.randint(words // 2, words)
    start = body(seed, shared)
    one = text("Uno", body=f"{start} {body(seed + 100, words - shared)}")
    two = text("Due", body=f"{start} {body(seed + 200, words - shared)}")
    first, second = ({*shingle_hashes(each.whole)} for each in (one, two))
    is_copy = len(first & second) >= 0.5 * len(first | second)
    assert taken(one, two) == (["Uno"] if is_copy else ["Uno", "Due"])


def test_texts_are_read_only_where_sketches_leave_it_open():
    def unread(_id):
        raise AssertionError

    texts = [text(f"Titolo {seed}", body=body(seed, 300)) for seed in range(20)]
    copies = NearDuplicateFilter(unread)
    assert all(copies.add(one.id, profile) for one, profile in zip(texts, described(*texts)[1], strict=True))
