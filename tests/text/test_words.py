"""Words: what belongs to one, and the joined form of names of models."""

import pytest

from newsapi.text.folding import fold
from newsapi.text.html import word_count
from newsapi.text.slugs import slugify
from newsapi.text.stemming import shingle_hashes, term_hashes
from newsapi.text.words import casefold_words, joined_spans, lower_words, numbered_spans, word_spans


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("L'auto è qui", ["l", "auto", "è", "qui"]),
        ("auto\xadmobile co\u200bdi\u2060ce", ["automobile", "codice"]),
        ("می\u200cخواهم", ["میخواهم"]),
        ("İstanbul ISTANBUL", ["istanbul", "istanbul"]),
        ("x\u0301y", ["x\u0301y"]),
        ("हिन्दी", ["हिन्दी"]),
        ("\u200b \xad", []),
    ],
)
def test_an_invisible_character_does_not_end_a_word(text, words):
    assert lower_words(text) == [span.word for span in word_spans(text)] == words
    assert casefold_words(text) == words


def test_the_place_of_a_word_is_that_in_the_text():
    text = "Ein İ und auto\xadmobile"
    assert [text[span.start : span.end] for span in word_spans(text)] == ["Ein", "İ", "und", "auto\xadmobile"]


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("La MX-5 e la ID.3", ["mx5", "id3"]),
        ("wi-fi, l'e-tron e la T\u2011Roc", ["wifi", "etron", "troc"]),
        ("1.500 euro", ["1500"]),
        ("fine. Inizio - poi, -x y- z", []),
        ("a-b-c-d-e", []),
        (f"{'a' * 20}-{'b' * 20}", []),
    ],
)
def test_a_word_with_a_hyphen_or_a_full_stop_has_a_joined_form(text, joined):
    assert [span.word for span in joined_spans(text)] == joined


def test_a_short_word_before_a_number_has_a_joined_form():
    found = [
        (word, span.word) for word, span in numbered_spans("La MX 5, la Golf 8 e 12 altre nel 2016; Modello 3; a 1,5")
    ]
    assert found == [("mx", "mx5"), ("golf", "golf8"), ("e", "e12")]


def test_terms_of_a_text_do_not_depend_on_invisible_characters():
    plain, other = "L'automobile di İstanbul", "L'auto\xadmobile\u200b di Istanbul"
    assert term_hashes(plain, "it") == term_hashes(other, "it")
    assert shingle_hashes(plain) == shingle_hashes(other)


def test_words_are_counted_and_names_are_folded_without_invisible_characters():
    assert word_count("auto\xadmobile \u200b e co\u200bdice") == 3
    assert fold("Auto\xadMobil") == "automobil"
    assert slugify("Auto\xadmobil co\u200bdice") == "automobil-codice"


@pytest.mark.parametrize("text", ["a" * 300_000, "a-" * 150_000, "ab 1" * 75_000, "\u0301" * 300_000])
def test_a_long_text_is_read_in_one_pass(text):
    assert len([*joined_spans(text), *numbered_spans(text), *word_spans(text)]) <= len(text)
