import random

import pytest

from newsapi.related.vectors import (
    MAX_INDEX_TAGS,
    MAX_INDEX_TERMS,
    MAX_TERMS,
    SHARE_SCALE,
    SKETCH_SIZE,
    build_vector,
    vector_from_bytes,
)
from newsapi.text.stemming import term_hashes
from tests.related.texts import counted, described, text

WORDS = [f"parola{number}" for number in range(3_000)]


OTHERS = [text(f"Altro {number}", body=f"parola{number}") for number in range(200)]


def long(seed, words=600):
    chance = random.Random(seed)
    return text(
        f"Titolo {seed}",
        standfirst="Un sommario di prova",
        body=" ".join(chance.choices(WORDS, k=words)),
        tags=[f"tema {number}" for number in range(9)],
        mentions=["Tesla", "Audi"],
        day=17_000,
    )


def test_what_is_packed_is_unpacked():
    texts = [long(1), text("Solo un titolo"), text("?"), text("", body="corpo")]
    for profile in described(*texts)[1]:
        assert vector_from_bytes(profile.to_bytes()) == profile


def test_a_profile_is_small_whatever_the_length_of_the_text():
    _, (profile,) = described(long(2, words=20_000))
    assert (len(profile.terms), len(profile.sketch)) == (MAX_TERMS, SKETCH_SIZE)
    assert len(profile.index_keys()) <= MAX_INDEX_TERMS + MAX_INDEX_TAGS
    assert len(profile.to_bytes()) < 1_100


def test_the_headline_counts_more_than_the_standfirst_and_that_more_than_the_body():
    _, (profile, *_) = described(text("Batterie", standfirst="Somerset", body="Fabbrica"), *OTHERS)
    share = dict(zip(profile.terms, profile.shares, strict=True))
    headline, standfirst, body = (share[term_hashes(word, "it")[0]] for word in ("batterie", "Somerset", "fabbrica"))
    assert headline > standfirst > body > 0


def test_terms_of_the_lead_come_first():
    _, (profile,) = described(text("Batterie", standfirst="Somerset", body="Una fabbrica con operai"))
    assert {*profile.terms[: profile.lead]} == {*term_hashes("batterie somerset", "it")}


def test_rare_terms_are_the_ones_it_is_found_by():
    texts = [text(f"comune {word}", body=" ".join(WORDS[:40])) for word in ("pistone", "valvola", "albero")]
    weights = counted(*texts, *OTHERS)
    keys = [term for term, _ in build_vector(texts[0], weights).index_keys()]
    assert term_hashes("pistone", "it")[0] in keys[:2]
    assert len(keys) == MAX_INDEX_TERMS


def test_tags_and_mentions_are_found_by_too():
    _, (with_marks, without) = described(text("Uno", tags=["suv"], mentions=["Tesla"]), text("Uno"))
    assert len(with_marks.index_keys()) == len(without.index_keys()) + 2


def test_shares_fit_a_byte_and_make_up_the_whole():
    weights, (profile, *_) = described(long(3, words=80), *OTHERS)
    parts = [share / SHARE_SCALE for share in profile.shares]
    assert sum(
        part * part * weights.weight(term) for part, term in zip(parts, profile.terms, strict=True)
    ) == pytest.approx(1, abs=0.05)
    assert max(build_vector(text("Batterie"), weights).shares) <= 255


def test_a_term_that_was_never_counted_is_as_rare_as_any():
    weights = counted(*OTHERS)
    assert weights.weight(12345) == weights.weight(54321) == weights.weight(term_hashes("parola7", "it")[0])
    assert weights.weight(term_hashes("altro", "it")[0]) < weights.weight(12345)
