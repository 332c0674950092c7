import pytest

from newsapi.text.stemming import hash_name, hash_parts, shingle_hashes, term_hashes, words_by_hash
from newsapi.text.words import lower_words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("auto", "dell'auto"),
        ("auto", "dell\N{RIGHT SINGLE QUOTATION MARK}auto"),
        ("Audi", "l'AUDI"),
        ("città", "citta"),
        ("elettrica", "elettriche"),
        ("batteria", "BATTERIE"),
        ("perché no", "PERCHÉ NO"),
    ],
)
def test_accents_case_elision_and_inflection_do_not_matter(one, other):
    assert term_hashes(one, "it") == term_hashes(other, "it")


def test_words_that_mean_nothing_are_no_terms():
    assert term_hashes("Il motore è nella vettura, ma non c'è più.", "it") == term_hashes("motore vettura", "it")
    assert term_hashes("What is the engine of it?", "en-GB") == term_hashes("engine", "en")


def test_letters_left_by_an_elision_are_no_terms_and_figures_are():
    assert term_hashes("x y 5", "it") == term_hashes("5", "it") != []


def test_the_language_picks_the_stemmer():
    assert term_hashes("running", "en") == term_hashes("runs", "en")
    assert term_hashes("running", "it") != term_hashes("runs", "it")
    assert term_hashes("auto", "it") != term_hashes("auto", "de")


@pytest.mark.parametrize("language", ["ja", "zh-Hant", "tlh", "x"])
def test_a_language_without_a_stemmer_has_its_words_folded(language):
    assert term_hashes("Motor", language) == term_hashes("MOTOR", language) != []


def test_every_word_counts_in_its_order():
    assert term_hashes("ruota motore ruota", "it") == [
        *term_hashes("ruota", "it"),
        *term_hashes("motore", "it"),
        *term_hashes("ruota", "it"),
    ]


def test_a_term_stands_for_the_word_as_it_was_first_written():
    assert [*words_by_hash("Le Batterie e la batteria", "it").values()] == ["Batterie"]


def test_numbers_fit_an_integer_of_a_database():
    for name in map(str, range(2_000)):
        assert -(2**31) <= hash_name(name) < 2**31


def test_pairs_are_of_neighbours_whatever_the_case():
    assert shingle_hashes("Uno due tre") == shingle_hashes("uno, DUE; tre!")
    assert len(shingle_hashes("uno due tre uno due")) == 3
    assert shingle_hashes("uno") == shingle_hashes("") == []


def test_the_longest_word_costs_no_more():
    assert len(term_hashes("a" * 50_000, "it")) == 1


@pytest.mark.parametrize("parts", [("", "Die Straße, İZMİR", "Il motore e il MOTORE: più 5"), ("uno",), ("", ""), ()])
def test_parts_are_hashed_like_texts(parts):
    hashes, pairs = hash_parts([lower_words(part) for part in parts], "it-IT")
    assert hashes == [term_hashes(part, "it") for part in parts]
    assert pairs == shingle_hashes(" ".join(parts))
