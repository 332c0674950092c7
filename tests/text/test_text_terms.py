import pytest

from newsapi.text.terms import number_of, pairs, terms, words


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
    assert terms(one, "it") == terms(other, "it")


def test_words_that_mean_nothing_are_no_terms():
    assert terms("Il motore è nella vettura, ma non c'è più.", "it") == terms("motore vettura", "it")
    assert terms("What is the engine of it?", "en-GB") == terms("engine", "en")


def test_letters_left_by_an_elision_are_no_terms_and_figures_are():
    assert terms("x y 5", "it") == terms("5", "it") != []


def test_the_language_picks_the_stemmer():
    assert terms("running", "en") == terms("runs", "en")
    assert terms("running", "it") != terms("runs", "it")
    assert terms("auto", "it") != terms("auto", "de")


@pytest.mark.parametrize("language", ["ja", "zh-Hant", "tlh", "x"])
def test_a_language_without_a_stemmer_has_its_words_folded(language):
    assert terms("Motor", language) == terms("MOTOR", language) != []


def test_every_word_counts_in_its_order():
    assert terms("ruota motore ruota", "it") == [*terms("ruota", "it"), *terms("motore", "it"), *terms("ruota", "it")]


def test_a_term_stands_for_the_word_as_it_was_first_written():
    assert [*words("Le Batterie e la batteria", "it").values()] == ["Batterie"]


def test_numbers_fit_an_integer_of_a_database():
    for name in map(str, range(2_000)):
        assert -(2**31) <= number_of(name) < 2**31


def test_pairs_are_of_neighbours_whatever_the_case():
    assert pairs("Uno due tre") == pairs("uno, DUE; tre!")
    assert len(pairs("uno due tre uno due")) == 3
    assert pairs("uno") == pairs("") == []


def test_the_longest_word_costs_no_more():
    assert len(terms("a" * 50_000, "it")) == 1
